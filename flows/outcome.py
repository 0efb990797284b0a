"""From what the stages made to the chapter's result: status, what is missing and why, every warning."""

from __future__ import annotations

from collections import Counter

from mixing.engine import MixResult
from models.emotion import delivery, nearest_emotions

from flows.gpu_stage import StageTakes
from flows.options import RenderOptions
from story.cast import Cast
from story.novel import Chapter, Novel
from story.timeline import Timeline
from tasks.results import ChapterResult, Loudness, MissingSound, Voiced


def result_of(
    novel: Novel,
    chapter: Chapter,
    cast: Cast,
    timeline: Timeline,
    mixed: MixResult,
    options: RenderOptions,
    *,
    models: tuple[str, str],
    stages: tuple[StageTakes, StageTakes, StageTakes],
    stage_seconds: dict[str, float],
    flow_run_id: str | None,
) -> ChapterResult:
    """`stages` are dialogue, environment and effects; `models` are the speech and the sound model's names."""
    missing = missing_sounds(timeline, *stages)
    return ChapterResult(
        status="degraded" if missing else "completed",
        novel=novel.title,
        chapter=chapter.id,
        number=chapter.number,
        title=chapter.title,
        language=novel.language,
        speech_model=models[0],
        sound_model=models[1],
        profile=options.profile,
        seed=options.seed,
        duration_s=round(mixed.duration_s, 3),
        loudness=Loudness(**mixed.loudness.model_dump(include=set(Loudness.model_fields))),
        takes_generated=sum(s.generated for s in stages),
        takes_cached=sum(s.cached for s in stages),
        cast=voiced(timeline, cast),
        missing=missing,
        warnings=[*cast.warnings, *emotion_warnings(timeline), *check_warnings(stages), *mixed.warnings],
        outputs={},
        mix=mixed.model_dump(mode="json", exclude={"master", "stems", "loudness", "duration_s", "warnings"}),
        stage_seconds=stage_seconds,
        flow_run_id=flow_run_id,
    )


def missing_sounds(
    timeline: Timeline, lines: StageTakes, beds: StageTakes, effects: StageTakes
) -> list[MissingSound]:
    """Everything the timeline asks for that has no take, with the reason."""
    missing = [
        MissingSound(
            kind="line",
            id=s.id,
            what=s.content,
            reason=lines.reasons[s.id],
            start_s=s.start_s,
            duration_s=s.duration_s,
        )
        for s in timeline.dialogue_segments
        if s.id in lines.reasons
    ]
    for kind, segments, stage in (
        ("bed", timeline.environment_segments, beds),
        ("effect", timeline.effect_segments, effects),
    ):
        missing += [
            MissingSound(
                kind=kind,
                id=s.id,
                what=s.prompt,
                reason=stage.reasons[s.id],
                start_s=s.start_s,
                duration_s=s.duration_s,
            )
            for s in segments
            if s.id in stage.reasons
        ]
    return missing


def voiced(timeline: Timeline, cast: Cast) -> list[Voiced]:
    """The characters of this chapter, most speech first."""
    names = {a.character: a.name for a in cast.assignments}
    lines, seconds, voice = Counter[str](), Counter[str](), {}
    for s in timeline.dialogue_segments:
        lines[s.speaker] += 1
        seconds[s.speaker] += s.duration_s  # pyright: ignore[reportArgumentType] - Counter of floats
        voice[s.speaker] = s.voice_id
    return [
        Voiced(
            character=who,
            name=names.get(who, who),
            voice_id=voice[who],
            lines=lines[who],
            seconds=round(float(seconds[who]), 1),
        )
        for who, _ in seconds.most_common()
    ]


def emotion_warnings(timeline: Timeline) -> list[str]:
    """Emotions the mapping table does not know were spoken as neutral: say so once each."""
    unknown: dict[str, str] = {}
    for s in timeline.dialogue_segments:
        if not delivery(s.emotion, s.emotion_intensity, s.style).known:
            unknown.setdefault(s.emotion, s.id)
    return [
        f"{first}: emotion {emotion!r} is not known and was spoken as neutral; nearest: {', '.join(nearest_emotions(emotion))}"
        for emotion, first in unknown.items()
    ]


def check_warnings(stages: tuple[StageTakes, ...]) -> list[str]:
    """Takes that never passed the quality gate: the best attempt was kept, and is named."""
    return [
        f"{place}: the best of {take.attempts} attempts was kept: {'; '.join(take.checks.problems)}"
        for stage in stages
        for place, take in stage.takes.items()
        if not take.checks.passed
    ]


def summary(result: ChapterResult) -> str:
    """One line for Prefect's state message and the terminal."""
    if result.status == "completed":
        return f"{result.duration_s / 60:.1f} min at {result.loudness.integrated_lufs:.1f} LUFS"
    lacking = Counter(m.kind for m in result.missing)
    return "missing " + ", ".join(f"{n} {kind}{'s' if n > 1 else ''}" for kind, n in lacking.items())
