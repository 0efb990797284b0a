"""Stage: scene analysis."""

from __future__ import annotations

from story.novel import Chapter, Novel
from story.scenes import SceneAnalysis
from story.scenes import analyze_scenes as analyze
from tasks.progress import StageProgress
from tasks.stage import stage


@stage("analyze scenes", retries=0, timeout_s=600)
def analyze_scenes(novel: Novel, chapter: Chapter) -> SceneAnalysis:
    """Scenes, beds and cues. Place and time may carry over from the end of the chapter before."""
    progress = StageProgress("scenes", 1, "chapter")
    at = next(i for i, c in enumerate(novel.chapters) if c.id == chapter.id)
    before = analyze(novel.chapters[at - 1], novel.language).scenes[-1] if at > 0 else None
    analysis = analyze(chapter, novel.language, before)
    progress.advance()
    progress.finish()
    return analysis
