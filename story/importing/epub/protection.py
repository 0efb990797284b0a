"""Books that are locked: told by name, never tampered with."""

from __future__ import annotations

from story.errors import InputError
from story.importing.epub.archive import Archive
from story.importing.markup import decode_markup, tokens

_FONT_ALGORITHMS = ("http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC")
_SCHEMES = {
    "META-INF/license.lcpl": "Readium LCP",
    "META-INF/sinf.xml": "Apple FairPlay",
    "META-INF/rights.xml": "Adobe ADEPT or another shop's protection",
}


def refuse_locked(archive: Archive, spine: list[str]) -> None:
    """
    Raises:
        InputError: the text is encrypted.
    """
    raw = archive.read("META-INF/encryption.xml")
    if not raw:
        return
    algorithm, locked = "", 0
    names = set(spine)
    for token in tokens(decode_markup(raw, archive.where)):
        if token.kind != "start":
            if token.kind == "end" and token.name == "encrypteddata":
                algorithm = ""
            continue
        if token.name == "encryptionmethod" and not algorithm:
            algorithm = token.attributes.get("algorithm", "")
        elif token.name == "cipherreference" and not algorithm.startswith(_FONT_ALGORITHMS):
            uri = token.attributes.get("uri", "")
            if archive.resolve("", uri) in names or uri.lower().endswith(
                (".xhtml", ".html", ".htm", ".xml", ".opf", ".ncx")
            ):
                locked += 1
    if locked:
        scheme = next((name for path, name in _SCHEMES.items() if archive.find(path)), "copy protection")
        raise InputError(
            f"the text of this book is encrypted ({scheme})",
            where=archive.where,
            remedy="Soundbound does not open locked books; get an edition without copy protection",
        )
