"""The files inside an EPUB, read one at a time and never unpacked to disk, with hard limits on everything.

A ZIP says how large its parts are, and may lie: what counts here is what actually comes out, and reading stops at the
limit. A damaged part yields what could be read of it, with a warning.
"""

from __future__ import annotations

import posixpath
import zipfile
import zlib
from pathlib import Path
from struct import error as struct_error
from urllib.parse import unquote

from story.errors import InputError
from story.jsonfile import mebibytes

MAX_FILE_BYTES = 400 * 2**20  # pictures and recordings may be large; they are not read
MAX_ENTRIES = 50_000
MAX_PART_BYTES = 16 * 2**20  # one XHTML file; the longest novels have about 10 MiB in all
MAX_TEXT_BYTES = 48 * 2**20  # all parts that are read


class Archive:
    """An opened EPUB.

    Attributes:
        warnings: what could not be read and why.
    """

    def __init__(self, path: Path) -> None:
        self.where = str(path)
        self.warnings: list[str] = []
        self._read_bytes = 0
        try:
            size = path.stat().st_size
            if size == 0:
                raise InputError(
                    "the file is empty", where=self.where, remedy="copy or download the book again"
                )
            if size > MAX_FILE_BYTES:
                raise InputError(
                    f"{mebibytes(size)} is over the limit of {mebibytes(MAX_FILE_BYTES)}",
                    where=self.where,
                    remedy="give an edition without recordings or large pictures",
                )
            self._zip = zipfile.ZipFile(path)
            entries = self._zip.infolist()
        except InputError:
            raise
        except (
            zipfile.BadZipFile,
            zlib.error,
            EOFError,
            ValueError,
            NotImplementedError,
            OSError,
            struct_error,
        ) as problem:
            raise InputError(
                f"this is no readable EPUB ({_reason(problem)})",
                where=self.where,
                remedy="copy or download the book again; if it opens in a reader, convert it with Calibre",
            ) from None
        if len(entries) > MAX_ENTRIES:
            raise InputError(
                f"{len(entries):,} files in one EPUB are over the limit of {MAX_ENTRIES:,}",
                where=self.where,
                remedy="this is no ordinary book",
            )
        self._entries = {e.filename: e for e in entries if not e.is_dir()}
        self._folded = {name.casefold(): name for name in self._entries}

    def __enter__(self) -> Archive:
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()

    @property
    def names(self) -> list[str]:
        return list(self._entries)

    def find(self, name: str) -> str | None:
        """The entry of that name, forgiving about case."""
        return name if name in self._entries else self._folded.get(name.casefold())

    def resolve(self, base: str, href: str) -> str | None:
        """The entry that `href` in the file `base` means; None if it is outside the book or missing."""
        path = unquote(href.partition("#")[0]).strip()
        if not path:
            return base
        if "://" in path or path.startswith(("/", "\\")) or "\0" in path:
            return None
        whole = posixpath.normpath(posixpath.join(posixpath.dirname(base), path.replace("\\", "/")))
        if whole.startswith("../") or whole == "..":
            return None
        return self.find(whole) or self.find(
            posixpath.normpath(posixpath.join(posixpath.dirname(base), href.partition("#")[0]))
        )

    def read(self, name: str) -> bytes | None:
        """The content of an entry; None if it isn't there or nothing of it can be read.

        Raises:
            InputError: more comes out than a book can hold (a decompression bomb).
        """
        found = self.find(name)
        if found is None:
            return None
        entry = self._entries[found]
        parts: list[bytes] = []
        size = 0
        try:
            with self._zip.open(entry) as file:
                while chunk := file.read(1 << 16):
                    parts.append(chunk)
                    size += len(chunk)
                    self._read_bytes += len(chunk)
                    if size > MAX_PART_BYTES or self._read_bytes > MAX_TEXT_BYTES:
                        raise InputError(
                            f"{found} unpacks to more than {mebibytes(min(MAX_PART_BYTES, MAX_TEXT_BYTES))} of text",
                            where=self.where,
                            remedy="this is no ordinary book, perhaps a decompression bomb; split it if it is yours",
                        )
        except InputError:
            raise
        except RuntimeError:  # zipfile's word for a password
            raise InputError(
                "the EPUB is locked with a password",
                where=self.where,
                remedy="unpack it and zip it again without one",
            ) from None
        except (
            zipfile.BadZipFile,
            zlib.error,
            EOFError,
            NotImplementedError,
            OSError,
            ValueError,
            struct_error,
        ) as problem:
            left = "nothing of it" if not parts else "only its beginning"
            self.warnings.append(f"{found} is damaged ({_reason(problem)}); {left} could be read")
        return b"".join(parts) if parts or not entry.file_size else None


def _reason(problem: Exception) -> str:
    return " ".join(str(problem).split())[:80].lower() or type(problem).__name__
