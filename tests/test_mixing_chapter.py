"""A whole small chapter with real speech, judged by other people's meters."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import get_args

import numpy as np
import pyebur128
import pytest
import soundfile
import soxr
from mutagen.mp3 import MP3, BitrateMode
from pystoi import stoi

from benchmarks.mixing.chapters import chapter
from mixing import MixError, MixInputs, MixResult, load_profile, mix_chapter
from mixing.contracts import ProfileName
from mixing.loudness import energies, lufs, speech_lufs
from mixing.profiles import profile_names
from story.errors import InputError
from story.timeline import EffectSegment, voice_only

RATE_HZ = 48_000


@pytest.fixture(scope="module")
def inputs(tmp_path_factory) -> MixInputs:
    made = chapter(tmp_path_factory.mktemp("takes"), minutes=0.6, sentences=5, bed_s=9.0)
    timeline = made.timeline
    line = timeline.dialogue_segments[2]  # so short a chapter may have got no effect by chance: put two
    for k, sound in enumerate(("shot", "gallop")):
        cue = EffectSegment(
            id=f"x{k}", sound=sound, ucs="", prompt="", anchor_segment=line.id, anchor="word", anchor_char=0,
            start_s=round(line.start_s + 0.4 * k, 3), pan=0.3,
        )  # fmt: skip
        timeline.effect_segments.append(cue)
        made.effects[cue.id] = next(iter(made.dialogue.values())).parent / f"{sound}.flac"
    return made


@pytest.fixture(scope="module")
def mixed(inputs, tmp_path_factory) -> MixResult:
    return mix_chapter(inputs, tmp_path_factory.mktemp("out"), load_profile())


def read(path: Path) -> np.ndarray:
    sound, rate_hz = soundfile.read(path, dtype="float32", always_2d=True)
    assert rate_hz == RATE_HZ
    return sound.T


def stems(mixed: MixResult) -> dict[str, np.ndarray]:
    return {name: read(path) for name, path in mixed.stems.items()}


def meter(sound: np.ndarray) -> tuple[float, float]:
    mode = pyebur128.MeasurementMode
    state = pyebur128.R128State(2, RATE_HZ, mode.MODE_I | mode.MODE_TRUE_PEAK)
    state.add_frames(np.ascontiguousarray(sound.T.ravel()), sound.shape[1])
    peak = max(pyebur128.get_true_peak(state, channel) for channel in (0, 1))
    return pyebur128.get_loudness_global(state), 20 * np.log10(peak)


def digests(mixed: MixResult) -> list[str]:
    return [hashlib.sha256(p.read_bytes()).hexdigest() for p in (mixed.master, *mixed.stems.values())]


def test_the_master_is_as_loud_as_promised_and_the_report_says_so(inputs, mixed):
    loudness, peak = meter(read(mixed.master))
    assert loudness == pytest.approx(-18, abs=0.1)
    assert peak <= -1.5
    assert mixed.loudness.integrated_lufs == pytest.approx(loudness, abs=0.02)
    assert mixed.loudness.true_peak_dbtp == pytest.approx(peak, abs=0.02)
    assert mixed.duration_s == pytest.approx(inputs.timeline.total_duration_s, abs=1e-4)
    assert not mixed.warnings


def test_files_are_48_khz_stereo_24_bits_and_equally_long(inputs, mixed):
    for path in (mixed.master, *mixed.stems.values()):
        info = soundfile.info(path)
        assert (info.samplerate, info.channels, info.subtype) == (RATE_HZ, 2, "PCM_24")
        assert info.frames == round(inputs.timeline.total_duration_s * RATE_HZ)


def test_stems_times_gain_are_the_master_except_where_the_limiter_worked(mixed):
    total = sum(stems(mixed).values()) * np.float32(10 ** (mixed.master_gain_db / 20))
    master = read(mixed.master)
    frames = master.shape[1] // 480 * 480
    error = np.abs(master - total)[:, :frames].max(axis=0).reshape(-1, 480).max(axis=1)
    assert (error < 10 ** (-90 / 20)).mean() > 0.98
    assert mixed.limited_share < 0.02


def test_words_stay_clear(inputs, mixed):
    dialogue, master = stems(mixed)["dialogue"].mean(axis=0), read(mixed.master).mean(axis=0)
    scores = []
    for line in inputs.timeline.dialogue_segments:
        span = slice(round(line.start_s * RATE_HZ), round((line.start_s + line.duration_s) * RATE_HZ))
        if line.duration_s > 1.2:
            clean, heard = (soxr.resample(x[span], RATE_HZ, 10_000) for x in (dialogue, master))
            scores.append(stoi(clean, heard, 10_000, extended=True))
    assert np.median(scores) > 0.9
    assert np.percentile(scores, 5) > 0.85


def test_speech_stands_fifteen_units_above_the_bed_as_measured_on_the_stems(inputs, mixed):
    heard = {name: energies(sound) for name, sound in stems(mixed).items()}
    claimed = {level.segment: level.speech_to_bed_lu for level in mixed.lines}
    for line in inputs.timeline.dialogue_segments:
        span = slice(int(line.start_s * 100), int((line.start_s + line.duration_s) * 100))
        over = speech_lufs(heard["dialogue"][span]) - lufs(heard["environment"][span])
        assert over >= 15
        assert claimed[line.id] == pytest.approx(over, abs=0.5)
    worst = mixed.worst_speech_to_bed
    assert worst is not None
    assert worst.speech_to_bed_lu == min(value for value in claimed.values() if value is not None)


def test_no_digital_silence_and_it_survives_in_mono(mixed):
    master = read(mixed.master)
    quiet = np.diff(np.concatenate([[0], (np.abs(master).max(axis=0) < 1e-6).astype(int), [0]]))
    runs = np.flatnonzero(quiet == -1) - np.flatnonzero(quiet == 1)
    assert runs.max(initial=0) < 0.05 * RATE_HZ
    assert np.corrcoef(master)[0, 1] > 0
    assert 10 * np.log10((master.mean(axis=0) ** 2).mean() / (master**2).mean()) > -2


def test_speakers_are_even(mixed):
    plain = {}
    for level in mixed.lines:
        if not level.intent_db:
            plain.setdefault(level.speaker, []).append(level.mixed_lufs)
    assert np.ptp([np.mean(levels) for levels in plain.values()]) < 1.5
    assert {s.speaker for s in mixed.speakers} == {line.speaker for line in mixed.lines}


@pytest.mark.parametrize("block_frames", [4_801, 30 * RATE_HZ])
def test_the_same_bits_for_any_block_size_and_on_a_rerun(inputs, mixed, tmp_path, block_frames):
    again = mix_chapter(inputs, tmp_path, load_profile(), block_frames=block_frames)
    assert digests(again) == digests(mixed)
    assert again.loudness == mixed.loudness
    assert again.lines == mixed.lines


def test_a_missing_take_is_a_silent_gap_and_everything_else_is_intact(inputs, mixed, tmp_path):
    gap, bed = inputs.timeline.dialogue_segments[4], inputs.timeline.environment_segments[0]
    made = mix_chapter(
        inputs.model_copy(
            update={
                "dialogue": {k: v for k, v in inputs.dialogue.items() if k != gap.id},
                "beds": {k: v for k, v in inputs.beds.items() if k != bed.id},
            }
        ),
        tmp_path,
        load_profile(),
    )
    assert made.duration_s == mixed.duration_s
    assert any(gap.id in warning for warning in made.warnings)
    assert any(bed.id in warning for warning in made.warnings)
    before, after = stems(mixed)["dialogue"], stems(made)["dialogue"]
    span = slice(round(gap.start_s * RATE_HZ), round((gap.start_s + gap.duration_s) * RATE_HZ))
    assert not after[:, span].any()
    for line in (
        inputs.timeline.dialogue_segments
    ):  # others sound where they did (a speaker's mean may shift a little)
        if line.id != gap.id:
            where = slice(round(line.start_s * RATE_HZ), round((line.start_s + line.duration_s) * RATE_HZ))
            assert np.corrcoef(before[0, where], after[0, where])[0, 1] > 0.999
    master = np.abs(read(made.master)).max(axis=0)
    assert not (master[: len(master) // 2400 * 2400].reshape(-1, 2400) < 1e-6).all(axis=1).any()
    assert meter(read(made.master))[0] == pytest.approx(-18, abs=0.1)


@pytest.mark.parametrize(("name", "target", "ceiling"), [("podcast", -16, -1), ("broadcast", -23, -1)])
def test_other_profiles_and_wav(inputs, tmp_path, name, target, ceiling):
    made = mix_chapter(inputs, tmp_path, load_profile(name), "wav")
    assert made.master.suffix == ".wav"
    loudness, peak = meter(read(made.master))
    assert loudness == pytest.approx(target, abs=0.15)
    assert peak <= ceiling


def test_mp3_is_below_its_ceiling_after_decoding(inputs, mixed, tmp_path):
    made = mix_chapter(inputs, tmp_path, load_profile("podcast"), "mp3")
    sound = read(made.master)
    loudness, peak = meter(sound)
    assert loudness == pytest.approx(-16, abs=0.3)
    assert peak <= -1.9
    assert sound.shape[1] == pytest.approx(mixed.duration_s * RATE_HZ, abs=2400)


def test_acx_is_voice_only_by_all_its_figures(inputs, tmp_path):
    timeline = voice_only(inputs.timeline)
    made = mix_chapter(inputs.model_copy(update={"timeline": timeline}), tmp_path, load_profile("acx"), "mp3")
    info = MP3(made.master).info
    assert (info.sample_rate, info.bitrate, info.bitrate_mode, info.channels) == (
        44_100,
        192_000,
        BitrateMode.CBR,
        2,
    )
    sound, rate_hz = soundfile.read(made.master, dtype="float64")
    checks = {check.name: check for check in made.checks}
    rms = 10 * np.log10((sound**2).mean())
    assert -23 <= rms <= -18
    assert checks["rms_dbfs"].value == pytest.approx(rms, abs=0.05)
    peak = 20 * np.log10(np.abs(sound).max())
    assert peak <= -3
    assert checks["peak_dbfs"].value == pytest.approx(peak, abs=0.05)
    half = rate_hz // 2
    floor = min((sound[at : at + half] ** 2).mean() for at in range(0, len(sound) - half, half // 5))
    assert checks["noise_floor_dbfs"].value == pytest.approx(10 * np.log10(floor), abs=3)
    assert 10 * np.log10(floor) <= -60
    words = timeline.dialogue_segments
    assert checks["head_s"].value == pytest.approx(words[0].start_s, abs=0.3)
    assert {name for name, check in checks.items() if not check.met} <= {
        "head_s",
        "tail_s",
    }  # this generator's
    assert len(made.warnings) == sum(not check.met for check in made.checks)
    silent = read(made.stems["effects"])
    assert not silent.any()


def test_progress_rises_to_one_and_no_scratch_remains(inputs, tmp_path):
    shares: list[float] = []
    mix_chapter(inputs, tmp_path / "out", load_profile(), work_dir=tmp_path / "work", progress=shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1)
    assert len(shares) > 10
    assert not list((tmp_path / "work").iterdir())


def test_a_damaged_take_is_an_error_by_name_and_the_last_good_output_stays(inputs, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "master.flac").write_text("the last one")
    bad = tmp_path / "bad.wav"
    bad.write_bytes(b"no sound")
    first = inputs.timeline.dialogue_segments[0].id
    with pytest.raises(MixError, match=r"bad\.wav"):
        mix_chapter(
            inputs.model_copy(update={"dialogue": {**inputs.dialogue, first: bad}}),
            tmp_path / "out",
            load_profile(),
        )
    assert [p.name for p in (tmp_path / "out").rglob("*") if p.is_file()] == ["master.flac"]
    assert (tmp_path / "out" / "master.flac").read_text() == "the last one"


def test_an_output_that_cannot_be_written_is_an_error_by_name(inputs, tmp_path):
    (tmp_path / "out").write_text("a file where the folder should be")
    with pytest.raises(MixError, match="out"):
        mix_chapter(inputs, tmp_path / "out", load_profile())


def test_too_little_disk_is_said_before_work_begins(inputs, tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10**9, 10**9, 10**6))  # type: ignore[attr-defined]
    with pytest.raises(MixError, match="scratch space"):
        mix_chapter(inputs, tmp_path / "out", load_profile())


def test_odd_chapters_mix_too(inputs, tmp_path):
    """No beds, no effects, one word; nothing at all; lines that overlap; a timeline shorter than its words."""
    base = inputs.timeline
    line = base.dialogue_segments[0]
    one = base.model_copy(
        update={
            "dialogue_segments": [line],
            "environment_segments": [],
            "effect_segments": [],
            "total_duration_s": 1.0,
        }
    )
    made = mix_chapter(inputs.model_copy(update={"timeline": one}), tmp_path / "one", load_profile())
    assert made.duration_s == pytest.approx(line.start_s + line.duration_s, abs=0.01)
    assert "longer" in made.warnings[0]
    nothing = one.model_copy(update={"dialogue_segments": [], "total_duration_s": 2.0})
    made = mix_chapter(inputs.model_copy(update={"timeline": nothing}), tmp_path / "nothing", load_profile())
    assert made.duration_s == 2.0
    assert read(made.master).any()  # the floor
    over = base.model_copy(
        update={
            "dialogue_segments": [s.model_copy(update={"start_s": 3.0}) for s in base.dialogue_segments[:4]]
        }
    )
    made = mix_chapter(inputs.model_copy(update={"timeline": over}), tmp_path / "over", load_profile())
    assert meter(read(made.master))[1] <= -1.5


def test_profiles_in_the_table_are_those_a_person_can_choose():
    assert set(get_args(ProfileName)) == set(profile_names())
    assert load_profile("acx").format(None) == "mp3"
    assert load_profile("drama").format(None) == "flac"
    with pytest.raises(InputError, match="mp3"):
        load_profile("acx").format("flac")
