"""TangoFlux and Stable Audio 3, the real code on tiny random weights: a take never depends on its batch."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from models.base import Rendered, SoundRequest  # noqa: E402
from models.sound import neural, segments  # noqa: E402
from models.sound.tangoflux import TangoFlux  # noqa: E402
from tests.tiny_models import SENTENCES, stable_audio_folder, tangoflux_folder  # noqa: E402

PROMPTS = [*SENTENCES, "rain", "a door", "waves break", "thunder rumbles as the wind blows", "gravel"]
DURATIONS_S = [0.5, 1.2, 0.3, 0.8, 0.25, 1.0, 0.6, 0.4]
SEEDS = [3, 1, 4, 1, 5, 9, 2, 6]
STEPS = 3


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tangoflux_folder(tmp_path_factory.mktemp("tangoflux"))


@pytest.fixture(scope="module")
def model(folder: Path) -> TangoFlux:
    return TangoFlux.load(folder)


def sound(prompt: str, duration_s: float, seed: int = 0, attempt: int = 0) -> SoundRequest:
    return SoundRequest("e", "effect", "x", "x", prompt, duration_s, seed, attempt)


def test_an_item_of_a_batch_is_what_it_would_be_alone(model: TangoFlux) -> None:
    together = model.generate(PROMPTS, DURATIONS_S, SEEDS, STEPS)
    for i, audio in enumerate(together):
        alone = model.generate(PROMPTS[i : i + 1], DURATIONS_S[i : i + 1], SEEDS[i : i + 1], STEPS)[0]
        assert audio.shape == (2, round(DURATIONS_S[i] * 44_100))
        assert np.abs(audio).max() > 0.01, "there is something to compare"
        assert np.abs(audio - alone).max() <= 1e-5


def test_decoding_what_is_heard_equals_decoding_all(model: TangoFlux) -> None:
    with torch.inference_mode():
        latents = model.sample(PROMPTS[:1], DURATIONS_S[:1], SEEDS[:1], STEPS, 4.5)
        whole = model.vae.decode(latents.transpose(2, 1)).sample[0].numpy()
        heard = model.decode(latents[0], 0.5)
    assert np.abs(heard - whole[:, : heard.shape[1]]).max() <= 1e-5


def test_the_same_seed_is_bit_identical_and_another_is_not(model: TangoFlux) -> None:
    first, again = (model.generate(["rain"], [0.3], [7], STEPS)[0] for _ in range(2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, model.generate(["rain"], [0.3], [8], STEPS)[0])


def test_half_precision_runs_and_stays_near(folder: Path, model: TangoFlux) -> None:
    half = TangoFlux.load(folder, dtype=torch.bfloat16).generate(["rain"], [0.3], [7], STEPS)[0]
    full = model.generate(["rain"], [0.3], [7], STEPS)[0]
    assert half.dtype == np.float32
    assert np.corrcoef(half[0], full[0])[0, 1] > 0.9


@pytest.mark.parametrize("gone", ["config.json", "tangoflux.safetensors", "vae.safetensors"])
def test_a_missing_file_is_named(folder: Path, tmp_path: Path, gone: str) -> None:
    for name in neural.PUBLISHED:
        if name != gone:
            (tmp_path / name).symlink_to(folder / name)
    assert neural.fingerprint({"weights": str(tmp_path)}) == ""
    with pytest.raises(FileNotFoundError, match=gone):
        TangoFlux.load(tmp_path)


def test_weights_of_another_shape_are_refused(folder: Path, tmp_path: Path) -> None:
    for p in folder.iterdir():
        if p.name != "config.json":
            (tmp_path / p.name).symlink_to(p)
    config = json.loads((folder / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**config, "num_layers": 2}))
    with pytest.raises(ValueError, match="weights lack"):
        TangoFlux.load(tmp_path)


def test_the_version_tells_weights_and_settings_apart(folder: Path, tmp_path: Path) -> None:
    settings = {"weights": str(folder), "steps": 25}
    version = neural.fingerprint(settings)
    assert version == neural.fingerprint(dict(settings))
    assert version != neural.fingerprint({**settings, "steps": 50})
    assert version != neural.fingerprint({**settings, "weights": str(tangoflux_folder(tmp_path, seed=1))})


def test_a_long_bed_has_no_seam(folder: Path) -> None:
    """95 s from a model that makes 6: as long as asked, level within 1 dB, no click where segments meet."""
    engine = neural.TangoFluxEngine({"weights": str(folder), "dtype": "fp32", "steps": 1}, "cpu")
    made = engine.render_batch([sound("heavy rain falls on a roof", 95.0)])[0]
    assert isinstance(made, Rendered)
    audio, rate = made.samples, made.sample_rate_hz
    assert audio.shape == (2, 95 * rate)
    start = 0.0
    for length in segments.lengths(95.0, engine.longest_s)[:-1]:
        start += length - segments.OVERLAP_S
        end = start + segments.OVERLAP_S
        seam = level_db(audio, rate, start, end)
        assert abs(seam - level_db(audio, rate, start - 1.5, start)) < 1.0
        assert abs(seam - level_db(audio, rate, end, end + 1.5)) < 1.0
        assert max(click_db(audio[0], rate, at) for at in (start, end)) < 20


def level_db(audio: np.ndarray, rate: int, start_s: float, end_s: float) -> float:
    part = audio[:, round(start_s * rate) : round(end_s * rate)].astype(np.float64)
    return 10 * float(np.log10(np.mean(part**2)))


def click_db(wave: np.ndarray, rate: int, at_s: float) -> float:
    """Peak second difference within 0.7 ms of `at_s` against its RMS in 10 ms on each side: a hard cut scores 51."""
    bend, i, near, far = (
        np.abs(np.diff(wave, 2)),
        round(at_s * rate),
        round(0.0007 * rate),
        round(0.01 * rate),
    )
    sides = bend[i - near - far : i - near], bend[i + near : i + near + far]
    return 20 * float(np.log10(bend[i - near : i + near].max() / max(np.sqrt(np.mean(s**2)) for s in sides)))


def test_a_hard_cut_is_a_click() -> None:
    wave = np.sin(np.arange(44_100) / 30).astype(np.float32)
    wave[22_050:] = np.roll(wave, 60)[22_050:]
    assert click_db(wave, 44_100, 0.5) > 20


def test_stable_audio_items_do_not_depend_on_their_batch(tmp_path: Path) -> None:
    engine = neural.StableAudio3Engine(
        {"weights": str(stable_audio_folder(tmp_path)), "dtype": "fp32"}, "cpu"
    )
    requests = [sound(prompt, 1.0, seed) for seed, prompt in enumerate(SENTENCES)]
    for request, together in zip(requests, engine.render_batch(requests), strict=True):
        alone = engine.render_batch([request])[0]
        assert isinstance(together, Rendered)
        assert isinstance(alone, Rendered)
        assert together.samples.shape == (2, 44_100)
        assert np.abs(together.samples - alone.samples).max() <= 1e-5
    other = engine.render_batch([sound(SENTENCES[0], 1.0, 0, attempt=1)])[0]
    first = engine.render_batch(requests[:1])[0]
    assert isinstance(other, Rendered)
    assert isinstance(first, Rendered)
    assert not np.array_equal(other.samples, first.samples), "another attempt is another sound"
