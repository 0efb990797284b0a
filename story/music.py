"""Where music plays: at the chapter's opening and, apart enough from each other, where scenes change.

Placed last, when every line has its measured time; nothing else in the timeline moves for it.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

from story.timeline import MusicSegment, Timeline, scene_spans, to_ms, to_seconds

_OPENING_MS = 14_000
_CHANGE_MS = 9_000
_BEFORE_MS = 2_500  # it announces the change
_APART_MS = 90_000  # between two starts: a sign, not a carpet
_SHARE = 3  # no cue is longer than a third of the chapter


def place_music(timeline: Timeline) -> Timeline:
    """A copy with music segments; those it had are replaced."""
    total = to_ms(timeline.total_duration_s)
    starts: list[tuple[int, Literal["opening", "scene"], int]] = [(0, "opening", _OPENING_MS)]
    spans = list(scene_spans(timeline).values())
    for (_, border_s), _next in pairwise(spans):
        start = max(0, to_ms(border_s) - _BEFORE_MS)
        if start - starts[-1][0] >= _APART_MS and total - start >= _CHANGE_MS:
            starts.append((start, "scene", _CHANGE_MS))
    moods = {bed.start_s: bed.style for bed in timeline.environment_segments}
    music = []
    for number, (start, kind, longest) in enumerate(starts):
        length = min(longest, total // _SHARE, total - start)
        if length <= 0:
            continue
        music.append(
            MusicSegment(
                id=f"music{number + 1}",
                kind=kind,
                mood=next(
                    (moods[s] for s in sorted(moods, reverse=True) if to_ms(s) <= start + _CHANGE_MS), ""
                ),
                start_s=to_seconds(start),
                duration_s=to_seconds(length),
                fade_in_s=to_seconds(min(800 if kind == "opening" else 2_000, length // 4)),
                fade_out_s=to_seconds(min(5_000, length // 2)),
            )
        )
    return timeline.model_copy(deep=True, update={"music_segments": music})
