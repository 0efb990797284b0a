"""What was made, in figures: the level of every line and speaker, and of speech over its bed."""

from __future__ import annotations

import numpy as np

from mixing.contracts import SAMPLE_RATE_HZ, LineLevel, SpeakerLevel
from mixing.dialogue import PlacedLine
from mixing.ducking import cells_of
from mixing.loudness import CELL_FRAMES, lufs
from mixing.planning import Plan


def line_levels(plan: Plan, environment: np.ndarray, gain_db: float) -> list[LineLevel]:
    """One entry a line. `environment`: K-weighted 10 ms energies measured on the stem as written."""
    levels = []
    bedded = np.zeros(len(environment), bool)
    for bed in plan.beds:
        bedded[bed.start // CELL_FRAMES : -(-(bed.start + bed.frames) // CELL_FRAMES)] = True
    for line, bed_duck, effect_duck in zip(plan.lines, plan.bed_ducks, plan.effect_ducks, strict=True):
        span = cells_of(line.placed.start / SAMPLE_RATE_HZ, line.end_s)
        levels.append(
            LineLevel(
                segment=line.segment.id,
                speaker=line.segment.speaker,
                mixed_lufs=line.lufs + gain_db,
                correction_db=line.correction_db,
                intent_db=line.intent_db,
                bed_duck_db=bed_duck.depth_db,
                effects_duck_db=effect_duck.depth_db,
                speech_to_bed_lu=line.lufs - lufs(environment[span]) if bedded[span].any() else None,
            )
        )
    return levels


def speaker_levels(lines: list[PlacedLine], gain_db: float) -> list[SpeakerLevel]:
    by_speaker: dict[str, list[PlacedLine]] = {}
    for line in lines:
        by_speaker.setdefault(line.segment.speaker, []).append(line)
    return [
        SpeakerLevel(
            speaker=speaker,
            lines=len(own),
            takes_lufs=_mean_db([(line.take_lufs, line.placed.frames) for line in own]),
            mixed_lufs=_mean_db([(line.lufs, line.placed.frames) for line in own]) + gain_db,
        )
        for speaker, own in by_speaker.items()
    ]


def _mean_db(weighted: list[tuple[float, int]]) -> float:
    levels_db, weights = np.array(weighted, np.float64).T
    return 10 * float(np.log10((10 ** (levels_db / 10) * weights).sum() / weights.sum()))


def too_close(levels: list[LineLevel], wanted_lu: float) -> tuple[LineLevel | None, list[str]]:
    """The line that stands least above its bed, and a warning if lines are closer to it than wanted."""
    heard = [(level.speech_to_bed_lu, level) for level in levels if level.speech_to_bed_lu is not None]
    if not heard:
        return None, []
    least, worst = min(heard, key=lambda pair: pair[0])
    close = sum(over < wanted_lu for over, _ in heard)
    if not close:
        return worst, []
    return worst, [
        f"{close} of {len(heard)} lines stand less than {wanted_lu:g} LU above their bed; "
        f"the worst is {worst.segment} with {least:.1f} LU"
    ]
