"""Orders: from a book and a person's choices to a run in the queue. What API and page do when somebody says "render"."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeVar
from uuid import UUID

import anyio
import httpx
from prefect.exceptions import PrefectException
from pydantic import BaseModel, ConfigDict, Field, create_model

from app.books import BookStore, Upload, edited, novel_at, recast
from app.finished import chapters_of
from app.run_progress import ENDED, RUN_END_S, RUN_START_S
from app.run_record import Run
from app.runs import Runs
from app.settings import Settings
from flows.forecast import forecast
from flows.options import RenderOptions
from flows.slots import free_dead
from story.errors import InputError
from story.loading import select_chapters
from story.novel import Chapter, Novel
from tasks.forecast import STAGES, StageWork

SLOT_LOOKS = 30  # a second apart
FORECAST_CHAPTERS = 3  # a longer book's time is scaled up from these
Result = TypeVar("Result")


# What may be chosen through API and page: the render options but for what names files of this machine.
Choices = create_model(
    "Choices",
    __config__=ConfigDict(extra="forbid"),
    **{
        name: (f.annotation, f)
        for name, f in RenderOptions.model_fields.items()
        if name not in ("output", "music")
    },  # pyright: ignore[reportArgumentType, reportCallIssue]
    music=(
        Literal["off", "generated"],
        Field(default="off", description="Music at chapter openings and scene changes: off or generated"),
    ),
)


class Change(BaseModel):
    """What is to become of one line; fields left out stay as they are."""

    model_config = ConfigDict(extra="forbid")

    content: str | None = Field(default=None, min_length=1, max_length=20_000)
    speaker: str | None = Field(
        default=None, min_length=1, max_length=200, description="A character's id, name or alias"
    )
    voice_id: str | None = Field(
        default=None, max_length=200, description="For this line only; empty: its speaker's own"
    )
    emotion: str | None = Field(default=None, min_length=1, max_length=50)
    emotion_intensity: float | None = Field(default=None, ge=0, le=1)
    style: str | None = Field(default=None, max_length=50, description="whisper, shout, …, or empty")


@dataclass(frozen=True)
class Ordered:
    run: Run
    estimated_s: float
    stages: list[str]


class Desk:
    """Takes orders. Heavy work is done in one thread, so that the event loop stays free."""

    def __init__(self, settings: Settings, runs: Runs) -> None:
        self.settings, self.runs = settings, runs
        self.books = BookStore(settings.home)
        self._heavy = anyio.CapacityLimiter(1)
        self._background: set[asyncio.Task[None]] = set()

    async def heavy(self, work: Callable[[], Result]) -> Result:
        return await anyio.to_thread.run_sync(work, limiter=self._heavy)

    async def order(
        self,
        upload: Upload,
        chapters: str,
        choices: BaseModel,
        *,
        key: str | None = None,
    ) -> Ordered:
        """Queue the chapters of a stored book.

        Raises:
            SoundboundError: what could be known to go wrong (no such chapter, model, voice).
        """
        return await self._order(upload, chapters, RenderOptions(**choices.model_dump()), upload.book, key)

    async def _order(
        self, upload: Upload, chapters: str, options: RenderOptions, book: str, key: str | None = None
    ) -> Ordered:
        """`book`: whose folder in the library the chapters go to."""
        options = options.model_copy(update={"output": self.settings.library_dir / book})
        chosen, plan = await self.heavy(lambda: self._plan(upload.novel, chapters, options))
        estimated_s = RUN_START_S + RUN_END_S + sum(w.expected_s for w in plan)
        parameters: dict[str, Any] = {"novel": str(upload.path), "options": options.model_dump(mode="json")}
        tags = ["soundbound", f"book:{book}"]
        if len(chosen) == 1:
            one = chosen[0]
            name = " · ".join(filter(None, [upload.novel.title, str(one.number), one.title]))
            run = await self.runs.start(
                "chapter", name, {**parameters, "chapter": one.id}, plan, tags=tags, key=key
            )
        else:
            every = len(chosen) == len(upload.novel.chapters)
            spec = "all" if every else ",".join(str(c.number) for c in chosen)
            name = upload.novel.title if every else f"{upload.novel.title} · {spec}"
            run = await self.runs.start(
                "book", name, {**parameters, "chapters": spec}, plan, tags=tags, key=key
            )
        return Ordered(run, round(estimated_s, 1), list(STAGES))

    async def edit(self, run: Run, chapter_id: str, segment_id: str, change: Change) -> Ordered:
        """Render a chapter of an earlier run again with one line changed: one take is made, the others are there."""
        fields = change.model_dump(exclude_none=True)
        if not fields:
            raise InputError("nothing is changed", where="edit", remedy="name at least one field")
        return await self._again(run, chapter_id, lambda novel: edited(novel, chapter_id, segment_id, fields))

    async def recast(self, run: Run, chapter_id: str, voices: dict[str, str]) -> Ordered:
        """Render a chapter of an earlier run again with other voices for these characters."""
        return await self._again(run, chapter_id, lambda novel: recast(novel, voices))

    async def _again(self, run: Run, chapter_id: str, altered: Callable[[Novel], Novel]) -> Ordered:
        upload = await self.heavy(lambda: self.books.add(altered(novel_at(run.novel))))
        known = {k: v for k, v in run.options.items() if k in RenderOptions.model_fields}
        options = RenderOptions.model_validate(known)
        ours = options.output.parent == self.settings.library_dir
        return await self._order(upload, chapter_id, options, options.output.name if ours else upload.book)

    async def cancel(self, task_id: UUID) -> Run:
        """Ask for a run's end, and see to it that the device's slot is free soon after; returns at once."""
        run = await self.runs.cancel(task_id)
        seeing = asyncio.create_task(self._see_slot_free(task_id))
        self._background.add(seeing)
        seeing.add_done_callback(self._background.discard)
        return run

    async def _see_slot_free(self, task_id: UUID) -> None:
        """A holder that had to be killed keeps Prefect's slot for its lease's rest (48-75 s), unless it is proved dead."""
        for _ in range(SLOT_LOOKS):
            await asyncio.sleep(1)
            with contextlib.suppress(
                httpx.HTTPError, PrefectException, OSError
            ):  # it may be away for a moment
                if (await self.runs.get(task_id)).status in ENDED:
                    await anyio.to_thread.run_sync(lambda: free_dead(self.settings.machine(), task_id))

    async def chapters(self, run: Run) -> tuple[Novel, list[Chapter]]:
        return await self.heavy(lambda: chapters_of(run))

    def _plan(self, novel: Novel, spec: str, options: RenderOptions) -> tuple[list[Chapter], list[StageWork]]:
        chosen = select_chapters(novel, spec)
        options.check()
        machine = self.settings.machine()
        plans = [forecast(novel, c, options, machine) for c in chosen[:FORECAST_CHAPTERS]]
        return chosen, added(plans, len(chosen) / len(plans))


def added(plans: list[list[StageWork]], scale: float) -> list[StageWork]:
    """Several chapters' plans as one, scaled to all chapters; each stage's model is loaded once a chapter."""
    if len(plans) == 1 and scale == 1:
        return plans[0]
    total: dict[str, StageWork] = {}
    for plan in plans:
        for w in plan:
            so_far = total.get(w.stage)
            total[w.stage] = w if so_far is None else _sum(so_far, w)
    return [
        w.model_copy(
            update={
                "total": w.total if w.unit == "percent" else round(w.total * scale),
                "cached": round(w.cached * scale),
                "work": w.work * scale,
                "start_s": w.start_s * scale,
                "expected_s": w.expected_s * scale,
            }
        )
        for w in total.values()
    ]


def _sum(a: StageWork, b: StageWork) -> StageWork:
    return a.model_copy(
        update={
            "by": a.by or b.by,
            "total": a.total + b.total if a.unit != "percent" else a.total,
            "cached": a.cached + b.cached,
            "work": a.work + b.work,
            "start_s": a.start_s + b.start_s,
            "expected_s": a.expected_s + b.expected_s,
        }
    )
