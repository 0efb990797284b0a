"""Round trip: every book read, attributed, and put together again from its segments and separators, character by
character; text files also against the file itself.

    .venv/bin/python -m benchmarks.story.round_trip [DATA_FOLDER]     # default ../shared/data
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from benchmarks.story.quotations import ROOT
from story.attribution.book import chapter_text, novel_of
from story.importing.book import read_manuscript
from story.importing.encoding import decode_book
from story.jsonfile import read_bytes


def main() -> None:
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT.parent / "shared/data"
    files = sorted(
        p
        for folder in ("txt", "epub", "gold")
        for p in (root / folder).rglob("*")
        if p.suffix in {".txt", ".md", ".epub"}
    )
    whole = chapters = 0
    size, spent = 0, 0.0
    for path in files:
        begun = time.process_time()
        manuscript = read_manuscript(path)
        novel = novel_of(manuscript)
        spent += time.process_time() - begun
        same = [chapter_text(c) == m.text for c, m in zip(novel.chapters, manuscript.chapters, strict=True)]
        good = all(same)
        if path.suffix != ".epub":
            text = decode_book(read_bytes(path, 1 << 26), str(path)).text
            good = good and "".join(manuscript.source_text()) == text
        chapters += len(same)
        size += sum(len(m.text.encode()) for m in manuscript.chapters)
        whole += good
        if not good:
            print(f"{path.name}: {sum(same)} of {len(same)} chapters whole")
    print(
        f"{whole} of {len(files)} files, {chapters} chapters; {size / 1e6 / spent:.2f} MB of text a second, one core"
    )


if __name__ == "__main__":
    main()
