"""The vertical steps of a chapter: what is done, what is under way with n of N, what is to come."""

from __future__ import annotations

from nicegui import ui

from app.page.frame import View
from app.run_progress import Progress, StageDetail
from tasks.forecast import STAGES

_SIGNS = {"ahead": "", "active": "•", "done": "✓", "cached": "✓"}


class Steps:
    """Built once, then told each progress; only what changed goes over the wire."""

    def __init__(self, view: View) -> None:
        self._words = view.words
        with ui.element("div").classes("sb-row"):
            self._whole = (
                ui.linear_progress(0, show_value=False, size="12px")
                .props(f'instant-feedback aria-label="{view.words("total_progress")}" id=sb-whole')
                .style("flex: 1 1 12rem")
            )
            self._percent = ui.label("").classes("sb-count").props("id=sb-percent")
            self._left = ui.label("").classes("sb-count sb-quiet").props("id=sb-left")
        with ui.element("ol").classes("sb-steps").props(f'aria-label="{view.words("steps")}"'):
            self._steps = {stage: _Step(view, stage) for stage in STAGES}

    def show(self, progress: Progress) -> None:
        self._whole.value = progress.progress_percentage / 100
        self._percent.text = f"{progress.progress_percentage:.0f} %"
        left_s, over = progress.estimated_remaining, progress.status not in ("queued", "running")
        self._left.text = "" if over or left_s is None else self._words("left", time=self._words.time(left_s))
        for detail in progress.stage_details:
            self._steps[detail.stage].show(detail)


class _Step:
    def __init__(self, view: View, stage: str) -> None:
        self._words = view.words
        self._row = ui.element("li").classes("sb-step").props(f'data-stage="{stage}" data-state="ahead"')
        with self._row:
            with ui.element("span").classes("sb-dot").props("aria-hidden=true"):
                self._sign = ui.label("")
            ui.label(view.words(stage)).classes("sb-step-name")
            self._count = ui.label("").classes("sb-count")
            self._bar = ui.linear_progress(0, show_value=False, size="4px").props("aria-hidden=true")
            self._bar.set_visibility(False)
            self._note = ui.label("").classes("sb-note")

    def show(self, detail: StageDetail) -> None:
        self._row.props(f'data-state="{detail.state}"')
        self._sign.text = _SIGNS[detail.state]
        self._count.text = self._counted(detail)
        self._bar.value = detail.progress_percentage / 100
        self._bar.set_visibility(detail.state == "active")
        self._note.text = self._noted(detail)

    def _counted(self, detail: StageDetail) -> str:
        if detail.state == "cached":
            return self._words("cached")
        if detail.unit == "chapter":
            return self._words(detail.state)
        if detail.unit == "percent":
            return f"{detail.done} %" if detail.state in ("active", "done") else self._words(detail.state)
        return f"{detail.done}/{detail.total}" if detail.total else self._words(detail.state)

    def _noted(self, detail: StageDetail) -> str:
        said = [detail.note] if detail.note else []
        if detail.model and detail.state == "active":
            said.append(detail.model)
        if detail.state == "active" and detail.estimated_remaining >= 1:
            said.append(self._words("left", time=self._words.time(detail.estimated_remaining)))
        if detail.cached and detail.state != "cached":
            said.append(self._words("and_cached", n=detail.cached))
        return " · ".join(said)
