"""What a listener relies on: a sound in the story is heard where it happens, and silence stays silence."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from story.cue_rules import cue_rules
from story.errors import InputError
from story.lexicon import load_data, plain_chinese, verb_forms
from story.novel import Chapter, Segment
from story.scene_cues import find_cues
from story.scene_text import mask_quotes
from story.scenes import Cue, analyze_scenes
from story.sounds import resolve_prompt, sound_class, sound_classes

EXAMPLES = Path(__file__).parent.parent / "examples"


def cues(text: str, language: str, kind: str = "narration") -> list[Cue]:
    return find_cues(Segment(id="s1", type=kind, content=text, speaker="n"), language)  # type: ignore[arg-type]


def asserted(text: str, language: str) -> list[str]:
    return [cue.sound for cue in cues(text, language) if cue.polarity == "asserted"]


HEARD_EN = [
    ("The door slammed behind him.", "door_slam"),
    ("She heard a knock at the door.", "door_knock"),
    ("He knocked twice upon the door and waited.", "door_knock"),
    ("Somewhere a dog barked.", "dog_bark"),
    ("The clock in the hall struck twelve.", "clock_strike"),
    ("A pistol-shot rang out across the marsh.", "gun_shot"),
    ("He fired his revolver into the air.", "gun_shot"),
    ("I could hear their feet rattling up our old stairs.", "footsteps_stairs"),
    ("Footsteps sounded in the passage.", "footsteps"),
    ("The boys turned and ran down the hill.", "footsteps_running"),
    ("There was a crash of breaking glass from the kitchen.", "glass_break"),
    ("Thunder rolled over the hills.", "thunder_clap"),
    ("Two riders came on at full gallop.", "horse_gallop"),
    ("The horses neighed and stamped.", "horse_neigh"),
    ("He opened the door and looked out.", "door_open"),
    ("She closed the door softly.", "door_close"),
    ("They burst in the door with an axe.", "door_break"),
    ("The old gate creaked on its hinges.", "door_creak"),
    ("He turned the key and waited.", "door_lock"),
    ("An owl hooted in the wood.", "owl"),
    ("The old man coughed and spat.", "cough"),
    ("He fell overboard with a cry.", "splash"),
    ("Holmes struck a match and held it up.", "match_strike"),
    ("She poured out the tea.", "water_pour"),
    ("The church bells were ringing.", "bell_large"),
    ("He rang the bell for the servant.", "bell_hand"),
    ("I heard the rustle of a silk dress.", "cloth"),
    ("The telephone rang.", "telephone"),
    ("The driver cracked his whip.", "whip"),
    ("It was not long before a bell rang.", "bell_hand"),
    ("Soon we could hear their footfalls as they ran.", "footsteps"),
    ("A cannon boomed from the fort.", "cannon"),
    ("No sooner had he sat down than the bell rang.", "bell_hand"),
]
HEARD_ZH = [
    ("他擦着火柴，点上灯。", "match_strike"),
    ("一阵脚步声响，人都来了。", "footsteps"),
    ("忽然听得有人敲门。", "door_knock"),
    ("远处传来几声枪响。", "gun_shot"),
    ("他推开门，走了进去。", "door_open"),
    ("老人咳嗽起来。", "cough"),
    ("门砰的一声关上了。", "door_slam"),
    ("狗在村口狂吠。", "dog_bark"),
    ("窗玻璃打碎了。", "glass_break"),
    ("远处响起了雷声。", "thunder_clap"),
    ("他不住的咳嗽。", "cough"),
    ("马蹄声越来越近。", "horse_gallop"),
    ("遠處傳來幾聲槍響。", "gun_shot"),
    ("孩子们跑出来了。", "footsteps_running"),
    ("寺里的钟声响了。", "bell_large"),
]
NOT_HEARD = [
    # denied
    ("en", "There was no sound of footsteps.", "negated"),
    ("en", "Not a dog barked in the whole village.", "negated"),
    ("en", "He came in without a knock at the door.", "negated"),
    ("en", "He never fired his pistol.", "negated"),
    ("en", "She did not close the door.", "negated"),
    ("en", "Nobody knocked at the door.", "negated"),
    ("en", "He did not stay to shut the door.", "negated"),
    ("en", "The clock had not struck twelve.", "negated"),
    ("en", "Neither bell rang.", "negated"),
    ("zh", "有时也遇到几只狗，可是一只也没有叫。", "negated"),
    ("zh", "没有人敲门。", "negated"),
    ("zh", "他不曾开枪。", "negated"),
    ("zh", "四周没有一点脚步声。", "negated"),
    ("zh", "听不见马蹄声。", "negated"),
    ("zh", "他没有咳嗽。", "negated"),
    # supposed, planned, habitual, past, asked
    ("en", "If he knocked at the door, she must answer.", "hypothetical"),
    ("en", "He might have fired his pistol.", "hypothetical"),
    ("en", "She wished the bell rang.", "hypothetical"),
    ("en", "He would have slammed the door.", "hypothetical"),
    ("en", "He listened for footsteps in the passage.", "hypothetical"),
    ("en", "They were ordered to open the door.", "hypothetical"),
    ("en", "He was about to knock at the door.", "hypothetical"),
    ("en", "He used to ring the bell.", "hypothetical"),
    ("en", "Whenever the dog barked he smiled.", "hypothetical"),
    ("en", "He had closed the door the night before.", "hypothetical"),
    ("en", "She remembered how the door slammed.", "hypothetical"),
    ("en", "Was that a knock at the door?", "hypothetical"),
    ("en", "It was as if a bell rang.", "hypothetical"),
    ("zh", "要是狗叫起来，就麻烦了。", "hypothetical"),
    ("zh", "倘若有人敲门，你不要应。", "hypothetical"),
    ("zh", "如果听到枪声，就快跑。", "hypothetical"),
    ("zh", "他打算敲门。", "hypothetical"),
    ("zh", "仿佛听到脚步声。", "hypothetical"),
    ("zh", "他每天听到钟声便起来。", "hypothetical"),
    # figures of speech
    ("en", "It snapped like a pistol-shot.", "figurative"),
    ("en", "The word fell like the report of a pistol.", "figurative"),
    ("en", "Her voice was as sharp as a pistol-shot.", "figurative"),
    ("zh", "笑声像打雷一样。", "figurative"),
    ("zh", "他的声音如同雷鸣。", "figurative"),
    ("zh", "心跳得像打鼓似的。", "figurative"),
]
NO_CUE = [
    ("en", "He shot a glance at her."),
    ("en", "They were surprised to find the door open."),
    ("en", "Another fellow came to the door of the inn."),
    ("en", "The horses stood in the yard."),
    ("en", "The very clock had been thrown down by these fellows."),
    ("en", "He cried out and roared for help."),
    ("en", "They were out of pistol-shot."),
    ("en", "Tears ran down her cheeks."),
    ("en", "The road ran along the cliff."),
    ("en", "They ran out of money."),
    ("en", "The name rang true."),
    ("en", "There was a thunder of applause in her ears, or a storm of it."),
    ("en", "He was running a risk."),
    ("en", "He struck me as an honest man."),
    ("en", "The bark of the oak was grey."),
    ("en", "The wind-swept trees stood bare."),
    ("en", "He was a crack shot."),
    ("en", '"The door slammed," he said.'),
    ("en", "“Fire the pistol! I heard a knock at the door,” he said."),
    ("en", "'The dog barked all night,' said Tom."),
    ("zh", "他威风得很，一方的风俗。"),
    ("zh", "“听见枪声了！”他说。"),
    ("zh", "「狗叫了。」他說。"),
    ("zh", "他叫做阿黄，是个走狗。"),
    ("zh", "门口站着一个人。"),
    ("zh", "他是个哑巴。"),
    ("zh", "现在八点钟了。"),
    ("zh", "他相信这条消息，翻开新的一页。"),
    ("zh", "这是一场风波。"),
]


@pytest.mark.parametrize(("text", "sound"), HEARD_EN)
def test_a_sound_told_in_english_is_heard(text: str, sound: str) -> None:
    assert sound in asserted(text, "en")


@pytest.mark.parametrize(("text", "sound"), HEARD_ZH)
def test_a_sound_told_in_chinese_is_heard(text: str, sound: str) -> None:
    assert sound in asserted(text, "zh")


@pytest.mark.parametrize(("language", "text", "meant"), NOT_HEARD)
def test_what_is_denied_supposed_or_compared_does_not_sound(language: str, text: str, meant: str) -> None:
    found = cues(text, language)
    assert asserted(text, language) == []
    assert meant in {cue.polarity for cue in found}, [(c.word, c.polarity) for c in found]


@pytest.mark.parametrize(("language", "text"), NO_CUE)
def test_words_with_another_sense_and_quoted_speech_do_not_sound(language: str, text: str) -> None:
    assert asserted(text, language) == []


def _chapters(name: str) -> tuple[str, list[Chapter]]:
    data = json.loads((EXAMPLES / name).read_text(encoding="utf-8"))
    return data["language"], [
        Chapter(id=c["id"], number=c["number"], segments=[Segment(**s) for s in c["segments"]])
        for c in data["chapters"]
    ]


def _told(chapter: Chapter, language: str) -> dict[str, set[str]]:
    """Asserted sounds by segment."""
    told: dict[str, set[str]] = {}
    for scene in analyze_scenes(chapter, language).scenes:
        for cue in scene.cues:
            if cue.polarity == "asserted":
                told.setdefault(cue.segment[-4:], set()).add(cue.sound)
    return told


def test_treasure_island_sounds_where_the_text_tells() -> None:
    language, [chapter] = _chapters("treasure_island_ch05.json")
    told = _told(chapter, language)
    assert "footsteps_running" in told["0002"]
    assert told["0014"] >= {"footsteps_stairs", "window_slam", "glass_break"}
    assert "stick_strike" in told["0038"]
    assert told["0039"] >= {"furniture_crash", "door_break", "whistle"}
    assert told["0057"] >= {"horse_gallop", "gun_shot", "stick_tap"}
    assert "bullet_by" in told["0065"]
    # A door that is found open, a door one comes to, and a clock thrown down earlier are silent.
    assert {"0006", "0028", "0074"}.isdisjoint(told)


def test_running_feet_told_twice_are_one_event() -> None:
    language, [chapter] = _chapters("treasure_island_ch05.json")
    [segment] = [s for s in chapter.segments if s.id.endswith("0002")]
    assert [c.sound for c in find_cues(segment, "en")] == ["footsteps_running"]
    assert language == "en"


def test_yao_sounds_where_the_text_tells() -> None:
    language, [one, two, three, four] = _chapters("yao_luxun.json")
    told = _told(one, language)
    assert "match_strike" in told["0001"]
    assert "cough" in told["0003"]
    assert "footsteps" in told["0014"]
    assert "dog_bark" not in told.get("0009", set())
    assert "cough" in _told(two, language)["0014"]
    assert "cough" in _told(three, language)["0023"]
    told = _told(four, language)
    assert told["0024"] >= {"crow", "wings"}
    assert "0018" not in told, "dead silence"


def test_editing_one_line_leaves_the_cues_of_others_alone() -> None:
    language, [chapter] = _chapters("treasure_island_ch05.json")
    before = {c.id: c for s in analyze_scenes(chapter, language).scenes for c in s.cues}
    edited = chapter.model_copy(deep=True)
    edited.segments[1].content = "Nothing was heard. Then a gun was fired."
    after = {c.id: c for s in analyze_scenes(edited, language).scenes for c in s.cues}
    own = edited.segments[1].id
    assert {i: c for i, c in before.items() if c.segment != own} == {
        i: c for i, c in after.items() if c.segment != own
    }


def test_an_effect_segment_becomes_a_cue_even_when_nobody_knows_the_sound() -> None:
    [known] = cues("[door slams]", "en", "effect")
    assert (known.sound, known.anchor, known.polarity) == ("door_slam", "start", "asserted")
    [unknown] = cues("A dragon purrs", "en", "effect")
    assert (unknown.sound, unknown.ucs, unknown.prompt) == ("", "", "A dragon purrs")


@pytest.mark.parametrize("kind", ["dialogue", "thought", "heading", "letter", "verse", "break"])
def test_only_narration_is_read(kind: str) -> None:
    assert cues("The door slammed and a dog barked.", "en", kind) == []


def test_a_crowded_paragraph_is_thinned() -> None:
    text = "The door slammed. A dog barked. The bell rang. A shot rang out. An owl hooted. He coughed. Thunder rolled. "
    assert len(asserted(text, "en")) <= 2 + len(text) // 45


@pytest.mark.parametrize(
    ("prompt", "sound"),
    [
        ("a dog barking in the distance", "dog_bark"),
        ("Glass shattering", "glass_break"),
        ("远处狗叫", "dog_bark"),
        ("電話鈴響", "telephone"),
        ("church bell tolling", "bell_large"),
        ("footsteps on stairs", "footsteps_stairs"),
        ("A clock ticks", "clock_tick"),
        ("BELLGong", "gong"),
        ("a helicopter hovers", None),
        ("something strange", None),
        ("saw cutting wood", None),
        ("", None),
    ],
)
def test_a_free_description_resolves_or_admits_it_does_not(prompt: str, sound: str | None) -> None:
    assert resolve_prompt(prompt) == sound


def test_every_name_and_prompt_of_the_vocabulary_resolves_to_itself() -> None:
    for sound in sound_classes():
        assert resolve_prompt(sound.prompt) == sound.id
        assert resolve_prompt(sound.id) == sound.id


def test_the_lexicons_speak_the_vocabulary() -> None:
    effects = {sound.id for sound in sound_classes() if sound.kind == "effect"}
    for language in ("en", "zh"):
        assert {rule.sound for rule in cue_rules(language)} == effects
    catids = load_data("ucs")["categories"]
    assert all(sound.ucs in catids for sound in sound_classes())
    assert all(len(sound.prompt.split()) <= 17 for sound in sound_classes())
    with pytest.raises(InputError, match="no sound class"):
        sound_class("kazoo")


def test_verbs_inflect() -> None:
    assert set(verb_forms("slam")) == {"slam", "slams", "slammed", "slamming"}
    assert set(verb_forms("ring")) == {"ring", "rings", "ringing", "rang", "rung"}
    assert "rattling" in verb_forms("rattle")
    assert "opening" in verb_forms("open")
    assert "cried" in verb_forms("cry")


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=300), st.sampled_from(["en", "zh"]))
def test_arbitrary_text_never_crashes_and_spans_are_right(text: str, language: str) -> None:
    assert len(mask_quotes(text)) == len(text)
    assert len(plain_chinese(text)) == len(text)
    for cue in cues(text, language):
        assert text[cue.char_start : cue.char_end] == cue.word


_PIECES = [text for text, _ in HEARD_EN + HEARD_ZH] + [
    "“",
    "”",
    '"',
    "\n",
    "不",
    "not ",
    "…",
    "𝄞",
    "——",
    "!",
    " ",
]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from(_PIECES), max_size=12).map("".join), st.sampled_from(["en", "zh"]))
def test_spans_are_right_in_any_mixture_of_real_sentences(text: str, language: str) -> None:
    found = cues(text, language)
    assert all(text[c.char_start : c.char_end] == c.word and c.word for c in found)
    assert [c.id for c in found] == [f"s1-c{i}" for i in range(1, len(found) + 1)]
    assert all(a.char_end <= b.char_start for a, b in pairwise(found))


TRAPS = [
    # figures of speech
    ("en", "He felt the wind of change blowing through the office."),
    ("en", "There was a storm of applause, and a thunder of cheers."),
    ("en", "A shower of questions fell on him, and a hail of abuse."),
    ("en", "Her heart knocked and thundered in her breast."),
    ("en", "The bark of the old tree was wet."),
    ("en", "Doubt gnawed at him; the door to hope was shut."),
    ("en", "It rang a bell with him, but he let it go."),
    ("en", "He ran a risk, ran up a bill and ran out of money."),
    ("en", "He shot her a glance as swift as a bullet."),
    ("en", "A picket-fence was running from end to end of the yard."),
    ("en", "The sea was like a wall of thunder in his memory."),
    # names that are words
    ("en", "Rain smiled at Storm, and Storm nodded to Gale."),
    ("en", "Mr. Bell said nothing. Bell rose and went on reading."),
    ("en", "Miss Snow and Captain Thunder danced with young Drum."),
    ("en", "Doctor Knock bowed to Lady Horn."),
    # denied, supposed, spoken
    ("en", "No dog barked, no bell rang, and not a shot was fired."),
    ("en", "If the door slammed, she would wake."),
    ("en", '"The door slammed and a dog barked!" said he.'),
    ("zh", "他的风度很好，作风正派，威风凛凛。"),
    ("zh", "他办事雷厉风行，从不拖拉。"),
    ("zh", "他是先生的门生，专门研究这一门学问。"),
    ("zh", "雷横和马麟说了，又见雷家的人。"),
    ("zh", "霹雳火秦明看了轰天雷凌振一眼。"),
    ("zh", "西门庆同玉楼、金莲说话，钟会不语。"),
    ("zh", "掌声雷动，欢声雷动。"),
    ("zh", "这真是如雷贯耳，一见钟情。"),
    ("zh", "他露了马脚，走了风声，又碰了钉子。"),
    ("zh", "他打了退堂鼓，敲了竹杠，放了空炮。"),
    ("zh", "没有狗叫，也没有敲门声。"),
    ("zh", "第十回犀牛一角声叶箜篌。"),
    ("zh", "他从轿子里出来，家人放下轿帘，跟上台阶。"),
    ("zh", "倘若枪声一响，他便要逃。"),
    ("zh", "“门砰的一声关了，狗叫了！”他说。"),
    ("zh", "他做了鸡鸣狗盗的事，闹得鸡犬不宁。"),
    ("zh", "有诗为证：狂风怒吼战鼓响，万马奔腾炮声隆。"),
    ("zh", "凄凄杀气遮红日，金鼓声呜势若雷。"),
    ("zh", "他拿起火石乱打，只是火绒点不着。"),
    ("zh", "云里鼓声惊落雁，江头炮响起寒鸦，风吹战马嘶残照，雨打孤舟泊晚沙。"),
]


@pytest.mark.parametrize(("language", "text"), TRAPS)
def test_misleading_words_stay_silent(language: str, text: str) -> None:
    assert asserted(text, language) == []


@pytest.mark.parametrize(
    ("language", "text", "sound"),
    [
        ("en", "The bell was rung, and the servant came.", "bell_hand"),
        ("en", "She turned and rushed out of the room.", "footsteps_running"),
        ("en", "He heard the door open below.", "door_open"),
        ("en", "I heard the key turn behind me.", "door_lock"),
        ("zh", "宰相到了，午门大开。", "gate"),
        ("zh", "那钟敲了十二下。", "clock_strike"),
        ("zh", "一个郎中摇着串铃走来。", "bell_hand"),
        ("en", "I knocked, and was told to enter.", "door_knock"),
        ("en", "A dull heavy thud came from above.", "body_fall"),
        ("en", "He stood there whistling to himself.", "whistle"),
        ("en", "She came slowly down the narrow stairs.", "footsteps_stairs"),
        ("zh", "那将骤马挺枪，冲出阵来。", "horse_gallop"),
        ("zh", "他中了一箭，翻身落马。", "body_fall"),
        ("zh", "忽听有人击院门，老婆子出来看。", "door_knock"),
        ("zh", "袭人斟了一杯茶递过去。", "water_pour"),
        ("zh", "小丫头回头就跑了。", "footsteps_running"),
        ("zh", "阿发拿起篙，把船撑开去。", "oars"),
        ("zh", "前面鼓角齐鸣，一彪军杀出。", "drum"),
    ],
)
def test_what_other_books_taught(language: str, text: str, sound: str) -> None:
    assert sound in asserted(text, language)
