"""The DAGs that Prefect runs.

from flows import RenderOptions, render_chapter
result = render_chapter("examples/treasure_island_ch05.json", "5", RenderOptions(output="out"))
"""

from flows.chapter import render_chapter
from flows.options import RenderOptions

__all__ = ["RenderOptions", "render_chapter"]
