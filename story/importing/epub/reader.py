"""EPUB → Manuscript: open safely, refuse what is locked, read the spine, divide into chapters, keep the story."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from story.errors import InputError
from story.importing.epub.archive import Archive
from story.importing.epub.blocks import MAX_BLOCKS, Document, DocumentBlock
from story.importing.epub.divide import Flow, Piece, divide, flow_of
from story.importing.epub.document import read_document
from story.importing.epub.lexicon import read_lexicon
from story.importing.epub.package import Package, read_package
from story.importing.epub.protection import refuse_locked
from story.importing.headings import recognise
from story.importing.manuscript import Block, LeftOut, Manuscript, ManuscriptChapter
from story.importing.markup import decode_markup
from story.importing.numbering import chapter_numbers
from story.importing.options import ReadOptions
from story.importing.titles import capitals_to_title
from story.languages import detect_language, language_tag, script_of

_SEPARATOR = "\n\n"


def read_epub(path: Path, options: ReadOptions) -> Manuscript:
    """
    Raises:
        InputError: no EPUB, locked, a decompression bomb, or nothing to read in it.
    """
    with Archive(path) as archive:
        package = read_package(archive)
        refuse_locked(archive, package.spine)
        documents = _read_documents(archive, package)
        notes = _all_notes(documents) if options.notes == "end" else {}
        flow = flow_of(documents)
        pieces = divide(flow, package)
        language = options.language or _language(package, documents)
        sample = "".join(b.text for b in flow.blocks[:400])
        book = Manuscript(
            package.title or path.stem,
            package.author,
            language,
            script_of(language, sample),
            [],
            archive.warnings,
        )
        _pronunciation(archive, package, documents, book)
        _fill(book, flow, pieces, documents, notes, options)
    if not book.chapters:
        raise InputError(
            "there is no text to read in this EPUB",
            where=str(path),
            remedy="a book of pictures cannot be read aloud",
        )
    return book


def read_html(raw: bytes, path: Path, options: ReadOptions) -> Manuscript:
    """A single HTML file, such as Project Gutenberg's, read like an EPUB of one file.

    Raises:
        InputError: there is nothing to read in it.
    """
    markup = decode_markup(raw, str(path))
    document = read_document(path.name, markup)
    package = Package(document.title or path.stem, spine=[path.name])
    flow = flow_of([document])
    language = options.language or _language(package, [document])
    sample = "".join(b.text for b in flow.blocks[:400])
    book = Manuscript(package.title, "", language, script_of(language, sample), [])
    notes = _all_notes([document]) if options.notes == "end" else {}
    _fill(book, flow, divide(flow, package), [document], notes, options)
    if not book.chapters:
        raise InputError(
            "there is no text to read in it", where=str(path), remedy="give a file with the book's text"
        )
    return book


def _read_documents(archive: Archive, package: Package) -> list[Document]:
    documents: list[Document] = []
    room = MAX_BLOCKS
    for name in package.spine:
        if name == package.nav:
            continue
        raw = archive.read(name)
        if not raw:
            if raw is not None or archive.find(name) is None:
                archive.warnings.append(f"{name} is empty or missing")
            continue
        try:
            markup = decode_markup(raw, name)
        except InputError as problem:
            archive.warnings.append(f"{name} is left out: {problem.message}")
            continue
        document = read_document(name, markup, room)
        room -= len(document.blocks)
        if markup.faults:
            times = "place" if markup.faults == 1 else "places"
            archive.warnings.append(
                f"{name} is not well formed ({markup.faults} {times}); it is read as far as it makes sense"
            )
        if markup.unknown_entities:
            archive.warnings.append(
                f"{name} has {markup.unknown_entities} unknown entities, which are left out"
            )
        if markup.damaged:
            archive.warnings.append(
                f"{name} has {markup.damaged} bytes that are no text; they are read as spaces"
            )
        documents.append(document)
    return documents


def _language(package: Package, documents: list[Document]) -> str:
    """What the book declares, unless its script or its words say otherwise plainly."""
    texts = [b.text for d in documents for b in d.blocks]
    seen = detect_language(texts[:: max(1, len(texts) // 300)])
    declared = language_tag(package.language or next((d.language for d in documents if d.language), ""))
    if declared is None or declared.lower().startswith("und"):
        return seen
    same = declared.split("-")[0].lower() == seen.split("-")[0] or (
        seen.startswith("zh") and declared.split("-")[0].lower() in {"cmn", "yue", "lzh"}
    )
    if not same:
        return seen if script_of(seen, "") != script_of(declared, "") or len(texts) > 20 else declared
    if seen.startswith("zh"):
        return seen
    return _cased(declared)


def _cased(tag: str) -> str:
    """ "en-us" → "en-US"."""
    head, *rest = tag.split("-")
    return "-".join(
        [head.lower(), *(r.upper() if len(r) == 2 else r.title() if len(r) == 4 else r for r in rest)]
    )


def _pronunciation(archive: Archive, package: Package, documents: list[Document], book: Manuscript) -> None:
    for name in package.lexicons:
        found, alphabet = read_lexicon(archive, name)
        book.pronunciation |= found
        book.phoneme_alphabet = book.phoneme_alphabet or alphabet
    for document in documents:
        for word, phonemes in document.readings.items():
            book.pronunciation.setdefault(word, phonemes)
    if book.pronunciation and not book.phoneme_alphabet:
        book.phoneme_alphabet = "ipa"


def _all_notes(documents: list[Document]) -> dict[tuple[str, str], list[str]]:
    """(file, id) → paragraphs, of every footnote of the book."""
    return {(d.name, id_): paragraphs for d in documents for id_, paragraphs in d.notes.items()}


def _fill(
    book: Manuscript,
    flow: Flow,
    pieces: list[Piece],
    documents: list[Document],
    notes: dict[tuple[str, str], list[str]],
    options: ReadOptions,
) -> None:
    story = [p for p in pieces if p.kind == "chapter"] or pieces
    kept = pieces if options.matter == "all" else story
    kept = [
        p
        for p in kept
        if any(b.text and b.kind not in {"heading", "break"} for b in flow.blocks[p.first : p.last + 1])
    ] or kept
    numbers = chapter_numbers([p.number for p in kept])
    number_of = dict(zip(map(id, kept), numbers, strict=True))
    titles = Counter(p.title for p in kept)
    blanks_mean_breaks = _blanks_are_rare(flow.blocks)
    asked = _asked_notes(flow, documents) if notes else {}
    for piece in pieces:
        blocks = flow.blocks[piece.first : piece.last + 1]
        if id(piece) not in number_of:
            reason = {"front": "front matter", "back": "back matter"}.get(piece.kind, "headings without text")
            book.left_out.append(
                LeftOut(
                    f"{reason}: {piece.title}" if piece.title else reason,
                    _SEPARATOR.join(b.text for b in blocks if b.text),
                )
            )
            continue
        title = piece.title if titles[piece.title] == 1 or not piece.part else f"{piece.part}, {piece.title}"
        chapter = _chapter(blocks, capitals_to_title(title), number_of[id(piece)], blanks_mean_breaks)
        for key in [k for at in range(piece.first, piece.last + 2) for k in asked.pop(at, [])]:
            for paragraph in notes.pop(key, []):
                _append(chapter, Block("footnote", paragraph, 0))
        book.chapters.append(chapter)


def _asked_notes(flow: Flow, documents: list[Document]) -> dict[int, list[tuple[str, str]]]:
    """Block → the notes that it refers to."""
    asked: dict[int, list[tuple[str, str]]] = {}
    names = {d.name.rpartition("/")[2]: d.name for d in documents}
    for document in documents:
        base = flow.begins[document.name]
        for at, href in document.note_links:
            file, _, fragment = href.partition("#")
            name = names.get(file.rpartition("/")[2], "") if file else document.name
            asked.setdefault(base + at, []).append((name, fragment))
    return asked


def _blanks_are_rare(blocks: list[DocumentBlock]) -> bool:
    """Empty paragraphs mean something unless the book puts one between any two."""
    return sum(b.blank for b in blocks) <= 0.12 * len(blocks)


def _chapter(
    blocks: list[DocumentBlock], title: str, number: int, blanks_mean_breaks: bool
) -> ManuscriptChapter:
    chapter = ManuscriptChapter(title, number, "", [])
    parts: list[str] = []
    length = 0
    announced = recognise(title)
    if announced and not any(b.kind == "heading" for b in blocks[:3]):
        blocks = [DocumentBlock("heading", title, 2), *blocks]  # its heading is a picture
    last = len(blocks) - 1
    while last > 0 and blocks[last].kind == "break":
        last -= 1
    for block in blocks[: last + 1]:
        if block.kind == "break" and (not chapter.blocks or chapter.blocks[-1].kind in {"heading", "break"}):
            continue
        if block.blank and not blanks_mean_breaks:
            continue
        if length and block.text:
            parts.append(_SEPARATOR)
            length += len(_SEPARATOR)
        chapter.blocks.append(Block(block.kind, block.text, length))
        parts.append(block.text)
        length += len(block.text)
    chapter.text = "".join(parts)
    return chapter


def _append(chapter: ManuscriptChapter, block: Block) -> None:
    chapter.text += _SEPARATOR
    block.char_start = len(chapter.text)
    chapter.text += block.text
    chapter.blocks.append(block)
