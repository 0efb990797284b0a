"""What any engine must do, seen through the pipe: run for every engine of the catalog that can run here.

To add an engine: an entry in models/data/catalog.json, and, if its weights are not here, a line in
tests/conformance.py:PREPARED. See docs/gpu.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from models import catalog
from models.base import SpeechRequest
from models.batching import Request, fields_of
from models.generate import generate
from models.gpu import lease
from models.machine import Machine
from models.process import Began, Died, Done, EngineSpec, Failed, Finished, ModelProcess, NoMemory
from models.takes import TakeStore, take_key
from tests import conformance, engines
from tests.conformance import Case

BATCH_TOLERANCE = 1e-5  # of full scale: what a batch's other items may change of a take
SECONDS = 120.0


@dataclass
class Answers:
    """Everything said to one order."""

    done: dict[int, Done]
    failed: dict[int, Failed]
    samples: dict[int, np.ndarray]  # (channels, samples)
    rate_hz: int
    finished: Finished


class Running:
    """An engine in its process, its case, and a way to ask it."""

    def __init__(self, case: Case, process: ModelProcess) -> None:
        self.case, self.process, self._n = case, process, 0
        self.singles = [self.make([r]) for r in case.requests]

    def make(self, requests: list[Request]) -> Answers:
        first = self._n
        self._n += len(requests)
        self.process.submit({first + i: r for i, r in enumerate(requests)})
        done, failed, samples, rate_hz = {}, {}, {}, 0
        began = False
        while True:
            answer = self.process.answer(SECONDS)
            assert answer is not None, "no answer"
            assert not isinstance(answer, Died | NoMemory), answer
            if isinstance(answer, Began):
                assert not began, "an order begins once"
                began = True
                assert answer.ns == list(range(first, first + len(requests)))
            elif isinstance(answer, Done):
                data, rate_hz = sf.read(answer.wav, dtype="float32", always_2d=True)
                done[answer.n - first], samples[answer.n - first] = answer, data.T
            elif isinstance(answer, Failed):
                failed[answer.n - first] = answer
            else:
                assert began
                assert isinstance(answer, Finished)
                assert len(done) + len(failed) == len(requests), "one answer for each request"
                return Answers(done, failed, samples, rate_hz, answer)


@pytest.fixture(scope="module", params=conformance.names())
def running(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    name = request.param
    folder = tmp_path_factory.mktemp(name.replace(".", "-"))
    if name == "kokoro":
        request.getfixturevalue("kokoro_dir")
    machine = conformance.machine_for(name, Machine(home=_home()), folder)
    if why := catalog.lacking(catalog.entries(machine)[name], machine):
        pytest.skip(f"{name} cannot run here: {'; '.join(why)}")
    case = conformance.case(name, machine)
    with ModelProcess(case.spec, folder, print, SECONDS) as process:
        yield Running(case, process)
    assert process.exit_status is not None, "leaving the stage ends the process"


def _home() -> Path:
    from tests.ears import models_dir

    return models_dir().parent


def test_it_says_what_it_is(running: Running) -> None:
    ready, case = running.process.ready, running.case
    assert ready.lanes >= 1
    assert ready.batch >= 1
    assert set(ready.batch_by) <= fields_of(case.spec.kind)
    assert ready.memory_mb >= 0
    assert case.spec.version, "and it was checked against what the process reported"


def test_it_makes_what_is_asked(running: Running) -> None:
    for request, made in zip(running.case.requests, running.singles, strict=True):
        samples = made.samples[0]
        assert 8000 <= made.rate_hz <= 192_000
        assert samples.shape[0] in (1, 2)
        assert np.isfinite(samples).all()
        assert 1e-3 < np.abs(samples).max() < 4.0, "nominally within -1..1"
        duration_s = samples.shape[1] / made.rate_hz
        if isinstance(request, SpeechRequest):
            assert 0.3 < duration_s < 30
        else:
            assert duration_s == pytest.approx(request.duration_s, abs=0.1)
        assert made.finished.compute_s >= 0
        assert made.finished.memory_mb >= 0


def test_word_times_lie_in_text_and_audio(running: Running) -> None:
    for request, made in zip(running.case.requests, running.singles, strict=True):
        words = made.done[0].words
        if words is None:
            continue
        assert isinstance(request, SpeechRequest)
        duration_s = made.samples[0].shape[1] / made.rate_hz
        for a, b in pairwise(words):
            assert a.char_end <= b.char_start
            assert a.start_s <= b.start_s
        for word in words:
            assert 0 <= word.char_start < word.char_end <= len(request.text)
            assert 0 <= word.start_s <= word.end_s <= duration_s + 0.01


def test_the_same_request_gives_the_same_audio_wherever_it_is_used(running: Running) -> None:
    first = running.case.requests[0]
    again = running.make([replace(first, id="somewhere else")])
    assert np.array_equal(again.samples[0], running.singles[0].samples[0])


def test_a_further_attempt_is_audio_too(running: Running) -> None:
    first = running.case.requests[0]
    made = running.make([replace(first, attempt=1, seed=first.seed + 1)])
    assert np.isfinite(made.samples[0]).all()
    assert np.abs(made.samples[0]).max() > 1e-3


def test_what_it_cannot_make_it_refuses_for_good_and_goes_on(running: Running) -> None:
    refused = running.make([running.case.impossible])
    assert not refused.done
    assert refused.failed[0].final, refused.failed[0].error
    assert refused.failed[0].error
    assert running.make([running.case.requests[1]]).done


def test_a_batch_makes_of_each_what_it_would_make_alone(running: Running) -> None:
    if running.process.ready.batch == 1:
        pytest.skip("it makes one at a time")
    asked = running.case.requests
    made = running.make([asked[0], running.case.impossible, *asked[1:]] if alike(running) else asked)
    wanted = [i for i in range(len(made.samples) + len(made.failed)) if i not in made.failed]
    assert len(wanted) == len(asked)
    for i, single in zip(wanted, running.singles, strict=True):
        assert made.samples[i].shape == single.samples[0].shape
        assert np.abs(made.samples[i] - single.samples[0]).max() <= BATCH_TOLERANCE


def alike(running: Running) -> bool:
    """Whether the impossible request may stand in a batch with the others."""
    return all(
        getattr(running.case.impossible, name) == getattr(running.case.requests[0], name)
        for name in running.process.ready.batch_by
    )


def test_an_engine_with_every_fault_at_once_costs_only_the_faulty_takes(tmp_path: Path) -> None:
    """The scripted worker that misbehaves: what is due to it is missing, with the reason; all else is made."""
    good = [f"This is a good line, number {i}." for i in range(6)]
    bad = {
        "this line raises in the engine": "RuntimeError",
        "this line cannot be made": "no sound",
        "this line hangs the engine": "no answer within",
        "this line dies in the engine": "process ended",
        "this line is only silence": "silence",
        "this line has a nan in it": "not finite",
        "this line is huge": "out of memory, even alone",
    }
    spec = EngineSpec(
        name="misbehaving",
        kind="speech",
        engine=f"{engines.HERE}:Misbehaving",
        settings={"expect_version": "v1"},
        version="v1",
    )
    machine = Machine(home=tmp_path, take_timeout_s=1.0, take_attempts=2)
    requests = [SpeechRequest(f"s{i}", text, {}, "en") for i, text in enumerate([*good[:3], *bad, *good[3:]])]
    store, log = TakeStore(machine.takes_dir), list[str]()
    with lease(machine, stage="dialogue", model="misbehaving", needs_mb=0) as held:
        missing = generate(
            spec,
            [(take_key(spec.name, "v1", r), r) for r in requests],
            store,
            machine,
            held,
            expected_s=lambda _: 0.0,
            log=log.append,
        )
    text_of = {r.id: r.text for r in requests}
    reasons = {text_of[m.id]: m.reason for m in missing}
    assert reasons.keys() == bad.keys()
    for text, part in bad.items():
        assert part in reasons[text]
    for request in requests:
        made = store.get(take_key(spec.name, "v1", request))
        assert (made is None) == (request.text in bad)
        if made:
            assert made.attempts == 1, "a neighbour's fault costs no attempt"
    assert any("prints a lot" in line for line in log)
