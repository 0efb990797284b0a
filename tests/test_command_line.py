"""What a person types and what comes back: help, wrong usage, wrong input. Never a traceback."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import ROOT, CommandLine, save

COMMANDS = [
    "render",
    "cast",
    "scenes",
    "timeline",
    "voices",
    "models",
    "models install",
    "doctor",
    "serve",
    "schedule add",
    "schedule list",
    "schedule remove",
]


@pytest.fixture(scope="module")
def offline(tmp_path_factory: pytest.TempPathFactory) -> CommandLine:
    """No server: what is checked here must be said before one is started."""
    return CommandLine(tmp_path_factory.mktemp("home"), SOUNDBOUND_PREFECT_API_URL="http://127.0.0.1:9/api")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(offline: CommandLine, command: str) -> None:
    shown = offline(*command.split(), "--help")
    assert shown.status == 0
    assert command.split()[-1] in shown.stdout
    if command != "serve":
        assert "--json" in shown.stdout


NOVELS = {
    "not there": (None, "no such file"),
    "not json": ("{", "line 1"),
    "unknown speaker": (
        '{"title": "T", "characters": [{"id": "pew", "name": "Pew"}], "chapters": [{"id": "c", "number": 1, "segments":'
        ' [{"speaker": "Pw", "content": "Hi."}]}]}',
        "Pew",
    ),
    "empty content": ('[{"speaker": "a", "text": "  "}]', "empty"),
}


@pytest.mark.parametrize("kind", NOVELS)
@pytest.mark.parametrize("command", ["render", "scenes"])
def test_a_wrong_novel_is_one_line_and_exit_2(
    offline: CommandLine, tmp_path: Path, kind: str, command: str
) -> None:
    content, expected = NOVELS[kind]
    path = tmp_path / "novel.json"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    arguments = ["--output", tmp_path / "out"] if command == "render" else []
    shown = offline(command, path, *arguments)
    assert shown.status == 2
    assert len(shown.stderr.strip().splitlines()) == 1
    assert expected.lower() in shown.stderr.lower()
    assert "Traceback" not in shown.stderr
    assert shown.stdout == ""
    assert not (tmp_path / "out").exists(), "no partial output"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["rendr"], "rendr"),
        (["render"], "novel"),
        (["render", "NOVEL", "--chapter", "77"], "chapter"),
        (["render", "NOVEL", "--speech", "kokro"], "kokoro"),
        (["render", "NOVEL", "--format", "ogg"], "ogg"),
        (["render", "NOVEL", "--seed", "-3"], "seed"),
        (["render", "CHINESE", "--speech", "hibari"], "does not speak"),
        (["render", "CHINESE"], "models install kokoro"),
        (["models", "install", "kokro"], "kokoro"),
    ],
)
def test_wrong_usage_says_what_is_right(
    offline: CommandLine, storm: dict, tmp_path: Path, arguments: list[str], expected: str
) -> None:
    places = {"NOVEL": save(storm, tmp_path / "n.json"), "CHINESE": ROOT / "examples" / "yao_luxun.json"}
    shown = offline(*[places.get(a, a) for a in arguments], cwd=tmp_path)
    assert shown.status == 2, shown.stderr
    assert expected in shown.stderr
    assert "Traceback" not in shown.stderr


def test_json_of_a_failure_is_an_object_too(offline: CommandLine, tmp_path: Path) -> None:
    shown = offline("render", tmp_path / "none.json", "--json")
    assert shown.status == 2
    assert shown.json["status"] == "failed"
    assert "none.json" in shown.json["error"]


def test_a_configured_server_that_is_down_is_said_with_a_remedy(
    offline: CommandLine, storm: dict, tmp_path: Path
) -> None:
    shown = offline("render", save(storm, tmp_path / "n.json"), "-o", tmp_path / "out", "--speech", "hibari")
    assert shown.status == 1
    assert "127.0.0.1:9" in shown.stderr
    assert "PREFECT_API_URL" in shown.stderr


@pytest.mark.parametrize("command", ["cast", "scenes", "timeline", "voices", "models"])
def test_looking_commands_print_one_json_object(offline: CommandLine, command: str) -> None:
    novel = (
        [ROOT / "examples" / "treasure_island_ch05.json"] if command in ("cast", "scenes", "timeline") else []
    )
    chapter = ["--chapter", "5"] if command == "timeline" else []
    shown = offline(command, *novel, *chapter, "--json")
    assert shown.status == 0, shown.stderr
    assert isinstance(shown.json, dict)


def test_broken_settings_name_the_file_and_the_field(offline: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "soundbound.toml").write_text('device = "tpu"\n')
    shown = offline("models", cwd=tmp_path)
    assert shown.status == 2
    assert "soundbound.toml" in shown.stderr
    assert "device" in shown.stderr
    (tmp_path / "soundbound.toml").write_text("device = \n")
    assert offline("models", cwd=tmp_path).status == 2


def test_an_engine_of_your_own_is_listed(offline: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "voices.json").write_text(
        json.dumps(
            [
                {
                    "id": "v",
                    "model": "x",
                    "languages": ["en"],
                    "gender": "male",
                    "age": "adult",
                    "pitch_hz": 100,
                }
            ]
        )
    )
    (tmp_path / "soundbound.toml").write_text(
        '[engines.mine]\nkind = "speech"\nengine = "tests.engines:Tone"\nlanguages = ["en"]\nvoices = "voices.json"\n'
    )
    shown = offline("models", "--json", cwd=tmp_path)
    assert shown.status == 0, shown.stderr
    assert "mine" in [m["name"] for m in shown.json["models"]]
