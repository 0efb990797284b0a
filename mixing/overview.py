"""What a person should see of a mix: loudness of each stem, the shape of the master, how the beds were ducked.

And the energies that are kept beside the stems, from which a book's one gain is found without reading audio again.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mixing.contracts import STEMS, MixError, Overview, StemLevel
from mixing.ducking import DuckCurve
from mixing.loudness import (
    StemMeter,
    integrated_lufs,
    loudness_range_lu,
    short_term_lufs,
    short_term_max_lufs,
    tenths,
)
from mixing.waveform import Waveform

POINTS = 1800  # of a picture's curve at most
_STEP_S = 0.1


def overview(meter: StemMeter, gain_db: float, bed: DuckCurve, effect: DuckCurve, steps: int) -> Overview:
    """All but the master's own curves; `steps` of 100 ms."""
    group = max(1, -(-steps // POINTS))
    return Overview(
        step_s=round(group * _STEP_S, 3),
        bed_duck_db=_coarse(bed.tenths_db(steps), group, np.minimum),
        effect_duck_db=_coarse(effect.tenths_db(steps), group, np.minimum),
        stems=stem_levels({name: meter.energies(name) for name in STEMS}, gain_db),
    )


def with_master(made: Overview, energies: np.ndarray, waveform: Waveform) -> Overview:
    """The overview with the curves of a master (its 10 ms energies and its shape)."""
    group = round(made.step_s / _STEP_S)
    steps = len(waveform.peaks)
    loud = np.full(steps, -np.inf)
    curve = short_term_lufs(energies)[: max(0, steps - 29)]
    loud[29 : 29 + len(curve)] = curve
    return made.model_copy(
        update={
            "peaks": _coarse(waveform.peaks, group, np.maximum, digits=4),
            "short_term_lufs": [
                round(float(v), 2) if np.isfinite(v) else None for v in loud[group - 1 :: group]
            ],
        }
    )


def stem_levels(energies: dict[str, np.ndarray], gain_db: float) -> list[StemLevel]:
    """From 10 ms energies of the stems as written."""
    return [
        StemLevel(
            stem=name,
            integrated_lufs=_shifted(integrated_lufs(cells), gain_db),
            short_term_max_lufs=_shifted(short_term_max_lufs(cells), gain_db),
            lra_lu=round(loudness_range_lu(cells), 2),
            share_of_time=round(float((cells * 10 ** (gain_db / 10) > 1.2e-7).mean()), 4)
            if len(cells)
            else 0,
        )
        for name, cells in energies.items()
    ]


def _shifted(level: float, gain_db: float) -> float | None:
    return round(level + gain_db, 2) if np.isfinite(level) else None


def _coarse(values: np.ndarray, group: int, fold: np.ufunc, digits: int = 2) -> list[float]:
    if not len(values):
        return []
    return [round(float(v), digits) for v in fold.reduceat(values, np.arange(0, len(values), group))]


def keep_energies(path: Path, meter: StemMeter) -> None:
    """Mean squares of 100 ms of every stem and of their sum, before the master's gain."""
    cells = [meter.sum_energies, *map(meter.energies, STEMS)]
    table = np.stack([tenths(each).astype(np.float32) for each in cells])
    with path.open("wb") as file:
        np.save(file, table, allow_pickle=False)


def kept_energies(path: Path) -> dict[str, np.ndarray]:
    """What `keep_energies` wrote: `sum` and a stem's name → float64 `(tenths,)` of it. Raises MixError."""
    try:
        table = np.load(path, allow_pickle=False).astype(np.float64)
        return dict(zip(("sum", *STEMS), table, strict=True))
    except (OSError, ValueError, TypeError, EOFError) as error:
        raise MixError(
            f"the chapter's kept loudness can't be read ({error})",
            where=str(path),
            remedy="render the chapter again",
        ) from error
