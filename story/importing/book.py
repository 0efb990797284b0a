"""Any book in: told by its content first and its name second, read, and made a novel.

EPUB, plain text, Markdown and HTML are prose, whose speakers are found; the other forms are scripts that name their
speakers themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from story.attribution.book import novel_of
from story.emotions import feel_chapter
from story.encodings import MAGIC
from story.errors import InputError
from story.importing.collector import collector_rests
from story.importing.encoding import decode_book
from story.importing.epub import read_epub, read_html
from story.importing.manuscript import LeftOut, Manuscript, split_long_blocks
from story.importing.options import ReadOptions
from story.importing.phonemes import english_phonemes
from story.importing.plain_text import read_text
from story.importing.scripts.fountain import looks_like_fountain, read_fountain
from story.importing.scripts.tags import looks_tagged, read_tagged
from story.importing.scripts.tree import Tree
from story.importing.scripts.voxnovel import read_table
from story.jsonfile import read_bytes
from story.loading import load_novel, parse_novel
from story.novel import Character, Novel

MAX_BYTES = 32 * 2**20  # of a text file; the longest web novels have about 30 MB
_EBOOKS = {
    "mobi": "a Kindle book",
    "azw": "a Kindle book",
    "azw3": "a Kindle book",
    "kfx": "a Kindle book",
    "fb2": "a FictionBook",
}
_CONVERT = "convert it to EPUB with Calibre, or save it as plain text"


@dataclass(slots=True)
class Imported:
    """A novel and what there is to say about its making."""

    novel: Novel
    warnings: list[str] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)


def import_book(
    path: Path, options: ReadOptions | None = None, characters: Sequence[Character] = ()
) -> Imported:
    """The novel in a file of any form.

    Args:
        characters: a closed list of who there is in a book of prose; empty: they are found in the text.
    Raises:
        InputError: with the file and a remedy.
    """
    options = options or ReadOptions()
    path = Path(path)
    form = form_of(path)
    if form == "json":
        novel = load_novel(path)
        return Imported(novel, list((novel.model_extra or {}).get("import", {}).get("warnings", [])))
    if form in _SCRIPTS:
        return _script(path, form, options)
    with collector_rests():
        manuscript = _READERS[form](path, options)
        split_long_blocks(manuscript)
        return Imported(_novel(manuscript, characters), manuscript.warnings, manuscript.left_out)


def form_of(path: Path) -> str:
    """Which reader a file needs: "epub", "html", "markdown", "text", "json", or a script's: "csv", "fountain", "tags".

    Raises:
        InputError: there is no such file, or it is of a kind nobody reads here.
    """
    suffix = path.suffix.lower().lstrip(".")
    try:
        with path.open("rb") as file:
            head = file.read(4096)
    except (OSError, ValueError):
        read_bytes(path, MAX_BYTES, InputError, "book")  # says what is wrong
        raise
    if head.startswith(b"PK") or suffix == "epub":
        return "epub"
    if (
        head[60:68] == b"BOOKMOBI"
        or (head.startswith((b"TPZ", b"CONT")) and suffix in _EBOOKS)
        or suffix in _EBOOKS
    ):
        name = _EBOOKS.get(suffix, "a Kindle book")
        raise InputError(f"this is {name}, which is not read here", where=str(path), remedy=_CONVERT)
    for magic, name in MAGIC.items():
        if head.startswith(magic):
            raise InputError(f"this is {name}, which is not read here", where=str(path), remedy=_CONVERT)
    if suffix == "json" or (
        suffix not in {"txt", "md", "markdown"} and head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"[")
    ):
        return "json"
    if suffix in {"html", "htm", "xhtml"} or head.lstrip(b"\xef\xbb\xbf \t\r\n")[:14].lower().startswith(
        (b"<!doctype html", b"<html")
    ):
        return "html"
    if suffix in {"csv", "fountain"}:
        return suffix
    if suffix in {"txt", ""}:
        return _text_form(path)
    return "markdown" if suffix in {"md", "markdown", "mkd"} else "text"


def _text_form(path: Path) -> str:
    """Plain text may be a script with tags, or a screenplay."""
    sample = decode_book(read_bytes(path, MAX_BYTES, InputError, "book")[: 1 << 18] or b" ", str(path)).text
    if looks_tagged(sample):
        return "tags"
    return "fountain" if looks_like_fountain(sample) else "text"


_SCRIPTS: dict[str, Callable[[str, str], Tree]] = {
    "csv": read_table,
    "fountain": lambda text, _: read_fountain(text),
    "tags": lambda text, _: read_tagged(text),
}


def _script(path: Path, form: str, options: ReadOptions) -> Imported:
    decoded = decode_book(read_bytes(path, MAX_BYTES, InputError, "book"), str(path), options.encoding)
    tree = _SCRIPTS[form](decoded.text, str(path))
    if not any(s["type"] != "break" for c in tree.chapters for s in c["segments"]):
        raise InputError(
            "no line of this script names a speaker",
            where=str(path),
            remedy="see docs/import.md for the forms",
        )
    if options.language:
        tree.facts["language"] = options.language
    return Imported(parse_novel(tree.novel(), str(path), title=path.stem), decoded.warnings() + tree.warnings)


def read_manuscript(path: Path, options: ReadOptions | None = None) -> Manuscript:
    """The manuscript of a book of prose (EPUB, HTML, Markdown, plain text)."""
    manuscript = _READERS[form_of(path)](path, options or ReadOptions())
    split_long_blocks(manuscript)
    return manuscript


def _text(path: Path, options: ReadOptions, *, markdown: bool = False) -> Manuscript:
    decoded = decode_book(read_bytes(path, MAX_BYTES, InputError, "book"), str(path), options.encoding)
    manuscript = read_text(decoded.text, str(path), path.stem, options, markdown=markdown)
    manuscript.warnings += decoded.warnings()
    return manuscript


def _markdown(path: Path, options: ReadOptions) -> Manuscript:
    return _text(path, options, markdown=True)


def _html(path: Path, options: ReadOptions) -> Manuscript:
    return read_html(read_bytes(path, MAX_BYTES, InputError, "book"), path, options)


_READERS: dict[str, Callable[[Path, ReadOptions], Manuscript]] = {
    "epub": read_epub,
    "html": _html,
    "markdown": _markdown,
    "text": _text,
}


def _novel(manuscript: Manuscript, characters: Sequence[Character] = ()) -> Novel:
    """Speakers found, lines felt, the book's own pronunciation in the speech models' notation."""
    novel = novel_of(manuscript, characters, spend=True)
    novel.pronunciation = _pronunciation(manuscript)
    for chapter in novel.chapters:
        feelings = feel_chapter(chapter, novel.language)
        for segment in chapter.segments:
            if (feeling := feelings.get(segment.id)) is not None:
                segment.emotion, segment.style = feeling.emotion, feeling.style
                segment.emotion_intensity = round(feeling.intensity, 2)
    return novel


def _pronunciation(manuscript: Manuscript) -> dict[str, str]:
    if not manuscript.pronunciation:
        return {}
    if manuscript.language.split("-")[0] != "en" or manuscript.phoneme_alphabet != "ipa":
        manuscript.warnings.append("the book's own pronunciations are not used: only English ones in IPA are")
        return {}
    found = {word: english_phonemes(ipa) for word, ipa in manuscript.pronunciation.items()}
    if unknown := [word for word, phonemes in found.items() if phonemes is None]:
        some = ", ".join(unknown[:5]) + (" …" if len(unknown) > 5 else "")
        manuscript.warnings.append(
            f"{len(unknown)} of the book's own pronunciations are not used ({some}): not English sounds"
        )
    return {word: phonemes for word, phonemes in found.items() if phonemes}
