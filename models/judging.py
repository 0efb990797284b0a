"""From what an engine answered to a take in the store: read, trim, judge, keep. Runs beside the model, on the CPU."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import soundfile as sf

from models.base import SoundRequest, SpeechRequest, Word
from models.process import Done, EngineSpec
from models.quality import Checks, check_sound, check_speech, trim
from models.takes import Take, TakeStore

Request = SpeechRequest | SoundRequest
SILENCE_PEAK = 1e-4  # -80 dBFS: nothing a listener would hear after any gain we apply


@dataclass
class Candidate:
    """One attempt at a take, judged."""

    samples: np.ndarray
    sample_rate_hz: int
    checks: Checks
    words: list[Word] | None
    words_exact: bool
    attempts: int


@dataclass
class Verdict:
    """What became of an answer: a stored take, or a candidate that did not pass, or no audio at all (`reason`)."""

    take: Take | None = None
    candidate: Candidate | None = None
    reason: str = ""


def judge(
    answer: Done, key: str, request: Request, attempts: int, spec: EngineSpec, store: TakeStore
) -> Verdict:
    """Judge the audio of `answer` and store it if it passes; its WAV file is gone afterwards."""
    samples, rate = sf.read(answer.wav, dtype="float32", always_2d=True)
    answer.wav.unlink()
    found = _candidate(np.ascontiguousarray(samples.T), rate, answer, request, attempts)
    if isinstance(found, str):
        return Verdict(reason=found)
    if not found.checks.passed:
        return Verdict(candidate=found, reason="; ".join(found.checks.problems))
    return Verdict(take=keep(found, key, request, spec, store))


def keep(made: Candidate, key: str, request: Request, spec: EngineSpec, store: TakeStore) -> Take:
    return store.put(
        key,
        made.samples,
        made.sample_rate_hz,
        request=request,
        model=spec.name,
        version=spec.version,
        attempts=made.attempts,
        checks=made.checks,
        words=made.words,
        words_exact=made.words_exact,
    )


def _candidate(
    samples: np.ndarray, rate: int, answer: Done, request: Request, attempts: int
) -> Candidate | str:
    """The candidate with its checks, or why it is no audio at all."""
    if not np.isfinite(samples).all():
        return "the engine made audio that is not finite (NaN or infinity)"
    if np.abs(samples).max(initial=0.0) < SILENCE_PEAK:
        return "the engine made silence"
    words = answer.words
    if isinstance(request, SpeechRequest):
        samples, cut_s = trim(samples, rate)
        end_s = samples.shape[1] / rate
        words = words and [
            replace(w, start_s=_within(w.start_s - cut_s, end_s), end_s=_within(w.end_s - cut_s, end_s))
            for w in words
        ]
        checks = check_speech(
            samples, rate, request.text, request.language, request.speed, request.pause_scale
        )
    else:
        checks = check_sound(samples, rate, request.duration_s, request.kind)
    return Candidate(samples, rate, checks, words, answer.words_exact, attempts)


def _within(t_s: float, end_s: float) -> float:
    return round(min(max(t_s, 0.0), end_s), 4)
