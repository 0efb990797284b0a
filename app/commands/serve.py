"""`soundbound serve`: the Prefect server with its UI, and a worker loop for the render-chapter deployment."""

from __future__ import annotations

from rich.console import Console

from app.server import prefect_server
from app.settings import load_settings


def serve() -> int:
    """Start the Prefect server and serve the render-chapter deployment until Ctrl-C.

    Runs started in the Prefect UI (Deployments → render-chapter → Run) are rendered by this process.
    """
    settings = load_settings()
    console = Console(stderr=True, highlight=False)
    with prefect_server(
        settings.home, settings.prefect_api_url, lambda line: console.print(line, style="dim")
    ) as url:
        from flows import render_chapter
        from flows.limit import ensure_limit

        ensure_limit(settings.gpu_tag)
        console.print(f"Prefect UI: {url.removesuffix('/api')}", style="bold")
        render_chapter.serve(
            name="render-chapter",
            description="Render one chapter of a novel JSON into mastered audio.",
            parameters={"machine": settings.machine().model_dump(mode="json")},
            print_starting_message=False,
            limit=2,
        )
    return 0
