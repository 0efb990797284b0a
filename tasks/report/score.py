"""The geometry of the report's picture: every lane, curve and tick in per cent of the width, so that it can zoom.

Pure functions from a chapter's result to numbers and paths; the page's template draws them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from tasks.results import ChapterResult, Lane

_SPEAKERS = 12  # lanes; those who say least share the last one
_COLOURS = 8
_BED_ROWS, _EFFECT_ROWS = 4, 4
_ROW_PX = {"line": 22, "bed": 18, "effect": 18}
_LOUD_TOP, _LOUD_BOTTOM = -8.0, -40.0  # LUFS shown
_DUCK_BOTTOM = -18.0  # dB shown


@dataclass(frozen=True)
class Bar:
    kind: str
    x: float  # per cent
    width: float
    start_s: float
    tip: str
    label: str  # written inside where there is room
    missing: bool


@dataclass(frozen=True)
class Row:
    name: str
    kind: str
    colour: int
    height_px: int
    bars: list[Bar] = field(default_factory=list)


@dataclass(frozen=True)
class Tick:
    at: float  # per cent, along the axis
    label: str


@dataclass(frozen=True)
class Score:
    rows: list[Row]
    scenes: list[Bar]
    times: list[Tick]
    wave: str  # path in a box of 1000 × 100, centre 50
    duck: str  # path in the same box
    loudness: str  # path in a box of 1000 × 100
    target: float | None  # per cent from the top
    loudness_ticks: list[Tick]
    duck_ticks: list[Tick]


def score(result: ChapterResult) -> Score:
    total_s = max(result.duration_s, 0.001)
    missing = {m.id for m in result.missing}

    def bar(lane: Lane) -> Bar:
        width = 100 * lane.duration_s / total_s
        return Bar(
            kind=lane.kind,
            x=round(100 * lane.start_s / total_s, 4),
            width=round(max(width, 0.02), 4),
            start_s=round(lane.start_s, 3),
            tip=f"{clock(lane.start_s)} {lane.label}: {_short(lane.text, 300)}"
            + (" (missing)" if lane.id in missing else ""),
            label=lane.label if width > 4 else "",
            missing=lane.id in missing,
        )

    overview = result.mix.overview if result.mix else None
    target = result.mix.target_lufs if result.mix else None
    return Score(
        rows=[
            *_speaker_rows(result, bar),
            *_packed("bed", "beds", result.lanes, bar, _BED_ROWS),
            *_packed("effect", "effects", result.lanes, bar, _EFFECT_ROWS),
        ],
        scenes=[
            Bar(
                "scene",
                round(100 * s.start_s / total_s, 4),
                round(100 * (s.end_s - s.start_s) / total_s, 4),
                s.start_s,
                f"{clock(s.start_s)} scene {number}",
                f"scene {number}" if (s.end_s - s.start_s) / total_s > 0.05 else "",
                False,
            )
            for number, s in enumerate(result.scenes, start=1)
        ],
        times=_times(total_s),
        wave=_wave(overview.peaks) if overview else "",
        duck=_line([100 * min(1.0, v / _DUCK_BOTTOM) for v in overview.bed_duck_db]) if overview else "",
        loudness=_line([None if v is None else loudness_y(v) for v in overview.short_term_lufs])
        if overview
        else "",
        target=None if target is None else loudness_y(target),
        loudness_ticks=[Tick(loudness_y(level), f"{level}") for level in (-12, -18, -24, -30, -36)],
        duck_ticks=[Tick(100 * level / _DUCK_BOTTOM, f"{level}") for level in (-6, -12)],
    )


def loudness_y(lufs: float) -> float:
    """Per cent from the panel's top."""
    return round(100 * min(1.0, max(0.0, (_LOUD_TOP - lufs) / (_LOUD_TOP - _LOUD_BOTTOM))), 2)


def clock(at_s: float) -> str:
    minutes, seconds = divmod(int(at_s), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"


def colour_of(result: ChapterResult) -> dict[str, int]:
    """A colour number for each character, in the order of how much they speak."""
    return {v.character: number % _COLOURS for number, v in enumerate(result.cast)}


def _speaker_rows(result: ChapterResult, bar) -> list[Row]:
    colours, rows = colour_of(result), {}
    lines = [lane for lane in result.lanes if lane.kind == "line"]
    names = {lane.lane: lane.label for lane in lines}
    order = [v.character for v in result.cast if v.character in names]
    order += [who for who in names if who not in order]
    few = order if len(order) <= _SPEAKERS else order[: _SPEAKERS - 1]
    for who in few:
        rows[who] = Row(names[who], "line", colours.get(who, 0), _ROW_PX["line"])
    if len(few) < len(order):
        rows[None] = Row(f"{len(order) - len(few)} others", "line", _COLOURS - 1, _ROW_PX["line"])
    for lane in lines:
        rows[lane.lane if lane.lane in rows else None].bars.append(bar(lane))
    return list(rows.values())


def _packed(kind: str, name: str, lanes: Sequence[Lane], bar, most: int) -> list[Row]:
    """As few rows as hold the lanes of a kind without overlap; past `most` they overlap in the last."""
    rows: list[Row] = []
    free_s: list[float] = []
    for lane in sorted((each for each in lanes if each.kind == kind), key=lambda each: each.start_s):
        place = next((i for i, at in enumerate(free_s) if at <= lane.start_s), len(rows))
        if place == len(rows) < most:
            rows.append(Row(name if not rows else "", kind, 0, _ROW_PX[kind]))
            free_s.append(0.0)
        place = min(place, len(rows) - 1)
        rows[place].bars.append(bar(lane))
        free_s[place] = max(free_s[place], lane.start_s + lane.duration_s)
    return rows


def _times(total_s: float) -> list[Tick]:
    steps = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600)
    step = next((s for s in steps if total_s / s <= 10), 7200)
    return [Tick(round(100 * at / total_s, 4), clock(at)) for at in range(0, int(total_s * 0.98) + 1, step)]


def _wave(peaks: Sequence[float]) -> str:
    """A closed shape, mirrored at the centre."""
    if not peaks:
        return ""
    step = 1000 / len(peaks)
    upper = [f"{(i + 0.5) * step:.1f},{50 - 50 * min(1.0, p):.1f}" for i, p in enumerate(peaks)]
    lower = [f"{(i + 0.5) * step:.1f},{50 + 50 * min(1.0, p):.1f}" for i, p in enumerate(peaks)][::-1]
    return "M" + "L".join([*upper, *lower]) + "Z"


def _line(values: Sequence[float | None]) -> str:
    """A line through the values (per cent from the top); interrupted where there is none."""
    if not values:
        return ""
    step, path, pen_down = 1000 / len(values), [], False
    for i, value in enumerate(values):
        if value is not None:
            path.append(f"{'L' if pen_down else 'M'}{(i + 0.5) * step:.1f},{value:.1f}")
        pen_down = value is not None
    return "".join(path)


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
