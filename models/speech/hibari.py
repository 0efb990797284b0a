"""The fast voice: hibari's 14 MB English network, spoken by a whole cast through our own vocoder.

Around a hundred times faster than listening on one core, so a draft of a book takes minutes. The network knows one
voice ("heart"); `vocoder.py` makes the others, their moods and whispers from its frames. Runs in the model
process: standard library, numpy, scipy, onnxruntime and hibari only. Word times are exact: the graph computes each
phoneme's duration, and we ask it to return them.
"""

from __future__ import annotations

import hashlib
import os
import threading
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from models import emotion_names
from models.base import CannotMake, Rendered, SpeechRequest, Word
from models.speech import vocoder
from models.speech.chunks import chunks
from models.speech.onnx_graph import add_output
from models.speech.phonemes import PAUSES, Spoken
from models.speech.phonemes_en import english

# Inside the graph: units per phoneme before and after rounding to whole ones
UNROUNDED, DURATIONS = "/Div_40_output_0", "/Clip_output_0"
UNIT_FRAMES = 2  # a duration's unit: 25 ms
CENTRE_HZ = 193.0  # median f0 of the voice "heart" over Treasure Island ch. 5
ACTIVE_LEVEL_DB = (
    -26.0
)  # RMS of spoken frames at energy_db = 0: hibari's own, and a shout of +8 dB still has its peaks
PEAK = 0.97
QUIET_DB = -38.0  # under the loudest frames: a pause
EDGE_S = 0.03  # of quiet kept at a phrase's ends
# Pauses between phrases in seconds, by the mark that closes the first. At commas the network itself pauses 0.20 s;
# between sentences it would leave 0.8 s (tail and head together, medians over Treasure Island ch. 5), which drags.
PAUSES_S = {".": 0.50, "!": 0.45, "?": 0.50, "…": 0.55, "—": 0.30, ";": 0.32, ":": 0.32, ",": 0.20, "": 0.12}
SPEEDS = (0.6, 1.7)  # the network stays intelligible between these
SHAPE_KEYS = frozenset(vocoder.Shape.__dataclass_fields__)
LONGEST = 300  # phonemes in one go; the network was trained on up to about 400
_RESPELL = Path(__file__).parents[1] / "data" / "respell_en.json"


@dataclass(frozen=True)
class Phrase:
    """What the network speaks in one go: a sentence, or some clauses of a long one.

    Attributes:
        phonemes: misaki's alphabet.
        words: per written word its first and last code point in the text and its phonemes' place.
        ending: the mark that closes it, or "".
    """

    phonemes: str
    words: tuple[tuple[int, int, int, int], ...]
    ending: str


class Hibari:
    """English, one network voice, any number of shaped ones. Thread-safe and bit-identical in any order.

    Args:
        settings: `lanes` (default: all cores) lines under way at once.
        device: ignored; this engine runs on the CPU.
    """

    def __init__(self, settings: dict[str, Any], device: str = "cpu") -> None:
        import onnxruntime as ort
        from hibari import Hibari as Package

        options = ort.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1  # lanes are the parallelism
        options.log_severity_level = 3
        graph = add_output(add_output(_network().read_bytes(), UNROUNDED), DURATIONS)
        self._session = ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        self._vocabulary: dict[str, int] = Package(threads=1).vocab
        self._reading = threading.Lock()  # the phonemizer is pure Python: no gain from threads
        self.lanes = int(settings.get("lanes") or os.cpu_count() or 1)
        self.version = fingerprint(settings)

    def render(self, request: SpeechRequest) -> Rendered:
        """One line, float32 `(1, samples)` at 24 kHz, with exact word times.

        Raises CannotMake: another language than English, nothing that can be said, an unknown voice parameter.
        """
        _check(request)
        with self._reading:
            phrases = phrases_of(
                english(request.text, british=False, pronunciation=request.pronunciation), request.text
            )
        if not phrases:
            raise CannotMake(f"nothing in {request.text[:40]!r} can be spoken")
        shape, speed = self._manner(request)
        parts, words, at = [], [], 0
        for n, phrase in enumerate(phrases):
            samples, spans = self._speak(phrase, shape, speed, request.pause_scale, request.seed + 7919 * n)
            start = at / vocoder.SAMPLE_RATE_HZ
            words += [
                Word(first, last, round(start + a, 4), round(start + b, 4))
                for (first, last, _, _), (a, b) in zip(phrase.words, spans, strict=True)
            ]
            parts.append(samples)
            at += len(samples)
            if n + 1 < len(phrases):
                pause = round(PAUSES_S[phrase.ending] * request.pause_scale / speed * vocoder.SAMPLE_RATE_HZ)
                parts.append(np.zeros(pause, np.float32))
                at += pause
        samples = _level(np.concatenate(parts), request.energy_db)
        return Rendered(samples[None], vocoder.SAMPLE_RATE_HZ, words, words_exact=True)

    def _manner(self, request: SpeechRequest) -> tuple[vocoder.Shape, float]:
        """The voice's own shape bent by emotion, style and effort; and the network's speed."""
        own = vocoder.Shape.read(request.voice)
        larynx = _larynx(request.emotion, request.style, float(np.clip(request.intensity, 0.0, 1.0)))

        def of(name: str) -> float:
            return larynx.get(name, 0.0)

        varied = (
            (request.attempt + 1) // 2 * (-1) ** request.attempt
        )  # 0, -1, 1, -2, …: another try, another reading
        shape = replace(
            own,
            pitch=own.pitch * 2 ** (request.pitch_st / 12) * 1.004**varied,
            pitch_range=own.pitch_range * request.pitch_range,
            # A raised voice is brighter by more than it is louder (Traunmüller & Eriksson 2000): ~0.12 dB/oct a dB
            tilt_db_oct=own.tilt_db_oct + 0.12 * request.energy_db + of("tilt_db_oct"),
            breath_db=max(own.breath_db, -40.0 + 32.0 * of("breath")),
            rough=float(np.clip(own.rough + of("rough"), 0.0, 0.8)),
            tremor_st=own.tremor_st + of("tremor_st"),
            whisper=float(np.clip(own.whisper + of("whisper"), 0.0, 1.0)),
        )
        speed = float(request.voice.get("speed", 1.0)) * request.speed * 0.97**varied
        return shape, float(np.clip(speed, *SPEEDS))

    def _speak(
        self, phrase: Phrase, shape: vocoder.Shape, speed: float, pause_scale: float, seed: int
    ) -> tuple[np.ndarray, list[tuple[float, float]]]:
        """One phrase: `(samples,)` without its outer silence, and each word's start and end in seconds."""
        known = [(i, self._vocabulary[c]) for i, c in enumerate(phrase.phonemes) if c in self._vocabulary]
        ids = np.array([[0, *(v for _, v in known), 0]], np.int64)
        out = self._session.run(None, {"ids": ids, "speed": np.array([speed], np.float32)})
        *spectra, f0, unrounded, units = (np.asarray(tensor) for tensor in out)
        harmonic, phase, noise, free, free_phase = (spectrum[0] for spectrum in spectra)
        frames = vocoder.Frames(harmonic, phase, noise, free, free_phase, f0[0])
        # first frame of each phoneme of the phrase (dropped characters take the next one's), and the end
        starts = np.concatenate([[0], np.cumsum(np.rint(units).astype(int))]) * UNIT_FRAMES
        place = np.searchsorted([i for i, _ in known], np.arange(len(phrase.phonemes) + 1)) + 1
        spans = [(int(starts[place[a]]), int(starts[place[b]])) for _, _, a, b in phrase.words]

        # Rounded to 25 ms, most of a small change of speed is lost (1.15 became 1.05): stretch to what was asked
        asked = np.maximum(1, np.rint(unrounded * speed)).sum() / speed / units.sum()
        index = _stretch(_pace(frames.levels_db(), spans, pause_scale), float(asked))
        samples = vocoder.synthesize(frames.take(index, seed), shape, CENTRE_HZ, seed)
        new = np.searchsorted(index, np.array(spans)).clip(0, len(index))  # index never decreases
        return _fade(samples), [(float(a), float(b)) for a, b in new * vocoder.FRAME_S]


def phrases_of(spoken: Sequence[Spoken], text: str) -> list[Phrase]:
    """What is spoken, sentence by sentence, a long one in pieces. `"No!" he cried` is one: a small letter goes on."""
    sentences: list[list[Spoken]] = [[]]
    for n, unit in enumerate(spoken):
        sentences[-1].append(unit)
        last = next(
            (u.symbols[-1] for u in reversed(sentences[-1]) if u.symbols), ""
        )  # a closing quote has none
        if unit.space and last in tuple(".!?…"):
            following = next((u.start for u in spoken[n + 1 :] if u.is_word), None)
            if following is not None and not text[following].islower():
                sentences.append([])
    pieces = [p for s in sentences for p in chunks(s, lambda u: len(u.symbols) + u.space, LONGEST, LONGEST)]
    return [phrase for phrase in map(_phrase, pieces) if phrase.words]


def _phrase(run: list[Spoken]) -> Phrase:
    phonemes, words = "", []
    for unit in run:
        if unit.is_word and unit.symbols.strip():
            here = (unit.start, unit.end, len(phonemes), len(phonemes) + len(unit.symbols))
            if words and words[-1][:2] == here[:2]:  # "7:30" is read as two words
                words[-1] = (*words[-1][:3], here[3])
            else:
                words.append(here)
        phonemes += unit.symbols
        if unit.space and phonemes and not phonemes.endswith(" "):
            phonemes += " "
    phonemes = phonemes.rstrip()
    return Phrase(phonemes, tuple(words), phonemes[-1:] if phonemes[-1:] in PAUSES else "")


def fingerprint(settings: dict[str, Any]) -> str:
    """Version of everything that shapes a take: package, network, tables and these sources. Loads no model."""
    return _fingerprint()


@cache
def _fingerprint() -> str:
    here = Path(__file__).parent
    sources = [here / f"{name}.py" for name in ("hibari", "vocoder", "phonemes", "phonemes_en", "chunks")]
    parts = [_network(), emotion_names.TABLE, _RESPELL, *sources]
    digest = hashlib.sha256(b"".join(hashlib.sha256(p.read_bytes()).digest() for p in parts)).hexdigest()[:12]
    return f"hibari-{metadata.version('hibari-tts')}-{digest}"


def _network() -> Path:
    from hibari.voices import voice_path

    return Path(voice_path("heart", download_missing=False))


def _larynx(emotion: str, style: str, intensity: float) -> dict[str, float]:
    """What emotion (by its intensity) and style (in full) add to the voice, from the table all engines share."""
    feeling, manner = emotion_names.resolve(emotion, "emotions"), emotion_names.resolve(style, "styles")
    if feeling is None:  # "whispering" written as an emotion
        manner = manner or emotion_names.resolve(emotion, "styles")
    out: dict[str, float] = {}
    for part, name, share in (("emotions", feeling, intensity), ("styles", manner, 1.0)):
        for quality, value in (emotion_names.row(part, name)["larynx"] if name else {}).items():
            out[quality] = out.get(quality, 0.0) + share * value
    return out


def _check(request: SpeechRequest) -> None:
    if request.language.lower().split("-")[0] != "en":
        raise CannotMake(f"hibari speaks English only, not {request.language!r}")
    unknown = set(request.voice) - SHAPE_KEYS - {"speed"}
    if unknown:
        raise CannotMake(f"hibari knows no voice parameter {', '.join(sorted(unknown))}")
    letters = [c for c in request.text if c.isalpha()]
    foreign = [
        c for c in letters if not unicodedata.name(c, "").startswith(("LATIN", "MODIFIER", "FULLWIDTH LATIN"))
    ]
    if len(foreign) * 3 > len(letters):
        raise CannotMake(f"most of {request.text[:40]!r} is not in Latin letters: hibari speaks English only")


def _pace(levels_db: np.ndarray, spans: Sequence[tuple[int, int]], pause_scale: float) -> np.ndarray:
    """Which frames to speak, in order: outer silence cut, pauses inside stretched or shortened from their middle."""
    quiet = levels_db < levels_db.max() + QUIET_DB
    loud = np.flatnonzero(~quiet)
    edge = round(EDGE_S / vocoder.FRAME_S)
    first = max(0, min(int(loud[0]) - edge, min((a for a, _ in spans), default=0)))
    first = max(first, int(loud[0]) - 4 * edge)  # a word never starts in deep silence
    last = min(len(quiet), int(loud[-1]) + 1 + 2 * edge)
    counts = np.ones(len(quiet), int)
    counts[:first] = counts[last:] = 0
    edges = np.flatnonzero(np.diff(np.concatenate([[0], quiet[first:last].astype(int), [0]]))) + first
    for a, b in zip(edges[::2], edges[1::2], strict=True):
        inner = b - a - 2 * 2  # two frames at either side stay: they hold the consonants' ends
        if inner >= 4 and a > first and b < last:
            wanted = max(1, round((b - a) * pause_scale) - 4)
            share = np.diff(np.floor(np.linspace(0, wanted, inner + 1) + 1e-9)).astype(int)
            counts[a + 2 : b - 2] = share
    return np.repeat(np.arange(len(quiet)), counts)


def _stretch(index: np.ndarray, ratio: float) -> np.ndarray:
    """The same course of frames, `ratio` times as many."""
    count = max(1, round(len(index) * ratio))
    return index[((np.arange(count) + 0.5) * len(index) / count).astype(int)]


def _fade(samples: np.ndarray) -> np.ndarray:
    n = min(120, len(samples) // 2)  # 5 ms: a phrase's edge is quiet, not silent
    ramp = np.linspace(0.0, 1.0, n, dtype=np.float32)
    samples[:n] *= ramp
    samples[len(samples) - n :] *= ramp[::-1]
    return samples


def _level(samples: np.ndarray, energy_db: float) -> np.ndarray:
    """Every take leaves at one active level, moved by `energy_db` alone: a voice's shape is no loudness."""
    blocks = samples[: len(samples) // 480 * 480].reshape(-1, 480)
    power = (blocks**2).mean(1) if len(blocks) else np.array([(samples**2).mean()])
    active = power[power > power.max() * 1e-3]  # within 30 dB of the loudest 20 ms
    gain = 10 ** ((ACTIVE_LEVEL_DB + energy_db) / 20) / np.sqrt(active.mean() + 1e-12)
    peak = float(np.abs(samples).max(initial=0.0)) * gain
    return (samples * min(gain, gain * PEAK / max(peak, 1e-9))).astype(np.float32)
