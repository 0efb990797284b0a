"""Where and when scenes are, asked of a language model: those of which the rules found nothing or little.

Asked are place, hour and weather from the lists that the ambience table knows. The answers become notes in the novel
(`chapters[].scenes`), which fill what the text's own words leave open; effects are never taken from a model.
"""

from __future__ import annotations

from collections.abc import Mapping

from story.lexicon import load_data
from story.novel import Chapter, Novel, SceneNote
from story.questions import ANSWER_FORM, LEAVE, Batch, plain
from story.scene_models import HOURS, Scene
from story.scenes import analyze_scenes

BELOW = 0.5  # confidence of a scene's place
MAX_SCENE_CHARS = 1800
MAX_SCENES = 4  # in one question
NONE = "none"
_FIELDS = ("place", "time", "weather")

INSTRUCTIONS = (
    "You judge where and when scenes of a novel take place, for their background sound. Each scene in the passage begins "
    "with its code, <S1>. For every code of the list answer with one of its words: what the text says or plainly implies "
    "of the scene itself, not of what people talk of or remember; C0 where it does not. " + ANSWER_FORM
)


def places() -> tuple[str, ...]:
    return tuple(load_data("ambience")["places"])


def weathers() -> tuple[str, ...]:
    return tuple(load_data("scenes_en")["weather"])


def batches(novel: Novel, below: float = BELOW) -> list[Batch]:
    """Questions for all scenes whose place or hour the text's words do not tell, in order."""
    found: list[Batch] = []
    previous: Scene | None = None
    for chapter in novel.chapters:
        scenes = analyze_scenes(chapter, novel.language, previous).scenes
        previous = scenes[-1] if scenes else previous
        open_ones = [(scene, fields) for scene in scenes if (fields := _open(scene, chapter, below))]
        for at in range(0, len(open_ones), MAX_SCENES):
            found.append(_batch(chapter, open_ones[at : at + MAX_SCENES]))
    return found


def _open(scene: Scene, chapter: Chapter, below: float) -> tuple[str, ...]:
    """What to ask of a scene; nothing where a note already says it."""
    if any(note.first_segment == scene.first_segment for note in chapter.scenes):
        return ()
    carried = scene.inherited_from is not None
    place = scene.place_class == "unknown" or carried or scene.confidence < below
    time = scene.time_of_day == "unknown" or carried
    return _FIELDS if place and time else ("place",) if place else ("time", "weather") if time else ()


def _batch(chapter: Chapter, scenes: list[tuple[Scene, tuple[str, ...]]]) -> Batch:
    order = {segment.id: i for i, segment in enumerate(chapter.segments)}
    words = {"place": places(), "time": HOURS, "weather": (NONE, *weathers())}
    lines: dict[str, str] = {}
    options: dict[str, frozenset[str]] = {}
    passage, asked = [], []
    for k, (scene, fields) in enumerate(scenes, 1):
        span = chapter.segments[order[scene.first_segment] : order[scene.last_segment] + 1]
        passage.append(f"<S{k}> " + plain(" ".join(s.content for s in span))[:MAX_SCENE_CHARS])
        for name in fields:
            code = f"S{k}.{name}"
            lines[code] = f"{scene.first_segment}|{name}"
            options[code] = frozenset(words[name])
            asked.append(code)
    table = "\n".join(f"{name}: {', '.join([*words[name], LEAVE])}" for name in _FIELDS)
    question = "Passage:\n" + "\n\n".join(passage) + "\n\nCodes: " + ", ".join(asked) + "\n\nWords:\n" + table
    every = {word: word for listed in words.values() for word in listed}
    return Batch(lines, every, question, INSTRUCTIONS, options)


def noted(novel: Novel, labels: Mapping[str, str]) -> tuple[Novel, int]:
    """The novel with notes on its scenes, and how many scenes have one now that had none."""
    told: dict[str, dict[str, str]] = {}
    for target, value in labels.items():
        segment, _, name = target.rpartition("|")
        told.setdefault(segment, {})[name] = value
    chapters, added = [], 0
    for chapter in novel.chapters:
        notes = list(chapter.scenes)
        for segment in chapter.segments:
            if (values := told.get(segment.id)) is not None:
                weather = values.get("weather", NONE)
                note = {"place": values.get("place"), "time": values.get("time")}
                sky = {"weather": [] if weather == NONE else [weather]}
                notes.append(
                    SceneNote.model_validate({"first_segment": segment.id, "source": "llm"} | note | sky)
                )
                added += 1
        chapters.append(chapter.model_copy(update={"scenes": notes}))
    return novel.model_copy(update={"chapters": chapters}), added
