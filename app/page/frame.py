"""What every page has: head, language, light or dark, and where addresses begin behind a proxy."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from fastapi import Request
from nicegui import ui

from app.page.words import COOKIE, Words, tongue_of

STATIC = Path(__file__).parent / "static"
THEME_COOKIE = "soundbound_theme"
THEMES: dict[str, bool | None] = {"auto": None, "light": False, "dark": True}
_NEXT = {"auto": "dark", "dark": "light", "light": "auto"}
_ICONS = {"auto": "brightness_auto", "dark": "dark_mode", "light": "light_mode"}


@dataclass(frozen=True)
class View:
    """The request's side of a page: its language, its place, its theme."""

    words: Words
    root: str  # what stands before every address: "" or "/soundbound"
    theme: str

    @classmethod
    def of(cls, request: Request) -> View:
        theme = request.cookies.get(THEME_COOKIE, "auto")
        forwarded = request.headers.get("x-forwarded-prefix", "")
        return cls(
            words=Words(tongue_of(request.cookies, request.headers.get("accept-language", ""))),
            root=quote(forwarded.rstrip("/") + request.scope.get("root_path", "").rstrip("/"), safe="/"),
            theme=theme if theme in THEMES else "auto",
        )

    def task(self, task_id: object, path: str = "") -> str:
        """The API's address of a task, or of something of it."""
        return f"{self.root}/api/v1/tasks/{quote(str(task_id))}{path}"

    def page(self, task_id: object) -> str:
        return f"{self.root}/runs/{quote(str(task_id))}"


@contextmanager
def frame(view: View, title: str = "") -> Iterator[None]:
    """The page's head, and a column to fill."""
    ui.page_title(f"{title} · Soundbound" if title else "Soundbound")
    ui.dark_mode(THEMES[view.theme])
    ui.colors(primary="#b0622a")  # readable on both grounds; the finer shades are in page.css
    ui.add_css((STATIC / "page.css").read_text(encoding="utf-8"))
    lang = json.dumps({"en": "en", "zh": "zh-Hans"}[view.words.tongue])
    ui.add_head_html(f"<script>document.documentElement.lang = {lang};</script>")
    with ui.element("header").classes("sb-top"):
        link(f"{view.root}/", "Soundbound").classes("sb-name")
        ui.label(view.words("tagline")).classes("sb-tagline")
        other = "zh" if view.words.tongue == "en" else "en"
        ui.button(
            {"en": "English", "zh": "中文"}[other], on_click=lambda: _remember(view, COOKIE, other)
        ).props(f'flat dense no-caps id=sb-language aria-label="{view.words("language")}: {other}"')
        ui.button(
            icon=_ICONS[view.theme], on_click=lambda: _remember(view, THEME_COOKIE, _NEXT[view.theme])
        ).props(f'flat dense round id=sb-theme aria-label="{view.words("theme")}"')
    with ui.element("div").classes("sb-main"):
        yield


def _remember(view: View, cookie: str, value: str) -> None:
    path = json.dumps(f"{cookie}={value};path={view.root or '/'};max-age=31536000;samesite=lax")
    ui.run_javascript(f"document.cookie = {path}; location.reload()")


def link(address: str, text: str = "") -> ui.element:
    """A link to a whole address. NiceGUI's own puts the root before it, which ours have already."""
    element = ui.element("a")
    element.props["href"] = address
    if text:
        with element:
            ui.label(text)
    return element


def card() -> ui.element:
    return ui.element("section").classes("sb-card")


def heading(text: str, level: int = 2) -> ui.element:
    element = ui.element(f"h{level}")
    with element:
        ui.label(text)
    return element


def status_chip(view: View, status: str) -> ui.label:
    return ui.label(view.words(status)).classes(f"sb-chip sb-{status}")
