"""A book's chapters at one loudness, and the encoded masters that are kept."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pyebur128
import pytest
import soundfile

from mixing.book import ChapterMix, book_gain_db, remaster
from mixing.contracts import STEMS, MixError
from mixing.encode import read_back
from mixing.encodes import EncodeCache
from mixing.loudness import StemMeter
from mixing.overview import keep_energies, kept_energies
from mixing.profiles import load_profile

RATE_HZ = 48_000


def programme(seconds: float, level_db: float, seed: int) -> np.ndarray:
    """Noise in syllables, peaks 15 dB above its mean, as of speech."""
    rng, count = np.random.default_rng(seed), round(seconds * RATE_HZ)
    corners = np.arange(0, count + 9600, 9600)
    swell = np.interp(np.arange(count), corners, rng.uniform(0.2, 1.2, len(corners)))
    return (10 ** (level_db / 20) * swell * rng.standard_normal((2, count))).astype(np.float32)


def chapter(folder: Path, level_db: float, seed: int, seconds: float = 6.0) -> ChapterMix:
    """A chapter's stems and kept energies, as the engine leaves them."""
    (folder / "stems").mkdir(parents=True)
    stems = {
        name: programme(seconds, level_db - 20 * number, seed + number) for number, name in enumerate(STEMS)
    }
    meter = StemMeter(STEMS)
    meter.add(stems)
    for name, sound in stems.items():
        soundfile.write(folder / "stems" / f"{name}.flac", sound.T, RATE_HZ, subtype="PCM_24")
    keep_energies(folder / "loudness.npy", meter)
    return ChapterMix.in_folder(folder)


def loudness_and_peak(*sounds: np.ndarray) -> tuple[float, float]:
    """By libebur128, of several files as one programme."""
    mode = pyebur128.MeasurementMode
    states, peak = [], 0.0
    for sound in sounds:
        state = pyebur128.R128State(2, RATE_HZ, mode.MODE_I | mode.MODE_TRUE_PEAK)
        state.add_frames(np.ascontiguousarray(sound.T.ravel()), sound.shape[1])
        states.append(state)
        peak = max(peak, *(pyebur128.get_true_peak(state, c) for c in (0, 1)))
    return pyebur128.get_loudness_global_multiple(states), 20 * np.log10(peak)


def decoded(path: Path) -> np.ndarray:
    return np.concatenate(list(read_back(path)), axis=1)


@pytest.fixture(scope="module")
def chapters(tmp_path_factory) -> list[ChapterMix]:
    folder = tmp_path_factory.mktemp("book")
    return [chapter(folder / str(n), level, n * 10) for n, level in enumerate((-30.0, -33.0, -31.0))]


def test_one_gain_brings_the_book_to_its_loudness_and_leaves_the_chapters_differences(chapters, tmp_path):
    profile = load_profile("broadcast")
    gain_db = book_gain_db(chapters, profile)
    made = [remaster(c, tmp_path / f"{n}.flac", profile, "flac", gain_db) for n, c in enumerate(chapters)]
    sounds = [decoded(tmp_path / f"{n}.flac") for n in range(3)]
    whole, peak = loudness_and_peak(*sounds)
    assert whole == pytest.approx(-23, abs=0.1)
    assert peak <= -1
    assert {m.gain_db for m in made} == {gain_db}
    before = [loudness_and_peak(sum(soundfile.read(p)[0].T for p in c.stems.values()))[0] for c in chapters]
    after = [loudness_and_peak(sound)[0] for sound in sounds]
    assert np.diff(after) == pytest.approx(np.diff(before), abs=0.4)  # the limiter may take a little


def test_the_kept_energies_are_those_of_the_stems(chapters):
    kept = kept_energies(chapters[0].energies)
    assert set(kept) == {"sum", *STEMS}
    assert kept["sum"].sum() == pytest.approx(sum(kept[name].sum() for name in STEMS), rel=0.05)


@pytest.mark.parametrize("audio_format", ["mp3", "opus", "m4a"])
def test_encoded_masters_hold_their_ceiling_after_decoding_and_are_kept(chapters, tmp_path, audio_format):
    profile, cache = load_profile("podcast"), EncodeCache(tmp_path / "encodes")
    path = tmp_path / f"master.{audio_format}"
    made = remaster(chapters[0], path, profile, audio_format, cache=cache)
    sound = decoded(path)
    level, peak = loudness_and_peak(sound)
    assert level == pytest.approx(-16, abs=0.3)
    assert peak <= -2 + 0.03, "libebur128 and our meter agree within 0.01 dB; the ceiling is theirs"
    assert made.loudness.true_peak_dbtp == pytest.approx(peak, abs=0.05)
    frames = soundfile.info(chapters[0].stems["dialogue"]).frames
    assert frames <= sound.shape[1] <= frames + 2400
    first = path.read_bytes()
    path.unlink()
    (audio,) = (tmp_path / "encodes").rglob("*.audio")
    stamp = audio.stat().st_ino
    again = remaster(chapters[0], path, profile, audio_format, cache=cache)
    assert path.read_bytes() == first
    assert again.loudness == made.loudness
    assert np.array_equal(again.energies, made.energies)
    assert audio.stat().st_ino == stamp, "nothing was encoded again"
    audio.write_bytes(first[:1000])  # a damaged entry is not trusted
    remaster(chapters[0], path, profile, audio_format, cache=cache)
    assert path.read_bytes() == first


def test_another_gain_or_stem_is_another_encode(chapters, tmp_path):
    profile, cache = load_profile(), EncodeCache(tmp_path / "encodes")
    remaster(chapters[0], tmp_path / "a.opus", profile, "opus", 3.0, cache)
    remaster(chapters[0], tmp_path / "b.opus", profile, "opus", 2.0, cache)
    remaster(chapters[1], tmp_path / "c.opus", profile, "opus", 3.0, cache)
    kept = {p.name for p in (tmp_path / "encodes").rglob("*.audio")}
    assert len(kept) == 3
    small = EncodeCache(tmp_path / "encodes", limit_bytes=1)
    remaster(chapters[2], tmp_path / "d.opus", profile, "opus", 3.0, small)
    assert len(list((tmp_path / "encodes").rglob("*.audio"))) == 1


def test_a_chapter_that_is_not_whole_is_an_error_by_name(chapters, tmp_path):
    folder = tmp_path / "broken"
    shutil.copytree(chapters[0].energies.parent, folder)
    stem = folder / "stems" / "effects.flac"
    soundfile.write(stem, np.zeros((100, 2)), RATE_HZ)
    with pytest.raises(MixError, match="effects"):
        remaster(ChapterMix.in_folder(folder), tmp_path / "m.flac", load_profile(), "flac")
    stem.unlink()
    with pytest.raises(MixError, match="effects"):
        ChapterMix.in_folder(folder)
    (folder / "loudness.npy").write_bytes(b"nothing")
    with pytest.raises(MixError, match="loudness"):
        kept_energies(folder / "loudness.npy")
    assert not (tmp_path / "m.flac").exists()
