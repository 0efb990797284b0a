"""How fast books are read, with their scenes found, in how much memory, and whether their text comes back whole.

    python -m benchmarks.story.importing BOOK …

For each book, in processes of their own, the best of RUNS: seconds of processor time (user and system) from the
interpreter's start until everything is imported (`start_s`), then for the whole novel (`whole_s`: chapters, quotations,
speakers, feelings; the first book of a process, so the compiling of patterns counts) and for chapters and blocks alone
(`read_s`), and for finding all scenes of the novel after that (`scenes_s`; the first ones of a process as well);
megabytes of text a second (`with_scenes_mb_s`: import and scenes, `process_mb_s`: with the start too); the largest memory
with one novel made; and the round trip: separators and
contents in order, then the tail, are each chapter's text; of a text file, chapters, edits and what was left out are
the file.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from pathlib import Path

from story.attribution.book import chapter_text
from story.importing.book import form_of, import_book, read_manuscript
from story.importing.encoding import decode_book
from story.scenes import analyze_chapters

RUNS = 3
_ONE = "--one"


def measured(path: Path) -> dict[str, float]:
    start_s = time.process_time()
    novel = import_book(path).novel
    whole_s = time.process_time() - start_s
    rss_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    begin = time.process_time()
    analyze_chapters(novel.chapters, novel.chapters, novel.language)
    scenes_s = time.process_time() - begin
    begin = time.process_time()
    manuscript = read_manuscript(path)
    read_s = time.process_time() - begin
    same = all(
        chapter_text(made) == read.text
        for made, read in zip(novel.chapters, manuscript.chapters, strict=True)
    )
    if form_of(path) in {"text", "markdown"}:
        same = same and "".join(manuscript.source_text()) == decode_book(path.read_bytes(), str(path)).text
    text_mb = sum(len(c.text.encode()) for c in manuscript.chapters) / 1e6
    return {
        "start_s": start_s,
        "read_s": read_s,
        "whole_s": whole_s,
        "scenes_s": scenes_s,
        "text_mb": text_mb,
        "rss_mb": rss_mb,
        "exact": float(same),
    }


def best_of(path: str) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.story.importing", _ONE, path]
    runs = [json.loads(subprocess.run(command, check=True, capture_output=True).stdout) for _ in range(RUNS)]
    return {name: min(run[name] for run in runs) for name in runs[0]}


def main(paths: list[str]) -> int:
    failed = 0
    print(
        "book,start_s,read_s,whole_s,scenes_s,text_mb,read_mb_s,whole_mb_s,with_scenes_mb_s,process_mb_s,max_rss_mb,"
        "round_trip"
    )
    for path in paths:
        m = best_of(path)
        failed += not m["exact"]
        made_s = m["whole_s"] + m["scenes_s"]
        print(
            f"{Path(path).name},{m['start_s']:.2f},{m['read_s']:.3f},{m['whole_s']:.3f},{m['scenes_s']:.3f},{m['text_mb']:.2f},"
            f"{m['text_mb'] / max(m['read_s'], 1e-3):.2f},{m['text_mb'] / max(m['whole_s'], 1e-3):.2f},"
            f"{m['text_mb'] / max(made_s, 1e-3):.2f},{m['text_mb'] / max(made_s + m['start_s'], 1e-3):.2f},"
            f"{m['rss_mb']:.0f},{'exact' if m['exact'] else 'LOST'}",
            flush=True,
        )
    return 1 if failed else 0


if __name__ == "__main__":
    if sys.argv[1] == _ONE:
        print(json.dumps(measured(Path(sys.argv[2]))))
    else:
        sys.exit(main(sys.argv[1:]))
