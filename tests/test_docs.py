"""The documentation is true: links lead somewhere, commands exist and run, tables name what is there."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path

import pytest

from app.settings import Settings
from tests.conftest import ROOT, CommandLine

PAGES = sorted([ROOT / "README.md", ROOT / "README.zh.md", *(ROOT / "docs").glob("*.md")])
FENCE = re.compile(r"```sh\n(.*?)```", re.DOTALL)


def commands() -> list[tuple[str, str]]:
    found = {}
    for page in PAGES:
        for block in FENCE.findall(page.read_text(encoding="utf-8")):
            for line in block.splitlines():
                line = line.split("  #")[0].split("   #")[0].strip()
                if line:
                    found.setdefault(line, page.name)
    return [(page, line) for line, page in found.items()]


# `make demo` and `make test` are run from an empty clone by whoever releases; a render is run by test_render.py with
# the same arguments on a small chapter; `make serve` does not end by itself. All others are run here as they stand.
def runs_here(line: str) -> bool:
    return (
        not line.startswith("make ")
        and " render " not in line
        and " install " not in line
        and not line.endswith("serve")
    )


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


@pytest.mark.parametrize(("page", "line"), [c for c in commands() if runs_here(c[1])])
def test_commands_in_the_docs_run(page: str, line: str, soundbound: CommandLine) -> None:
    words = shlex.split(line)
    assert words[0].removeprefix(".venv/bin/") == "soundbound", f"{page}: {line}"
    done = soundbound(*words[1:])
    # doctor's 1 means it found something to mend on this machine, which is an answer too
    assert done.status == 0 or (words[1] == "doctor" and done.status == 1), f"{page}: {line}\n{done.stderr}"
    assert "Traceback" not in done.stderr
    assert done.stdout.strip()


@pytest.mark.parametrize(("page", "line"), [c for c in commands() if c[1].startswith("make ")])
def test_make_targets_in_the_docs_exist(page: str, line: str) -> None:
    done = subprocess.run(
        ["make", "--dry-run", *line.split()[1:]], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{page}: {line}: {done.stderr}"


@pytest.mark.parametrize(
    ("page", "line"), [c for c in commands() if " render " in c[1] or " install " in c[1]]
)
def test_arguments_of_long_commands_are_accepted(page: str, line: str) -> None:
    """Parsed as they would be, without running them."""
    from app.cli import cli

    words = shlex.split(line)[1:]
    command, bound, *_ = cli.parse_args(words, exit_on_error=False, print_error=False)
    assert command is not None, f"{page}: {line}"
    novel = bound.arguments.get("novel")
    assert novel is None or (ROOT / novel).exists() or "examples/" not in str(novel)


def test_every_setting_is_documented() -> None:
    page = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    for name in Settings.model_fields:
        assert f"`{name}`" in page or f"[{name}." in page, name
