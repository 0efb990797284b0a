"""Order and size of batches: decided from lengths and measured memory, and what the next run knows of it."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import measured
from models.base import SpeechRequest
from models.batching import MEMORY_SHARE, Sizer, fields_of, group_of, order
from models.generate import Missing, backoff_s, generate
from models.gpu import lease
from models.machine import Machine
from models.process import EngineSpec
from models.takes import TakeStore, take_key
from tests import engines


def line(i: int, text: str = "A line.", voice: str = "a", language: str = "en") -> SpeechRequest:
    return SpeechRequest(f"s{i}", text, {"preset": voice}, language, seed=i)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.floats(0.1, 30.0)), max_size=30))
def test_takes_are_made_voice_by_voice_the_longest_first(lines: list[tuple[str, float]]) -> None:
    requests = [line(i, voice=voice) for i, (voice, _) in enumerate(lines)]
    made = order(requests, [length_s for _, length_s in lines])
    assert sorted(made) == list(range(len(lines)))
    voices = [lines[i][0] for i in made]
    assert voices == sorted(voices)
    for a, b in pairwise(made):
        if lines[a][0] == lines[b][0]:
            assert lines[a][1] >= lines[b][1]


@given(
    budget_mb=st.floats(1000, 80_000),
    loaded_mb=st.floats(0, 8000),
    slope=st.floats(1, 200),
    lengths_s=st.lists(st.floats(0.5, 30), min_size=1, max_size=40),
)
def test_a_batch_never_exceeds_what_was_measured_to_fit(
    budget_mb: float, loaded_mb: float, slope: float, lengths_s: list[float]
) -> None:
    sizer = Sizer(64, budget_mb, loaded_mb)
    biggest = 0
    for longest_s in lengths_s:
        size = sizer.size(longest_s)
        assert 1 <= size <= max(1, 2 * biggest), "nothing is known: it only doubles"
        need_mb = loaded_mb + slope * size * longest_s
        if size > 1 and sizer.slope_mb_per_s:
            assert need_mb <= MEMORY_SHARE * budget_mb + 1e-6 * budget_mb
        sizer.went_well(size, size * longest_s, need_mb)
        biggest = max(biggest, size)


def test_memory_that_does_not_suffice_halves_for_good() -> None:
    sizer = Sizer(32, 1e6)
    for n in (1, 2, 4, 8, 16):
        assert sizer.size(1.0) == n
        sizer.went_well(n, float(n), 0.0)
    sizer.too_much(32)
    assert sizer.size(1.0) == 16
    sizer.too_much(16)
    sizer.too_much(8)
    assert sizer.size(1.0) == 4
    for _ in range(5):
        sizer.too_much(1)
    assert sizer.size(1.0) == 1


def test_what_was_measured_before_is_used_at_once() -> None:
    assert Sizer(64, 10_000, 2000, slope_mb_per_s=50).size(10.0) == 14  # (9000 - 2000) / 500


def test_only_requests_alike_in_what_the_engine_names_go_together() -> None:
    by = ("voice", "language")
    assert group_of(line(1), by) == group_of(line(2, "Another."), by)
    assert group_of(line(1), by) != group_of(line(1, voice="b"), by)
    assert group_of(line(1), ()) == group_of(line(1, voice="b"), ())
    assert "duration_s" in fields_of("sound")
    assert "duration_s" not in fields_of("speech")
    assert "seed" not in fields_of("speech")


def test_pauses_before_a_start_grow_to_a_bound() -> None:
    assert [backoff_s(n) for n in (1, 2, 3, 20)] == [0.25, 0.5, 1.0, 20.0]


class Run:
    """The cramped engine in a stage of its own."""

    def __init__(self, machine: Machine, texts: list[str], **settings: float) -> None:
        spec = EngineSpec(
            name="cramped",
            kind="speech",
            engine=f"{engines.HERE}:Cramped",
            settings={"expect_version": "v1", **settings},
            version="v1",
        )
        requests = [SpeechRequest(f"s{i}", text, {}, "en", seed=i) for i, text in enumerate(texts)]
        self.log: list[str] = []
        with lease(machine, stage="dialogue", model="cramped", needs_mb=0) as held:
            self.missing: list[Missing] = generate(
                spec,
                [(take_key("cramped", "v1", r), r) for r in requests],
                TakeStore(machine.takes_dir),
                machine,
                held,
                expected_s=lambda r: 0.07 * len(getattr(r, "text", "")),
                log=self.log.append,
            )
        self.batches = [int(entry.split()[-1]) for entry in self.log if entry.startswith("batch of")]


def test_batches_grow_until_memory_ends_and_the_next_stage_knows(tmp_path: Path) -> None:
    machine = Machine(home=tmp_path)
    first = Run(machine, [f"This is line {i:02d} of it." for i in range(40)], room_s=12.0)
    assert not first.missing
    assert first.batches[0] == 1, "an unknown model is met with one take"
    assert max(first.batches) == 4, "eight did not fit, so at most half of that"
    assert any("no memory for" in entry for entry in first.log)
    assert sum(first.batches) == 40, "an out-of-memory loses nothing and repeats nothing that was made"
    known = measured.read(machine, "cramped", "v1", "cpu")
    assert known.stages[0].takes == 40
    assert known.batch == max(first.batches) > 1
    assert known.slope_mb_per_s == pytest.approx(10.0, rel=0.05)
    assert known.speed > 0
    assert known.need_mb > known.loaded_mb
    assert measured.read(machine, "cramped", "v2", "cpu").stages == [], "another version is another model"


def test_one_that_never_fits_is_missing_and_costs_the_others_nothing(tmp_path: Path) -> None:
    texts = [f"This is line {i} of it." for i in range(5)]
    run = Run(Machine(home=tmp_path, take_attempts=2), [*texts, "a huge line is this one, very huge"])
    assert [m.id for m in run.missing] == ["s5"]
    assert "out of memory, even alone: OutOfMemory" in run.missing[0].reason
    assert len(list((tmp_path / "takes").rglob("[!.]*.json"))) == 5


def test_only_the_last_stages_count(tmp_path: Path) -> None:
    machine = Machine(home=tmp_path)
    for i in range(measured.WINDOW + 1):
        peak = 9000.0 if i == 0 else 1000.0
        measured.note(
            machine,
            "m",
            "1",
            "cuda:0",
            measured.StageMeasure(
                at=i, loaded_mb=800, peak_mb=peak, single_mb=peak, slope_mb_per_s=1, batch=1, takes=1,
                audio_s=10, busy_s=5, load_s=1,
            ),
        )  # fmt: skip
    known = measured.read(machine, "m", "1", "cuda:0")
    assert known.peak_mb == 1000
    assert known.need_mb == pytest.approx(1100)
    assert known.speed == 2.0
    (tmp_path / "measured" / "m@cuda-0.json").write_text("{")
    assert measured.read(machine, "m", "1", "cuda:0").stages == [], "a damaged file is no news"
