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

from app.commands.output import print_json
from story.errors import SoundboundError

cli = App(
    name="soundbound",
    help="Turn a novel into an immersive audio drama.\n\nStart with: soundbound render examples/treasure_island_ch05.json",
    version="0.1.0",
)
# Named by where they are: a command's own modules are imported when it is called.
_COMMANDS = {
    "render": "render:render",
    "import": "importing:import_",
    "review": "speakers:review",
    "attribute": "speakers:attribute",
    "characters": "speakers:characters",
    "label": "labelling:label",
    "cast": "inspect:cast",
    "scenes": "inspect:scenes",
    "timeline": "inspect:timeline",
    "voices": "voices:voices",
    "models": "models:models",
    "doctor": "doctor:doctor",
    "serve": "serve:serve",
    "schedule": "schedule:schedule",
}
for _name, _function in _COMMANDS.items():
    cli.command(f"app.commands.{_function}", name=_name)


def run(arguments: list[str]) -> int:
    """Run one command; returns the exit status. Expected errors become one line, never a traceback."""
    json_wanted = "--json" in arguments
    if not arguments or arguments[0] not in _COMMANDS:
        cli.resolved_commands()  # the help tells what each is for
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
