"""How the page tells what went wrong: one sentence, never a traceback."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable
from typing import Any, Literal

import httpx
from nicegui import ui
from prefect.exceptions import PrefectHTTPStatusError

from app.page.words import Words
from app.problems import Problem
from story.errors import SoundboundError

log = logging.getLogger("soundbound.page")


def tell(message: str, kind: Literal["info", "negative"] = "info") -> None:
    """A note at the page's foot; errors stay until closed. Plain text, whatever is in it."""
    ui.notify(
        message,
        type=kind,
        multi_line=True,
        close_button=kind == "negative",
        timeout=0 if kind == "negative" else 4000,
    )


def guarded(words: Words, handler: Callable[..., Any]) -> Callable[..., Any]:
    """`handler` with its expected errors told to the person."""

    async def run(*arguments: Any) -> None:
        try:
            made = handler(*arguments)
            if inspect.isawaitable(made):
                await made
        except (Problem, SoundboundError) as e:
            tell(str(e), "negative")
        except (httpx.HTTPError, PrefectHTTPStatusError) as e:
            log.warning("the Prefect server did not do what was asked: %s", e)
            tell(words("unreachable"))

    async def with_event(event: Any) -> None:
        await run(event)

    async def without() -> None:
        await run()

    return with_event if inspect.signature(handler).parameters else without
