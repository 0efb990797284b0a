"""Phrasings a listener expects to hear, in the word orders books really use, and those that must stay silent."""

from __future__ import annotations

import pytest

from story.lexicon import load_data
from story.novel import Segment
from story.pattern_tests import crosses_commas
from story.scene_cues import find_cues
from story.sounds import sound_classes


def asserted(text: str, language: str) -> list[str]:
    segment = Segment(id="s1", type="narration", content=text, speaker="n")
    return [cue.sound for cue in find_cues(segment, language) if cue.polarity == "asserted"]


HEARD = {
    "en": [
        # passive, inverted, participle, noun of sound, subject far away
        ("I waited till the door was shut on me, and slipped the tract in.", "door_close"),
        ("As soon as she opened the door, she saw him.", "door_open"),
        ("The door having been opened by a maid, they went in.", "door_open"),
        ("She heard the door of the next room open, and then close.", "door_open"),
        ("The great door groaned open.", "door_creak"),
        ("He shot the bolts.", "door_lock"),
        ("There was a sound of bolts being drawn.", "door_lock"),
        ("He let himself in with his latch-key.", "door_open"),
        ("Steps sounded in the hall.", "footsteps"),
        ("The footsteps stopped at the door.", "footsteps"),
        ("I heard him go upstairs, and sat down.", "footsteps_stairs"),
        ("Up the stairs he went, two at a time.", "footsteps_stairs"),
        ("They, with the petticoats rolled up under their arms, ran along the railway.", "footsteps_running"),
        ("Then she ran lightly across the grass.", "footsteps_running"),
        ("Away ran the boys, shouting.", "footsteps_running"),
        ("She picked up her skirts and ran.", "footsteps_running"),
        ("There could now be heard the sound of horses’ hoofs on the muddy road.", "horse_gallop"),
        ("He clapped spurs to his horse and was off.", "horse_gallop"),
        ("The captain gave the order and they fired.", "gun_shot"),
        ("Hearing a splatter of musketry, he wondered.", "gun_shot"),
        ("The broadside crashed out.", "cannon"),
        ("He gave the boy a box on the ear.", "punch"),
        ("He was knocked down.", "body_fall"),
        ("He thrashed the boy with a cane.", "punch"),
        ("A bugle rang out.", "horn"),
        ("Tea was poured out.", "water_pour"),
        ("The clink of the pieces delighted her.", "coins"),
        ("Peggotty came in, with a clap of her hands.", "hand_clap"),
        ("He tore the letter across.", "paper"),
        ("A stone came through the window.", "glass_break"),
        ("The chair went over backwards.", "furniture_crash"),
        ("Eight o’clock struck from the tower.", "clock_strike"),
        ("Ding-dong went the bell.", "bell_hand"),
        ("She heard our wagon and looked back.", "wheels"),
    ],
    "zh": [
        ("他忙去开了门，让客人进来。", "door_open"),
        ("门被推开了，进来的是老王。", "door_open"),
        ("她把门轻轻带上，走了。", "door_close"),
        ("门上响了几下，她便去开。", "door_knock"),
        ("他掏出钥匙，开了锁。", "door_lock"),
        ("说着，一磕牲口，如飞而去。", "horse_gallop"),
        ("那将拍马舞刀，前来迎敌。", "horse_gallop"),
        ("众喽罗抱头鼠窜而去。", "footsteps_running"),
        ("从原路出去，一溜烟似地跑了。", "footsteps_running"),
        ("他连跑带跳地下了山。", "footsteps_running"),
        ("他三步并作两步，跑上楼去。", "footsteps_stairs"),
        ("扭住朱得贵拳脚交下，两人都不相让。", "punch"),
        ("他举手就是一巴掌。", "punch"),
        ("二人交手，剑来剑架，战了半日。", "sword"),
        ("韩毒龙手中剑赴面交还。", "sword"),
        ("子牙鸣金收兵。", "gong"),
        ("营中擂鼓三通。", "drum"),
        ("执殿官将钟鼓齐鸣。", "bell_large"),
        ("直到校役打过熄灯铃，我们才回去。", "bell_hand"),
        ("沁珠斟了一杯酒放在我的面前。", "water_pour"),
        ("急忙将书拆阅，原来是封荐函。", "paper"),
        ("太师拍案大怒。", "hand_clap"),
        ("葛瑶明哎哟的一声，栽下马来。", "body_fall"),
        ("那石头骨碌碌滚下山去，墙塌了下来。", "rock_fall"),
        ("火车隆隆地驶过铁桥。", "wheels"),
        ("他像幽灵一样地在屋里踱来踱去。", "footsteps"),
        ("也不管当着众人，开门直往正东而来。", "door_open"),
    ],
}

JUST_NOW = [
    "When he had shut the door, he sat down.",
    "He had scarcely shut the door when the clock struck.",
    "He asked me to come in and shut the door behind me.",
    "Without a word he shut the door behind him.",
    "The clerk who had shown me in with a bow shut the door behind me.",
]

SILENT = {
    "en": [
        # plans, habit, report
        "He wanted to come in and to shut the door.",
        "She used to run down the stairs and ring the bell.",
        "Would he have knocked and opened the door?",
        "He had shut the door the night before.",
        # things that run, strike, fire, gallop and fall without a sound
        "A fence ran along the road, and the river ran down to the sea.",
        "The news ran through the town; a shiver ran down his back.",
        "The blow had been struck at last; his last hope was gone.",
        "It struck him that the idea was a good one.",
        "Alan fired up and cried that he hated the name.",
        "Her thoughts galloped away after him.",
        "All the events of the past night came rushing back to her mind.",
        "Her glance fell upon the letter on the floor.",
        "The shadow of the tree fell on the ground.",
        "The door stood open, and let out a beam of light.",
        "She dropped her eyes; silence fell.",
        "The train of his reasoning started from this.",
        "He poured out his griefs, and filled her eyes with tears.",
        "A trotting-horse was painted on the wall.",
    ],
    "zh": [
        "他想去敲门，又要开门。",
        "曼英便叫阿莲跑下楼去看看。",
        "他几乎跌倒，险些落马。",
        "他来到开封，住在东门外。",
        "爆竹声中，家家过年。",
        "他简直是一个霹雳。",
        "他家的媳妇跟人跑了。",
        "城里的风声比郊外更紧。",
        "钱正兴一声也不响，只抖着腿。",
        "只杀得天崩地裂，鬼哭神愁。",
        "他胸头像火一般的燃烧着。",
        "他没有上楼，也不下楼。",
    ],
}


@pytest.mark.parametrize(
    ("language", "text", "sound"), [(k, text, sound) for k, cases in HEARD.items() for text, sound in cases]
)
def test_a_sound_is_heard_however_it_is_told(language: str, text: str, sound: str) -> None:
    assert sound in asserted(text, language)


@pytest.mark.parametrize("text", JUST_NOW)
def test_what_has_just_happened_is_heard(text: str) -> None:
    assert "door_close" in asserted(text, "en")


@pytest.mark.parametrize(("language", "text"), [(k, text) for k, texts in SILENT.items() for text in texts])
def test_words_of_sound_without_one_stay_silent(language: str, text: str) -> None:
    assert asserted(text, language) == []


def test_cues_stay_in_reading_order_when_one_takes_the_place_of_another() -> None:
    text = "Footsteps sounded, a bell rang, and feet came clattering down the stairs."
    segment = Segment(id="s1", type="narration", content=text, speaker="n")
    found = find_cues(segment, "en")
    assert [cue.char_start for cue in found] == sorted(cue.char_start for cue in found)
    assert [cue.sound for cue in found] == ["bell_hand", "footsteps_stairs"]


def test_what_goes_on_is_one_event() -> None:
    text = "The boys ran down the hill. They ran on past the mill, and never looked back, and Tom ran first."
    assert asserted(text, "en") == ["footsteps_running"]
    assert asserted("他跑出门去。他跑过了桥，又跑上山去。", "zh") == ["footsteps_running"]


def test_the_lexicons_are_well_formed() -> None:
    sounds = {sound.id for sound in sound_classes()}
    for language in ("en", "zh"):
        data = load_data(f"cues_{language}")
        assert set(data["continuing"]) <= sounds
        for rule in data["rules"]:
            assert all(p and p == p.strip() for p in rule["patterns"])
            assert len(set(rule["patterns"])) == len(rule["patterns"]), rule["sound"]
            assert len(set(rule.get("unless", []))) == len(rule.get("unless", [])), rule["sound"]


def test_patterns_that_go_over_commas_are_known() -> None:
    assert crosses_commas("«砰»[^。！？；]{0,8}门")
    assert not crosses_commas("门[^，。]{0,4}«响»(?:了|，|。)")
