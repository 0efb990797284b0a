"""Who says what: tags, pronouns, alternation, narrators, groups, lists of people; nothing of the text is lost."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from story.attribution.book import attributed_anew, chapter_text, novel_of
from story.importing.manuscript import Block, Manuscript, ManuscriptChapter
from story.novel import Character, Novel, Segment

ENGLISH = """The rain had stopped. Mr. Harding looked at his daughter.

“We shall be late,” said Mr. Harding. “Where is Eleanor Bold?”

“She is upstairs,” Susan answered.

“Then call her.”

“I have called her twice, papa.”

The old man sighed. Eleanor came in at last, and she laughed.

“Here I am,” she said. “Good morning, Susan.”

“Good morning.”

“Are we all ready?” cried several voices from the hall.
"""

CHINESE = """老王推开门，见小李坐在灯下。

“你还没睡？”老王问。

小李抬头笑道：“等你呢。”老王道：“何必等我。”

“外面冷么？”小李说，“我听见风了。”

“不冷。”
"""


def manuscript(text: str, language: str = "en") -> Manuscript:
    blocks, at = [], 0
    for part in text.split("\n\n"):
        blocks.append(Block("narration", part.rstrip("\n"), at))
        at += len(part) + 2
    return Manuscript("T", "", language, "Latn", [ManuscriptChapter("", 1, text, blocks, 0)])


def said(novel: Novel) -> list[tuple[str, str]]:
    return [
        (s.content, novel.character(s.speaker).name)
        for c in novel.chapters
        for s in c.segments
        if s.type == "dialogue"
    ]


def test_english_lines_have_their_speakers() -> None:
    novel = novel_of(manuscript(ENGLISH))
    assert said(novel) == [
        ("We shall be late,", "Mr. Harding"),
        ("Where is Eleanor Bold?", "Mr. Harding"),
        ("She is upstairs,", "Susan"),
        ("Then call her.", "Mr. Harding"),
        ("I have called her twice, papa.", "Susan"),
        ("Here I am,", "Eleanor Bold"),
        ("Good morning, Susan.", "Eleanor Bold"),
        ("Good morning.", "Susan"),
        ("Are we all ready?", "Several voices"),
    ]
    assert novel.characters[0].role == "narrator"
    assert {c.name: c.gender for c in novel.characters}["Eleanor Bold"] == "female"
    assert next(c for c in novel.characters if c.name == "Several voices").role == "crowd"


def test_chinese_lines_have_their_speakers() -> None:
    assert said(novel_of(manuscript(CHINESE, "zh-Hans"))) == [
        ("你还没睡？", "老王"),
        ("等你呢。", "小李"),
        ("何必等我。", "老王"),
        ("外面冷么？", "小李"),
        ("我听见风了。", "小李"),
        ("不冷。", "老王"),
    ]


def test_traditional_text_is_read_alike_and_names_stay_as_written() -> None:
    text = "陳先生推開門。\n\n「你還沒睡？」陳先生問。\n\n張小姐笑道：「等你呢。」陳先生道：「何必等我。」張小姐說：「好罷。」\n"
    assert [name for _, name in said(novel_of(manuscript(text, "zh-Hant")))] == [
        "陳先生",
        "張小姐",
        "陳先生",
        "張小姐",
    ]


def test_every_line_says_how_sure_it_is_and_why() -> None:
    for segment in novel_of(manuscript(ENGLISH)).chapters[0].segments:
        if segment.type == "dialogue":
            assert segment.speaker_rule
            assert 0 < (segment.speaker_confidence or 0) <= 1
    first = next(s for s in novel_of(manuscript(ENGLISH)).chapters[0].segments if s.type == "dialogue")
    assert first.speaker_rule == "tag name"
    assert (first.speaker_confidence or 0) >= 0.9


def test_the_one_who_says_i_is_the_narrator_and_named_by_others() -> None:
    text = "\n\n".join(
        [
            "I had come down early. I saw that the fire was out, and I lit it. I was cold.",
            "“Pip, is that you?” said Joe.",
            "“It is,” said I.",
            "“Come here, Pip,” said Joe. I went to him. I sat down.",
            "“What is it?” I asked.",
            "“Nothing, Pip.” I got up again, and I left him. I knew that I had hurt him.",
        ]
    )
    novel = novel_of(manuscript(text))
    assert [name for _, name in said(novel)] == ["Joe", "Pip", "Joe", "Pip", "Joe"]
    assert novel.character(novel.chapters[0].segments[0].speaker).name == "Pip"


COUPLE = """“My dear Mr. Trent,” said his lady one morning, “have you heard the news?”

Mr. Trent replied that he had not.

“But it is true,” returned she. “Mrs. Long told me.”

“Then tell me,” said Mr. Trent.

Lucy came in, and Mrs. Trent kissed her.

“Good morning, Miss Lucy Trent,” said Mr. Trent.

“Mamma is early, papa,” said Lucy.

“So I am,” said her mother.

“So she is,” said her father.

“We go to Mrs. Long,” said Mrs. Trent. “Mr. Trent, will you come?”
"""


def test_a_wife_is_the_one_with_her_husbands_name() -> None:
    speakers = [who for _, who in said(novel_of(manuscript(COUPLE)))]
    wife, husband = "Mrs. Trent", "Mr. Trent"
    assert speakers == [
        wife,
        wife,
        wife,
        wife,
        husband,
        husband,
        "Miss Lucy Trent",
        wife,
        husband,
        wife,
        wife,
    ]


FAMILY = """小栓坐在桌边。华大妈走进来，叫小栓吃饭。

他的母亲端过碗，轻轻说：“吃罢。”

“吃完就睡。”华大妈说。

小栓说：“好的。”
"""


def test_a_mother_in_chinese_is_the_woman_at_hand() -> None:
    assert [who for _, who in said(novel_of(manuscript(FAMILY, "zh-Hans")))] == ["华大妈", "华大妈", "小栓"]


def test_a_doubled_adverb_is_nobody() -> None:
    text = "".join(
        f"单四嫂子走来，单四嫂子局局促促的说：“话{n}。”\n\n远远的说：“回{n}。”\n\n" for n in range(4)
    )
    novel = novel_of(manuscript(text, "zh-Hans"))
    assert {c.name for c in novel.characters} == {"旁白", "单四嫂子"}


def test_a_list_of_people_wins() -> None:
    people = [
        Character(id="h", name="Septimus Harding", aliases=["Mr. Harding"], gender="male"),
        Character(id="s", name="Susan", gender="female"),
        Character(
            id="e", name="Mrs. Bold", aliases=["Eleanor", "Eleanor Bold"], gender="female", voice_id="x"
        ),
    ]
    novel = novel_of(manuscript(ENGLISH), people)
    assert {c.id for c in novel.characters} == {"h", "s", "e", "narrator"}
    assert novel.character("e").voice_id == "x"
    assert [s.speaker for s in novel.chapters[0].segments if s.type == "dialogue"][:6] == [
        "h",
        "h",
        "s",
        "h",
        "s",
        "e",
    ]


def test_people_merged_by_alias_are_one_without_the_book() -> None:
    novel = novel_of(manuscript(ENGLISH))
    merged = [c.model_copy() for c in novel.characters if c.name not in ("Susan", "Eleanor Bold")]
    merged.append(Character(id="sisters", name="Susan", aliases=["Eleanor", "Eleanor Bold"]))
    anew = attributed_anew(novel, merged)
    assert chapter_text(anew.chapters[0]) == ENGLISH
    assert [s.id for s in anew.chapters[0].segments] == [s.id for s in novel.chapters[0].segments]
    speakers = [
        s.speaker for s in anew.chapters[0].segments if s.content in ("She is upstairs,", "Here I am,")
    ]
    assert speakers == ["sisters", "sisters"]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.lists(
            st.sampled_from(
                [
                    "“Yes,” ",
                    "said Ann. ",
                    "“No!”",
                    " He sat. ",
                    "'tis ",
                    "“",
                    "”",
                    "Mr. Bold ",
                    '"So" ',
                    "she asked, ",
                    "I ",
                    "— ",
                    "(",
                    ")",
                ]
            ),
            max_size=8,
        ).map("".join),
        max_size=8,
    )
)
def test_separators_and_contents_are_the_text_again(parts: list[str]) -> None:
    text = "\n\n".join(p.strip() for p in parts)
    chapter = novel_of(manuscript(text)).chapters[0]
    assert chapter_text(chapter) == text


@pytest.mark.parametrize("language", ["en", "zh-Hans"])
def test_a_text_without_speech_is_all_the_narrators(language: str) -> None:
    novel = novel_of(manuscript("It rained.\n\n下雨了。", language))
    assert [c.role for c in novel.characters] == ["narrator"]
    assert {s.speaker for s in novel.chapters[0].segments} == {novel.characters[0].id}


def test_a_segment_that_shares_its_memory_is_like_any_other() -> None:
    first, second = novel_of(manuscript(ENGLISH)).chapters[0].segments[:2]
    before = second.model_dump()
    first.style = "whisper"
    copied = first.model_copy(update={"emotion": "angry"})
    assert second.model_dump() == before
    assert copied.emotion == "angry"
    assert first.emotion == "neutral"
    assert pickle.loads(pickle.dumps(first)) == first
    assert Segment.model_validate_json(first.model_dump_json()) == first
