"""A bed covers its scene exactly, with no seam, no click and no repeat one could hear, at the level asked for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import butter, sosfilt

from mixing import load_profile
from mixing.beds import Bed, BedTake, plan_beds, prepare_bed
from mixing.loudness import energies, lufs
from mixing.scratch import Scratch
from story.timeline import EnvironmentSegment

RATE_HZ = 48_000
LAW = load_profile().laws.bed
ANCHOR_LUFS = -23.0


def take_of(kind: str, seconds: float, channels: int = 1) -> np.ndarray:
    rng, at_s = np.random.default_rng(2), np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    rain = np.asarray(
        sosfilt(butter(1, 1000, fs=RATE_HZ, output="sos"), rng.standard_normal((channels, len(at_s))))
    )
    hum = np.tile(np.sin(2 * np.pi * 123.4 * at_s) + 0.5 * np.sin(2 * np.pi * 246.8 * at_s), (channels, 1))
    sound = {"rain": rain, "hum": hum, "both": 0.3 * rain + 0.1 * hum}[kind]
    return 0.3 * sound / np.abs(sound).max()


@pytest.fixture
def scratch(tmp_path):
    with Scratch(tmp_path / "clips.f32") as clips:
        yield clips


def prepared(tmp_path: Path, scratch: Scratch, sound: np.ndarray, rate_hz: int = RATE_HZ) -> BedTake:
    path = tmp_path / f"take{scratch.end}.wav"
    soundfile.write(path, sound.T, rate_hz, subtype="FLOAT")
    take = prepare_bed(path, LAW, scratch)
    assert take is not None
    return take


def segment(
    start_s: float, duration_s: float, name: str = "b0", scene: str = "1", **more
) -> EnvironmentSegment:
    return EnvironmentSegment(
        id=name,
        scene=scene,
        scene_type="",
        sound="x",
        ucs="",
        prompt="",
        start_s=start_s,
        duration_s=duration_s,
        **more,
    )


def plan(
    takes: dict[str, BedTake], segments: list[EnvironmentSegment], total_s: float, scratch: Scratch
) -> list[Bed]:
    return plan_beds(segments, takes, LAW, ANCHOR_LUFS, round(total_s * RATE_HZ), scratch)


def render(beds: list[Bed], total_s: float, scratch: Scratch) -> np.ndarray:
    out = np.zeros((2, round(total_s * RATE_HZ)), np.float32)
    for bed in beds:
        bed.add_to(out, 0, scratch)
    return out


def levels_db(sound: np.ndarray, window_s: float = 0.4) -> np.ndarray:
    count = round(window_s * RATE_HZ)
    power = (
        (sound[:, : sound.shape[1] // count * count].astype(float) ** 2)
        .reshape(2, -1, count)
        .mean(axis=(0, 2))
    )
    return 10 * np.log10(power)


@pytest.mark.parametrize("kind", ["rain", "hum", "both"])
@pytest.mark.parametrize("take_s", [4.0, 12.0])
def test_loops_have_no_dip_bump_or_click_at_a_seam(tmp_path, scratch, kind, take_s):
    take = prepared(tmp_path, scratch, take_of(kind, take_s))
    (bed,) = plan({"b0": take}, [segment(0, 60)], 60, scratch)
    assert len(bed.pieces) > 4
    sound = render([bed], 60, scratch)
    level = levels_db(sound)
    assert np.abs(level - np.median(level)).max() < 1.0
    bend = np.abs(np.diff(sound[0], 2))  # a jump or kink stands out of the second difference
    for piece in bed.pieces[1:]:
        seam = bend[piece.start - 100 : piece.start + 100 + 2 * RATE_HZ]
        assert seam.max() < 1.5 * np.max(bend[RATE_HZ : 2 * RATE_HZ])


def test_a_long_bed_is_not_the_same_half_minute_again_and_again(tmp_path, scratch):
    take = prepared(tmp_path, scratch, take_of("rain", 20))
    (bed,) = plan({"b0": take}, [segment(0, 600)], 600, scratch)
    sources = [piece.source for piece in bed.pieces]
    distances = np.abs(np.diff(sources))
    assert len(set(sources)) > 0.8 * len(sources)
    assert np.median(distances) > RATE_HZ  # neighbours come from different places of the take
    assert len({piece.frames for piece in bed.pieces}) > 0.8 * len(sources)  # no rhythm of seams either


def test_the_bed_fills_its_scene_exactly_and_nothing_else(tmp_path, scratch):
    take = prepared(tmp_path, scratch, take_of("rain", 5))
    sound = render(plan({"b0": take}, [segment(2.5, 20.25)], 30, scratch), 30, scratch)
    heard = np.flatnonzero(np.abs(sound).max(axis=0))
    assert heard[0] == round(2.5 * RATE_HZ)
    assert heard[-1] == round(22.75 * RATE_HZ) - 1
    level = levels_db(sound[:, heard[0] : heard[-1] + 1], 0.05)
    assert level.min() > np.median(level) - 3


def test_scenes_cross_fade_at_constant_level(tmp_path, scratch):
    one, two = (prepared(tmp_path, scratch, take_of("rain", 10) * gain) for gain in (1.0, 0.1))
    segments = [
        segment(0, 23, "a", "1", fade_out_s=3.0),
        segment(20, 20, "b", "2", fade_in_s=3.0),
    ]
    level = levels_db(render(plan({"a": one, "b": two}, segments, 40, scratch), 40, scratch))
    assert np.abs(level - np.median(level)).max() < 1.0


@pytest.mark.parametrize("gain", [0.01, 1.0])
@pytest.mark.parametrize("channels", [1, 2])
def test_any_take_comes_to_the_same_level(tmp_path, scratch, gain, channels):
    take = prepared(tmp_path, scratch, take_of("both", 8, channels) * gain)
    for level_db in (0.0, -4.0):
        sound = render(plan({"b0": take}, [segment(0, 20, level_db=level_db)], 20, scratch), 20, scratch)
        assert lufs(energies(sound)) == pytest.approx(ANCHOR_LUFS - LAW.below_dialogue_lu + level_db, abs=0.3)


@pytest.mark.parametrize(("count", "louder_db"), [(1, 0.0), (2, 3.0), (6, LAW.layers_max_db)])
def test_layers_add_up_but_do_not_pile_up(tmp_path, scratch, count, louder_db):
    rain = prepared(tmp_path, scratch, take_of("rain", 8))
    segments = [segment(0, 20, f"layer{k}") for k in range(count)]
    sound = render(plan({s.id: rain for s in segments}, segments, 20, scratch), 20, scratch)
    assert lufs(energies(sound)) == pytest.approx(ANCHOR_LUFS - LAW.below_dialogue_lu + louder_db, abs=0.6)


def test_a_mono_take_becomes_wide_and_folds_back_to_itself(tmp_path, scratch):
    take = prepared(tmp_path, scratch, take_of("rain", 6))
    sound = render(plan({"b0": take}, [segment(0, 5)], 5, scratch), 5, scratch)
    assert 0.2 < np.corrcoef(sound)[0, 1] < 0.8
    loss_db = 10 * np.log10((sound.mean(axis=0) ** 2).mean() / (sound**2).mean())
    assert loss_db > -2


def test_planned_energies_are_those_one_hears(tmp_path, scratch):
    take = prepared(tmp_path, scratch, take_of("rain", 10))
    segments = [segment(1, 25, "a", fade_in_s=1.0, fade_out_s=3.0), segment(23, 15, "b", "2", fade_in_s=3.0)]
    beds = plan({"a": take, "b": take}, segments, 40, scratch)
    planned = np.zeros(4000, np.float32)
    for bed in beds:
        bed.add_energies(planned)
    measured = energies(render(beds, 40, scratch))
    for start in range(200, 3600, 100):
        assert lufs(planned[start : start + 100]) == pytest.approx(
            lufs(measured[start : start + 100]), abs=0.5
        )


@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_any_stretch_is_the_same_bits_as_in_the_whole(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("bed")
    with Scratch(folder / "clips.f32") as scratch:
        take = prepared(folder, scratch, take_of("both", 2.5))
        beds = plan({"b0": take}, [segment(0.5, 9, fade_in_s=1, fade_out_s=2)], 10, scratch)
        whole = render(beds, 10, scratch)
        start = data.draw(st.integers(0, 10 * RATE_HZ - 1))
        stop = data.draw(st.integers(start + 1, 10 * RATE_HZ))
        part = np.zeros((2, stop - start), np.float32)
        beds[0].add_to(part, start, scratch)
        assert np.array_equal(part, whole[:, start:stop])


@pytest.mark.parametrize("take_s", [0.11, 0.3, 1.0, 2.0, 7.0])
@pytest.mark.parametrize("bed_s", [0.01, 0.5, 33.3])
def test_any_take_covers_any_scene(tmp_path, scratch, take_s, bed_s):
    take = prepared(tmp_path, scratch, take_of("rain", take_s))
    sound = render(plan({"b0": take}, [segment(0, bed_s)], bed_s, scratch), bed_s, scratch)
    quiet = np.abs(sound).max(axis=0) < 1e-7
    assert not quiet[: len(quiet) // 480 * 480].reshape(-1, 480).all(axis=1).any() if bed_s > 0.01 else True
    assert np.isfinite(sound).all()
    assert np.abs(sound).max() < 1


def test_fades_and_silence_at_a_takes_ends_are_no_holes_in_the_loop(tmp_path, scratch):
    sound = take_of("rain", 6)
    sound[:, :RATE_HZ] *= np.linspace(0, 1, RATE_HZ)
    sound[:, -RATE_HZ:] = 0
    take = prepared(tmp_path, scratch, sound)
    level = levels_db(render(plan({"b0": take}, [segment(0, 40)], 40, scratch), 40, scratch))
    assert level.min() > np.median(level) - 6


def test_a_silent_take_is_no_bed(tmp_path, scratch):
    path = tmp_path / "silent.wav"
    soundfile.write(path, np.zeros(RATE_HZ), RATE_HZ)
    assert prepare_bed(path, LAW, scratch) is None
