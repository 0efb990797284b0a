"""The novels that labelled_passages.jsonl labels: taken out of public repositories, so that no text need be kept here.

    python -m benchmarks.story.corpus GITDIR [GITDIR …] -o FOLDER   # once: one UTF-8 .txt a book
    python -m benchmarks.story.bench_scenes --labelled FOLDER       # the newest blind passages

GITDIR: git directories (bare or `.git`) of computationalstylistics/100_english_novels, COST-ELTeC/ELTeC-eng,
luoxuhai/chinese-novel and shjwudp/shu; what is not given is left out. All texts are in the public domain or CC BY
(ELTeC). A line of labels: `at` is where the passage begins in the book's text as `normal` gives it, and its length; cues
are [start, end, classes], in characters of the passage. The readers were runs of a language model that saw the passages
alone; dense passages were chosen for words that may sound, random and blind ones were not.
"""

from __future__ import annotations

import argparse
import html
import json
import re
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from benchmarks.story.labels import REACH, same_sound

LABELS = Path(__file__).parent / "labelled_passages.jsonl"


def _git(directory: Path, *words: str, given: str = "") -> bytes:
    command = ["git", "--git-dir", str(directory), "-c", "core.quotepath=false", *words]
    return subprocess.run(command, input=given.encode(), capture_output=True, check=True).stdout


def _files(directory: Path, pattern: str) -> list[re.Match[str]]:
    names = _git(directory, "ls-tree", "-r", "--name-only", "HEAD").decode().splitlines()
    return [match for name in names if (match := re.fullmatch(pattern, name))]


def _texts(directory: Path, names: list[str]) -> Iterator[str]:
    """The files' texts in one go; a file that the snapshot lacks is left out."""
    packed = _git(directory, "cat-file", "--batch", given="".join(f"HEAD:{name}\n" for name in names))
    at = 0
    while at < len(packed):
        end = packed.index(b"\n", at)
        head = packed[at:end].split()
        at = end + 1
        if head[-1] != b"missing":
            size = int(head[-1])
            yield packed[at : at + size].decode("utf-8", "replace")
            at += size + 1


def _markup_out(text: str) -> str:
    text = html.unescape(re.sub(r"<br\s*/?>|</p>", "\n", text))
    text = re.sub(r"<[^>]+>|[【\[（(〔]\d+[】\])）〕]|[①-⑳]", "", text)
    text = re.sub(r"[ 　\t]{2,}", "\n", text).replace("　", "").replace(" ", "")
    return "\n".join(line.strip() for line in text.split("\n") if line.strip())


def _tei(text: str) -> str:
    body = text[text.find("<body") :]
    paragraphs = re.findall(r"<(?:p|l|head)\b[^>]*>(.*?)</(?:p|l|head)>", body, re.S)
    plain = (re.sub(r"<note.*?</note>|<[^>]+>", "", p, flags=re.S) for p in paragraphs)
    return "\n\n".join(" ".join(html.unescape(p).split()) for p in plain)


def books(directory: Path, wanted: set[str]) -> Iterator[tuple[str, str]]:
    """(book, text) of the wanted books that one repository has."""
    for match in _files(directory, r"corpus/(\w+)_\d{4}\.txt"):
        if match[1] in wanted:
            yield from ((match[1], text) for text in _texts(directory, [match[0]]))
    for match in _files(directory, r"level1/(\w+)\.xml"):
        if f"EL_{match[1]}" in wanted:
            yield from ((f"EL_{match[1]}", _tei(text)) for text in _texts(directory, [match[0]]))
    for match in _files(directory, r"books/(?:.+/)?([^/]+)\.txt"):
        if match[1] in wanted:
            yield from ((match[1], _markup_out(text)) for text in _texts(directory, [match[0]]))
    chapters: dict[str, dict[str, list[tuple[int, str]]]] = defaultdict(lambda: defaultdict(list))
    for match in _files(directory, r"resources/([^/]+)/([^/]+)/(\d+)\.html"):
        if match[2] in wanted:
            chapters[match[2]][match[1]].append((int(match[3]), match[0]))
    for book, shelves in chapters.items():
        names = [name for _, name in sorted(max(shelves.values(), key=len))]
        yield book, "\n".join(map(_markup_out, _texts(directory, names)))


def normal(text: str, language: str) -> str:
    """One paragraph a line, blanks made one."""
    parts = re.split(r"\n\s*\n", text) if language == "en" else text.split("\n")
    return "\n".join(line for part in parts if (line := " ".join(part.split())))


def labels() -> list[dict]:
    """The lines of labelled_passages.jsonl, as bench_scenes wants them but for their texts."""
    return [_label(json.loads(line)) for line in LABELS.read_text(encoding="utf-8").splitlines()]


def _label(line: dict) -> dict:
    cues = [
        {"at": [start, end], "sounds": sounds.split(), "perhaps": kind == "perhaps"}
        for kind in ("required", "perhaps")
        for start, end, sounds in line.get(kind, ())
    ]
    words = {name: line.get(name, "").split() for name in ("place", "time", "weather", "weather_perhaps")}
    head = {name: line[name] for name in ("id", "split", "book", "at")}
    return {**head, **words, "language": line["id"][:2], "cues": cues}


def agreed(first: dict, second: dict) -> dict:
    """What two readers of one passage say together.

    A place or an hour is right that either accepts. Weather must be found where both say so; a cue where both require it:
    what one alone says may be left out.
    """
    left = list(second["cues"])
    cues = []
    for cue in first["cues"]:
        other = next((c for c in left if _same_cue(cue, c, first["language"])), None)
        if other is None:
            cues.append({**cue, "perhaps": True})
            continue
        left.remove(other)
        span = [min(cue["at"][0], other["at"][0]), max(cue["at"][1], other["at"][1])]
        sounds = list(dict.fromkeys(cue["sounds"] + other["sounds"]))
        cues.append({"at": span, "sounds": sounds, "perhaps": cue["perhaps"] or other["perhaps"]})
    cues += [{**cue, "perhaps": True} for cue in left]
    must = [word for word in first["weather"] if word in second["weather"]]
    may = [w for r in (first, second) for w in (*r["weather"], *r["weather_perhaps"]) if w not in must]
    either = {name: list(dict.fromkeys(first[name] + second[name])) for name in ("place", "time")}
    return {**first, **either, "weather": must, "weather_perhaps": may, "cues": cues}


def _same_cue(cue: dict, other: dict, language: str) -> bool:
    low, high = other["at"]
    near = low - REACH[language] <= cue["at"][0] <= high + REACH[language]
    return near and same_sound(cue["sounds"][0], other["sounds"], language)


def labelled(folder: Path, split: str | None = None) -> list[dict]:
    """The labelled passages whose books stand in `folder`, with their texts.

    Args:
        split: these only; "blind4" is what its two readers (blind4-A, blind4-B) say together.
    """
    texts: dict[str, str | None] = {}
    found = []
    for item in labels():
        if split is not None and not item["split"].startswith(split):
            continue
        book, (at, length) = item["book"], item["at"]
        if book not in texts:
            path = folder / f"{book}.txt"
            texts[book] = (
                normal(path.read_text(encoding="utf-8"), item["language"]) if path.exists() else None
            )
        if (whole := texts[book]) is not None:
            found.append({**item, "text": whole[at : at + length]})
    if split == "blind4":
        second = {item["id"]: item for item in found if item["split"] == "blind4-B"}
        found = [agreed(item, second[item["id"]]) for item in found if item["split"] == "blind4-A"]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("repositories", type=Path, nargs="+", metavar="GITDIR")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FOLDER")
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    wanted = {item["book"] for item in labels()}
    written = set()
    for directory in arguments.repositories:
        for book, text in books(directory, wanted):
            (arguments.output / f"{book}.txt").write_text(text, encoding="utf-8")
            written.add(book)
    print(f"{len(written)} of {len(wanted)} books in {arguments.output}")


if __name__ == "__main__":
    main()
