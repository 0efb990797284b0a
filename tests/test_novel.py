"""Loading a novel: every form that is accepted, and that whatever is wrong is told in one line a person can act on."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from story.errors import InputError, NovelError
from story.foreign import to_novel_shape
from story.importing.book import import_book
from story.loading import MAX_SEGMENT_CHARS, load_novel, parse_novel, select_chapters
from story.novel import Novel

EXAMPLES = Path(__file__).parents[1] / "examples"


def good() -> dict[str, Any]:
    return {
        "format": "soundbound.novel/1",
        "title": "The Test",
        "language": "en",
        "characters": [
            {"id": "narrator", "name": "Narrator", "role": "narrator"},
            {"id": "alice", "name": "Alice Liddell", "aliases": ["Alice", "the girl"], "gender": "female"},
            {"id": "hare", "name": "March Hare", "aliases": ["the hare", "Mad one"]},
            {"id": "hatter", "name": "Hatter", "aliases": ["Mad one"]},
        ],
        "chapters": [
            {
                "id": "ch07",
                "number": 7,
                "title": "A Mad Tea-Party",
                "segments": [
                    {"id": "a", "type": "narration", "speaker": "narrator", "content": "There was a table."},
                    {"id": "b", "type": "dialogue", "speaker": "alice", "content": "There's plenty of room!"},
                    {
                        "id": "c",
                        "type": "dialogue",
                        "speaker": "Hatter",
                        "content": "No room!",
                        "emotion": "angry",
                    },
                ],
            },
            {
                "id": "ch08",
                "number": 8,
                "segments": [{"speaker": "narrator", "content": "A large rose-tree."}],
            },
        ],
    }


def problem(data: Any) -> str:
    with pytest.raises(NovelError) as caught:
        parse_novel(data, "tea.json")
    text = str(caught.value)
    assert "\n" not in text
    assert text.startswith("tea.json")
    assert " → " in text, "no remedy"
    assert "pydantic" not in text
    assert "Traceback" not in text
    assert caught.value.exit_status == 2
    return text


def segment(data: dict[str, Any], index: int = 1) -> dict[str, Any]:
    return data["chapters"][0]["segments"][index]


MALFORMED = {
    "unknown speaker": (
        lambda d: segment(d).update(speaker="Alicia"),
        ["chapter 7", "segment b", "“Alicia”", "Alice"],
    ),
    "speaker like nobody": (lambda d: segment(d).update(speaker="Zorro"), ["segment b", "Hatter", "add it"]),
    "ambiguous alias": (
        lambda d: segment(d).update(speaker="Mad one"),
        ["March Hare", "Hatter", "hare or hatter"],
    ),
    "empty speaker": (lambda d: segment(d).update(speaker="  "), ["segment b", "speaker", "is empty"]),
    "no speaker": (lambda d: segment(d).pop("speaker"), ["segment b", "field speaker", "is missing"]),
    "speaker is a list": (
        lambda d: segment(d).update(speaker=["alice"]),
        ["segment b", "speaker", "not a list"],
    ),
    "empty content": (lambda d: segment(d).update(content=""), ["segment b", "content", "is empty"]),
    "white content": (lambda d: segment(d).update(content=" \u3000\u200b\n"), ["segment b", "is empty"]),
    "no content": (lambda d: segment(d).pop("content"), ["segment b", "field content", "is missing"]),
    "misspelt content": (
        lambda d: segment(d).update(contnet=segment(d).pop("content")),
        ["“contnet”", "to content"],
    ),
    "null content": (lambda d: segment(d).update(content=None), ["segment b", "content", "is missing"]),
    "content is a number": (
        lambda d: segment(d).update(content=5),
        ["segment b", "must be text", "the number 5"],
    ),
    "content is a list": (
        lambda d: segment(d).update(content=["x"]),
        ["segment b", "must be text", "a list"],
    ),
    "huge segment": (lambda d: segment(d).update(content="x " * 10_001), ["segment b", "20,002", "split"]),
    "duplicate segment ids": (lambda d: segment(d).update(id="a"), ["chapter 7", "“a”", "segment 1"]),
    "duplicate chapter ids": (lambda d: d["chapters"][1].update(id="ch07"), ["“ch07”", "chapter 1"]),
    "duplicate chapter numbers": (
        lambda d: d["chapters"][1].update(number=7),
        ["number", "“7”", "chapter 1"],
    ),
    "duplicate characters": (lambda d: d["characters"][2].update(id="alice"), ["character", "“alice”"]),
    "segments is an object": (
        lambda d: d["chapters"][0].update(segments={}),
        ["chapter 7", "segments", "a list"],
    ),
    "no segments": (lambda d: d["chapters"][0].pop("segments"), ["chapter 7", "has no segments"]),
    "empty segments": (lambda d: d["chapters"][0].update(segments=[]), ["chapter 7", "segments", "empty"]),
    "segment is text": (
        lambda d: d["chapters"][0]["segments"].append("hello"),
        ["segment 4", "object", "“hello”"],
    ),
    "chapter is text": (lambda d: d["chapters"].append("hello"), ["chapter 3", "must be an object"]),
    "no chapters": (lambda d: d.pop("chapters"), ["has no chapters"]),
    "misspelt chapters": (lambda d: d.update(chapter=d.pop("chapters")), ["“chapter”", "to chapters"]),
    "empty chapters": (lambda d: d.update(chapters=[]), ["chapters", "empty"]),
    "chapters is text": (lambda d: d.update(chapters="x"), ["chapters", "must be a list", "“x”"]),
    "characters is a number": (lambda d: d.update(characters=3), ["characters", "must be a list", "3"]),
    "character is a number": (lambda d: d["characters"].append(3), ["character 5", "must be an object"]),
    "character without name": (lambda d: d["characters"].append({}), ["character 5", "is missing"]),
    "unknown gender": (
        lambda d: d["characters"][1].update(gender="femal"),
        ["character alice", "did you mean female"],
    ),
    "unknown type": (
        lambda d: segment(d).update(type="dialog"),
        ["segment b", "“dialog”", "did you mean dialogue"],
    ),
    "intensity too high": (
        lambda d: segment(d).update(emotion_intensity=80),
        ["segment b", "80", "from 0 to 1"],
    ),
    "intensity negative": (lambda d: segment(d).update(emotion_intensity=-0.1), ["-0.1", "from 0 to 1"]),
    "intensity is text": (
        lambda d: segment(d).update(emotion_intensity="much"),
        ["emotion_intensity", "“much”"],
    ),
    "intensity is NaN": (
        lambda d: segment(d).update(emotion_intensity=float("nan")),
        ["segment b", "not finite"],
    ),
    "number is text": (
        lambda d: d["chapters"][0].update(number="seven"),
        ["number", "whole number", "“seven”"],
    ),
    "number is negative": (lambda d: d["chapters"][0].update(number=-7), ["number", "-7", "0 or more"]),
    "other version": (
        lambda d: d.update(format="soundbound.novel/9"),
        ["format", "novel/9", "soundbound.novel/1"],
    ),
    "no language tag": (lambda d: d.update(language="Klingon!"), ["language", "“Klingon!”", '"en"']),
    "title is a list": (lambda d: d.update(title=["x"]), ["title", "must be text"]),
    "lone surrogate": (lambda d: segment(d).update(content="a \ud83d b"), ["segment b", "half a character"]),
    "control character": (lambda d: segment(d).update(content="bell \x07"), ["segment b", "\\u0007", "bell"]),
    "control character in a name": (
        lambda d: d["characters"][1].update(name="A\x00"),
        ["character alice", "\\u0000"],
    ),
    "nothing spoken": (
        lambda d: d["chapters"][1].update(segments=[{"type": "break", "speaker": "narrator"}]),
        ["chapter 8", "nothing is spoken"],
    ),
    "only dots": (
        lambda d: d["chapters"][1].update(segments=[{"content": "……", "speaker": "narrator"}]),
        ["chapter 8", "nothing is spoken"],
    ),
    "id that is no folder": (lambda d: d["chapters"][0].update(id="../../etc"), ["“../../etc”", "folder"]),
    "bytes": (lambda d: d.update(title=b"x"), ["title", "bytes"]),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_novel_is_told_in_one_line_with_place_and_remedy(name: str) -> None:
    change, expected = MALFORMED[name]
    data = good()
    change(data)
    text = problem(data)
    for part in expected:
        assert part in text


@pytest.mark.parametrize(
    "data", [None, 5, "text", True, {}, [], [1], [[]], [{"text": "x"}], {"synthesis_plan": {}}]
)
def test_trees_of_another_kind_are_refused(data: Any) -> None:
    problem(data)


def test_the_first_problems_are_named_and_the_rest_counted() -> None:
    data = good()
    data["chapters"][0]["segments"] += [{"speaker": "alice"} for _ in range(9)]
    text = problem(data)
    assert "segment ch07-0004" in text or "segment 4" in text
    assert "6 more" in text
    assert len(text) < 400


def test_deep_nesting_is_refused_and_not_followed() -> None:
    bomb: Any = "x"
    for _ in range(5000):
        bomb = [bomb]
    data = good()
    data["extra"] = bomb
    assert "nested" in problem(data)


FILES = {
    "empty": (b"", ["empty"]),
    "blank": (b" \n\t ", ["empty"]),
    "cut off": (b'{"chapters": [', ["line 1", "ends too early"]),
    "trailing comma": (b'{"a": 1,\n "b": [1, 2,]\n}', ["line 2, column 13", "delete the comma", "[1, 2,]"]),
    "missing comma": (b'{"a": 1\n "b": 2}', ["line 2, column 2", "is missing"]),
    "single quotes": (b"{'a': 1}", ["line 1, column 2", 'needs "']),
    "comment": (b'{\n// hm\n"a": 1}', ["line 2", "comment"]),
    "curly quotes": ("{“a”: 1}".encode(), ["line 1", "typographic"]),
    "full-width comma": ('{"a": 1， "b": 2}'.encode(), ["full-width comma"]),
    "line break in text": (b'{"a": "x\ny"}', ["line 1", "\\n"]),
    "open text": (b'{"a": "x', ["column 7", "never ends"]),
    "bad escape": (b'{"a": "C:\\new\\path"}', ["backslash"]),
    "two values": (b"{}\n{}", ["line 2", "more follows"]),
    "duplicate key": (b'{"title": "a", "title": "b"}', ["“title”", "twice"]),
    "NaN": (b'{"a": NaN}', ["NaN"]),
    "Infinity": (b'{"a": -Infinity}', ["-Infinity"]),
    "endless number": (b'{"a": 1e999}', ["1e999", "too large"]),
    "very long integer": (b'{"a": ' + b"9" * 5000 + b"}", ["too many digits"]),
    "nesting bomb": (b"[" * 100_000, ["nested"]),
    "nesting bomb, closed": (b"[" * 200 + b"]" * 200, ["nested"]),
    "escaped half character": (
        b'[{"speaker": "A", "text": "\\ud800"}]',
        ["line 1 of the list", "half a character"],
    ),
    "GB18030": (
        '{"title": "狂人日记", "text": "今天晚上，很好的月光。"}'.encode("gb18030"),
        ["GB18030", "iconv -f GB18030"],
    ),
    "Big5": (
        '{"title": "孔乙己", "text": "我從十二歲起，便在鎮口的酒店當伙計，他們說我不會寫字"}'.encode("big5"),
        ["BIG5"],
    ),
    "Latin-1": ('{"title": "Les Misérables", "t": "à côté"}'.encode("latin-1"), ["ISO-8859-1", "line 1"]),
    "Windows-1252": ("{\n“title”: “x”}".encode("cp1252"), ["WINDOWS-1252", "line 2"]),
    "UTF-16 without BOM": ('{"title": "café"}'.encode("utf-16-be"), ["UTF-16BE"]),
    "an EPUB": (b"PK\x03\x04\xff\xfe" + bytes(range(256)), ["EPUB", "soundbound import"]),
    "random bytes": (bytes(range(256)) * 4, ["no text"]),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_not_good_json_is_told_with_its_place(name: str, tmp_path: Path) -> None:
    raw, expected = FILES[name]
    path = tmp_path / "book.json"
    path.write_bytes(raw)
    with pytest.raises(NovelError) as caught:
        load_novel(path)
    text = str(caught.value)
    assert text.startswith(str(path))
    assert "\n" not in text
    assert " → " in text
    for part in expected:
        assert part in text


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_utf_8_and_texts_with_a_byte_order_mark_are_read(encoding: str, tmp_path: Path) -> None:
    path = tmp_path / "book.json"
    path.write_bytes(
        json.dumps([{"speaker": "旁白", "text": "今夜月光很好。"}], ensure_ascii=False).encode(encoding)
    )
    novel = load_novel(path)
    assert novel.chapters[0].segments[0].content == "今夜月光很好。"
    assert novel.title == "book"


def test_a_missing_file_names_the_nearest_ones(tmp_path: Path) -> None:
    (tmp_path / "treasure.json").write_text("{}")
    with pytest.raises(NovelError, match=r"no such file.*treasure\.json"):
        load_novel(tmp_path / "tresure.json")
    with pytest.raises(NovelError, match="no folder"):
        load_novel(tmp_path / "nowhere" / "x.json")


def test_a_missing_book_is_not_taken_for_an_unrelated_file(tmp_path: Path) -> None:
    for name in ("requests.json", "timeline.json", "picture.png"):
        (tmp_path / name).write_text("{}")
    with pytest.raises(InputError) as told:
        import_book(tmp_path / "nothere.epub")
    assert told.value.remedy == "check the path of the book file"
    (tmp_path / "Emma.epub").touch()
    (tmp_path / "hound.txt").touch()
    for asked, remedy in (
        ("nothere.epub", "that folder has Emma.epub"),  # another name, the same kind
        ("ema.epub", "did you mean Emma.epub?"),
        ("hound.epub", "did you mean hound.txt?"),
        ("nothere", "that folder has Emma.epub, hound.txt"),
    ):
        with pytest.raises(InputError) as told:
            import_book(tmp_path / asked)
        assert told.value.remedy == remedy


def test_a_folder_an_unreadable_file_and_an_impossible_name_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "inside.json").write_text("{}")
    with pytest.raises(NovelError, match=r"folder.*inside\.json"):
        load_novel(tmp_path)
    with pytest.raises(NovelError, match="can't be read"):
        load_novel(Path("x" * 5000))
    with pytest.raises(NovelError, match="no file name"):
        load_novel(Path("a\0b"))
    with pytest.raises(NovelError, match="not a regular file"):
        load_novel(Path("/dev/null"))

    def refuse(*_: Any, **__: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(NovelError, match=r"may not be read.*chmod"):
        load_novel(tmp_path / "inside.json")


def test_a_file_over_the_stated_limit_is_refused_before_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "huge.json"
    with path.open("wb") as file:
        file.truncate(200 * 2**20)  # sparse: no disk is used

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("it was opened")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(NovelError, match=r"200 MiB is over the limit of 50 MiB.*split"):
        load_novel(path)
    with pytest.raises(NovelError, match="limit of 1 KiB"):
        load_novel(path, max_bytes=1024)


def test_our_own_form_is_read_with_defaults_and_left_unchanged() -> None:
    data = good()
    before = copy.deepcopy(data)
    novel = parse_novel(data, "tea.json")
    assert data == before
    assert [c.id for c in novel.chapters] == ["ch07", "ch08"]
    last = novel.chapters[1].segments[0]
    assert (last.id, last.type, last.emotion, last.emotion_intensity) == (
        "ch08-0001",
        "narration",
        "neutral",
        0.5,
    )
    assert novel.chapters[0].segments[2].speaker == "hatter"
    assert parse_novel(novel.model_dump(), "again") == novel


def test_only_content_and_speaker_are_needed() -> None:
    novel = parse_novel({"chapters": [{"segments": [{"content": "Hello.", "speaker": "Ann"}]}]}, "x")
    assert novel.title == "Untitled"
    assert novel.language == "en"
    assert [(c.id, c.name, c.role) for c in novel.characters] == [("Ann", "Ann", "major")]
    assert novel.chapters[0].model_dump()["number"] == 1
    assert novel.chapters[0].segments[0].type == "dialogue"


@pytest.mark.parametrize(
    "speaker", ["alice", "ALICE", "Alice Liddell", "ａｌｉｃｅ", " alice  liddell ", "The Girl"]
)
def test_a_speaker_resolves_by_id_name_or_alias_whatever_its_case_or_width(speaker: str) -> None:
    data = good()
    segment(data)["speaker"] = speaker
    assert parse_novel(data, "x").chapters[0].segments[1].speaker == "alice"


def test_an_exact_id_or_name_wins_over_another_ones_alias() -> None:
    data = good()
    data["characters"][1]["aliases"].append("hatter")
    novel = parse_novel(data, "x")
    assert novel.chapters[0].segments[2].speaker == "hatter"


def test_an_ambiguous_alias_that_nobody_uses_is_no_problem() -> None:
    assert len(load_novel(EXAMPLES / "yao_luxun.json").characters) == 10  # 老女人 is two people's alias there


def test_a_list_of_people_without_its_narrator_gets_one_by_name_only() -> None:
    data = good()
    data["characters"] = data["characters"][1:]
    novel = parse_novel(data, "x")
    assert [c.id for c in novel.characters if c.role == "narrator"] == ["narrator"]
    segment(data)["speaker"] = "Nobody"
    assert "“Nobody”" in problem(data)


def test_roles_are_derived_from_names_and_shares() -> None:
    lines = [{"speaker": "旁白", "text": "他来了。"}]
    lines += [{"speaker": "老王", "text": "你好，今天天气很好。"}] * 20 + [
        {"speaker": "路人", "text": "嗯。"}
    ]
    novel = parse_novel(lines, "x")
    assert {c.id: c.role for c in novel.characters} == {"旁白": "narrator", "老王": "major", "路人": "minor"}
    assert novel.language == "zh-Hans"


def test_a_first_person_teller_is_the_narrator() -> None:
    lines = [
        {"type": "narration", "speaker": "Jim", "content": "I crept back."},
        {"speaker": "Pew", "content": "Down!"},
    ]
    novel = parse_novel({"chapters": [{"segments": lines}]}, "x")
    assert {c.id: c.role for c in novel.characters} == {"Jim": "narrator", "Pew": "major"}


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("It was a dark night.", "en"),
        ("今夜月光很好。", "zh-Hans"),
        ("他說話的時候，沒有人來過。", "zh-Hant"),
        ("他用 iPhone 打电话给我们。", "zh-Hans"),
        ("吾輩は猫である。名前はまだ無い。", "ja"),
        ("Все счастливые семьи похожи.", "ru"),
        ("행복한 가정은 모두 비슷하다.", "ko"),
        ("1984", "en"),
    ],
)
def test_language_is_detected_by_script(text: str, language: str) -> None:
    assert parse_novel([{"speaker": "Narrator", "text": text}], "x").language == language


@pytest.mark.parametrize(
    ("written", "tag"), [("zh_CN", "zh-CN"), ("English", "en"), ("中文", "zh-Hans"), ("fr", "fr")]
)
def test_a_language_as_people_write_it_becomes_a_tag(written: str, tag: str) -> None:
    assert parse_novel({**good(), "language": written}, "x").language == tag


def test_a_flat_list_is_one_chapter_or_several_where_lines_say_so() -> None:
    lines = [{"speaker": "Narrator", "text": "One."}, {"speaker": "Bob", "text": "Two."}]
    novel = parse_novel(lines, "x")
    assert [[s.content for s in c.segments] for c in novel.chapters] == [["One.", "Two."]]
    assert novel.chapters[0].segments[0].type == "narration"
    several = [{**line, "chapter_number": 3 + i} for i, line in enumerate(lines)]
    assert [c.number for c in parse_novel(several, "x").chapters] == [3, 4]


AI_SOUND = {
    "project_info": {"novel_type": "test", "total_segments": 3},
    "synthesis_plan": [
        {
            "segment_id": 1,
            "text": "玉帝闻言道：",
            "speaker": "旁白",
            "voice_id": None,
            "text_type": "dialogue",
        },
        {
            "segment_id": 2,
            "text": "“这厮如何处治？”",
            "speaker": "玉帝",
            "voice_id": 7,
            "text_type": "dialogue",
        },
        {
            "segment_id": 3,
            "text": "我不信。",
            "speaker": "悟空",
            "text_type": "inner_monologue",
            "confidence": 0.8,
            "parameters": {"timeStep": 32},
        },
    ],
    "characters": [
        {"name": "玉帝", "voice_type": "male_calm", "character_id": 4},
        {"name": "悟空", "gender": "male", "age_group": "young", "is_main_character": True},
    ],
}


@pytest.mark.parametrize(
    "wrap", [lambda d: d, lambda d: {"synthesis_json": d}, lambda d: {"success": True, "data": d}]
)
def test_ai_sounds_plan_is_read_bare_and_in_its_envelopes(wrap: Any) -> None:
    novel = parse_novel(wrap(AI_SOUND), "plan.json")
    lines = novel.chapters[0].segments
    assert [(s.id, s.type, s.speaker) for s in lines] == [
        ("1", "narration", "旁白"),
        ("2", "dialogue", "玉帝"),
        ("3", "thought", "悟空"),
    ]
    assert lines[1].content == "这厮如何处治？"
    assert lines[1].voice_id is None, "its voice ids are rows of its own database"
    assert lines[2].speaker_confidence == 0.8
    people = {c.id: c for c in novel.characters}
    assert people["玉帝"].gender == "male"
    assert (people["悟空"].age, people["悟空"].role) == ("young", "major")


def test_errors_in_a_foreign_form_point_at_the_line_as_written() -> None:
    plan = copy.deepcopy(AI_SOUND)
    plan["synthesis_plan"][1]["speaker"] = "王帝"
    assert "line 2 of synthesis_plan" in problem(plan)
    assert "field synthesis_plan: must be a list" in problem({**AI_SOUND, "synthesis_plan": {}})
    assert "line 2 of the list" in problem([{"speaker": "A", "text": "x"}, {"speaker": "A", "text": 3}])


def test_ai_sounds_empty_character_list_is_derived() -> None:
    novel = parse_novel({**AI_SOUND, "characters": []}, "x")
    assert [c.id for c in novel.characters] == ["旁白", "玉帝", "悟空"]


def test_the_examples_load() -> None:
    island = load_novel(EXAMPLES / "treasure_island_ch05.json")
    assert (len(island.chapters[0].segments), len(island.characters), island.language) == (91, 11, "en")
    yao = load_novel(EXAMPLES / "yao_luxun.json")
    assert [c.number for c in yao.chapters] == [1, 2, 3, 4]


@pytest.fixture(scope="module")
def book() -> Novel:
    chapters = [
        {"id": f"part-{n}", "number": n, "segments": [{"speaker": "Narrator", "content": "x"}]}
        for n in (1, 2, 3, 5, 6)
    ]
    return parse_novel({"chapters": chapters}, "x")


@pytest.mark.parametrize(
    ("spec", "numbers"),
    [
        ("all", [1, 2, 3, 5, 6]),
        ("ALL", [1, 2, 3, 5, 6]),
        ("5", [5]),
        ("1-3", [1, 2, 3]),
        ("1,5-6", [1, 5, 6]),
        (" 6 , 1 ", [1, 6]),
        ("2-5", [2, 3, 5]),
        ("１，２", [1, 2]),
        ("part-3", [3]),
        ("part-3,1", [1, 3]),
        ("3-3", [3]),
    ],
)
def test_chapters_are_selected_by_number_range_or_id(book: Novel, spec: str, numbers: list[int]) -> None:
    assert [c.number for c in select_chapters(book, spec)] == numbers


@pytest.mark.parametrize(
    "spec", ["4", "9", "1-9", "3-1", "", ",", "1,", "x", "1-", "-1", "1.5", "0", "1-999999999999"]
)
def test_a_wrong_selection_says_what_there_is(book: Novel, spec: str) -> None:
    with pytest.raises(InputError, match=r"1-3, 5-6|backwards") as caught:
        select_chapters(book, spec)
    assert "\n" not in str(caught.value)


# --- whatever comes, only NovelError ---------------------------------------------------------------------------------

KEYS = [
    "id",
    "name",
    "content",
    "text",
    "speaker",
    "type",
    "segments",
    "chapters",
    "characters",
    "number",
    "synthesis_plan",
    "synthesis_json",
    "data",
    "voice_id",
    "aliases",
    "segment_id",
    "chapter_number",
    "x",
]
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 10**6),
    st.floats(),
    st.text(st.characters(codec=None), max_size=8),
    st.sampled_from(
        ["alice", "narrator", "dialogue", "break", "soundbound.novel/1", "", " ", "\ud800", "旁白", "a", "7"]
    ),
)
TREES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(KEYS),
            inner,
            max_size=4,
        ),
    ),
    max_leaves=12,
)


def paths(tree: Any, at: tuple = ()) -> list[tuple]:
    found = [at]
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, child in items:
        found += paths(child, (*at, key))
    return found


def replaced(tree: Any, at: tuple, value: Any, how: str) -> Any:
    tree = copy.deepcopy(tree)
    if not at:
        return value
    parent = tree
    for key in at[:-1]:
        parent = parent[key]
    if how == "drop":
        del parent[at[-1]]
    elif how == "double" and isinstance(parent, list):
        parent.append(copy.deepcopy(parent[at[-1]]))
    elif how == "rename" and isinstance(parent, dict):
        parent[f"{at[-1]}s"] = parent.pop(at[-1])
    else:
        parent[at[-1]] = value
    return tree


def check_whole(novel: Novel) -> None:
    people = {c.id for c in novel.characters}
    assert len(people) == len(novel.characters)
    assert novel.chapters
    for chapter in novel.chapters:
        assert any(s.voiced for s in chapter.segments)
        assert len({s.id for s in chapter.segments}) == len(chapter.segments)
        for line in chapter.segments:
            assert line.speaker in people
            assert line.content.strip() or line.type == "break"
            assert len(line.content) <= MAX_SEGMENT_CHARS


def load_or_explain(load: Callable[[], Novel]) -> None:
    """Either the novel is whole or the error is one line with a remedy; any other exception fails the test."""
    error = None
    try:
        novel = load()
    except NovelError as caught:
        error = caught
    else:
        check_whole(novel)
    if error is not None:
        assert "\n" not in str(error)
        assert error.remedy
        assert len(str(error)) < 1000


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_a_mutated_novel_loads_whole_or_ends_in_a_one_line_error(data: st.DataObject) -> None:
    tree: Any = data.draw(st.sampled_from([good(), AI_SOUND, [{"speaker": "A", "text": "Hi."}]]))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.sampled_from(paths(tree)))
        tree = replaced(
            tree, at, data.draw(TREES), data.draw(st.sampled_from(["put", "drop", "double", "rename"]))
        )
    load_or_explain(lambda: parse_novel(tree, "tea.json"))


@settings(max_examples=200, deadline=None)
@given(TREES)
def test_any_tree_at_all_loads_or_ends_in_an_error(tree: Any) -> None:
    to_novel_shape(tree)
    load_or_explain(lambda: parse_novel(tree, "tea.json"))


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damaged_bytes_load_or_end_in_an_error(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    raw = bytearray(json.dumps(good(), ensure_ascii=False, indent=1).encode())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(raw) - 1))
        how = data.draw(st.sampled_from(["flip", "cut", "insert", "delete"]))
        if how == "flip":
            raw[at] = data.draw(st.integers(0, 255))
        elif how == "cut":
            raw = raw[: at + 1]
        elif how == "insert":
            raw[at:at] = data.draw(st.binary(max_size=4))
        else:
            del raw[at : at + data.draw(st.integers(1, 20))]
        if not raw:
            break
    path = tmp_path_factory.getbasetemp() / "damaged.json"
    path.write_bytes(bytes(raw))
    load_or_explain(lambda: load_novel(path))
