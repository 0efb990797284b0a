"""The first page: drop a book, choose, render; and the library of past runs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, get_args

from nicegui import events, ui

from app.books import Upload
from app.orders import Choices, Desk
from app.page.frame import View, card, frame, heading, link
from app.page.telling import guarded, tell
from app.reading import SUFFIXES, read_book
from app.run_record import Run
from models import catalog
from story.errors import SoundboundError

LIBRARY_EVERY_S = 2.0
LIBRARY_STEP = 20


class Home:
    """One visitor's first page."""

    def __init__(self, view: View, desk: Desk) -> None:
        self.view, self.desk, self.words = view, desk, view.words
        self._shown = LIBRARY_STEP
        self._library: list[tuple[Any, ...]] | None = None

    def build(self) -> None:
        with frame(self.view):
            with card().props("aria-live=polite"):
                self._place = ui.element("div").classes("sb-side")
                self._ask_for_book()
            with card():
                heading(self.words("library"))
                self._runs = ui.element("div")
                self._older = (
                    ui.button(self.words("older"), on_click=self._more)
                    .props("flat no-caps")
                    .classes("hidden")
                )
        ui.timer(LIBRARY_EVERY_S, guarded(self.words, self._refresh))

    def _ask_for_book(self) -> None:
        self._place.clear()
        mb = self.desk.settings.upload_limit_mb
        with self._place:
            heading(self.words("new"), 1)
            ui.label(self.words("drop_kinds_books", mb=mb)).classes("sb-quiet")
            self._upload = (
                ui.upload(
                    label=self.words("drop"),
                    auto_upload=True,
                    max_file_size=mb * 2**20,
                    max_files=1,
                    on_upload=guarded(self.words, self._received),
                    on_rejected=lambda: tell(self.words("rejected"), "negative"),
                )
                .props(f'accept="{",".join(SUFFIXES)}" id=sb-upload')
                .classes("sb-drop")
            )
            self._upload.on(
                "click",
                js_handler=f"""(e) => {{
                    if (!e.target.closest("input, button")) runMethod({self._upload.id}, 'pickFiles', []);
                }}""",
            )
            self._reading = ui.label().classes("sb-quiet")

    async def _received(self, e: events.UploadEventArguments) -> None:
        name = Path(e.file.name).name[-100:]
        self._reading.text = self.words("reading", name=name)
        suffix = Path(name).suffix.lower()
        incoming = self.desk.books.incoming(suffix if suffix in SUFFIXES else ".json")
        try:
            await e.file.save(incoming)
            novel, warnings = await self.desk.heavy(lambda: read_book(incoming, name))
            upload = await self.desk.heavy(lambda: self.desk.books.add(novel))
        except BaseException:
            self._reading.text = ""
            self._upload.reset()
            raise
        finally:
            incoming.unlink(missing_ok=True)
        await self._choose(upload, warnings)

    async def _choose(self, upload: Upload, warnings: list[str]) -> None:
        novel, words = upload.novel, self.words
        states = await self.desk.heavy(lambda: catalog.states(self.desk.settings.machine()))
        entries = catalog.entries(self.desk.settings.machine())
        self._place.clear()
        with self._place:
            heading(novel.title, 1)
            if novel.author:
                ui.label(words("by", author=novel.author)).classes("sb-quiet")
            lines = sum(len(c.segments) for c in novel.chapters)
            facts = words(
                "book_facts",
                chapters=words.many("n_chapters", len(novel.chapters)),
                lines=words.many("n_lines", lines),
                people=words.many("n_people", len(novel.characters)),
                language=novel.language,
            )
            ui.label(facts).classes("sb-quiet")
            if warnings:
                with (
                    ui.expansion(f"{words('warnings')} ({len(warnings)})"),
                    ui.element("ul").classes("sb-list"),
                ):
                    for warning in warnings:
                        with ui.element("li"):
                            ui.label(warning)
            named = {c.id: " · ".join(filter(None, [str(c.number), c.title])) for c in novel.chapters}
            first = [novel.chapters[0].id]
            chapters = (
                ui.select(named, value=first, label=words("chapters"), multiple=True)
                .props(f'use-chips outlined hint="{words("chapters_hint")}" id=sb-chapters')
                .classes("sb-chapters")
            )
            with ui.element("div").classes("sb-fields"):
                speech = _model_select(
                    words("speech"),
                    self._best("speech", novel.language),
                    [s.name for s in states if s.kind == "speech" and s.installed and catalog.speaks(entries[s.name], novel.language)],
                )  # fmt: skip
                profiles = {p: words(f"profile_{p}") for p in _choices("profile")}
                profile = ui.select(profiles, value="drama", label=words("profile")).props("outlined")
            with ui.expansion(words("more")), ui.element("div").classes("sb-fields"):
                sound = _model_select(
                    words("sound"),
                    self._best("sound"),
                    [s.name for s in states if s.kind == "sound" and s.installed],
                )
                music = ui.select(
                    {m: words(f"music_{m}") for m in _choices("music")}, value="off", label=words("music")
                ).props("outlined")
                formats = {"": words("format_auto"), **{f: f for f in _choices("format")}}
                format_ = ui.select(formats, value="", label=words("format")).props("outlined")
                seed = ui.number(words("seed"), value=0, min=0, max=2**31 - 1, precision=0).props(
                    f'outlined hint="{words("seed_hint")}"'
                )

            async def render() -> None:
                order.disable()
                try:
                    choices = Choices.model_validate(
                        {
                            "speech": speech.value,
                            "sound": sound.value,
                            "profile": profile.value,
                            "music": music.value,
                            "seed": int(seed.value or 0),
                            **({"format": format_.value} if format_.value else {}),
                        }
                    )
                    chosen = [c for c in novel.chapters if c.id in chapters.value]
                    if len(chosen) in (0, len(novel.chapters)):
                        spec = "all"
                    else:
                        spec = ",".join(str(c.number) for c in chosen)
                    ordered = await self.desk.order(upload, spec, choices)
                finally:
                    order.enable()
                tell(words("queued_now", time=words.time(ordered.estimated_s)))
                ui.navigate.to(f"/runs/{ordered.run.task_id}")

            with ui.element("div").classes("sb-row"):
                order = (
                    ui.button(words("render"), icon="play_arrow", on_click=guarded(words, render))
                    .props("no-caps unelevated id=sb-render")
                    .classes("sb-primary")
                )
                ui.button(words("another"), on_click=self._ask_for_book).props("flat no-caps")

    def _best(self, kind: Literal["speech", "sound"], language: str = "en") -> str:
        """What "auto" stands for."""
        try:
            found = catalog.resolve("auto", kind, self.desk.settings.machine(), language)
        except SoundboundError:  # nothing for it is installed; the order says what to do
            return self.words("auto")
        return self.words("auto_is", name=found.name)

    async def _refresh(self) -> None:
        runs, _ = await self.desk.runs.recent(limit=self._shown + 1)
        told = [(r.task_id, r.name, r.status, r.started or r.created) for r in runs]
        if told == self._library:
            return
        self._library = told
        self._older.classes(
            remove="hidden" if len(runs) > self._shown else "",
            add="" if len(runs) > self._shown else "hidden",
        )
        self._runs.clear()
        with self._runs:
            show_runs(self.view, runs[: self._shown], self.words("library_empty"))

    async def _more(self) -> None:
        self._shown += LIBRARY_STEP
        await self._refresh()


def show_runs(view: View, runs: list[Run], when_empty: str = "") -> None:
    """A list of runs, each a link to its page."""
    if not runs:
        ui.label(when_empty).classes("sb-quiet")
        return
    with ui.element("ul").classes("sb-runs"):
        for run in runs:
            with ui.element("li"), link(view.page(run.task_id)):
                ui.label(run.name).classes("sb-run-name")
                ui.label(view.words(run.status)).classes(f"sb-chip sb-{run.status}")
                ui.label(_when(run.started or run.created)).classes("sb-when")


def _when(moment: datetime | None) -> str:
    """Local time of the machine; only the clock for today."""
    if moment is None:
        return ""
    local = moment.astimezone()
    today = datetime.now(UTC).astimezone().date()
    return f"{local:%H:%M}" if local.date() == today else f"{local:%Y-%m-%d %H:%M}"


def _model_select(label: str, auto: str, names: list[str]) -> ui.select:
    return ui.select({"auto": auto, **{n: n for n in names}}, value="auto", label=label).props("outlined")


def _choices(field: str) -> list[str]:
    """The words a render option may be."""
    annotation = Choices.model_fields[field].annotation
    nested: Callable[[Any], list[Any]] = lambda a: [x for arg in get_args(a) for x in (nested(arg) or [arg])]  # noqa: E731
    return [w for w in nested(annotation) if isinstance(w, str)]
