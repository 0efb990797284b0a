"""EPUBs made on the spot, sound and unsound."""

from __future__ import annotations

import zipfile
from pathlib import Path

CONTAINER = (
    '<?xml version="1.0"?><container xmlns="urn:oasis:names:tc:opendocument:xmlns:container" version="1.0"><rootfiles>'
    '<rootfile full-path="OEBPS/book.opf" media-type="application/oebps-package+xml"/></rootfiles></container>'
)
PAGE = (
    '<?xml version="1.0" encoding="utf-8"?><html xmlns="http://www.w3.org/1999/xhtml" '
    'xmlns:epub="http://www.idpf.org/2007/ops"><head><title>{title}</title></head><body{type}>{body}</body></html>'
)


def page(body: str, title: str = "", epub_type: str = "") -> str:
    return PAGE.format(body=body, title=title, type=f' epub:type="{epub_type}"' if epub_type else "")


def make_epub(
    path: Path,
    pages: dict[str, str],
    *,
    contents: list[tuple[str, str]] | None = None,
    ncx: bool = False,
    language: str = "en",
    title: str = "A Book",
    more: dict[str, str | bytes] | None = None,
    spine: list[str] | None = None,
) -> Path:
    """An EPUB of these pages.

    Args:
        pages: file name → XHTML, in reading order.
        contents: (title, href) of the contents page; None: there is none.
        ncx: write it as EPUB 2's NCX instead of a navigation document.
        more: other files by their path in the ZIP; they may replace the usual ones.
        spine: the reading order, where it is another than that of pages.
    """
    items = "".join(f'<item id="{n}" href="{n}" media-type="application/xhtml+xml"/>' for n in pages)
    toc = ""
    files: dict[str, str | bytes] = {"mimetype": "application/epub+zip", "META-INF/container.xml": CONTAINER}
    if contents is not None and ncx:
        points = "".join(
            f'<navPoint><navLabel><text>{t}</text></navLabel><content src="{h}"/></navPoint>'
            for t, h in contents
        )
        files["OEBPS/toc.ncx"] = f"<ncx><navMap>{points}</navMap></ncx>"
        items += '<item id="ncx" href="toc.ncx" media-type="application/x-dtbncx+xml"/>'
        toc = ' toc="ncx"'
    elif contents is not None:
        links = "".join(f'<li><a href="{h}">{t}</a></li>' for t, h in contents)
        files["OEBPS/nav.xhtml"] = page(f'<nav epub:type="toc"><ol>{links}</ol></nav>')
        items += '<item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>'
    order = "".join(f'<itemref idref="{n}"/>' for n in spine or pages)
    files["OEBPS/book.opf"] = (
        '<package xmlns="http://www.idpf.org/2007/opf" version="3.0"><metadata '
        f'xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>{title}</dc:title><dc:creator>Ann Author</dc:creator>'
        f"<dc:language>{language}</dc:language></metadata><manifest>{items}</manifest>"
        f"<spine{toc}>{order}</spine></package>"
    )
    files |= {f"OEBPS/{n}": text for n, text in pages.items()}
    files |= more or {}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as z:
        for name, content in files.items():
            z.writestr(name, content)
    return path
