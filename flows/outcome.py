"""From what the stages made to the chapter's result: status, what is missing and why, every warning."""

from __future__ import annotations

from collections import Counter, defaultdict

from flows.fingerprint import music_of
from flows.gpu_stage import StageTakes
from flows.options import RenderOptions
from mixing.contracts import MixReport, MixResult
from mixing.tags import Tags
from models.emotion import delivery, nearest_emotions
from story.cast import Cast
from story.novel import Chapter, Novel
from story.timeline import DialogueSegment, EffectSegment, EnvironmentSegment, Timeline
from tasks.results import ChapterResult, Kind, Loudness, MissingSound, Voiced


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
    credits: list[str],
    stage_seconds: dict[str, float],
    flow_run_id: str | None,
    fingerprint: str,
) -> ChapterResult:
    """`stages` are dialogue, environment and effects; `models` are the speech and the sound model's names."""
    missing = missing_sounds(timeline, *stages)
    voices = voiced(timeline, cast)
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
        music=music_of(options),
        seed=options.seed,
        duration_s=round(mixed.duration_s, 3),
        loudness=Loudness(**mixed.loudness.model_dump(include=set(Loudness.model_fields))),
        takes_generated=sum(s.generated for s in stages),
        takes_cached=sum(s.cached for s in stages),
        cast=voices,
        missing=missing,
        warnings=[*cast.warnings, *emotion_warnings(timeline), *check_warnings(stages), *mixed.warnings],
        credits=credits,
        outputs={},
        mix=MixReport(**mixed.model_dump(include=set(MixReport.model_fields))),
        stage_seconds=stage_seconds,
        tags=chapter_tags(novel, chapter, voices),
        flow_run_id=flow_run_id,
        fingerprint=fingerprint,
    )


def chapter_tags(novel: Novel, chapter: Chapter, voices: list[Voiced]) -> Tags:
    """What a chapter's file says about itself; the voices are named in the order of how much they speak."""
    return Tags(
        title=chapter.title or f"{chapter.number}",
        book=novel.title,
        author=novel.author,
        narrators=list(dict.fromkeys(v.voice_id for v in voices)),
        track=chapter.number,
        tracks=len(novel.chapters) if len(novel.chapters) >= chapter.number else 0,
        language=novel.language,
    )


def missing_sounds(
    timeline: Timeline, lines: StageTakes, beds: StageTakes, effects: StageTakes
) -> list[MissingSound]:
    """Everything the timeline asks for that has no take, with the reason."""
    wanted: list[tuple[Kind, str, DialogueSegment | EnvironmentSegment | EffectSegment, dict[str, str]]] = [
        *(("line", s.content, s, lines.reasons) for s in timeline.dialogue_segments),
        *(("bed", s.prompt, s, beds.reasons) for s in timeline.environment_segments),
        *(("effect", s.prompt, s, effects.reasons) for s in timeline.effect_segments),
    ]
    return [
        MissingSound(
            kind=kind, id=s.id, what=what, reason=reasons[s.id], start_s=s.start_s, duration_s=s.duration_s
        )
        for kind, what, s, reasons in wanted
        if s.id in reasons
    ]


def voiced(timeline: Timeline, cast: Cast) -> list[Voiced]:
    """The characters of this chapter, most speech first."""
    names = {a.character: a.name for a in cast.assignments}
    lines, seconds, voice = Counter[str](), defaultdict[str, float](float), dict[str, str]()
    for s in timeline.dialogue_segments:
        lines[s.speaker] += 1
        seconds[s.speaker] += s.duration_s
        voice[s.speaker] = s.voice_id
    return [
        Voiced(
            character=who,
            name=names.get(who, who),
            voice_id=voice[who],
            lines=lines[who],
            seconds=round(seconds[who], 1),
        )
        for who in sorted(seconds, key=lambda who: -seconds[who])
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


def lufs(level: float | None) -> str:
    return "no measurable loudness" if level is None else f"{level:.1f} LUFS"


def summary(result: ChapterResult) -> str:
    """One line for Prefect's state message and the terminal."""
    if result.status == "completed":
        return f"{result.duration_s / 60:.1f} min at {lufs(result.loudness.integrated_lufs)}"
    lacking = Counter(m.kind for m in result.missing)
    return "missing " + ", ".join(f"{n} {kind}{'s' if n > 1 else ''}" for kind, n in lacking.items())
