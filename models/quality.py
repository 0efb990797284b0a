"""The quality gate: is this take what it should be, before anyone hears it?

Pure functions on audio. Models that invent speech sometimes stop early, babble on, fall silent or clip; a take that
fails is made again, and the best of several is kept by its score. Bounds are wide on purpose: a strange but sound
reading passes, a broken one does not. Length is judged against story/durations, which is calibrated on our voices.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import BaseModel

from story.durations import estimate_duration_s

HOP_S = 0.01
SILENT_PEAK = 1e-3  # -60 dBFS: our quietest whisper peaks at -15
PAUSE_DB = -40.0  # under the active level: nobody is speaking
LOUDEST_PEAK = 100.0  # +40 dBFS: integer samples taken for floats, or numbers gone wild
LONGEST_PAUSE_S = 1.5  # inside a line; our engines pause up to 0.6 s at their own pace
LENGTH_RATIO = (0.45, 2.2)  # of measured to estimated seconds; hibari: 0.63 to 1.2 over Treasure Island ch. 5
LENGTH_SLACK_S = (0.25, 0.8)  # short lines vary by more than their share
TAIL_S = 1.0  # what a runaway fills: a drone or hiss that no longer moves as speech does
STEADY_DB = 2.0  # spread of the level over that tail; speech moves by 7 dB and more, pink noise by 1.4
FULL_SCALE = 0.985
DC = 0.02


class Checks(BaseModel):
    """What the gate found.

    Attributes:
        passed: good enough to keep at once.
        problems: one sentence each, for the report.
        score: higher is better; compares attempts at the same take.
        measures: figures behind the verdict, with their units in the names.
    """

    passed: bool
    problems: list[str] = []
    score: float = 0.0
    measures: dict[str, float] = {}


def check_speech(
    samples: np.ndarray,
    sample_rate_hz: int,
    text: str,
    language: str,
    speed: float = 1.0,
    pause_scale: float = 1.0,
) -> Checks:
    """Judge one spoken take, float32 `(channels, samples)` (best after `trim`), against its text."""
    found = _Findings()
    if not _basics(found, samples, sample_rate_hz):
        return found.checks()
    duration_s = samples.shape[1] / sample_rate_hz
    expected_s = estimate_duration_s(text, language, speed, pause_scale)
    ratio = duration_s / expected_s
    found.measures |= {"expected_s": round(expected_s, 3), "length_ratio": round(ratio, 3)}
    found.score -= abs(float(np.log(ratio)))
    if duration_s < expected_s * LENGTH_RATIO[0] - LENGTH_SLACK_S[0]:
        found.problem(f"too short: {duration_s:.1f} s for a text of about {expected_s:.1f} s", 3.0)
    if duration_s > expected_s * LENGTH_RATIO[1] + LENGTH_SLACK_S[1]:
        found.problem(f"too long: {duration_s:.1f} s for a text of about {expected_s:.1f} s", 3.0)

    level_db = _levels_db(samples - samples.mean(axis=1, keepdims=True), sample_rate_hz)
    speaking = np.flatnonzero(level_db > _active_db(level_db) + PAUSE_DB)
    gap_s = float(np.diff(speaking).max(initial=1) - 1) * HOP_S
    after_s = float(len(level_db) - 1 - speaking[-1]) * HOP_S
    allowed_s = LONGEST_PAUSE_S * max(1.0, pause_scale) / min(1.0, speed)
    found.measures |= {"longest_pause_s": round(gap_s, 2), "silent_tail_s": round(after_s, 2)}
    if gap_s > allowed_s:
        found.problem(f"a silence of {gap_s:.1f} s inside the line", gap_s)
    if after_s > allowed_s:
        found.problem(f"{after_s:.1f} s of silence after the last word", 1.0)
    tail = level_db[: speaking[-1] + 1][-round(TAIL_S / HOP_S) :]
    if duration_s > 1.5 * TAIL_S and len(tail) * HOP_S >= TAIL_S:
        spread_db = float(tail.std())
        found.measures["tail_spread_db"] = round(spread_db, 2)
        if spread_db < STEADY_DB:
            found.problem("runs on at its end in a steady tone or noise", 3.0)
    return found.checks()


def check_sound(
    samples: np.ndarray, sample_rate_hz: int, request_duration_s: float, kind: Literal["bed", "effect"]
) -> Checks:
    """Judge one bed or effect. A bed must last nearly as long as asked (it is looped), an effect may be shorter."""
    found = _Findings()
    if not _basics(found, samples, sample_rate_hz):
        return found.checks()
    duration_s = samples.shape[1] / sample_rate_hz
    shortest_s = 0.8 * request_duration_s if kind == "bed" else min(0.03, request_duration_s)
    longest_s = 1.5 * request_duration_s + (1.0 if kind == "bed" else 4.0)  # effects ring on
    found.score -= abs(float(np.log(duration_s / max(request_duration_s, 0.05)))) * (kind == "bed")
    if duration_s < shortest_s:
        found.problem(f"too short: {duration_s:.2f} s of {request_duration_s:.2f} s", 3.0)
    if duration_s > longest_s:
        found.problem(f"too long: {duration_s:.1f} s instead of {request_duration_s:.1f} s", 2.0)
    if kind == "bed":
        level_db = _levels_db(samples, sample_rate_hz)
        audible = np.flatnonzero(np.concatenate([[True], level_db > -90.0, [True]]))
        dead_s = float(np.diff(audible).max(initial=1) - 1) * HOP_S  # digital silence: a hole in the air
        found.measures["longest_hole_s"] = round(dead_s, 2)
        if dead_s > 1.0:
            found.problem(f"a hole of {dead_s:.1f} s in the bed", dead_s)
    return found.checks()


def trim(
    samples: np.ndarray, sample_rate_hz: int, head_s: float = 0.02, tail_s: float = 0.06
) -> tuple[np.ndarray, float]:
    """Cut the silence around a spoken take, leaving `head_s` and `tail_s` of it, with 3 ms fades on what was cut.

    The threshold follows the take: 8 dB over its own floor where it has one, else 52 dB under its active level, never
    more than 70 dB under it; and an onset is also found in the pre-emphasised signal, where a soft [f] or [h] stands
    out. So breath and consonants stay.

    Returns:
        `(samples (channels, fewer), seconds cut off the head)`; what is silent or no audio comes back as it is.
    """
    if samples.shape[1] < 3 * _hop(sample_rate_hz) or not np.isfinite(samples).all():
        return samples, 0.0
    if not SILENT_PEAK <= np.abs(samples).max() <= LOUDEST_PEAK:
        return samples, 0.0
    hop = _hop(sample_rate_hz) // 2
    heard = _heard(samples, hop)
    bright = np.diff(samples, axis=1, prepend=samples[:, :1]) + np.float32(0.05) * samples
    heard |= _heard(bright, hop)
    steady = heard & (np.roll(heard, 1) | np.roll(heard, -1))  # 10 ms at least: a click is no onset
    places = np.flatnonzero(steady if steady.any() else heard)
    start = max(0, int(places[0]) * hop - round(head_s * sample_rate_hz))
    end = min(samples.shape[1], (int(places[-1]) + 1) * hop + round(tail_s * sample_rate_hz))
    out = samples[:, start:end].copy()
    fade = min(round(0.003 * sample_rate_hz), out.shape[1] // 4)
    ramp = np.linspace(0.0, 1.0, fade, dtype=np.float32)
    if start > 0:
        out[:, :fade] *= ramp
    if end < samples.shape[1]:
        out[:, out.shape[1] - fade :] *= ramp[::-1]
    return out, start / sample_rate_hz


class _Findings:
    def __init__(self) -> None:
        self.problems: list[str] = []
        self.score = 0.0
        self.measures: dict[str, float] = {}

    def problem(self, what: str, weight: float) -> None:
        self.problems.append(what)
        self.score -= 1.0 + weight

    def checks(self) -> Checks:
        return Checks(
            passed=not self.problems,
            problems=self.problems,
            score=round(self.score, 4),
            measures=self.measures,
        )


def _basics(found: _Findings, samples: np.ndarray, sample_rate_hz: int) -> bool:
    """What any audio must be. False: there is nothing further to measure."""
    if samples.size == 0:
        found.problem("empty", 100.0)
        return False
    if not np.isfinite(samples).all():
        found.problem("not finite (NaN or infinity)", 100.0)
        return False
    peak = float(np.abs(samples).max())
    found.measures["duration_s"] = round(samples.shape[1] / sample_rate_hz, 3)
    found.measures["peak_dbfs"] = round(20 * float(np.log10(peak + 1e-9)), 2)
    if peak < SILENT_PEAK:
        found.problem("silent", 50.0)
        return False
    if peak > LOUDEST_PEAK:
        found.problem(f"no audio: its peak is {peak:.3g}", 50.0)
        return False
    clipped = _clipped_samples(samples, peak)
    found.measures["clipped_samples"] = clipped
    if clipped:
        found.problem(f"clipped: {clipped} samples in flat tops", min(5.0, clipped / 200))
    dc = float(np.abs(samples.mean(axis=1, dtype=np.float64)).max())
    found.measures["dc"] = round(dc, 5)
    if dc > DC * max(1.0, peak):
        found.problem(f"a constant offset of {dc:.3f}", 0.5)
    return True


def _clipped_samples(samples: np.ndarray, peak: float) -> int:
    """Samples in flat tops: runs of equal extremes, four at full scale, six below it (clipped, then turned down).

    A sine's own top stays within 1e-5 of its peak for under two samples even at 60 Hz and 48 kHz.
    """
    if peak < 0.2:
        return 0
    run = 4 if peak >= FULL_SCALE else 6
    total = 0
    for top in (samples >= peak * (1 - 1e-5), samples <= -peak * (1 - 1e-5)):
        for channel in top:
            edges = np.flatnonzero(np.diff(np.concatenate([[0], channel.astype(np.int8), [0]])))
            lengths = edges[1::2] - edges[::2]
            total += int(lengths[lengths >= run].sum())
    return total if total >= 2 * run else 0


def _hop(sample_rate_hz: int) -> int:
    return max(2, round(HOP_S * sample_rate_hz))


def _block_db(samples: np.ndarray, hop: int) -> np.ndarray:
    """RMS level of each whole block of `hop` samples over all channels, dBFS."""
    blocks = samples[:, : samples.shape[1] // hop * hop].reshape(samples.shape[0], -1, hop)
    return 10 * np.log10((blocks.astype(np.float64) ** 2).mean(axis=(0, 2)) + 1e-12)


def _levels_db(samples: np.ndarray, sample_rate_hz: int) -> np.ndarray:
    """Level every 10 ms (at least one value)."""
    hop = _hop(sample_rate_hz)
    return _block_db(samples, min(hop, samples.shape[1]))


def _active_db(level_db: np.ndarray) -> float:
    """The level at which the take is loud: the 90th percentile of what is within 50 dB of its maximum."""
    return float(np.percentile(level_db[level_db > level_db.max() - 50.0], 90))


def _heard(samples: np.ndarray, hop: int) -> np.ndarray:
    """Which blocks hold more than the take's own silence."""
    level_db = _block_db(samples, hop)
    active_db = _active_db(level_db)
    low_db, floor_db, above_db = np.percentile(level_db, (2, 5, 12))
    # The quietest blocks are a floor if they are all alike (noise spreads by ~1 dB in 5 ms, speech's closures by
    # more) and well under the speech; otherwise there is no silence to learn from, and only the very quiet goes.
    known = above_db - low_db < 3.0 and floor_db < active_db - 12.0
    threshold_db = max(floor_db + 8.0, active_db - 70.0)
    return level_db > (threshold_db if known else min(threshold_db, active_db - 52.0))
