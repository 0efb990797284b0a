"""A model process and what the stage makes of its good days and its bad ones. Real processes, real pipes."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from models.base import SpeechRequest
from models.generate import Missing, generate
from models.gpu import lease
from models.machine import Machine
from models.process import EngineSpec, ModelError, ModelProcess
from models.takes import Take, TakeStore, take_key
from tests import engines

ROOT = Path(__file__).resolve().parent.parent


def engine(name: str, **settings: object) -> EngineSpec:
    return EngineSpec(
        name=name.lower(),
        kind="speech",
        engine=f"{engines.HERE}:{name}",
        settings={"expect_version": "v1", **settings},
        version="v1",
    )


class Run:
    """One `generate` with everything it said."""

    def __init__(self, home: Path, spec: EngineSpec, lines: list[str], take_timeout_s: float = 30.0) -> None:
        machine = Machine(home=home, take_timeout_s=take_timeout_s)
        self.store, self.takes, self.log = TakeStore(machine.takes_dir), list[Take](), list[str]()
        requests = [
            SpeechRequest(id=f"s{i}", text=text, voice={}, language="en") for i, text in enumerate(lines)
        ]
        self.keys = {take_key(spec.name, spec.version, r): r for r in requests}
        with lease(machine, stage="dialogue", model=spec.name, needs_mb=0) as held:
            self.missing: list[Missing] = generate(
                spec,
                list(self.keys.items()),
                self.store,
                machine,
                held,
                expected_s=lambda _: 0.0,
                on_take=self.takes.append,
                log=self.log.append,
            )
        self.lease_log = (machine.lock_dir / "cpu.log").read_text()


def test_all_lines_become_takes_streamed_as_they_are_made(tmp_path: Path) -> None:
    run = Run(tmp_path, engine("Tone"), [f"This is line number {i} of the chapter." for i in range(12)])
    assert not run.missing
    assert {t.key for t in run.takes} == set(run.keys)
    for key, request in run.keys.items():
        take = run.store.get(key)
        assert take is not None
        assert take.attempts == 1
        assert take.words is not None
        assert 0 <= take.words[0].start_s < take.words[0].end_s <= take.duration_s + 1e-3
        assert take.request["text"] == request.text
    assert run.lease_log.count("model started") == run.lease_log.count("model ended") == 1


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("this line raises in the engine", "RuntimeError: the engine does not like this line"),
        ("this line cannot be made", "there is no sound for it"),
        ("this line is only silence", "silence"),
        ("this line has a nan in it", "not finite"),
        ("this line hangs the engine", "no answer within"),
        ("this line dies in the engine", "process ended"),
    ],
)
def test_a_take_that_cannot_be_made_is_missing_with_its_reason_and_the_others_are_there(
    tmp_path: Path, line: str, reason: str
) -> None:
    run = Run(
        tmp_path,
        engine("Faulty"),
        ["The first line is fine.", line, "The last line is fine."],
        take_timeout_s=1.0,
    )
    assert [m.id for m in run.missing] == ["s1"]
    assert reason in run.missing[0].reason
    assert len(run.takes) == 2
    assert all(run.store.get(t.key) for t in run.takes)


# A process lost once may have been lost from outside: the same request is made again before another seed is tried.
@pytest.mark.parametrize(("fault", "attempts"), [("raises", 2), ("silence", 2), ("hangs", 3), ("dies", 3)])
def test_a_fault_that_passes_costs_attempts_and_nothing_else(
    tmp_path: Path, fault: str, attempts: int
) -> None:
    run = Run(
        tmp_path,
        engine("Faulty"),
        [f"this line {fault} once in the engine", "A good line."],
        take_timeout_s=1.0,
    )
    assert not run.missing
    by_text = {t.request["text"]: t.attempts for t in run.takes}
    assert by_text["A good line."] == 1
    assert by_text[f"this line {fault} once in the engine"] == attempts


def test_an_engine_that_prints_does_not_break_the_protocol(tmp_path: Path) -> None:
    run = Run(tmp_path, engine("Faulty"), ["this line prints a lot"])
    assert not run.missing
    assert "an engine that prints on stdout" in run.log


def test_an_engine_that_cannot_load_says_why(tmp_path: Path) -> None:
    with pytest.raises(
        ModelError, match=r"engine broken: could not be loaded: RuntimeError: no weights here.*doctor"
    ):
        Run(tmp_path, engine("Broken"), ["A line."])


def test_an_interpreter_that_is_not_there_says_which(tmp_path: Path) -> None:
    spec = engine("Tone").model_copy(update={"python": tmp_path / "no-python"})
    with pytest.raises(ModelError, match=r"no-python could not be started"):
        Run(tmp_path, spec, ["A line."])


def test_weights_other_than_the_ones_takes_are_kept_for_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="reports version 'v1', but takes are kept for 'v2'"):
        Run(tmp_path, engine("Tone").model_copy(update={"version": "v2"}), ["A line."])


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except OSError:
        return False


def test_leaving_the_stage_ends_the_process(tmp_path: Path) -> None:
    with ModelProcess(engine("Tone"), tmp_path, print) as process:
        pid = process.pid
        assert alive(pid)
    assert not alive(pid)


def test_killing_the_parent_kills_the_model(tmp_path: Path) -> None:
    script = textwrap.dedent(f"""
        import sys, time
        from pathlib import Path
        from models.process import EngineSpec, ModelProcess
        spec = EngineSpec.model_validate_json({engine("Tone").model_dump_json()!r})
        with ModelProcess(spec, Path({str(tmp_path)!r}), print) as process:
            print(process.pid, flush=True)
            time.sleep(600)
    """)
    parent = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, cwd=ROOT, env={**os.environ}
    )
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    assert alive(pid)
    parent.kill()
    parent.wait()
    deadline = time.monotonic() + 10
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not alive(pid)
