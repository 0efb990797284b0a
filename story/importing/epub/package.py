"""An EPUB's package: which files are the book, in which order, what they are, and what its contents page says.

Everything here is looked up forgivingly: a missing container, mimetype or contents page costs a warning, not the book.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from story.errors import InputError
from story.importing.epub.archive import Archive
from story.importing.markup import Token, decode_markup, tokens

_TEXT_TYPES = {
    "application/xhtml+xml",
    "text/html",
    "application/x-dtbook+xml",
    "text/x-oeb1-document",
    "application/xml",
    "text/xml",
}
_FORMATS = {
    "word/document.xml": "a Word document",
    "content.xml": "an OpenDocument text",
    "xl/workbook.xml": "a spreadsheet",
    "ppt/presentation.xml": "a presentation",
    "AndroidManifest.xml": "an Android app",
    "META-INF/MANIFEST.MF": "a Java archive",
}


@dataclass(slots=True)
class Item:
    name: str
    media_type: str
    properties: frozenset[str]


@dataclass(slots=True)
class ContentsEntry:
    """A line of the contents page: where it leads, and how deep it stands (0 is the top)."""

    title: str
    name: str
    fragment: str
    depth: int


@dataclass(slots=True)
class Package:
    """
    Attributes:
        spine: the files of the book in reading order.
        contents: from the navigation document or the NCX.
        kinds: file → what the guide or the landmarks say it is ("cover", "toc", "bodymatter" …).
        lexicons: pronunciation lexicons (PLS).
    """

    title: str = ""
    author: str = ""
    language: str = ""
    spine: list[str] = field(default_factory=list)
    contents: list[ContentsEntry] = field(default_factory=list)
    kinds: dict[str, str] = field(default_factory=dict)
    lexicons: list[str] = field(default_factory=list)
    nav: str | None = None


def read_package(archive: Archive) -> Package:
    """
    Raises:
        InputError: it is no EPUB, or no text can be found in it.
    """
    opf = _find_opf(archive)
    package = Package()
    items: dict[str, Item] = {}
    if opf is None:
        archive.warnings.append(
            "the EPUB has no package file; its text files are read in the order of their names"
        )
    else:
        _read_opf(archive, opf, package, items)
    if not package.spine:
        if opf is not None:
            archive.warnings.append(
                "the EPUB names no reading order; its text files are read as they are listed"
            )
        listed = [i.name for i in items.values() if i.media_type in _TEXT_TYPES]
        package.spine = listed or sorted(
            n
            for n in archive.names
            if n.lower().endswith((".xhtml", ".html", ".htm", ".xml")) and not n.startswith("META-INF/")
        )
    if not package.spine:
        raise InputError(
            "there is no text in this EPUB",
            where=archive.where,
            remedy="a book of pictures cannot be read aloud",
        )
    return package


def _find_opf(archive: Archive) -> str | None:
    container = archive.read("META-INF/container.xml")
    if container is not None:
        for token in tokens(decode_markup(container or b" ", archive.where)):
            if token.kind == "start" and token.name == "rootfile":
                path = token.attributes.get("full-path", "")
                found = archive.find(path.strip().lstrip("/"))
                if found:
                    return found
    found = next((n for n in sorted(archive.names, key=len) if n.lower().endswith(".opf")), None)
    if found:
        archive.warnings.append(f"META-INF/container.xml is missing or leads nowhere; {found} is used")
        return found
    for name, format_ in _FORMATS.items():
        if archive.find(name):
            raise InputError(
                f"this is {format_}, not an EPUB",
                where=archive.where,
                remedy="save it as EPUB or as plain text first",
            )
    if (
        container is None
        and not archive.find("mimetype")
        and not any(n.lower().endswith((".xhtml", ".html", ".htm")) for n in archive.names)
    ):
        raise InputError(
            "this is a ZIP file, not an EPUB", where=archive.where, remedy="name the book inside it, unpacked"
        )
    return None


def _text_of(stream: list[Token], at: int) -> str:
    """The text of the element that starts at stream[at]."""
    depth, parts = 0, []
    for token in stream[at : at + 400]:
        depth += {"start": 1, "end": -1, "text": 0}[token.kind]
        if token.kind == "text":
            parts.append(token.text)
        if depth == 0:
            break
    return " ".join("".join(parts).split())


def _read_opf(archive: Archive, opf: str, package: Package, items: dict[str, Item]) -> None:
    raw = archive.read(opf)
    if not raw:
        archive.warnings.append(f"{opf} cannot be read")
        return
    stream = list(tokens(decode_markup(raw, archive.where)))
    titles: list[tuple[str, str]] = []
    creators: list[tuple[str, str, str]] = []
    refined: dict[tuple[str, str], str] = {}
    ncx_id = ""
    for at, token in enumerate(stream):
        if token.kind != "start":
            continue
        a = token.attributes
        match token.name:
            case "title" if text := _text_of(stream, at):
                titles.append((a.get("id", ""), text))
            case "creator" if text := _text_of(stream, at):
                creators.append((a.get("id", ""), text, a.get("opf:role", "")))
            case "language" if not package.language:
                package.language = _text_of(stream, at)
            case "meta" if a.get("refines", "").startswith("#"):
                refined[a["refines"][1:], a.get("property", "")] = _text_of(stream, at)
            case "item":
                name = archive.resolve(opf, a.get("href", ""))
                if name:
                    items[a.get("id", name)] = Item(
                        name, a.get("media-type", ""), frozenset(a.get("properties", "").split())
                    )
                elif a.get("media-type") in _TEXT_TYPES:
                    archive.warnings.append(f"{a.get('href', '?')[:80]} is listed but missing")
            case "spine":
                ncx_id = a.get("toc", "")
            case "itemref":
                item = items.get(a.get("idref", ""))
                if item is None:
                    archive.warnings.append(
                        f"the reading order names {a.get('idref', '?')[:60]!r}, which is not there"
                    )
                elif a.get("linear", "yes") != "no" and item.name not in package.spine:
                    package.spine.append(item.name)
            case "reference":
                name = archive.resolve(opf, a.get("href", ""))
                if name:
                    package.kinds.setdefault(name, a.get("type", "").lower())
    package.title = _main_title(titles, refined)
    authors = [text for id_, text, role in creators if (role or refined.get((id_, "role"), "aut")) == "aut"]
    package.author = ", ".join(dict.fromkeys(authors or [text for _, text, _ in creators[:1]]))
    package.lexicons = [i.name for i in items.values() if i.media_type == "application/pls+xml"]
    package.spine = [
        n for n in package.spine if not n.lower().endswith((".svg", ".png", ".jpg", ".jpeg", ".gif", ".smil"))
    ]
    _read_contents(archive, package, items, ncx_id)


def _main_title(titles: list[tuple[str, str]], refined: dict[tuple[str, str], str]) -> str:
    main = [text for id_, text in titles if refined.get((id_, "title-type")) == "main"]
    return (main or [text for _, text in titles] or [""])[0]


def _read_contents(archive: Archive, package: Package, items: dict[str, Item], ncx_id: str) -> None:
    package.nav = next((i.name for i in items.values() if "nav" in i.properties), None)
    if package.nav and (raw := archive.read(package.nav)):
        _read_nav(archive, package.nav, list(tokens(decode_markup(raw, archive.where))), package)
    if not package.contents:
        ncx = items.get(ncx_id)
        name = (
            ncx.name
            if ncx
            else next((i.name for i in items.values() if i.media_type == "application/x-dtbncx+xml"), None)
        )
        name = name or next((n for n in archive.names if n.lower().endswith(".ncx")), None)
        if name and (raw := archive.read(name)):
            _read_ncx(archive, name, list(tokens(decode_markup(raw, archive.where))), package)
    order = {name: i for i, name in enumerate(package.spine)}
    package.contents = [e for e in package.contents if e.name in order]


def _read_nav(archive: Archive, name: str, stream: list[Token], package: Package) -> None:
    role = ""
    depth = 0
    for at, token in enumerate(stream):
        if token.name == "nav":
            role = token.attributes.get("epub:type", "") if token.kind == "start" else ""
            depth = 0
        elif role and token.name in {"ol", "ul"}:
            depth += 1 if token.kind == "start" else -1
        elif role and token.name == "a" and token.kind == "start":
            href = token.attributes.get("href", "")
            target = archive.resolve(name, href)
            if target and "toc" in role.split():
                package.contents.append(
                    ContentsEntry(_text_of(stream, at), target, href.partition("#")[2], max(0, depth - 1))
                )
            elif target and "landmarks" in role.split():
                package.kinds.setdefault(target, token.attributes.get("epub:type", "").lower())


def _read_ncx(archive: Archive, name: str, stream: list[Token], package: Package) -> None:
    depth = -1
    label = ""
    in_map = False
    for at, token in enumerate(stream):
        if token.name == "navmap":
            in_map = token.kind == "start"
        if not in_map:
            continue
        if token.name == "navpoint":
            depth += 1 if token.kind == "start" else -1
        elif token.name == "navlabel" and token.kind == "start":
            label = _text_of(stream, at)
        elif token.name == "content" and token.kind == "start":
            href = token.attributes.get("src", "")
            if target := archive.resolve(name, href):
                package.contents.append(ContentsEntry(label, target, href.partition("#")[2], max(0, depth)))
