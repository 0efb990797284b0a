"""Listening: master and stems beside the text, the spoken line marked; cast, report and downloads."""

from __future__ import annotations

import json
from html import escape
from pathlib import Path
from urllib.parse import quote

from nicegui import events, ui

from app.api.catalog import VoiceInfo, known_voices
from app.api.results import media_type
from app.finished import Finished, Line
from app.orders import Desk
from app.page.edit import EditDialog
from app.page.frame import STATIC, View, card, heading, link
from app.page.telling import guarded, tell
from app.page.words import Words
from app.run_record import Run
from flows.outcome import lufs
from tasks.results import ChapterResult, Voiced

TRACKS = ("master", "stems/dialogue", "stems/environment", "stems/effects")
NOT_FOR_PEOPLE = {"loudness.npy"}  # a book is levelled from it
SAMPLE_S = (2.0, 12.0)  # a sample of a voice is a line of about this length


class Listen:
    """A finished chapter on the page. `prepare`, then `build`."""

    def __init__(self, view: View, desk: Desk, run: Run, done: Finished) -> None:
        self.view, self.desk, self.run, self.done, self.words = view, desk, run, done, view.words
        self._recast: dict[str, str] = {}

    async def prepare(self) -> None:
        """Read what will be shown, off the event loop."""
        report = self.done.report
        self._lines: list[Line] = await self.desk.heavy(self.done.lines)
        self._files: dict[str, Path] = await self.desk.heavy(self.done.files)
        self._voices: list[VoiceInfo] = await self.desk.heavy(
            lambda: known_voices(self.desk, report.speech_model, report.language)
        )

    def build(self) -> None:
        with card():
            heading(self.words("listen"))
            self._player()
            self._text()
        with ui.element("div").classes("sb-side"):
            with card():
                self._report(self.done.report)
            with card():
                self._cast(self.done.report)
            with card():
                self._downloads()
        self._edit = EditDialog(self.view, self.desk, self.run, self.done, self._voices)
        by_id = {line.id: line for line in self._lines}

        def edit(e: events.GenericEventArguments) -> None:
            if (line := by_id.get(str(e.args))) is not None:
                self._edit.open(line)

        ui.on("edit_line", edit)
        script = (STATIC / "player.js").read_text(encoding="utf-8")
        ui.run_javascript(f"{script}\nsbPlayer();")

    def _player(self) -> None:
        tracks = {
            self.view.task(self.run.task_id, f"/files/{quote(name)}"): self.words(
                stem.replace("stems/", "stem_")
            )
            for stem in TRACKS
            for name in self._files
            if name.rpartition(".")[0] == stem and media_type(self._files[name]).startswith("audio/")
        }
        first = next(iter(tracks))
        with ui.element("div").classes("sb-player"):
            ui.toggle(
                tracks, value=first, on_change=lambda e: ui.run_javascript(f"sbTrack({json.dumps(e.value)})")
            ).props(f'no-caps dense unelevated id=sb-tracks aria-label="{self.words("track")}"').style(
                "flex-wrap: wrap"
            )
            ui.html(
                f'<audio id="sb-audio" controls preload="metadata" src="{escape(first, quote=True)}"></audio>',
                sanitize=False,
            )
            ui.html(
                f'<label class="sb-quiet"><input type="checkbox" id="sb-follow" checked> {escape(self.words("follow"))}</label>',
                sanitize=False,
            )
        ui.label(self.words("text_hint")).classes("sb-quiet")

    def _text(self) -> None:
        pencil = escape(self.words("edit"), quote=True)
        ui.html("\n".join(_line_html(line, pencil) for line in self._lines), sanitize=False).classes(
            "sb-text"
        ).props(f'lang="{escape(self.done.report.language, quote=True)}"')

    def _report(self, report: ChapterResult) -> None:
        heading(self.words("report"))
        loud = report.loudness
        facts = {
            "length": self.words.time(report.duration_s),
            "loudness": lufs(loud.integrated_lufs),
            "peak": f"{loud.true_peak_dbtp:.1f} dBTP",
            "takes": self.words("takes_n", made=report.takes_generated, cached=report.takes_cached),
            "models": f"{report.speech_model}, {report.sound_model}",
            "profile": self.words.known(f"profile_{report.profile}", report.profile),
        }
        with ui.element("dl").classes("sb-facts"):
            for key, value in facts.items():
                with ui.element("dt"):
                    ui.label(self.words(key))
                with ui.element("dd"):
                    ui.label(value)
        told = [("missing", f"{m.what} ({m.reason})") for m in report.missing]
        told += [("warnings", w) for w in report.warnings]
        for kind in ("missing", "warnings"):
            lines = [text for k, text in told if k == kind]
            if lines:
                with ui.expansion(f"{self.words(kind)} ({len(lines)})"), ui.element("ul").classes("sb-list"):
                    for line in lines:
                        with ui.element("li"):
                            ui.label(line)
        if "report.html" in self._files:
            address = self.view.task(self.run.task_id, "/files/report.html")
            link(address, self.words("full_report")).classes("sb-link").props("target=_blank")

    def _cast(self, report: ChapterResult) -> None:
        heading(self.words("cast"))
        ids = {v.id: _voice_label(v, self.words) for v in self._voices}
        for who in report.cast:
            with ui.element("div").classes("sb-cast-row"):
                with ui.element("div"):
                    ui.label(who.name)
                    spoken = self.words(
                        "spoken",
                        lines=self.words.many("n_lines", who.lines),
                        time=self.words.time(who.seconds),
                    )
                    ui.label(spoken).classes("sb-quiet")
                options = ids if who.voice_id in ids else {who.voice_id: who.voice_id, **ids}
                ui.select(
                    options,
                    value=who.voice_id,
                    on_change=lambda e, who=who: self._chosen(who, e.value),
                ).props(f'outlined dense aria-label="{self.words("voice")}: {escape(who.name, quote=True)}"')
                if (place := self._sample(who)) is not None:
                    address = json.dumps(
                        self.view.task(self.run.task_id, f"/lines/{quote(place, safe='')}/audio")
                    )
                    ui.button(
                        icon="volume_up", on_click=lambda _, a=address: ui.run_javascript(f"sbSample({a})")
                    ).props(
                        f'flat round dense aria-label="{escape(self.words("sample", name=who.name), quote=True)}"'
                    )
        self._recast_button = (
            ui.button(self.words("recast"), on_click=guarded(self.words, self._render_recast))
            .props("no-caps unelevated id=sb-recast")
            .classes("sb-primary")
        )
        self._recast_button.set_visibility(False)

    def _chosen(self, who: Voiced, voice: str) -> None:
        self._recast[who.character] = voice
        if voice == who.voice_id:
            del self._recast[who.character]
        self._recast_button.set_visibility(bool(self._recast))

    async def _render_recast(self) -> None:
        ordered = await self.desk.recast(self.run, self.done.chapter.id, self._recast)
        tell(self.words("queued_now", time=self.words.time(ordered.estimated_s)))
        ui.navigate.to(f"/runs/{ordered.run.task_id}")

    def _sample(self, who: Voiced) -> str | None:
        """The id of a line that lets this voice be heard: the longest that is not too long."""
        low, high = SAMPLE_S
        theirs = [x for x in self._lines if x.speaker == who.character and x.made]
        fit = [x for x in theirs if low <= x.end_s - x.start_s <= high] or theirs
        return max(fit, key=lambda x: x.end_s - x.start_s).id if fit else None

    def _downloads(self) -> None:
        heading(self.words("downloads"))
        show_files(
            {
                self.view.task(self.run.task_id, f"/files/{quote(name)}?download=true"): path
                for name, path in sorted(self._files.items(), key=_worth)
                if name not in NOT_FOR_PEOPLE
            },
            self.done.folder,
        )


def _worth(file: tuple[str, Path]) -> tuple[int, str]:
    """What a person came for comes first."""
    name = file[0]
    kinds = (name.startswith("master."), name.startswith("stems/"), name.startswith("captions."))
    return next((i for i, it_is in enumerate(kinds) if it_is), len(kinds)), name


def show_files(files: dict[str, Path], folder: Path | None = None) -> None:
    """Links to files by their addresses, with sizes; named as they lie in `folder`."""
    with ui.element("ul").classes("sb-list"):
        for address, path in files.items():
            name = path.relative_to(folder).as_posix() if folder else path.name
            with ui.element("li"):
                link(address, f"{name} ({_size(path.stat().st_size)})")


def _line_html(line: Line, pencil: str) -> str:
    gone = "" if line.made else " sb-gone"
    who = (
        f'<span class="sb-who">{escape(line.speaker_name)}</span>'
        if line.type in ("dialogue", "thought")
        else ""
    )
    return (
        f'<div class="sb-line{gone}" data-id="{escape(line.id, quote=True)}" data-type="{escape(line.type, quote=True)}" '
        f'data-start="{line.start_s}" data-end="{line.end_s}">'
        f'<button type="button" class="sb-say">{who}{escape(line.content)}</button>'
        f'<button type="button" class="sb-pencil" aria-label="{pencil}" title="{pencil}">✎</button></div>'
    )


def _voice_label(voice: VoiceInfo, words: Words) -> str:
    known = ("female", "male", "neutral", "child", "young", "adult", "old")
    return " · ".join([voice.id, *(words(fact) for fact in (voice.gender, voice.age) if fact in known)])


def _size(count: int) -> str:
    return f"{count / 2**20:.1f} MiB" if count >= 2**20 else f"{max(1, count // 1024)} KiB"
