"""How often scene analysis is right: place, hour, weather and effect cues on labelled passages; its speed and memory.

    python benchmarks/story/bench_scenes.py                    # the newest blind passages with texts here
    python benchmarks/story/bench_scenes.py --split dev --errors
    python benchmarks/story/bench_scenes.py --labelled FOLDER  # the newest of all; see corpus.py
    python benchmarks/story/bench_scenes.py --passages FILE.json …  # passages kept elsewhere, all of them
    python benchmarks/story/bench_scenes.py --speed BOOK.txt   # MB/s of CPU time, peak memory

Labels: scene_passages.json (its note says what they mean), or files like it. A
passage is one chapter; where it has several scenes the longest is asked. A cue is found when an asserted cue of the same
class, or of the same family, stands within REACH characters of the labelled words. Tune on dev only.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from collections import Counter
from pathlib import Path

from benchmarks.story.corpus import labelled
from benchmarks.story.labels import REACH, same_sound
from story.novel import Chapter, Segment
from story.scene_models import Cue, Scene
from story.scenes import analyze_scenes

HERE = Path(__file__).parent


def chapter_of(text: str) -> Chapter:
    """One narration segment a paragraph; quotations inside are blanked by the analysis itself.

    What a passage cuts off in the middle of speech (a closing mark before any opening one) is dialogue.
    """
    segments: list[Segment] = []
    for line in [line for line in text.split("\n") if line.strip()]:
        cut = _cut_speech(line)
        parts = [("dialogue", line[:cut]), ("narration", line[cut:])] if cut else [("narration", line)]
        for kind, content in parts:
            if content.strip():
                segments.append(
                    Segment(id=f"s{len(segments):04}", type=kind, content=content, speaker="n")  # type: ignore[arg-type]
                )
    return Chapter(id="c", number=1, segments=segments)


def _cut_speech(line: str) -> int:
    """Length of the speech a line begins in the middle of, 0 for none."""
    for opening, closing in ("“”", "「」", "『』"):
        end = line.find(closing)
        if end >= 0 and not 0 <= line.find(opening) < end:
            return end + 1
    return 0


def scenes_of(item: dict) -> tuple[Scene, list[tuple[int, Cue]]]:
    """(the longest scene, asserted cues with their place in the passage)."""
    chapter = chapter_of(item["text"])
    starts, at = {}, 0
    for segment in chapter.segments:
        at = item["text"].index(segment.content, at)
        starts[segment.id] = at
        at += len(segment.content)
    scenes = analyze_scenes(chapter, item["language"]).scenes
    order = [segment.id for segment in chapter.segments]

    def length(scene: Scene) -> int:
        span = chapter.segments[order.index(scene.first_segment) : order.index(scene.last_segment) + 1]
        return sum(len(segment.content) for segment in span)

    cues = [(starts[c.segment] + c.char_start, c) for s in scenes for c in s.cues if c.polarity == "asserted"]
    return max(scenes, key=length), cues


def score_cues(item: dict, cues: list[tuple[int, Cue]]) -> tuple[int, int, int, list[str]]:
    """(right, wrong, missed, readable errors); optional labels count neither way."""
    open_labels = list(item["cues"])
    right, errors = 0, []
    wrong = 0
    for at, cue in cues:
        near = [
            label
            for label in open_labels
            if same_sound(cue.sound, label["sounds"], item["language"])
            and label["at"][0] - REACH[item["language"]] <= at <= label["at"][1] + REACH[item["language"]]
        ]
        if near:
            label = min(near, key=lambda lab: (lab.get("perhaps", False), abs(lab["at"][0] - at)))
            open_labels.remove(label)
            right += not label.get("perhaps", False)
        else:
            wrong += 1
            around = item["text"][max(0, at - 30) : at + 30].replace("\n", " ")
            errors.append(f"  + {item['id']} {cue.sound}: …{around}…")
    missed = [label for label in open_labels if not label.get("perhaps")]
    errors += [
        f"  - {item['id']} {label['sounds'][0]}: {item['text'][label['at'][0] : label['at'][1]]}"
        for label in missed
    ]
    return right, wrong, len(missed), errors


def score(items: list[dict]) -> tuple[dict[str, float], list[str]]:
    tally: Counter[str] = Counter()
    errors: list[str] = []
    for item in items:
        scene, cues = scenes_of(item)
        for name, told in (("place", scene.place_class), ("time", scene.time_of_day)):
            right = told in item[name]
            tally[f"{name} right"] += right
            tally[f"{name} answered"] += told != "unknown"
            tally[f"{name} answered right"] += right and told != "unknown"
            tally[f"{name} asked"] += "unknown" not in item[name]
            tally[f"{name} asked right"] += right and "unknown" not in item[name]
            if not right:
                errors.append(f"  {item['id']} {name}: {told}, not {item[name]}")
        weather, must = set(scene.weather), set(item["weather"])
        right = must <= weather <= must | set(item["weather_perhaps"])
        tally["weather right"] += right
        tally["weather answered"] += bool(weather)
        tally["weather answered right"] += right and bool(weather)
        tally["weather asked"] += bool(must)
        tally["weather asked right"] += right and bool(must)
        if not right:
            errors.append(f"  {item['id']} weather: {sorted(weather)}, not {sorted(must)}")
        found, wrong, missed, cue_errors = score_cues(item, cues)
        tally["cue right"] += found
        tally["cue wrong"] += wrong
        tally["cue missed"] += missed
        errors += cue_errors
    n = max(1, len(items))
    figures: dict[str, float] = {"passages": len(items)}
    for name in ("place", "time", "weather"):
        figures[f"{name} accuracy"] = tally[f"{name} right"] / n
        figures[f"{name} precision when answering"] = tally[f"{name} answered right"] / max(
            1, tally[f"{name} answered"]
        )
        figures[f"{name} found where told"] = tally[f"{name} asked right"] / max(1, tally[f"{name} asked"])
        figures[f"{name} passages that tell"] = tally[f"{name} asked"]
    figures["cue precision"] = tally["cue right"] / max(1, tally["cue right"] + tally["cue wrong"])
    figures["cue recall"] = tally["cue right"] / max(1, tally["cue right"] + tally["cue missed"])
    figures["cues labelled"] = tally["cue right"] + tally["cue missed"]
    return {name: round(value, 3) for name, value in figures.items()}, errors


def passages(files: list[Path]) -> list[dict]:
    """The passages of label files: a list, or an object with `items`."""
    found: list[dict] = []
    for file in files:
        data = json.loads(file.read_text(encoding="utf-8"))
        found += data if isinstance(data, list) else data["items"]
    return found


def speed(path: Path, language: str) -> dict[str, float]:
    """CPU seconds and MB/s of a whole book, analysed in chapters of 300 paragraphs."""
    text = path.read_text(encoding="utf-8")
    paragraphs = [p for p in text.split("\n\n" if language == "en" else "\n") if p.strip()]
    analyze_scenes(chapter_of(paragraphs[0]), language)  # compiles the lexicons
    begin = time.process_time()
    for i in range(0, len(paragraphs), 300):
        chunk = [
            Segment(id=f"s{j:05}", content=p, speaker="n") for j, p in enumerate(paragraphs[i : i + 300])
        ]
        analyze_scenes(Chapter(id=f"c{i}", number=1, segments=chunk), language)
    cpu_s = time.process_time() - begin
    size_mb = len(text.encode()) / 1e6
    return {
        "size_mb": round(size_mb, 3),
        "cpu_s": round(cpu_s, 2),
        "mb_per_s": round(size_mb / cpu_s, 3),
        "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    splits = ["dev", "test", "fresh", "blind", "blind2", "blind3"]
    splits += ["blind4", "blind4-A", "blind4-B", "dense", "random"]  # these with --labelled
    parser.add_argument("--split", choices=splits, help="default: the newest blind one there is")
    parser.add_argument("--labelled", type=Path, metavar="FOLDER", help="books of labelled_passages.jsonl")
    parser.add_argument("--passages", type=Path, nargs="+", metavar="FILE", help="score these instead")
    parser.add_argument("--language", choices=["en", "zh"])
    parser.add_argument("--errors", action="store_true", help="show each wrong answer")
    parser.add_argument("--speed", type=Path, metavar="BOOK.txt", help="measure speed and memory instead")
    arguments = parser.parse_args()
    if arguments.speed:
        print(json.dumps(speed(arguments.speed, arguments.language or "en"), indent=1))
        return
    if arguments.passages:
        source, items = ", ".join(f.name for f in arguments.passages), passages(arguments.passages)
    elif arguments.labelled:
        source = arguments.split or "blind4"
        items = labelled(arguments.labelled, source)
    else:
        source = arguments.split or "blind3"
        items = [item for item in passages([HERE / "scene_passages.json"]) if item["split"] == source]
    if not items:
        parser.error(f"no passages of {source!r} there (blind4, dense and random need --labelled FOLDER)")
    for language in [arguments.language] if arguments.language else ["en", "zh"]:
        chosen = [item for item in items if item["language"] == language]
        if not chosen:
            continue
        figures, errors = score(chosen)
        print(json.dumps({"language": language, "of": source, **figures}, indent=1))
        if arguments.errors:
            print("\n".join(errors))


if __name__ == "__main__":
    main()
