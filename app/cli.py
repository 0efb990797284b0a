"""The command line: `soundbound …`. Each command is a thin door; what it prints goes to people or, with --json, to
programs (one JSON object on stdout). Progress goes to stderr. Exit status: 0 completed, 3 degraded, 1 failed, 2 wrong
usage or input.
"""

from __future__ import annotations

import contextlib
import sys
from typing import Any

from cyclopts import App, CycloptsError
from rich.console import Console

import app.commands.inspect as inspect_commands
import app.commands.models as models_commands
import app.commands.render as render_commands
import app.commands.voices as voices_commands
from app.commands.doctor import doctor
from app.commands.importing import import_
from app.commands.labelling import label
from app.commands.output import print_json
from app.commands.schedule import schedule
from app.commands.serve import serve
from app.commands.speakers import attribute, characters, review
from story.errors import SoundboundError

cli = App(
    name="soundbound",
    help="Turn a novel into an immersive audio drama.\n\nStart with: soundbound render examples/treasure_island_ch05.json",
    version="0.1.0",
)
cli.command(render_commands.render)
cli.command(import_, name="import")
cli.command(review)
cli.command(attribute)
cli.command(characters)
cli.command(label)
cli.command(inspect_commands.cast)
cli.command(inspect_commands.scenes)
cli.command(inspect_commands.timeline)
cli.command(voices_commands.voices)
cli.command(models_commands.models)
cli.command(doctor)
cli.command(serve)
cli.command(schedule)


def run(arguments: list[str]) -> int:
    """Run one command; returns the exit status. Expected errors become one line, never a traceback."""
    json_wanted = "--json" in arguments
    try:
        status = cli(arguments, exit_on_error=False, print_error=False, result_action="return_value")
    except CycloptsError as e:
        return _fail(" ".join(str(e).split()), 2, json_wanted, "see: soundbound --help")
    except SoundboundError as e:
        return _fail(str(e), e.exit_status, json_wanted)
    except KeyboardInterrupt:
        return _fail(
            "stopped; every take that was made is kept, the same command goes on from there", 130, json_wanted
        )
    except BrokenPipeError:
        with contextlib.suppress(OSError):
            sys.stdout.close()
        return 1
    except Exception as e:
        if not type(e).__module__.startswith(("httpx", "httpcore", "prefect")):
            raise
        said = f"the Prefect server did not answer in the end ({str(e) or type(e).__name__})"
        return _fail(f"{said} → run the same command again: what is made is kept", 1, json_wanted)
    return status if isinstance(status, int) else 0


def _fail(message: str, status: int, json_wanted: bool, hint: str = "") -> int:
    Console(stderr=True, soft_wrap=True).print(
        f"[bold red]soundbound:[/] {_escape(message)}", highlight=False
    )
    if hint:
        Console(stderr=True).print(hint, style="dim", highlight=False)
    if json_wanted:
        failed: dict[str, Any] = {"status": "failed", "error": message}
        print_json(failed)
    return status


def _escape(text: str) -> str:
    return text.replace("[", r"\[")


def main() -> None:
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
