"""The progress page (NiceGUI): drop a book, watch it, hear it, change a line. On the API's port, in its process."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from fastapi import FastAPI, Request
from nicegui import ui
from starlette.routing import Match, Mount
from starlette.types import Scope

from app.orders import Desk
from app.page.frame import View, card, frame, link
from app.page.home import Home
from app.page.run import RunPage
from app.problems import Problem

__all__ = ["mount_page"]


def mount_page(app: FastAPI, desk: Callable[[], Desk]) -> None:
    """Put the page on `app`, behind its API. Once a process: NiceGUI keeps its pages globally."""

    @ui.page("/")
    async def home(request: Request) -> None:
        Home(View.of(request), desk()).build()

    @ui.page("/runs/{task_id}")
    async def run(request: Request, task_id: str) -> None:
        view = View.of(request)
        try:
            found = await desk().runs.get(UUID(task_id))
        except (ValueError, Problem):
            with frame(view), card():
                ui.label(view.words("no_task"))
                link(f"{view.root}/", view.words("home")).classes("sb-link")
            return
        RunPage(view, desk(), found).build()

    ui.run_with(app, title="Soundbound", favicon="🎧", dark=None, tailwind=False, show_welcome_message=False)
    mounted = app.router.routes.pop()
    if not isinstance(mounted, Mount):
        raise TypeError("NiceGUI has mounted its pages in a way this version does not know")
    app.router.routes.append(_BesideApi("", app=mounted.app))


class _BesideApi(Mount):
    """The pages, for every address but the API's: what is wrong there is answered in the API's form."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        return (Match.NONE, {}) if path == "/api" or path.startswith("/api/") else super().matches(scope)
