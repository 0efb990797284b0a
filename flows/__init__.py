"""The DAGs that Prefect runs.

from flows import RenderOptions, render_book, render_chapter
result = render_chapter("examples/treasure_island_ch05.json", "5", RenderOptions(output="out"))
"""

import os

# Before Prefect is imported: neither it nor a server it starts by itself for these flows tells anybody outside.
os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
os.environ.setdefault("DO_NOT_TRACK", "1")

from flows.book import render_book
from flows.book_results import BookError, BookResult
from flows.chapter import render_chapter
from flows.options import FeedOptions, RenderOptions
from flows.serial import SerialResult, render_new_chapters
from tasks.results import ChapterResult

__all__ = [
    "BookError", "BookResult", "ChapterResult", "FeedOptions", "RenderOptions", "SerialResult",
    "render_book", "render_chapter", "render_new_chapters",
]  # fmt: skip
