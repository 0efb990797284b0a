"""The effect library: a person's recordings are found by what they are called, and nothing else is played."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from models.base import CannotMake, SoundRequest
from models.sound.library import Library
from story.errors import InputError

RATE = 48_000


def write(
    path: Path,
    hz: float = 440.0,
    length_s: float = 0.5,
    rate: int = RATE,
    channels: int = 1,
    lead_s: float = 0.0,
) -> None:
    """A decaying tone: its pitch tells in the test which file was played."""
    path.parent.mkdir(parents=True, exist_ok=True)
    t = np.arange(int(length_s * rate)) / rate
    tone = 0.5 * np.sin(2 * np.pi * hz * t) * np.exp(-2 * t)
    tone = np.concatenate([np.zeros(int(lead_s * rate)), tone])
    soundfile.write(path, np.repeat(tone[:, None], channels, axis=1), rate)


def ask(
    sound: str, ucs: str, prompt: str = "", kind: str = "effect", duration_s: float = 1.0, seed: int = 0
) -> SoundRequest:
    return SoundRequest("x", kind, sound, ucs, prompt, duration_s, seed)  # type: ignore[arg-type]


def pitch(x: np.ndarray) -> float:
    power = np.abs(np.fft.rfft(x[0] * np.hanning(x.shape[1]), 1 << 17))
    return float(power.argmax() * RATE / (1 << 17))


def library(folder: Path) -> Library:
    return Library({"folder": str(folder)}, "cpu")


def manifest(folder: Path, rows: Any) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "library.json").write_text(json.dumps(rows), encoding="utf-8")


# ── UCS names ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "name",
    ["GLASBrk_Pane Shatter_ME_HOME.wav", "GLASBrk-Window_Pane Shatter_ME.wav", "deep/er/GLASBrk_x.flac"],
)
def test_a_ucs_name_is_understood(tmp_path: Path, name: str) -> None:
    write(tmp_path / name, 700)
    x = library(tmp_path).render(ask("glass_break", "GLASBrk")).samples
    assert pitch(x) == pytest.approx(700, abs=5)


def test_a_catid_without_a_subcategory_is_understood(tmp_path: Path) -> None:
    write(tmp_path / "RAIN_Steady_ME.wav", 300, 2.0)
    assert library(tmp_path).render(ask("rain", "RAIN", kind="bed", duration_s=1.0)).samples.shape == (
        2,
        RATE,
    )


def test_other_files_are_left_alone(tmp_path: Path) -> None:
    write(tmp_path / "GLASBrk_a.wav")
    write(tmp_path / "holiday recording.wav")
    (tmp_path / "GLASBrk_notes.txt").write_text("no sound")
    (tmp_path / ".GLASBrk_hidden.wav").write_bytes(b"junk")
    assert [r.name for r in library(tmp_path).recordings] == ["GLASBrk_a.wav"]


def test_words_of_the_prompt_choose_among_files_of_one_catid(tmp_path: Path) -> None:
    write(tmp_path / "DOORWood_Closing Softly_ME.wav", 300)
    write(tmp_path / "DOORWood_HeavySlam_ME.wav", 600)
    write(tmp_path / "DOORWood_Opens With Creaking_ME.wav", 900)
    lib = library(tmp_path)
    for sound, prompt, hz in (
        ("door_close", "A wooden door closes", 300),
        ("door_slam", "A heavy wooden door slams shut", 600),
        ("door_open", "A wooden door opens with a creak", 900),
    ):
        assert pitch(lib.render(ask(sound, "DOORWood", prompt)).samples) == pytest.approx(hz, abs=5)


def test_a_sibling_of_the_same_catid_is_a_wrong_sound(tmp_path: Path) -> None:
    write(tmp_path / "DOORWood_Opening Creak_ME.wav")
    lib = library(tmp_path)
    with pytest.raises(CannotMake):
        lib.render(ask("door_slam", "DOORWood", "A heavy wooden door slams shut"))
    assert lib.render(ask("door_open", "DOORWood", "A wooden door opens with a creak"))


def test_no_match_is_not_made(tmp_path: Path) -> None:
    write(tmp_path / "GLASBrk_a.wav")
    with pytest.raises(CannotMake, match="crow"):
        library(tmp_path).render(ask("crow", "BIRDCrow", "A crow caws"))


def test_equals_are_chosen_by_seed_not_by_directory_order(tmp_path: Path) -> None:
    names = [f"GLASBrk_Take{k}_ME.wav" for k in range(6)]
    for folder, order in (("a", names), ("b", names[::-1])):
        for name in order:
            write(tmp_path / folder / name, 300 + 100 * names.index(name))
    a, b = library(tmp_path / "a"), library(tmp_path / "b")
    picks = {seed: a.find(ask("glass_break", "GLASBrk", seed=seed)).name for seed in range(24)}
    assert picks == {seed: b.find(ask("glass_break", "GLASBrk", seed=seed)).name for seed in range(24)}
    assert len(set(picks.values())) > 3
    assert a.version == b.version


def test_the_same_request_gives_the_same_bits(tmp_path: Path) -> None:
    write(tmp_path / "GLASBrk_a.wav", rate=44_100, channels=2)
    first = library(tmp_path).render(ask("glass_break", "GLASBrk")).samples
    assert np.array_equal(first, library(tmp_path).render(ask("glass_break", "GLASBrk")).samples)


# ── form ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("rate", "channels", "suffix"),
    [(44_100, 1, "wav"), (22_050, 2, "flac"), (96_000, 6, "wav"), (48_000, 2, "ogg")],
)
def test_any_format_becomes_48k_stereo(tmp_path: Path, rate: int, channels: int, suffix: str) -> None:
    write(tmp_path / f"GLASBrk_a.{suffix}", 500, 0.5, rate, channels)
    rendered = library(tmp_path).render(ask("glass_break", "GLASBrk"))
    assert rendered.sample_rate_hz == RATE
    assert rendered.samples.dtype == np.float32
    assert rendered.samples.shape[0] == 2
    assert rendered.samples.shape[1] == pytest.approx(0.5 * RATE, abs=0.02 * RATE)
    assert pitch(rendered.samples) == pytest.approx(500, abs=5)


def test_an_effect_starts_at_its_sound_and_a_long_one_fades(tmp_path: Path) -> None:
    write(tmp_path / "GLASBrk_a.wav", 500, 6.0, lead_s=0.8)
    x = library(tmp_path).render(ask("glass_break", "GLASBrk", duration_s=1.0)).samples
    assert np.argmax(np.abs(x[0]) > 0.05) < 0.010 * RATE
    assert x.shape[1] <= 1.5 * RATE
    assert np.abs(x[:, -1]).max() < 1e-3


def test_a_bed_is_cut_or_kept_whole(tmp_path: Path) -> None:
    write(tmp_path / "AMBSea_a.wav", 500, 3.0)
    lib = library(tmp_path)
    assert lib.render(ask("sea", "AMBSea", kind="bed", duration_s=2.0)).samples.shape[1] == 2 * RATE
    assert lib.render(ask("sea", "AMBSea", kind="bed", duration_s=30.0)).samples.shape[1] == 3 * RATE


def test_a_silent_file_is_not_made(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "GLASBrk_a.wav", np.zeros(4800), RATE)
    with pytest.raises(CannotMake, match="silent"):
        library(tmp_path).render(ask("glass_break", "GLASBrk"))


# ── manifest ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_manifest_names_sounds_and_its_credits_are_kept(tmp_path: Path) -> None:
    write(tmp_path / "my slam.wav", 800)
    write(tmp_path / "DOORWood_Slam Heavy Shut.wav", 300)
    manifest(
        tmp_path,
        [
            {
                "file": "my slam.wav",
                "sound": "door_slam",
                "title": "Slam",
                "licence": "CC BY 4.0",
                "attribution": "Ada Example",
            }
        ],
    )
    lib = library(tmp_path)
    assert lib.credits() == []
    x = lib.render(ask("door_slam", "DOORWood", "A heavy wooden door slams shut")).samples
    assert pitch(x) == pytest.approx(800, abs=5)  # the sound id beats the CatID
    assert lib.credits() == ["Ada Example (CC BY 4.0)"]
    with pytest.raises(CannotMake):
        lib.render(ask("door_creak", "DOORCreak", "An old hinge creaks"))


def test_a_manifest_may_keep_a_recording_for_beds(tmp_path: Path) -> None:
    write(tmp_path / "a.wav", 300, 2.0)
    manifest(tmp_path, [{"file": "a.wav", "ucs": "THUN", "kind": "bed"}])
    lib = library(tmp_path)
    assert lib.render(ask("thunder", "THUN", kind="bed"))
    with pytest.raises(CannotMake):
        lib.render(ask("thunder_clap", "THUN"))


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ({"file": "a.wav"}, "must be a list"),
        (["a.wav"], "entry 1"),
        ([{"ucs": "RAIN"}], "`file` is missing"),
        ([{"file": "a.wav"}], "needs `ucs` or `sound`"),
        ([{"file": "b.wav", "ucs": "RAIN"}], "b.wav does not exist"),
        ([{"file": "../a.wav", "ucs": "RAIN"}], "outside the library"),
        ([{"file": "a.wav", "ucs": "RAIN", "license": "MIT"}], "unknown key 'license'"),
        ([{"file": "a.wav", "ucs": 3}], "'ucs' must be text"),
        ([{"file": "a.wav", "ucs": "RAIN", "kind": "music"}], "bed or effect"),
    ],
)
def test_a_wrong_manifest_is_explained(tmp_path: Path, rows: Any, says: str) -> None:
    write(tmp_path / "lib" / "a.wav")
    write(tmp_path / "a.wav")
    manifest(tmp_path / "lib", rows)
    with pytest.raises(InputError, match=r"library\.json") as caught:
        library(tmp_path / "lib")
    assert says in str(caught.value)


def test_a_broken_manifest_names_line_and_column(tmp_path: Path) -> None:
    (tmp_path / "library.json").write_text('[\n {"file": }\n]')
    with pytest.raises(InputError, match="line 2 column"):
        library(tmp_path)


# ── errors and versions ──────────────────────────────────────────────────────────────────────────────────────


def test_a_missing_or_empty_folder_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere"):
        library(tmp_path / "nowhere")
    with pytest.raises(InputError, match="UCS"):
        library(tmp_path)
    with pytest.raises(InputError, match="folder"):
        Library({}, "cpu")


def test_an_unreadable_recording_is_named(tmp_path: Path) -> None:
    (tmp_path / "GLASBrk_broken.wav").write_bytes(b"RIFF but not really a sound file")
    with pytest.raises(InputError, match=r"GLASBrk_broken\.wav"):
        library(tmp_path).render(ask("glass_break", "GLASBrk"))


def test_the_version_follows_the_content(tmp_path: Path) -> None:
    write(tmp_path / "one" / "GLASBrk_a.wav", 400)
    before = library(tmp_path / "one").version
    assert library(tmp_path / "one").version == before
    shutil.copytree(tmp_path / "one", tmp_path / "moved")
    os.utime(tmp_path / "moved" / "GLASBrk_a.wav", (1, 1))
    assert library(tmp_path / "moved").version == before  # neither place nor date matters
    write(tmp_path / "one" / "GLASBrk_a.wav", 500)
    os.utime(tmp_path / "one" / "GLASBrk_a.wav", ns=(5, 5))
    changed = library(tmp_path / "one").version
    assert changed != before
    write(tmp_path / "one" / "GLASBrk_b.wav", 500)
    assert library(tmp_path / "one").version not in (before, changed)
