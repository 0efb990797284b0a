"""The novels that labelled_passages.jsonl labels: taken out of public repositories, so that no text need be kept here.

    python -m benchmarks.story.corpus GITDIR [GITDIR …] -o FOLDER   # once: one UTF-8 .txt a book
    python -m benchmarks.story.bench_scenes --labelled FOLDER       # the newest blind passages

GITDIR: git directories (bare or `.git`) of computationalstylistics/100_english_novels, COST-ELTeC/ELTeC-eng,
luoxuhai/chinese-novel and shjwudp/shu; what is not given is left out. All texts are in the public domain or CC BY
(ELTeC). A passage is `length` characters from `at` of a book's text as `normal` gives it.
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
    """The lines of labelled_passages.jsonl."""
    return [json.loads(line) for line in LABELS.read_text(encoding="utf-8").splitlines()]


def labelled(folder: Path) -> list[dict]:
    """The labelled passages whose books stand in `folder`, as bench_scenes wants them."""
    texts: dict[str, str | None] = {}
    found = []
    for item in labels():
        book = item["book"]
        if book not in texts:
            path = folder / f"{book}.txt"
            texts[book] = (
                normal(path.read_text(encoding="utf-8"), item["language"]) if path.exists() else None
            )
        if (whole := texts[book]) is not None:
            found.append({**item, "text": whole[item["at"] : item["at"] + item["length"]]})
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
