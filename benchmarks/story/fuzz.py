"""Feeds damaged and mixed-up books to the importer and reports what crashes, hangs or grows.

    python -m benchmarks.story.fuzz [--minutes 10] [--seed 1] FILE …

Each case is one of the files (EPUB, text, Markdown, HTML, scripts), its bytes or the parts of its ZIP mutated: cut,
doubled, swapped, overwritten, joined with another file's. A case must import or end in a SoundboundError, within
LIMIT_S, with its text whole; the process may not grow by more than LIMIT_MB over its level after the first hundred
cases. Cases that fail are written to out/fuzz and listed.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import random
import resource
import signal
import sys
import tempfile
import time
import traceback
import zipfile
from collections import Counter
from pathlib import Path

from story.attribution.book import chapter_text
from story.errors import SoundboundError
from story.importing.book import import_book
from story.importing.options import ReadOptions
from story.scenes import analyze_scenes

LIMIT_S = 20
LIMIT_MB = 200
MAX_BYTES = 200_000  # of a seed: small books, many cases
MARKS = [b"\n", b"\n\n", "“".encode(), "”".encode(), "「".encode(), b"<p>", b"</p>", b"<", b"&amp;", b"CHAPTER I\n", "第一章".encode(), b"\xff\xfe",
         b"\x00", b"\xe4", b"[1]", b"_", b"*", b"<ruby>", b"]]>", b"<!DOCTYPE x [", b"said he", "他说：".encode()]  # fmt: skip


class Hang(Exception):
    pass


def mutate(data: bytes, other: bytes, rng: random.Random) -> bytes:
    raw = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 4, 12))):
        if not raw:
            break
        a, b = sorted(rng.randrange(len(raw) + 1) for _ in range(2))
        b = min(b, a + rng.choice((1, 8, 200, 5000)))
        match rng.randrange(7):
            case 0:
                del raw[a:b]
            case 1:
                raw[a:a] = raw[a:b] * rng.choice((1, 3, 20))
            case 2:
                raw[a:b] = bytes(rng.randrange(256) for _ in range(min(b - a, 40)))
            case 3:
                raw[a:a] = rng.choice(MARKS) * rng.choice((1, 2, 50))
            case 4:
                at = rng.randrange(len(other) + 1)
                raw[a:b] = other[at : at + b - a]
            case 5:
                raw = raw[:b] or raw
            case _:
                raw[a:b] = raw[a:b][::-1]
        del raw[3 * MAX_BYTES :]
    return bytes(raw)


def mutated_zip(data: bytes, other: bytes, rng: random.Random) -> bytes:
    """A whole ZIP whose parts are damaged, which reaches deeper than damage to the container."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as book, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name in book.namelist():
            part = book.read(name)
            if len(part) < MAX_BYTES and rng.random() < 0.3:
                part = mutate(part, other, rng)
            if rng.random() > 0.03:
                made.writestr(name if rng.random() > 0.02 else "../" + name, part)
    return out.getvalue()


def check(path: Path, rng: random.Random) -> str:
    """What came of one case: "imported" or "refused"; anything else is an exception."""
    options = ReadOptions(notes=rng.choice(("omit", "end")), matter=rng.choice(("story", "all")))
    try:
        novel = import_book(path, options).novel
    except SoundboundError:
        return "refused"
    previous = None
    for chapter in novel.chapters:
        if chapter_text(chapter) is None and any(s.separator is not None for s in chapter.segments):
            raise AssertionError("a chapter lost its text")
        scenes = analyze_scenes(chapter, novel.language, previous).scenes
        previous = scenes[-1] if scenes else previous
    return "imported"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("files", type=Path, nargs="+")
    arguments = parser.parse_args()
    seeds = []
    for path in arguments.files:
        data = path.read_bytes()
        seeds.append((path.suffix.lower(), data if zipfile.is_zipfile(path) else data[:MAX_BYTES]))
    rng = random.Random(arguments.seed)
    counts: Counter[str] = Counter()
    failed: list[str] = []
    level_mb, slowest_s, stop = 0.0, 0.0, time.monotonic() + 60 * arguments.minutes

    def hang(*_: object) -> None:
        raise Hang

    signal.signal(signal.SIGALRM, hang)
    with tempfile.TemporaryDirectory() as folder:
        while time.monotonic() < stop:
            suffix, data = rng.choice(seeds)
            other = rng.choice(seeds)[1]
            deep = data[:2] == b"PK" and rng.random() < 0.8
            case = mutated_zip(data, other, rng) if deep else mutate(data, other, rng)
            path = Path(folder) / f"case{suffix}"
            path.write_bytes(case)
            begin = time.process_time()
            signal.alarm(LIMIT_S * 6)  # wall clock on a shared machine
            try:
                counts[check(path, rng)] += 1
            except (Exception, RecursionError) as problem:
                name = hashlib.sha256(case).hexdigest()[:12] + suffix
                kept = Path("out/fuzz") / name
                kept.parent.mkdir(parents=True, exist_ok=True)
                kept.write_bytes(case)
                failed.append(f"{kept}: {type(problem).__name__}: {traceback.format_exc().splitlines()[-4:]}")
            finally:
                signal.alarm(0)
            spent_s = time.process_time() - begin
            slowest_s = max(slowest_s, spent_s)
            if spent_s > LIMIT_S:
                failed.append(f"{path.name}: {spent_s:.0f} s")
            if sum(counts.values()) == 100:
                level_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    if level_mb and peak_mb > level_mb + LIMIT_MB:
        failed.append(f"memory grew from {level_mb:.0f} to {peak_mb:.0f} MB")
    print(
        f"{sum(counts.values())} cases {dict(counts)}, slowest {slowest_s:.1f} s, peak {peak_mb:.0f} MB, {len(failed)} failed"
    )
    print("\n".join(failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
