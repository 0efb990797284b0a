"""The procedural engine: every sound of the vocabulary is made, is well formed, and measurably what it is called.

Nobody listens in a test, so recognisability is held to what a spectrogram would show: where the energy lies, how
it moves, how often something strikes, how long it rings.
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import scipy.signal
from faster_whisper.vad import get_speech_timestamps
from hypothesis import given, settings
from hypothesis import strategies as st

from models.base import CannotMake, SoundRequest
from models.sound.procedural import Procedural
from models.sound.procedural.canvas import Canvas, loudness_lufs
from models.sound.procedural.engine import maker_id
from models.sound.procedural.registry import BEDS, EFFECTS, OVERHANG_S
from models.sound.procedural.steps import CANTER, ride
from models.sound.procedural.voice import babble

RATE = 48_000
SOUNDS = json.loads(Path(__file__).parents[1].joinpath("story/data/sounds.json").read_text(encoding="utf-8"))
BED_IDS = [row["id"] for row in SOUNDS["beds"]]
EFFECT_IDS = [row["id"] for row in SOUNDS["effects"]]
DEFAULT_S = {row["id"]: row["duration_s"] for row in SOUNDS["effects"]}
ENGINE = Procedural({}, "cpu")


def request(
    kind: str, sound: str, duration_s: float, seed: int = 1, attempt: int = 0, ucs: str = ""
) -> SoundRequest:
    return SoundRequest("x", kind, sound, ucs, "", duration_s, seed, attempt)  # type: ignore[arg-type]


@cache
def bed(sound: str, duration_s: float = 4.0, seed: int = 1) -> np.ndarray:
    return ENGINE.render(request("bed", sound, duration_s, seed)).samples


@cache
def effect(sound: str, seed: int = 1) -> np.ndarray:
    return ENGINE.render(request("effect", sound, DEFAULT_S[sound], seed)).samples


def share(x: np.ndarray, low_hz: float, high_hz: float) -> float:
    """Share of the energy of the mono sum between two frequencies."""
    power = np.abs(np.fft.rfft(x.mean(axis=0))) ** 2
    freq = np.fft.rfftfreq(x.shape[1], 1 / RATE)
    return float(power[(freq >= low_hz) & (freq < high_hz)].sum() / power.sum())


def envelope(x: np.ndarray, cell_s: float = 0.005, low_hz: float = 0.0) -> np.ndarray:
    """RMS of cells of the mono sum, above `low_hz`."""
    mono = x.mean(axis=0)
    if low_hz:
        mono = scipy.signal.sosfilt(scipy.signal.butter(4, low_hz, "high", fs=RATE, output="sos"), mono)
    cell = int(cell_s * RATE)
    cells = np.asarray(mono)[: len(mono) // cell * cell].reshape(-1, cell)
    return np.sqrt((cells**2).mean(axis=1))


def strikes(
    x: np.ndarray, low_hz: float = 0.0, rise: float = 2.5, apart_s: float = 0.04, floor: float = 0.06
) -> np.ndarray:
    """Times (s) at which the level jumps: cells `rise` times above the mean of the 20 ms before, loud enough."""
    level = envelope(x, 0.005, low_hz)
    before = np.convolve(np.concatenate([np.zeros(4), level]), np.ones(4) / 4, "valid")[: len(level)]
    jumps = np.flatnonzero((level > rise * before) & (level > floor * level.max()))
    out: list[int] = []
    for k in jumps:
        if not out or k - out[-1] >= apart_s / 0.005:
            out.append(int(k))
    return np.array(out) * 0.005


def wobble(x: np.ndarray, low_hz: float, high_hz: float, cell_s: float = 0.02) -> float:
    """Share of the envelope's movement (mean removed) between two modulation frequencies."""
    level = envelope(x, cell_s)
    power = np.abs(np.fft.rfft(level - level.mean())) ** 2
    freq = np.fft.rfftfreq(len(level), cell_s)
    return float(power[(freq >= low_hz) & (freq <= high_hz)].sum() / power.sum())


def unevenness(x: np.ndarray, cell_s: float) -> float:
    """Coefficient of variation of the level: 0 steady."""
    level = envelope(x, cell_s)
    return float(level.std() / level.mean())


def peaks_hz(x: np.ndarray, low_hz: float, high_hz: float, count: int) -> np.ndarray:
    """The strongest spectral peaks, at least 8 % apart, ascending."""
    power = np.abs(np.fft.rfft(x.mean(axis=0) * np.hanning(x.shape[1])))
    freq = np.fft.rfftfreq(x.shape[1], 1 / RATE)
    keep = (freq > low_hz) & (freq < high_hz)
    found: list[float] = []
    for k in np.argsort(-power * keep):
        if all(abs(freq[k] / f - 1) > 0.08 for f in found):
            found.append(float(freq[k]))
        if len(found) == count:
            break
    return np.sort(np.array(found))


# ── every sound ──────────────────────────────────────────────────────────────────────────────────────────────


def test_the_vocabulary_is_covered_and_nothing_else_is_claimed() -> None:
    assert set(BED_IDS) == set(BEDS)
    assert set(EFFECT_IDS) == set(EFFECTS)


@pytest.mark.parametrize("sound", BED_IDS)
def test_a_bed_is_stereo_level_bounded_and_mono_safe(sound: str) -> None:
    x = bed(sound)
    assert x.dtype == np.float32
    assert x.shape[0] == 2
    assert 4.0 * RATE <= x.shape[1] <= 4.0 * RATE * 1.01 + 1
    assert np.isfinite(x).all()
    assert np.abs(x).max() <= 0.9
    rms = np.sqrt((x**2).mean())
    assert np.abs(x).max() / rms <= 20
    assert loudness_lufs(x) == pytest.approx(-26, abs=0.5) or rms == pytest.approx(0.1, rel=0.05)
    assert np.corrcoef(x)[0, 1] > 0.05
    assert not np.array_equal(x[0], x[1])
    assert 10 * np.log10((x.mean(axis=0) ** 2).mean() / (x**2).mean()) > -2.0


@pytest.mark.parametrize("sound", BED_IDS)
def test_a_bed_joins_its_own_beginning(sound: str) -> None:
    """A loop point is no event: the step over the seam is an ordinary step, the levels on both sides agree."""
    x = bed(sound)
    steps = np.abs(np.diff(x, axis=1)).max(axis=0)
    assert np.abs(x[:, 0] - x[:, -1]).max() <= max(steps.max(), 1e-6)
    half = RATE // 20
    seam = np.sqrt((np.concatenate([x[:, -half:], x[:, :half]], axis=1) ** 2).mean())
    cells = np.sqrt(
        (x[:, : x.shape[1] // (2 * half) * 2 * half].reshape(2, -1, 2 * half) ** 2).mean(axis=(0, 2))
    )
    assert 0.5 * cells.min() <= seam <= 2.0 * cells.max()  # no fade at either end


@pytest.mark.parametrize("sound", EFFECT_IDS)
def test_an_effect_starts_at_once_and_ends_in_silence(sound: str) -> None:
    x = effect(sound)
    assert x.dtype == np.float32
    assert x.shape[0] == 2
    assert np.isfinite(x).all()
    top = np.abs(x).max()
    assert 0.5 < top <= 0.9
    assert 0.15 * RATE < x.shape[1] <= (DEFAULT_S[sound] + OVERHANG_S[sound]) * RATE + 1
    first_s = np.argmax(np.abs(x).max(axis=0) > 0.01 * top) / RATE
    lead_s = {"wind_gust": 0.3, "door_creak": 0.1, "gate": 0.1, "whip": 0.12, "oars": 0.05}.get(sound, 0.010)
    assert first_s <= lead_s
    assert np.abs(x[:, -1]).max() < 1e-3
    assert np.sqrt((x[:, -480:] ** 2).mean()) < 0.05 * np.sqrt((x**2).mean()) + 1e-4
    assert np.corrcoef(x)[0, 1] > 0


@pytest.mark.parametrize(
    ("kind", "sound"), [("bed", s) for s in BED_IDS] + [("effect", s) for s in EFFECT_IDS]
)
def test_the_same_request_gives_the_same_bits(kind: str, sound: str) -> None:
    duration_s = 2.0 if kind == "bed" else min(1.0, DEFAULT_S[sound])
    first = Procedural({}, "cpu").render(request(kind, sound, duration_s, 5)).samples
    again = ENGINE.render(request(kind, sound, duration_s, 5)).samples
    assert np.array_equal(first, again)


@pytest.mark.parametrize("sound", ["door_slam", "footsteps", "dog_bark", "gun_shot", "bell_large"])
def test_seed_and_attempt_vary_it(sound: str) -> None:
    takes = [
        ENGINE.render(request("effect", sound, 1.0, seed, attempt)).samples
        for seed, attempt in ((1, 0), (2, 0), (1, 1))
    ]
    for a in range(3):
        for b in range(a):
            n = min(takes[a].shape[1], takes[b].shape[1])
            assert not np.array_equal(takes[a][:, :n], takes[b][:, :n])


def test_threads_do_not_disturb_each_other() -> None:
    wishes = [
        request("effect", sound, 1.0, seed) for seed in range(3) for sound in ("keys", "crow", "door_slam")
    ]
    with ThreadPoolExecutor(ENGINE.lanes) as pool:
        together = list(pool.map(ENGINE.render, wishes))
    for wish, rendered in zip(wishes, together, strict=True):
        assert np.array_equal(rendered.samples, ENGINE.render(wish).samples)


def test_global_random_state_is_neither_used_nor_touched() -> None:
    np.random.seed(1)
    before = np.random.get_state()[1].copy()  # type: ignore[index, union-attr]
    first = ENGINE.render(request("effect", "keys", 1.0)).samples
    assert np.array_equal(before, np.random.get_state()[1])  # type: ignore[index]
    np.random.seed(2)
    assert np.array_equal(first, ENGINE.render(request("effect", "keys", 1.0)).samples)


@settings(max_examples=25, deadline=None)
@given(
    sound=st.sampled_from(EFFECT_IDS),
    duration_s=st.floats(0.1, 6.0),
    seed=st.integers(0, 2**63 - 1),
    attempt=st.integers(0, 3),
)
def test_any_length_and_seed_is_well_formed(sound: str, duration_s: float, seed: int, attempt: int) -> None:
    x = ENGINE.render(request("effect", sound, duration_s, seed, attempt)).samples
    assert np.isfinite(x).all()
    assert 0.01 < np.abs(x).max() <= 0.9
    assert x.shape[1] <= (duration_s + OVERHANG_S[sound]) * RATE + 1


# ── never a wrong sound ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", ["bed", "effect"])
def test_an_unknown_sound_is_not_made(kind: str) -> None:
    with pytest.raises(CannotMake, match="bagpipe_solo"):
        ENGINE.render(request(kind, "bagpipe_solo", 2.0, ucs="MUSCWind"))


def test_an_event_is_not_looped_as_a_bed() -> None:
    with pytest.raises(CannotMake):
        ENGINE.render(request("bed", "gun_shot", 5.0))


def test_a_bed_may_serve_as_an_effect_with_faded_ends() -> None:
    x = ENGINE.render(request("effect", "rain", 2.0)).samples
    assert np.abs(x[:, -1]).max() < 1e-3
    assert share(x, 1000, 20_000) > 0.5


def test_an_unnamed_sound_is_found_by_its_catid() -> None:
    assert maker_id(request("effect", "", 1.0, ucs="GUNPis")) == "gun_shot"
    assert maker_id(request("effect", "a_finer_knock", 1.0, ucs="DOORKnck")) == "door_knock"
    assert maker_id(request("bed", "", 5.0, ucs="AMBSea")) == "sea"


@pytest.mark.parametrize("duration_s", [0.0, -1.0, float("nan"), 1e6])
def test_an_impossible_duration_is_refused(duration_s: float) -> None:
    with pytest.raises(CannotMake, match="duration"):
        ENGINE.render(request("effect", "keys", duration_s))


# ── recognisable beds ────────────────────────────────────────────────────────────────────────────────────────


def test_rain_is_broadband_and_steady() -> None:
    x = bed("rain")
    power = np.abs(np.fft.rfft(x[0])) ** 2
    freq = np.fft.rfftfreq(x.shape[1], 1 / RATE)
    bands = [power[(freq > f) & (freq < 2 * f)].mean() for f in (500, 1000, 2000, 4000, 8000)]
    assert max(bands) / min(bands) < 30
    assert unevenness(x, 0.5) < 0.1
    assert share(bed("rain_roof"), 0, 1000) > 0.7  # from inside the highs are gone


def test_wind_is_low_and_gusts_slowly() -> None:
    x = bed("wind", 12.0)
    assert share(x, 0, 1000) > 0.9
    assert unevenness(x, 0.25) > 0.2
    assert wobble(x, 0.05, 1.5) > 0.6


def test_storm_is_wind_and_rain() -> None:
    x = bed("storm")
    assert share(x, 20, 600) > 0.3
    assert share(x, 3000, 16_000) > 0.05


def test_sea_swells_every_six_to_ten_seconds() -> None:
    x = bed("sea", 32.0)
    assert wobble(x, 0.09, 0.18) > 0.4
    assert unevenness(x, 0.5) > 0.4


def test_thunder_lies_below_two_hundred_hertz() -> None:
    assert share(bed("thunder", 12.0), 0, 200) > 0.8
    clap = effect("thunder_clap")
    assert share(clap, 0, 200) > 0.6
    assert share(clap[:, : RATE // 2], 1000, 8000) > 2 * share(
        clap[:, 3 * RATE :], 1000, 8000
    )  # highs die first
    late = np.sqrt((clap[:, 2 * RATE : 3 * RATE] ** 2).mean())
    assert late > 0.02  # it rolls on


def test_crickets_chirp_between_four_and_five_kilohertz() -> None:
    x = bed("night_crickets")
    assert share(x, 3900, 5100) > 0.5
    band = scipy.signal.sosfilt(scipy.signal.butter(4, (3900, 5100), "band", fs=RATE, output="sos"), x)
    assert wobble(np.asarray(band), 15, 45, 0.005) > 0.15  # wing strokes
    assert unevenness(np.asarray(band), 0.01) > 0.3


def test_fire_crackles_over_a_low_flutter() -> None:
    x = bed("fire", 8.0)
    assert share(x, 20, 400) > 0.4
    high = envelope(x, 0.002, 1500)
    assert high.max() / np.median(high) > 15
    assert 3 < len(strikes(x, 1500, 3.0, 0.02, 0.1)) / 8 < 40


def test_river_bubbles_and_flows_steadily() -> None:
    x = bed("river")
    assert share(x, 300, 3000) > 0.7
    assert unevenness(x, 0.5) < 0.15


def test_birds_sing_above_two_kilohertz_in_phrases() -> None:
    for sound in ("forest_birds", "countryside"):
        x = bed(sound, 16.0)
        song = envelope(x, 0.02, 2000)
        assert song.max() / np.median(song) > 4, sound
        power = np.abs(scipy.signal.stft(x.mean(axis=0), RATE, nperseg=2048)[2]) ** 2
        high = power[86:]  # > 2 kHz; a bird is a line, noise is flat
        tonal = high.max(axis=0) / high.mean(axis=0)
        assert np.quantile(tonal, 0.9) > 60, sound


@pytest.mark.parametrize("sound", ["crowd", "tavern", "teahouse", "market"])
def test_people_sound_like_voices(sound: str) -> None:
    x = bed(sound, 8.0)
    assert share(x, 100, 1200) > 0.7
    assert 0.01 < share(x, 1000, 4000) < 0.25  # there, but leaving room for speech
    assert share(x, 8000, 24_000) < 0.01


def test_one_voice_has_syllables_pitch_and_pauses() -> None:
    voice = babble(np.random.default_rng(3), 8.0, 120.0)
    level = np.sqrt((voice[: len(voice) // 320 * 320].reshape(-1, 320) ** 2).mean(axis=1))
    power = np.abs(np.fft.rfft(level - level.mean())) ** 2
    rate = np.fft.rfftfreq(len(level), 0.02)
    assert power[(rate > 1.5) & (rate < 9)].sum() / power.sum() > 0.35  # speech's 2–8 Hz
    assert (level < 0.05 * level.max()).mean() > 0.08
    part = voice[np.argmax(np.convolve(voice**2, np.ones(3200), "valid")) :][:3200]
    auto = np.correlate(part, part, "full")[3199:]
    lag = 80 + int(np.argmax(auto[80:230]))
    assert 70 < 16_000 / lag < 200
    assert auto[lag] / auto[0] > 0.4


def test_a_speech_detector_takes_babble_for_speech_and_weather_for_none() -> None:
    """Silero's detector (inside faster-whisper) as an ear that was never told about our synthesis."""

    def speech(x: np.ndarray) -> float:
        found = get_speech_timestamps(x / np.abs(x).max() * np.float32(0.7))
        return sum(part["end"] - part["start"] for part in found) / len(x)

    for f0_hz, size in ((110.0, 1.0), (200.0, 1.17)):
        assert speech(babble(np.random.default_rng(1), 8.0, f0_hz, size)) > 0.7
    for sound in ("rain", "wind", "sea", "fire"):
        assert speech(scipy.signal.decimate(bed(sound).mean(axis=0), 3).astype(np.float32)) < 0.1, sound


def test_train_clacks_in_pairs() -> None:
    hits = strikes(bed("train", 9.2), 0.0, 1.6, 0.05, 0.3)
    gaps = np.diff(hits)
    assert len(hits) >= 8
    assert np.any((gaps > 0.1) & (gaps < 0.22))
    assert np.any(gaps > 0.3)


def test_hollow_places_ring_and_drip() -> None:
    for sound in ("cave_drips", "prison"):
        x = bed(sound, 10.0)
        assert len(strikes(x, 700, 2.0, 0.1, 0.2)) >= 2, sound
    assert share(bed("church"), 0, 300) > 0.7
    assert share(bed("room_tone"), 0, 300) > 0.7


def test_carriage_has_trotting_hooves_over_a_rumble() -> None:
    x = bed("carriage", 7.0)
    assert share(x, 20, 400) > 0.6
    hooves = strikes(x, 500, 1.6, 0.06, 0.2)
    assert 3 < len(hooves) / 7 < 12


# ── recognisable effects ─────────────────────────────────────────────────────────────────────────────────────


def test_footsteps_walk_and_running_feet_hurry() -> None:
    walk = strikes(effect("footsteps"), 0, 3.0, 0.25, 0.2)
    assert 1.5 <= 1 / np.diff(walk).mean() <= 2.3  # steps a second
    assert np.diff(walk).std() / np.diff(walk).mean() < 0.15
    run = strikes(effect("footsteps_running"), 0, 1.8, 0.05, 0.1)
    assert len(run) / DEFAULT_S["footsteps_running"] > 4.5  # several people
    assert np.diff(run).std() / np.diff(run).mean() > 0.25  # out of step
    stairs = strikes(effect("footsteps_stairs"), 0, 1.8, 0.15, 0.2)
    assert 3.0 <= len(stairs) / DEFAULT_S["footsteps_stairs"] <= 4.5


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_gallop_has_three_beats_then_the_air(seed: int) -> None:
    canvas = Canvas.of(4.0)
    ride(np.random.default_rng(seed), canvas, CANTER, 0.44, 0.0, 1.0, 0.0)
    beats = strikes(canvas.samples, 0, 1.8, 0.06, 0.2)
    assert 6.0 <= len(beats) / 4.0 <= 9.0
    gaps = np.diff(beats)
    strides = np.flatnonzero(gaps > 1.3 * np.median(gaps))  # the suspension
    assert np.median(np.diff(strides)) == 3
    herd = strikes(effect("horse_gallop", seed), 300, 1.5, 0.04, 0.06)
    assert len(herd) / 4.0 >= 6.0


def test_a_trot_has_two_even_beats() -> None:
    beats = strikes(effect("horse_trot"), 0, 2.5, 0.1, 0.15)
    gaps = np.diff(beats)
    assert 2.5 <= 1 / gaps.mean() <= 3.4
    assert gaps.std() / gaps.mean() < 0.12


@pytest.mark.parametrize("seed", range(4))
def test_a_knock_is_two_to_four_blows_on_wood(seed: int) -> None:
    x = effect("door_knock", seed)
    assert 2 <= len(strikes(x, 0, 2.5, 0.1, 0.25)) <= 4
    assert share(x, 80, 1000) > 0.7


@pytest.mark.parametrize("seed", range(4))
def test_a_shot_cracks_at_once_and_echoes_away(seed: int) -> None:
    x = effect("gun_shot", seed)
    level = np.abs(x).max(axis=0)
    assert np.argmax(level > 0.9 * level.max()) / RATE < 0.003
    early = np.sqrt((x[:, : RATE // 20] ** 2).mean())
    tenth = np.sqrt((x[:, RATE // 10 : RATE // 5] ** 2).mean())
    second = np.sqrt((x[:, RATE : RATE * 5 // 4] ** 2).mean())
    assert early > 3 * tenth > 3 * second > 0
    assert share(x, 0, 300) > 0.15  # the thump
    assert share(x[:, : RATE // 100], 1000, 20_000) > 0.15  # the crack


def test_big_guns_are_lower_than_pistols() -> None:
    assert share(effect("cannon"), 0, 200) > 0.6 > share(effect("gun_shot"), 0, 200)
    assert share(effect("explosion"), 0, 300) > 0.6


def test_bells_ring_long_in_partials_that_are_no_harmonic_row() -> None:
    x = effect("bell_large")
    start, late = x[:, RATE // 4 : RATE], x[:, 3 * RATE : 4 * RATE]
    drop_db = 20 * np.log10(np.sqrt((start**2).mean()) / np.sqrt((late**2).mean()))
    assert 6 < drop_db < 40
    tones = peaks_hz(x[:, : 2 * RATE], 100, 3000, 7)
    strike = tones[np.argmin(np.abs(tones / tones[0] - 2))]  # prime over hum
    ratios = tones / strike
    assert np.abs(ratios - 1.183).min() < 0.02  # the minor third that makes a bell
    assert np.abs(ratios / 0.5 - np.round(ratios / 0.5)).max() > 0.1
    assert share(effect("bell_hand"), 1500, 20_000) > 0.9


def test_a_gong_blooms() -> None:
    high = envelope(effect("gong"), 0.05, 800)
    assert np.argmax(high[2:]) >= 3  # its shimmer peaks well after the stroke


def test_a_clock_ticks_twice_a_second() -> None:
    ticks = strikes(effect("clock_tick"), 0, 4.0, 0.2, 0.15)
    assert np.diff(ticks).mean() == pytest.approx(0.5, abs=0.01)
    assert np.diff(ticks).std() < 0.01


def test_a_telephone_shrills_on_two_tones() -> None:
    x = effect("telephone")
    tones = peaks_hz(x[:, :RATE], 900, 2000, 2)
    assert tones[1] / tones[0] == pytest.approx(1.24, abs=0.03)
    assert wobble(x[:, : int(1.5 * RATE)], 8, 22, 0.005) > 0.2  # the clapper


def test_a_whistle_is_one_gliding_tone() -> None:
    x = effect("whistle")
    freq, _, power = scipy.signal.stft(x.mean(axis=0), RATE, nperseg=2048)
    power = np.abs(power) ** 2
    loud = power.sum(axis=0) > 0.1 * power.sum(axis=0).max()
    pitch = freq[power.argmax(axis=0)][loud]
    assert pitch.min() > 1100
    assert pitch.max() < 3200
    assert pitch.max() / pitch.min() > 1.4
    assert share(x, 1200, 3000) > 0.95


def test_glass_is_bright_and_jingles_after_the_crack() -> None:
    x = effect("glass_break")
    assert share(x, 3000, 20_000) > 0.6
    assert len(strikes(x[:, RATE // 4 :], 2000, 1.5, 0.015, 0.05)) >= 6
    assert share(x, 3000, 20_000) > share(effect("ceramic_break"), 3000, 20_000)


def test_doors_boom_below_and_creaks_sing_above() -> None:
    assert share(effect("door_slam"), 0, 300) > 0.7
    assert share(effect("door_creak"), 400, 5000) > 0.6
    loud = np.sqrt((effect("door_slam")[:, : RATE // 10] ** 2).mean())
    assert loud > 5 * np.sqrt((effect("door_slam")[:, RATE // 2 : RATE * 3 // 4] ** 2).mean())


def test_a_slammed_window_rattles_its_glass() -> None:
    x = effect("window_slam")
    assert share(x, 60, 600) > 0.4
    assert share(x, 900, 6000) > 0.1


def test_swords_and_clangs_ring_bright() -> None:
    x = effect("sword")
    assert share(x, 1000, 16_000) > 0.7
    assert len(strikes(x, 1000, 2.0, 0.2, 0.2)) == 2
    assert share(effect("coins"), 2500, 20_000) > 0.8
    assert share(effect("keys"), 3000, 20_000) > 0.7


def test_a_stick_taps_along() -> None:
    taps = strikes(effect("stick_tap"), 0, 3.0, 0.2, 0.2)
    assert 3 <= len(taps) <= 5
    assert np.all(np.diff(taps) > 0.35)


def voiced_track(x: np.ndarray, low_hz: float, high_hz: float) -> np.ndarray:
    """The strongest frequency between two bounds, where it is loud, every 10 ms."""
    freq, _, power = scipy.signal.stft(x.mean(axis=0), RATE, nperseg=4096, noverlap=4096 - 480)
    power = np.abs(power) ** 2
    keep = (freq > low_hz) & (freq < high_hz)
    loud = power.sum(axis=0) > 0.03 * power.sum(axis=0).max()
    return freq[keep][power[keep].argmax(axis=0)][loud]


def voice_pitch(x: np.ndarray, at_s: float) -> float:
    """Fundamental around a time, by autocorrelation (300–1100 Hz)."""
    part = x.mean(axis=0)[int(at_s * RATE) :][:2048]
    auto = np.correlate(part, part, "full")[2047:]
    first, last = RATE // 1100, RATE // 300
    lag = first + int(np.argmax(auto[first:last] / np.arange(2048 - first, 2048 - last, -1)))
    return RATE / lag


def test_animals_have_their_pitch_and_number() -> None:
    assert 2 <= len(strikes(effect("dog_bark"), 0, 2.5, 0.2, 0.2)) <= 4
    assert 250 < np.median(voiced_track(effect("dog_bark"), 200, 700)) < 700
    owl = voiced_track(effect("owl"), 400, 1200)
    assert owl.max() / owl.min() < 1.4
    assert share(effect("owl"), 500, 1000) > 0.8
    assert share(effect("crow"), 800, 4000) > 0.6
    crow = effect("rooster")
    assert voice_pitch(crow, 1.55) < 0.8 * voice_pitch(crow, 0.95)  # the long fall
    neigh = effect("horse_neigh")
    assert wobble(neigh[:, int(0.3 * RATE) : int(1.2 * RATE)], 6, 14, 0.01) > 0.2  # the whinny's tremor
    assert share(effect("gull"), 800, 6000) > 0.8


def test_hearts_and_drums_beat_low() -> None:
    assert share(effect("heartbeat"), 20, 220) > 0.85
    beats = strikes(effect("heartbeat"), 0, 2.0, 0.2, 0.1)
    assert 1.6 <= len(beats) / 3.0 <= 2.8  # lub and dub at ~72 a minute
    assert share(effect("drum"), 40, 400) > 0.6


def test_applause_is_many_claps() -> None:
    x = effect("applause")
    assert share(x, 500, 5000) > 0.6
    assert unevenness(x[:, RATE // 2 : 2 * RATE], 0.1) < 0.3


def test_water_drips_pours_and_splashes() -> None:
    assert 3 <= len(strikes(effect("water_drip"), 0, 3.0, 0.3, 0.15)) <= 5
    pour = effect("water_pour")
    third = pour.shape[1] // 3

    def centre(part: np.ndarray) -> float:
        power = np.abs(np.fft.rfft(part.mean(axis=0))) ** 2
        freq = np.fft.rfftfreq(part.shape[1], 1 / RATE)
        return float((freq * power).sum() / power.sum())

    assert centre(pour[:, 2 * third :]) > 1.3 * centre(pour[:, :third])  # the cup fills: the pitch climbs
    splash = envelope(effect("splash"), 0.05)
    assert splash[:4].mean() > 4 * splash[-6:].mean()


def test_a_train_whistle_is_a_chord_in_steam() -> None:
    tones = peaks_hz(effect("train_whistle")[:, RATE // 3 : RATE * 4 // 5], 300, 800, 4)
    assert tones / tones[0] == pytest.approx([1.0, 1.26, 1.5, 1.89], abs=0.03)
    assert share(effect("train_whistle"), 3000, 16_000) > 0.002


def test_a_bullet_falls_in_pitch_as_it_passes() -> None:
    x = effect("bullet_by")
    track = voiced_track(x, 500, 7000)
    assert track[0] > 1.8 * np.median(track[-8:])
