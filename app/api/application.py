"""The application that `soundbound serve` puts on its port."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse

from app.api import answers, catalog, generation, results, tasks
from app.api.limits import Limits
from app.api.reference import reference
from app.orders import Desk
from app.runs import Runs
from app.settings import Settings

ABOUT = """Turns novels into audio dramas. Every answer is `{"success": true, "data": …}` or
`{"success": false, "error": {"type", "message"}}`. A task is a Prefect flow run, and has its id."""


def create_app(settings: Settings, *, page: bool = True) -> FastAPI:
    """API and page. Expects the process's Prefect settings to point at a running server.

    Args:
        page: the page as well; once a process (NiceGUI keeps its state there).
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with Runs.connect() as runs:
            app.state.desk = Desk(settings, runs)
            yield
            app.state.desk = None

    app = FastAPI(
        title="Soundbound",
        version="1",
        description=ABOUT,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        openapi_url="/api/v1/openapi.json",
    )
    answers.install(app)
    for routes in (generation, tasks, results, catalog):
        app.include_router(routes.router)

    @app.get("/api/v1/docs", include_in_schema=False)
    def docs(request: Request) -> HTMLResponse:
        """To be read; nothing of it comes from elsewhere."""
        return HTMLResponse(
            reference(app.openapi(), f"{request.scope.get('root_path', '')}{app.openapi_url}")
        )

    if page:
        from app.page import mount_page

        mount_page(app, lambda: app.state.desk)
    app.add_middleware(Limits, upload_bytes=settings.upload_limit_mb * 2**20)
    return app
