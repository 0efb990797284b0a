"""The house plan holds: a floor imports only floors below it, and the story knows no Prefect."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
BELOW = {
    "app": {"flows", "tasks", "models", "mixing", "story"},
    "flows": {"tasks", "models", "mixing", "story"},
    "tasks": {"models", "mixing", "story"},
    "models": {"story"},
    "mixing": {"story"},
    "story": set(),
}


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.add(node.module.split(".")[0])
    return found


@pytest.mark.parametrize("floor", BELOW)
def test_a_floor_imports_only_floors_below(floor: str) -> None:
    files = list((ROOT / floor).rglob("*.py"))
    assert files
    for path in files:
        above = (imports(path) & BELOW.keys()) - BELOW[floor] - {floor}
        assert not above, f"{path.relative_to(ROOT)} imports {above}"


@pytest.mark.parametrize("floor", ["story", "models", "mixing"])
def test_domain_code_knows_no_prefect(floor: str) -> None:
    for path in (ROOT / floor).rglob("*.py"):
        assert "prefect" not in imports(path), path


def test_what_a_model_process_loads_needs_only_numpy() -> None:
    allowed = {"numpy", "models"} | set(__import__("sys").stdlib_module_names)
    for name in ("base.py", "worker.py"):
        assert imports(ROOT / "models" / name) <= allowed
