"""The garbage collector rests while a book becomes a novel.

What is made on the way is kept, or freed when its last reference goes, and none of it is in cycles; yet the collector
would look through all of it again and again, the more often the longer the book.
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_lock = threading.Lock()
_books = 0  # being made now, in as many threads
_was_on = False  # before the first of them


@contextmanager
def collector_rests() -> Iterator[None]:
    global _books, _was_on
    with _lock:
        if not _books:
            _was_on = gc.isenabled()
            gc.disable()
        _books += 1
    try:
        yield
    finally:
        with _lock:
            _books -= 1
            if not _books and _was_on:
                gc.enable()
