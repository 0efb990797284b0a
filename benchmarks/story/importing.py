"""How fast books are read, and whether their text comes back whole.

    python benchmarks/story/importing.py BOOK …

For each book: seconds of CPU to read it (chapters and blocks) and to make the whole novel (speakers and feelings),
megabytes of text a second, the process's largest memory, and the round trip: separators and contents in order, then
the tail, are each chapter's text; of a text file, chapters, edits and what was left out are the file.
"""

from __future__ import annotations

import resource
import sys
import time
from pathlib import Path

from story.attribution.book import chapter_text
from story.importing.book import form_of, import_book, read_manuscript
from story.importing.encoding import decode_book


def main(paths: list[str]) -> int:
    failed = 0
    print("book,read_s,whole_s,text_mb,read_mb_s,whole_mb_s,max_rss_mb,round_trip")
    for path in map(Path, paths):
        begin = time.process_time()
        manuscript = read_manuscript(path)
        read_s = time.process_time() - begin
        begin = time.process_time()
        novel = import_book(path).novel
        whole_s = time.process_time() - begin
        text_mb = sum(len(c.text.encode()) for c in manuscript.chapters) / 1e6
        same = all(
            chapter_text(made) == read.text
            for made, read in zip(novel.chapters, manuscript.chapters, strict=True)
        )
        if form_of(path) in {"text", "markdown"}:
            same = (
                same and "".join(manuscript.source_text()) == decode_book(path.read_bytes(), str(path)).text
            )
        failed += not same
        rss_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(
            f"{path.name},{read_s:.2f},{whole_s:.2f},{text_mb:.2f},{text_mb / max(read_s, 1e-3):.2f},"
            f"{text_mb / max(whole_s, 1e-3):.2f},{rss_mb:.0f},{'exact' if same else 'LOST'}"
        )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
