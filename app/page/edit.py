"""Change one line and render only that: the dialog behind a line's pencil."""

from __future__ import annotations

from typing import Any

from nicegui import ui

from app.api.catalog import VoiceInfo
from app.finished import Finished, Line
from app.orders import Change, Desk
from app.page.frame import View, heading
from app.page.telling import guarded, tell
from app.page.words import Tongue
from app.run_record import Run
from models.emotion_names import Part, table
from story.errors import InputError


class EditDialog:
    def __init__(self, view: View, desk: Desk, run: Run, done: Finished, voices: list[VoiceInfo]) -> None:
        self.view, self.desk, self.run, self.done, words = view, desk, run, done, view.words
        self._line: Line | None = None
        own = {"": words("voice_of_cast")}
        with ui.dialog() as self._dialog, ui.card().style("width: 34rem; max-width: 95vw"):
            heading(words("edit_title"))
            self._content = (
                ui.textarea(words("content"))
                .props("outlined autogrow id=sb-edit-content")
                .style("width: 100%")
            )
            with ui.element("div").classes("sb-fields").style("width: 100%"):
                people = {c.id: c.name for c in done.novel.characters}
                self._speaker = ui.select(people, label=words("speaker"), with_input=True).props("outlined")
                self._voice = ui.select(
                    {**own, **{v.id: v.id for v in voices}}, value="", label=words("voice"), with_input=True
                ).props("outlined")
                self._emotion = ui.select(
                    named_in("emotions", words.tongue), label=words("emotion"), with_input=True
                ).props("outlined")
                named = {"": words("plain_style"), **named_in("styles", words.tongue)}
                self._style = ui.select(named, value="", label=words("style")).props("outlined")
            ui.label(words("intensity")).classes("sb-quiet")
            self._intensity = ui.slider(min=0, max=1, step=0.05).props(
                f'label aria-label="{words("intensity")}"'
            )
            with ui.element("div").classes("sb-row"):
                self._render = (
                    ui.button(words("edit_render"), on_click=guarded(words, self._order))
                    .props("no-caps unelevated id=sb-edit-render")
                    .classes("sb-primary")
                )
                ui.button(words("close"), on_click=self._dialog.close).props("no-caps flat")

    def open(self, line: Line) -> None:
        self._line = line
        self._before = self._fields_of(line)
        self._content.value = line.content
        _choose(self._speaker, line.speaker)
        _choose(self._voice, self._before["voice_id"])
        _choose(self._emotion, line.emotion)
        _choose(self._style, line.style)
        self._intensity.value = line.emotion_intensity
        self._dialog.open()

    def _fields_of(self, line: Line) -> dict[str, Any]:
        segment = next(s for s in self.done.chapter.segments if s.id == line.id)
        return {
            "content": segment.content,
            "speaker": segment.speaker,
            "voice_id": segment.voice_id or "",
            "emotion": segment.emotion,
            "emotion_intensity": segment.emotion_intensity,
            "style": segment.style,
        }

    async def _order(self) -> None:
        if self._line is None:
            return
        now = {
            "content": (self._content.value or "").strip(),
            "speaker": self._speaker.value,
            "voice_id": self._voice.value,
            "emotion": self._emotion.value,
            "emotion_intensity": self._intensity.value,
            "style": self._style.value,
        }
        changed = {k: v for k, v in now.items() if v != self._before[k]}
        if not now["content"]:
            raise InputError(self.view.words("empty_line"))
        self._render.disable()
        try:
            ordered = await self.desk.edit(
                self.run, self.done.chapter.id, self._line.id, Change.model_validate(changed)
            )
        finally:
            self._render.enable()
        self._dialog.close()
        tell(self.view.words("queued_now", time=self.view.words.time(ordered.estimated_s)))
        ui.navigate.to(f"/runs/{ordered.run.task_id}")


def named_in(part: Part, tongue: Tongue) -> dict[str, str]:
    """What the table knows, as a person of that tongue calls it: in Chinese by the first Chinese alias."""
    rows = {str(row["name"]): [str(a) for a in row["aliases"]] for row in table()[part]}
    if tongue == "en":
        return {name: name for name in rows if name}
    return {
        name: next((a for a in also if "\u4e00" <= a[:1] <= "\u9fff"), name)
        for name, also in rows.items()
        if name
    }


def _choose(select: ui.select, value: str) -> None:
    """Select a value, also one that the list did not have."""
    options = select.options
    if value not in options:
        if isinstance(options, dict):
            options[value] = value
        else:
            options.append(value)
        select.set_options(options)
    select.value = value
