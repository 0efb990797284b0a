"""A run's page: its steps live, cancel and retry, warnings; once it has ended, the player and all that goes with it."""

from __future__ import annotations

import re
from urllib.parse import quote
from uuid import UUID

from nicegui import ui

from app.finished import Finished, book_files, finished
from app.orders import Desk
from app.page.frame import View, card, frame, heading, link
from app.page.home import show_runs
from app.page.listen import Listen, show_files
from app.page.steps import Steps
from app.page.telling import guarded
from app.page.words import Words
from app.problems import Problem
from app.run_progress import ENDED, Progress
from app.run_record import Run

TOLD = {  # what Progress.message may say, and the page's words for it
    "queue_ahead": re.compile(r"(?P<n>\d+) before it in the queue"),
    "chapter_of": re.compile(r"chapter (?P<n>\d+) of (?P<total>\d+)"),
}
EVERY_S = 0.4  # with what Prefect and the browser add, a step is seen within a second
LOG_EVERY = 5  # times EVERY_S


def in_words(words: Words, message: str) -> str:
    """A run's message in the person's language, where it is one of ours; an error stays as it is."""
    for key, pattern in TOLD.items():
        if found := pattern.fullmatch(message):
            return words(key, **found.groupdict())
    return message


class RunPage:
    """One visitor's view of one run."""

    def __init__(self, view: View, desk: Desk, run: Run) -> None:
        self.view, self.desk, self.run, self.words = view, desk, run, view.words
        self._status = ""
        self._ticks = 0
        self._warned: list[str] | None = None
        self._children: list[tuple[UUID, str]] | None = None

    def build(self) -> None:
        with frame(self.view, self.run.name):
            with card():
                with ui.element("div").classes("sb-row"):
                    heading(self.run.name, 1)
                    self._chip = ui.label("").classes("sb-chip").props("id=sb-status role=status")
                ui.label(self.words("prefect_id", id=self.run.task_id)).classes("sb-quiet")
                self._message = ui.label("").classes("sb-quiet").props("id=sb-message")
                with ui.expansion(self.words("steps"), value=True).props("id=sb-steps") as self._fold:
                    self._steps = Steps(self.view)
                if self.run.kind == "book":
                    heading(self.words("chapters_of_book"))
                self._list = ui.element("div")
                with ui.element("div").classes("sb-row"):
                    self._cancel = ui.button(
                        self.words("cancel"), icon="stop", on_click=self._ask_cancel
                    ).props("no-caps outline id=sb-cancel")
                    self._retry = ui.button(
                        self.words("retry"), icon="replay", on_click=guarded(self.words, self._again)
                    ).props("no-caps outline id=sb-retry")
                with ui.expansion(self.words("warnings")).props("id=sb-warnings") as self._warnings:
                    self._log = ui.element("ul").classes("sb-list")
                self._warnings.set_visibility(False)
            self._results = ui.element("div").classes("sb-sound")
        self._timer = ui.timer(EVERY_S, guarded(self.words, self._tick))
        with ui.dialog() as self._sure, ui.card():
            ui.label(self.words("cancel_sure"))
            with ui.element("div").classes("sb-row"):
                ui.button(self.words("stop"), on_click=guarded(self.words, self._stop)).props(
                    "no-caps unelevated id=sb-stop"
                ).classes("sb-primary")
                ui.button(self.words("go_on"), on_click=self._sure.close).props("no-caps flat")

    async def _tick(self) -> None:
        progress = await self.desk.runs.progress(self.run.task_id)
        self._steps.show(progress)
        if self.run.kind == "book" and (self._ticks % LOG_EVERY == 0 or progress.status in ENDED):
            await self._show_children()
        if self._ticks % LOG_EVERY == 0 or progress.status in ENDED:
            await self._show_log()
        self._ticks += 1
        await self._show_status(progress)

    async def _show_status(self, progress: Progress) -> None:
        self._message.text = in_words(self.words, progress.message)
        if progress.status == self._status:
            return
        self._chip.classes(replace=f"sb-chip sb-{progress.status}")
        self._chip.text = self.words(progress.status)
        self._status = progress.status
        over = progress.status in ENDED
        self._cancel.set_visibility(not over and self.run.from_deployment)
        self._retry.set_visibility(
            progress.status in ("failed", "cancelled", "degraded") and self.run.from_deployment
        )
        self._timer.interval = 5.0 if over else EVERY_S
        self._fold.value = progress.status not in ("completed", "degraded")
        self._results.clear()
        if progress.status in ("completed", "degraded"):
            self.run = await self.desk.runs.get(self.run.task_id)
            await (self._show_results() if self.run.kind == "chapter" else self._show_book())

    async def _show_results(self) -> None:
        library = self.desk.settings.library_dir
        try:
            done: Finished = await self.desk.heavy(lambda: finished(self.run, library))
        except Problem as e:
            with self._results, card():
                if e.type == "replaced":
                    ui.label(self.words("replaced"))
                    link(self.view.page(str(e).rpartition(" ")[2]), self.words("open_later")).classes(
                        "sb-link"
                    )
                else:
                    ui.label(self.words("no_results", why=str(e))).classes("sb-quiet")
            return
        listen = Listen(self.view, self.desk, self.run, done)
        await listen.prepare()
        with self._results:
            listen.build()

    async def _show_book(self) -> None:
        try:
            files = await self.desk.heavy(lambda: book_files(self.run, self.desk.settings.library_dir))
        except Problem:
            return  # a book that failed at once
        with self._results, card():
            heading(self.words("downloads"))
            show_files(
                {
                    self.view.task(self.run.task_id, f"/book/{quote(n)}?download=true"): p
                    for n, p in files.items()
                }
            )

    async def _show_children(self) -> None:
        runs = await self.desk.runs.children(self.run.task_id)
        told = [(r.task_id, r.status) for r in runs]
        if told == self._children:
            return
        self._children = told
        self._list.clear()
        with self._list:
            show_runs(self.view, runs)

    async def _show_log(self) -> None:
        lines = [line.message for line in await self.desk.runs.log(self.run.task_id)]
        if lines == self._warned:
            return
        self._warned = lines
        self._warnings.text = f"{self.words('warnings')} ({len(lines)})"
        self._warnings.set_visibility(bool(lines))
        self._log.clear()
        with self._log:
            for line in lines:
                with ui.element("li"):
                    ui.label(line)

    def _ask_cancel(self) -> None:
        self._sure.open()

    async def _stop(self) -> None:
        self._sure.close()
        await self.desk.cancel(self.run.task_id)
        await self._tick()

    async def _again(self) -> None:
        await self.desk.runs.retry(self.run.task_id)
        self._timer.interval = EVERY_S
        await self._tick()
