"""Rooms: they decay as they say, leave words where they are, are chosen by scene and style, and can be overridden.
Processed lines are kept and used again without a bit of difference."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from scipy.signal import butter, sosfilt

from mixing import MixError, load_profile
from mixing.acoustics import resolve, table
from mixing.buses import ClipBus
from mixing.dialogue import fit_tails, manner, place_lines, prepare_line
from mixing.linecache import LineCache
from mixing.lines import Manner, line_key, process_line
from mixing.loudness import energies, speech_lufs
from mixing.rooms import answer, impulse_response
from mixing.scratch import Scratch
from story.acoustics import acoustics_of, space_table
from story.errors import InputError
from story.novel import Segment
from story.scene_models import Scene
from story.timeline import DialogueSegment

RATE_HZ = 48_000
LAW = load_profile().laws.dialogue
ROOMS = {name: space for name, space in table().spaces.items() if space is not None}


def voice(seconds: float = 1.5, level_db: float = -24) -> np.ndarray:
    rng, at_s = np.random.default_rng(4), np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    band = butter(1, [200, 4000], "bandpass", fs=RATE_HZ, output="sos")
    sound = np.asarray(sosfilt(band, rng.standard_normal(len(at_s)))) * np.abs(np.sin(2 * np.pi * 2 * at_s))
    return (sound * 10 ** (level_db / 20) / np.sqrt((sound**2).mean())).astype(np.float32)


@pytest.fixture(scope="module")
def take(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("take") / "line.wav"
    soundfile.write(path, voice(), RATE_HZ, subtype="FLOAT")
    return path


def segment(**more) -> DialogueSegment:
    return DialogueSegment(
        id="s1", type="dialogue", scene="1", speaker="jim", voice_id="v", emotion="neutral", content="…",
        estimated_duration_s=1.5, start_s=0.5, **more,
    )  # fmt: skip


def bus(take: Path, tmp_path: Path, **more) -> tuple[np.ndarray, float]:
    """The dialogue bus of one line, 8 s, and the level the plan claims for it."""
    line = segment(**more)
    with Scratch(tmp_path / "clips.f32") as scratch:
        made = prepare_line(take, manner(line, LAW), LAW, scratch)
        assert made is not None
        (placed,) = fit_tails(place_lines([line], {"s1": made}, LAW), 8 * RATE_HZ, 0.5)
        clips = [placed.placed] + ([placed.wet] if placed.wet else [])
        return ClipBus(clips, scratch).render(0, 8 * RATE_HZ), placed.lufs


def test_names_in_the_story_and_in_the_mixer_are_the_same():
    story, mixer = space_table(), table()
    assert set(story.presets) == set(mixer.spaces)
    assert set(story.distances) == set(mixer.distances)
    assert set(story.treatments) == set(mixer.treatments)
    assert {*story.settings.values(), *story.places.values()} <= set(story.presets)


@pytest.mark.parametrize("name", ROOMS)
def test_a_room_decays_as_it_says_and_keeps_words_clear(name):
    space = ROOMS[name]
    room = impulse_response(space)
    assert room.dtype == np.float32
    assert (room**2).sum() == pytest.approx(1, abs=1e-3)
    left = np.cumsum((room**2).sum(axis=0)[::-1])[::-1]
    level_db = 10 * np.log10(left / left[0] + 1e-12)
    t20 = 3 * (np.argmax(level_db < -25) - np.argmax(level_db < -5)) / RATE_HZ  # Schroeder
    assert t20 == pytest.approx(space.rt60_s[1], rel=0.25)
    wet = 10 ** (-space.direct_to_wet_db / 10)
    clear = (1 + wet * (1 - left[round(0.05 * RATE_HZ)])) / (
        1 + wet
    )  # ISO 3382 D50, the direct sound included
    assert clear > 0.9
    assert abs(np.corrcoef(room)[0, 1]) < 0.3  # wide
    impulse_response.cache_clear()
    assert np.array_equal(impulse_response(space), room)


def test_a_rooms_answer_is_the_convolution_and_its_tail_is_whole():
    sound, space = voice(0.1), ROOMS["room"]
    heard, room = answer(sound, space), impulse_response(space)
    assert heard.shape == (2, len(sound) + room.shape[1] - 1)
    exact = np.convolve(sound.astype(np.float64), room[0].astype(np.float64))
    assert np.abs(heard[0] - exact).max() < 1e-5


@pytest.mark.parametrize("space", ["none", *ROOMS])
def test_a_line_stands_at_its_level_and_its_sample_in_every_room(take, tmp_path, space):
    sound, claimed = bus(take, tmp_path, space=space)
    first = np.flatnonzero(np.abs(sound).max(axis=0) > 1e-6)[0]
    assert abs(first - 0.5 * RATE_HZ) < 40  # the edge's first samples are below the threshold
    cells = energies(sound[:, RATE_HZ // 2 : 2 * RATE_HZ])
    assert speech_lufs(cells) == pytest.approx(claimed, abs=0.7)
    assert claimed == pytest.approx(LAW.anchor_lufs, abs=0.01)


def test_far_is_softer_duller_and_has_more_room_than_near(take, tmp_path):
    near, far = (bus(take, tmp_path, space="hall", distance=d)[0] for d in ("near", "far"))

    def tail(x):
        after = x[:, round(2.1 * RATE_HZ) :]
        return (after**2).sum() / (x**2).sum()

    def bright(x):
        spectrum = np.abs(np.fft.rfft(x.sum(axis=0))) ** 2
        return spectrum[3000 * 8 :].sum() / spectrum.sum()

    assert tail(far) > 4 * tail(near)
    assert bright(far) < 0.8 * bright(near)
    assert speech_lufs(energies(far)) < speech_lufs(energies(near)) - 1.5


def test_a_telephone_is_narrow_and_dry_and_a_thought_is_in_the_middle(take, tmp_path):
    phone, _ = bus(take, tmp_path, space="church", treatment="telephone", pan=0.3)
    spectrum = np.abs(np.fft.rfft(phone.sum(axis=0))) ** 2
    inside = spectrum[300 * 8 : 3400 * 8].sum()
    assert inside > 0.9 * spectrum.sum()
    assert not phone[:, round(2.1 * RATE_HZ) :].any()
    assert (phone[1] ** 2).sum() > 2 * (phone[0] ** 2).sum()
    inner, _ = bus(take, tmp_path, space="church", treatment="thought", pan=0.3)
    assert np.array_equal(inner[0], inner[1])
    assert not inner[:, round(2.1 * RATE_HZ) :].any()


def test_a_tail_at_the_chapters_end_is_faded(take, tmp_path):
    line = segment(space="church")
    with Scratch(tmp_path / "clips.f32") as scratch:
        made = prepare_line(take, manner(line, LAW), LAW, scratch)
        assert made is not None
        total = round(2.6 * RATE_HZ)
        (placed,) = fit_tails(place_lines([line], {"s1": made}, LAW), total, 0.5)
        assert placed.wet is not None
        sound = ClipBus([placed.wet], scratch).render(0, total)
    assert np.abs(sound[:, -4:]).max() < 1e-6
    assert np.abs(sound[:, -RATE_HZ // 2 - 100 : -RATE_HZ // 2]).max() > 1e-4


def test_an_unknown_preset_is_an_error_with_the_choices():
    with pytest.raises(MixError) as caught:
        resolve("ballroom")
    assert "hall" in str(caught.value)


SCENE = Scene(id="1", chapter="1", first_segment="a", last_segment="a", scene_type="", setting="interior", place_class="church")  # fmt: skip


@pytest.mark.parametrize(
    ("line", "narrator", "expected"),
    [
        ({"type": "dialogue"}, False, ("church", "normal", "")),
        ({"type": "narration"}, True, ("none", "normal", "")),
        ({"type": "thought"}, False, ("none", "normal", "thought")),
        ({"type": "dialogue", "style": "an angry whisper"}, False, ("church", "near", "")),
        ({"type": "dialogue", "style": "从远处喊"}, False, ("church", "far", "")),
        ({"type": "dialogue", "style": "on the telephone, tired"}, False, ("church", "normal", "telephone")),
        ({"type": "dialogue", "style": "headphones"}, False, ("church", "normal", "")),
        ({"type": "dialogue", "style": "隔着门"}, False, ("church", "normal", "behind_door")),
        ({"type": "dialogue", "space": "cave", "distance": "far", "treatment": "radio"}, False, ("cave", "far", "radio")),
        ({"type": "narration", "space": "hall"}, True, ("hall", "normal", "")),
        ({"type": "thought", "treatment": ""}, False, ("none", "normal", "")),
    ],
)  # fmt: skip
def test_presets_come_from_scene_style_and_type_and_the_novel_decides(line, narrator, expected):
    spoken = Segment(id="a", content="Well.", speaker="jim", **line)
    assert acoustics_of(spoken, SCENE, narrator=narrator) == expected


def test_a_preset_the_novel_invents_is_an_error_that_names_the_segment():
    spoken = Segment(id="a7", content="Well.", speaker="jim", type="dialogue", space="ballroom")
    with pytest.raises(InputError) as caught:
        acoustics_of(spoken, SCENE, narrator=False)
    assert "a7" in str(caught.value)
    assert "church" in str(caught.value)


WHISPER = Manner("whisper", resolve("hall", "near"))


def same(a, b) -> bool:
    figures = (a.take_lufs, a.lufs, a.peak) == (b.take_lufs, b.lufs, b.peak)
    return figures and np.array_equal(a.dry, b.dry) and np.array_equal(a.wet, b.wet)


def test_a_kept_line_is_the_same_bits(take, tmp_path):
    fresh = process_line(take, WHISPER, LAW)
    assert fresh is not None
    cache = LineCache(tmp_path)
    cache.put(line_key(take, WHISPER, LAW), fresh)
    kept = cache.get(line_key(take, WHISPER, LAW))
    assert kept is not None
    assert same(kept, fresh)
    assert (cache.hits, cache.misses) == (1, 0)


def test_the_key_is_the_content_and_the_manner(take, tmp_path):
    copy = tmp_path / "elsewhere.wav"
    copy.write_bytes(take.read_bytes())
    assert line_key(copy, WHISPER, LAW) == line_key(take, WHISPER, LAW)
    other = tmp_path / "other.wav"
    soundfile.write(other, voice(1.4), RATE_HZ, subtype="FLOAT")
    louder = LAW.model_copy(update={"compressor": LAW.compressor.model_copy(update={"ratio": 3.0})})
    keys = {
        line_key(take, WHISPER, LAW), line_key(other, WHISPER, LAW), line_key(take, WHISPER, louder),
        line_key(take, replace(WHISPER, intent=""), LAW), line_key(take, Manner("whisper", resolve("hall")), LAW),
    }  # fmt: skip
    assert len(keys) == 5
    placement = LAW.model_copy(update={"anchor_lufs": -20.0})  # levels are set afterwards
    assert line_key(take, WHISPER, placement) == line_key(take, WHISPER, LAW)


@pytest.mark.parametrize("harm", [b"", b"{}\n", None, "cut"])
def test_a_damaged_line_is_made_again(take, tmp_path, harm):
    fresh = process_line(take, WHISPER, LAW)
    assert fresh is not None
    cache = LineCache(tmp_path)
    cache.put("abc", fresh)
    (path,) = tmp_path.rglob("*.line")
    whole = path.read_bytes()
    flipped = whole[:-1] + bytes([whole[-1] ^ 1])
    path.write_bytes({None: flipped, "cut": whole[:-100]}.get(harm, harm))  # type: ignore[arg-type]
    assert cache.get("abc") is None
    assert cache.misses == 1


def test_the_cache_keeps_to_its_limit_and_drops_what_was_used_longest_ago(take, tmp_path):
    import os

    fresh = process_line(take, Manner("", resolve("none")), LAW)
    assert fresh is not None
    cache = LineCache(tmp_path, limit_bytes=int(2.5 * fresh.dry.nbytes))
    for number, key in enumerate(("aa1", "bb2", "cc3")):
        cache.put(key, fresh)
        os.utime(tmp_path / key[:2] / f"{key}.line", (number, number))
    assert cache.get("aa1") is not None  # used just now
    cache.prune()
    assert cache.get("bb2") is None
    assert cache.get("aa1") is not None
    assert cache.get("cc3") is not None
