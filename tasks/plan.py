"""Stages: plan the timeline with estimated durations, re-time it with the measured ones."""

from __future__ import annotations

from models.emotion import delivery
from models.takes import Take
from story.cast import Cast
from story.novel import Chapter, Novel, Segment
from story.planning import plan_timeline as plan
from story.scenes import SceneAnalysis
from story.timeline import Timeline, WordTime, settle
from story.timeline import retime as re_time
from tasks.progress import StageProgress
from tasks.stage import stage


def pace(segment: Segment) -> tuple[float, float]:
    """(speed, pause scale) that the line's emotion and style will be spoken with."""
    how = delivery(segment.emotion, segment.emotion_intensity, segment.style)
    return how.speed, how.pause_scale


@stage("plan timeline", retries=0, timeout_s=600)
def plan_timeline(novel: Novel, chapter: Chapter, analysis: SceneAnalysis, cast: Cast) -> Timeline:
    progress = StageProgress("timeline", 1, "chapter")
    timeline = plan(chapter, analysis, cast, novel.language, delivery=pace)
    progress.advance()
    progress.finish()
    return timeline


@stage("retime", retries=0, timeout_s=600)
def retime(timeline: Timeline, takes: dict[str, Take]) -> Timeline:
    """Measured durations in; lines without a take keep their estimate as a correctly timed gap."""
    return re_time(timeline, {line: take.duration_s for line, take in takes.items()}, word_times(takes))


def word_times(takes: dict[str, Take]) -> dict[str, list[WordTime]]:
    """The takes' word timings by line id, as the story's floor knows them."""
    return {
        line: [(w.char_start, w.char_end, w.start_s, w.end_s) for w in take.words]
        for line, take in takes.items()
        if take.words
    }


def fit_effects(timeline: Timeline, takes: dict[str, Take]) -> Timeline:
    """A copy in which every effect is as long as its take; the chapter's tail holds the last of them."""
    fitted = timeline.model_copy(deep=True)
    for effect in fitted.effect_segments:
        if effect.id in takes:
            effect.duration_s = round(takes[effect.id].duration_s, 3)
    settle(fitted)
    return fitted
