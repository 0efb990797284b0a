"""What end-to-end tests share: a home folder of their own, one Prefect server for the session, the command line."""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from app.server import prefect_server
from models.machine import Machine, default_home
from story.errors import SoundboundError
from tests.ears import kokoro_dir
from tests.waiting import tails

__all__ = ["kokoro_dir"]

ROOT = Path(__file__).resolve().parent.parent

# No deadline: how long an example takes says more about what else the machine does than about us. In CI the same
# examples every time; on a developer's machine new ones.
settings.register_profile("soundbound", deadline=None, derandomize=bool(os.environ.get("CI")))
settings.load_profile("soundbound")

# The longest files, so that `make test`, which gives whole files to its workers, does not end waiting for one of them.
LONGEST_FIRST = (
    "test_serve", "test_listening", "test_crash", "test_kokoro", "test_render", "test_together",
    "test_mixing_property", "test_page",
)  # fmt: skip

STORM: dict[str, Any] = {
    "title": "The Storm",
    "author": "Soundbound",
    "language": "en",
    "characters": [
        {"id": "narrator", "name": "Narrator", "gender": "female", "role": "narrator"},
        {"id": "tom", "name": "Tom", "gender": "male", "age": "adult", "role": "major"},
        {
            "id": "anna",
            "name": "Anna",
            "gender": "female",
            "age": "young",
            "role": "major",
            "aliases": ["the girl"],
        },
    ],
    "chapters": [
        {
            "id": "ch01",
            "number": 1,
            "title": "The Knock",
            "segments": [
                {"type": "heading", "speaker": "narrator", "content": "The Knock"},
                {
                    "speaker": "narrator",
                    "content": "It was night, and the rain fell steadily on the dark road.",
                },
                {
                    "speaker": "narrator",
                    "content": "Suddenly somebody knocked three times at the door of the inn.",
                },
                {
                    "type": "dialogue",
                    "speaker": "Tom",
                    "content": "Who is there at this hour?",
                    "emotion": "fearful",
                },
                {"speaker": "narrator", "content": "asked Tom in a low voice."},
                {
                    "type": "dialogue",
                    "speaker": "the girl",
                    "content": "Open the door! They are coming!",
                    "emotion": "angry",
                },
                {
                    "speaker": "narrator",
                    "content": "A pistol shot rang out from the hill, and then the door opened with a creak.",
                },
                {
                    "type": "dialogue",
                    "speaker": "tom",
                    "content": "Come in quickly, and be quiet.",
                    "style": "whisper",
                },
                {"speaker": "narrator", "content": "She came in, and her footsteps rang on the stone floor."},
            ],
        }
    ],
}


@dataclass
class Answer:
    """What a command line run left behind."""

    status: int
    stdout: str
    stderr: str

    @property
    def json(self) -> dict[str, Any]:
        return json.loads(self.stdout)


class CommandLine:
    """Runs `soundbound …` as a person would, with a home of its own."""

    def __init__(self, home: Path, **environment: str) -> None:
        self.home = home
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("PREFECT_", "SOUNDBOUND_"))}
        self.environment = {**kept, "SOUNDBOUND_HOME": str(home), **environment}

    def start(self, *arguments: object, **more: Any) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "app.cli", *map(str, arguments)]
        pipes: dict[str, Any] = {
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
            "text": True,
            "encoding": "utf-8",
        }
        return subprocess.Popen(command, **{"cwd": ROOT, "env": self.environment, **pipes, **more})

    def __call__(self, *arguments: object, patience_s: float = 600, **more: Any) -> Answer:
        process = self.start(*arguments, **more)
        try:
            stdout, stderr = process.communicate(timeout=patience_s)
        except subprocess.TimeoutExpired:
            process.kill()
            stdout, stderr = process.communicate()
            raise AssertionError(
                f"soundbound {arguments} did not end in {patience_s:.0f} s\n{stderr}"
            ) from None
        return Answer(process.returncode, stdout, stderr)


def new_home(folder: Path) -> Path:
    """A home with takes, locks and server of its own, and the installed models of the default one."""
    folder.mkdir(parents=True, exist_ok=True)
    installed = Path(os.environ.get("SOUNDBOUND_HOME") or default_home()) / "models"
    installed.mkdir(parents=True, exist_ok=True)
    (folder / "models").symlink_to(installed, target_is_directory=True)
    return folder


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return new_home(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="session")
def server(home: Path) -> Iterator[str]:
    """One local Prefect server for the whole session, kept up by holding its client lock."""
    try:
        with prefect_server(home) as url:
            yield url
    except SoundboundError as e:
        pytest.fail(f"{e}\n{tails([home / 'prefect' / 'server.log'])}")


@pytest.fixture
def machine(home: Path, server: str) -> Machine:
    return Machine(home=home)


@pytest.fixture
def soundbound(home: Path, server: str) -> CommandLine:
    return CommandLine(home)


@pytest.fixture
def storm() -> dict[str, Any]:
    return copy.deepcopy(STORM)


def save(novel: dict[str, Any], path: Path) -> Path:
    path.write_text(json.dumps(novel, ensure_ascii=False), encoding="utf-8")
    return path


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    order = {name: place for place, name in enumerate(LONGEST_FIRST)}
    items.sort(key=lambda item: order.get(item.path.stem, len(order)))
