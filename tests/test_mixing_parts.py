"""Lines, effects and files: each line at its level, each effect at its cue, each bad file named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from scipy.signal import butter, sosfilt

from mixing import MixError, load_profile, profile_names
from mixing.acoustics import resolve
from mixing.buses import ClipBus, constant_power
from mixing.dialogue import PlacedLine, intent, manner, place_lines, prepare_line
from mixing.effects import place_effects, prepare_effect
from mixing.lines import Manner
from mixing.loudness import energies, momentary_max_lufs, speech_lufs
from mixing.reading import read_take, to_stereo
from mixing.scratch import Scratch
from story.errors import InputError
from story.timeline import DialogueSegment, EffectSegment

RATE_HZ = 48_000
LAWS = load_profile().laws
DRY = resolve("none")
PLAIN = Manner("", DRY)


@pytest.fixture
def scratch(tmp_path):
    with Scratch(tmp_path / "clips.f32") as clips:
        yield clips


def voice(seconds: float, level_db: float = -20, seed: int = 0) -> np.ndarray:
    """Syllables of noise in the voice's band."""
    rng, at_s = np.random.default_rng(seed), np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    band = butter(1, [200, 3000], "bandpass", fs=RATE_HZ, output="sos")
    sound = np.asarray(sosfilt(band, rng.standard_normal(len(at_s)))) * np.abs(np.sin(2 * np.pi * 2 * at_s))
    return sound * 10 ** (level_db / 20) / np.sqrt((sound**2).mean())


def written(path: Path, sound: np.ndarray, rate_hz: int = RATE_HZ, subtype: str = "FLOAT") -> Path:
    soundfile.write(path, sound.T, rate_hz, subtype=subtype)
    return path


def line(
    name: str, speaker: str = "jim", style: str = "", start_s: float = 0.0, pan: float = 0.0
) -> DialogueSegment:
    return DialogueSegment(
        id=name, type="dialogue", scene="1", speaker=speaker, voice_id="v", emotion="neutral", style=style,
        content="…", estimated_duration_s=1, start_s=start_s, pan=pan,
    )  # fmt: skip


def effect(name: str, start_s: float, **more) -> EffectSegment:
    return EffectSegment(
        id=name, sound="shot", ucs="", prompt="", anchor_segment="s", anchor="word", anchor_char=0, start_s=start_s, **more
    )  # fmt: skip


def lines_at(tmp_path: Path, scratch: Scratch, *spoken: tuple[DialogueSegment, float]) -> list[PlacedLine]:
    takes = {}
    for number, (segment, level_db) in enumerate(spoken):
        path = written(tmp_path / f"{number}.wav", voice(1.5, level_db, number))
        take = prepare_line(path, manner(segment, LAWS.dialogue), LAWS.dialogue, scratch)
        assert take is not None
        takes[segment.id] = take
    return place_lines([segment for segment, _ in spoken], takes, LAWS.dialogue)


@given(st.floats(-1, 1))
def test_loudness_does_not_depend_on_the_pan(pan):
    left, right = constant_power(pan)
    assert left**2 + right**2 == pytest.approx(1)
    assert (right > left) == (pan > 0) or abs(pan) < 1e-9


def test_every_speaker_stands_at_the_same_level(tmp_path, scratch):
    placed = lines_at(
        tmp_path, scratch, *((line(f"a{k}", "loud"), -12 + k % 2) for k in range(4)),
        *((line(f"b{k}", "quiet"), -38 - k % 2) for k in range(4)),
    )  # fmt: skip
    bus = ClipBus([p.placed for p in placed], scratch)
    assert bus.render(0, RATE_HZ).shape == (2, RATE_HZ)
    for p in placed:
        assert p.lufs == pytest.approx(LAWS.dialogue.anchor_lufs, abs=0.6)


def test_acting_survives_within_three_decibels_and_jumps_do_not(tmp_path, scratch):
    levels = [-24.0, -23.0, -25.0, -24.0, -20.0, -40.0]
    placed = lines_at(tmp_path, scratch, *((line(f"s{k}"), level) for k, level in enumerate(levels)))
    heard = [p.lufs for p in placed]
    assert heard[4] - heard[0] == pytest.approx(1.6, abs=0.5)  # 4 dB louder: correction takes 60 %
    assert heard[5] == pytest.approx(LAWS.dialogue.anchor_lufs - 3, abs=0.1)  # 18 dB too quiet: 3 remain


def test_a_whisper_and_a_shout_have_their_offset_whatever_the_engine_made(tmp_path, scratch):
    placed = lines_at(
        tmp_path, scratch, (line("a"), -24), (line("b"), -24), (line("c", style="whisper"), -24),
        (line("d", style="shout"), -30),
    )  # fmt: skip
    anchor = LAWS.dialogue.anchor_lufs
    assert [p.lufs for p in placed] == pytest.approx([anchor, anchor, anchor - 4, anchor + 3], abs=0.1)


@pytest.mark.parametrize(
    ("style", "expected"),
    [("", ""), ("whisper", "whisper"), ("an angry, hushed voice", "whisper"), ("大声喊", "shout"), ("低声地", "murmur"),
     ("Shouting", "shout"), ("shoutless", ""), ("sing-song", "")],
)  # fmt: skip
def test_a_style_in_plain_words_is_understood(style, expected):
    assert intent(style, LAWS.dialogue) == expected


def test_the_level_claimed_is_the_level_on_the_bus_and_the_line_starts_at_its_sample(tmp_path, scratch):
    segment = line("a", start_s=0.25, pan=0.4)
    take = prepare_line(written(tmp_path / "a.wav", voice(1, -30) + 1e-3), PLAIN, LAWS.dialogue, scratch)
    assert take is not None
    (placed,) = place_lines([segment], {"a": take}, LAWS.dialogue)
    sound = ClipBus([placed.placed], scratch).render(0, 2 * RATE_HZ)
    assert abs(np.flatnonzero(np.abs(sound).max(axis=0))[0] - round(0.25 * RATE_HZ)) <= 1
    cells = energies(sound[:, round(0.25 * RATE_HZ) : round(1.25 * RATE_HZ)])
    assert speech_lufs(cells) == pytest.approx(placed.lufs, abs=0.1)
    assert (sound[1] ** 2).sum() > 2 * (sound[0] ** 2).sum()


def test_a_hard_cut_take_makes_no_click(tmp_path, scratch):
    at_s = np.arange(RATE_HZ // 2) / RATE_HZ
    take = prepare_line(
        written(tmp_path / "a.wav", 0.5 * np.cos(2 * np.pi * 200 * at_s)[None]), PLAIN, LAWS.dialogue, scratch
    )
    assert take is not None
    sound = scratch.read(take.clip, 0, take.clip.frames)[0]
    assert abs(sound[0]) < 1e-4
    assert abs(sound[-1]) < 1e-3
    assert np.abs(np.diff(sound[:48], 2)).max() < 3 * np.abs(np.diff(sound[1000:9000], 2)).max()


def bang(seconds: float, peak: float, channels: int = 1, lead_s: float = 0.0) -> np.ndarray:
    rng, at_s = np.random.default_rng(1), np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    sound = rng.standard_normal((channels, len(at_s))) * np.exp(-at_s * 4 / seconds)
    return np.concatenate(
        [np.zeros((channels, round(lead_s * RATE_HZ))), peak * sound / np.abs(sound).max()], axis=1
    )


def effects_at(
    tmp_path: Path, scratch: Scratch, sounds: dict[str, np.ndarray], *cues: EffectSegment, total_s=20.0
):
    takes = {}
    for cue in cues:
        key = cue.id.split("-")[0]
        take = prepare_effect(
            written(tmp_path / f"{key}.wav", sounds[key]), cue.duration_s, DRY, LAWS.effect, scratch
        )
        assert take is not None
        takes[cue.id] = take
    placed = place_effects(
        list(cues), takes, LAWS.effect, LAWS.dialogue.anchor_lufs, round(total_s * RATE_HZ)
    )
    return ClipBus([p.placed for p in placed], scratch).render(0, round(total_s * RATE_HZ)), placed


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("peak", [0.02, 0.9])
def test_an_effect_has_its_loudness_whatever_its_takes(tmp_path, scratch, channels, peak):
    sound, _ = effects_at(tmp_path, scratch, {"a": bang(2, peak, channels)}, effect("a", 3.0, level_db=-2.0))
    want = LAWS.dialogue.anchor_lufs - LAWS.effect.below_dialogue_lu - 2
    assert momentary_max_lufs(energies(sound)) == pytest.approx(want, abs=0.3)


def test_an_effect_sounds_at_its_cue_though_its_take_begins_with_silence(tmp_path, scratch):
    sound, _ = effects_at(tmp_path, scratch, {"a": bang(1, 0.5, lead_s=0.7)}, effect("a", 3.0))
    assert abs(np.flatnonzero(np.abs(sound).max(axis=0) > 1e-4)[0] - 3 * RATE_HZ) < 0.002 * RATE_HZ


def test_a_tail_is_never_cut_and_at_the_very_end_it_is_faded(tmp_path, scratch):
    whole, _ = effects_at(tmp_path, scratch, {"a": bang(6, 0.5)}, effect("a", 3.0, duration_s=1.0))
    assert np.flatnonzero(np.abs(whole).max(axis=0))[-1] == pytest.approx(9 * RATE_HZ, abs=RATE_HZ // 10)
    ended, _ = effects_at(tmp_path, scratch, {"a": bang(6, 0.5)}, effect("a", 3.0), total_s=5.0)
    early = slice(0, round(4.4 * RATE_HZ))
    assert np.array_equal(ended[:, early], whole[:, early])
    assert np.abs(ended[:, -10:]).max() < 1e-5


def test_cues_at_once_do_not_pile_up(tmp_path, scratch):
    sounds = {name: bang(1.5, 0.5) * (-1) ** k for k, name in enumerate("abcdef")}
    rng = np.random.default_rng(3)
    sounds = {name: sound * rng.standard_normal(sound.shape) for name, sound in sounds.items()}
    cues = [effect(name, 3.0 + 0.02 * k) for k, name in enumerate(sounds)]
    sound, _ = effects_at(tmp_path, scratch, sounds, *cues, effect("a-later", 12.0))
    loud = momentary_max_lufs(energies(sound[:, : 8 * RATE_HZ]))
    alone = momentary_max_lufs(energies(sound[:, 11 * RATE_HZ :]))
    assert loud <= alone + LAWS.effect.pile_max_db + 1
    assert alone == pytest.approx(LAWS.dialogue.anchor_lufs - LAWS.effect.below_dialogue_lu, abs=0.5)


@pytest.mark.parametrize("rate_hz", [8_000, 22_050, 24_000, 44_100, 192_000])
@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "FLOAT"])
def test_any_rate_and_depth_is_read_at_the_right_pitch_and_length(tmp_path, rate_hz, subtype):
    at_s = np.arange(rate_hz) / rate_hz
    path = written(tmp_path / "a.wav", 0.5 * np.sin(2 * np.pi * 440 * at_s)[None], rate_hz, subtype)
    sound = read_take(path)
    assert sound.shape[1] == pytest.approx(RATE_HZ, abs=2)
    assert sound.dtype == np.float32
    assert np.argmax(np.abs(np.fft.rfft(sound[0, : RATE_HZ - 2]))) == pytest.approx(440, abs=1)


@pytest.mark.parametrize("channels", range(1, 9))
def test_any_number_of_channels_folds_to_stereo(tmp_path, channels):
    sound = to_stereo(
        read_take(written(tmp_path / "a.wav", np.stack([voice(0.2, -30, c) for c in range(channels)])))
    )
    assert sound.shape[0] == 2
    assert np.abs(sound).max() > 0.01


def not_audio(path: Path) -> Path:
    path.write_bytes(b"RIFF this is no sound at all")
    return path


@pytest.mark.parametrize(
    "make",
    [
        lambda path: path,
        not_audio,
        lambda path: written(path, np.full((1, 100), np.nan)),
        lambda path: written(path, np.full((1, 100), np.inf)),
        lambda path: path.parent,
    ],
    ids=["missing", "not audio", "NaN", "infinite", "a folder"],
)
def test_a_bad_take_is_an_error_that_names_the_file(tmp_path, make):
    path = make(tmp_path / "bad.wav")
    with pytest.raises(MixError) as caught:
        read_take(path)
    assert str(path) in str(caught.value)
    assert "→" in str(caught.value)  # with a remedy


def test_empty_and_silent_takes_are_none(tmp_path, scratch):
    for sound in (np.zeros((1, 0)), np.zeros((1, RATE_HZ))):
        path = written(tmp_path / "a.wav", sound)
        assert prepare_line(path, PLAIN, LAWS.dialogue, scratch) is None
        assert prepare_effect(path, 1.0, DRY, LAWS.effect, scratch) is None


def test_profiles_are_those_promised():
    assert {
        name: (p.integrated_lufs, p.ceiling_dbtp) for name in profile_names() for p in [load_profile(name)]
    } == {
        "drama": (-18, -1.5),
        "podcast": (-16, -1),
        "broadcast": (-23, -1),
        "acx": (None, -3),
    }
    with pytest.raises(InputError, match="one of drama"):
        load_profile("cinema")
