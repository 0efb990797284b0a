"""The Prefect slot of a dead holder is freed, with proof, under the device's lock; anybody else's is left alone."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import time
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import ConcurrencyLeaseHolder
from prefect.concurrency import _sync
from prefect.concurrency.context import ConcurrencyContext

from flows import RenderOptions, render_chapter, slots
from flows.limit import ensure_limit, limit_name
from flows.slots import free_dead, free_leaked, leaks
from models.claims import claim
from models.gpu import lease
from models.machine import Machine
from tests.conftest import CommandLine, new_home, save


@pytest.fixture
def own(machine: Machine, tmp_path: Path) -> Machine:
    """A machine with a tag and locks of its own."""
    machine = machine.model_copy(update={"home": tmp_path, "gpu_tag": f"gpu-{tmp_path.name}"})
    ensure_limit(machine.tag)
    return machine


def take_slot(machine: Machine) -> str:
    holder = uuid4()
    with get_client(sync_client=True) as client:
        client.increment_concurrency_slots_with_lease(
            [limit_name(machine.tag)],
            1,
            "concurrency",
            60,
            ConcurrencyLeaseHolder(type="task_run", id=holder),
        ).raise_for_status()
    return str(holder)


def active(machine: Machine) -> int:
    with get_client(sync_client=True) as client:
        return client.read_global_concurrency_limit_by_name(limit_name(machine.tag)).active_slots


def dead_claim(machine: Machine, holder: str) -> None:
    """What a killed holder leaves: its file, which nobody locks any more."""
    machine.claims_dir.mkdir(parents=True, exist_ok=True)
    about = {"pid": 99999, "stage": "dialogue", "model": "m", "device": "cpu"}
    (machine.claims_dir / f"{holder}.json").write_text(json.dumps(about))


def test_a_dead_holders_slot_is_freed(own: Machine) -> None:
    holder = take_slot(own)
    dead_claim(own, holder)
    assert leaks(own) == ["process 99999 (dialogue) holds it and is dead"]
    assert free_dead(own) == [
        f"the slot tag:{own.tag} was freed from process 99999 (dialogue), which is dead"
    ]
    assert active(own) == 0
    assert leaks(own) == []
    take_slot(own)  # and can be taken again


def test_not_while_a_model_is_at_work_on_the_device(own: Machine) -> None:
    dead_claim(own, take_slot(own))
    with lease(own, stage="s", model="m", needs_mb=0):
        assert free_dead(own) == []
        assert free_leaked(own) == []
    assert active(own) == 1


@pytest.mark.parametrize("known", [True, False], ids=["alive", "of another host"])
def test_a_holder_that_lives_or_is_not_known_keeps_its_slot(own: Machine, known: bool) -> None:
    holder = take_slot(own)
    alive = claim(own.claims_dir, holder, {"stage": "s"}) if known else contextlib.nullcontext()
    with alive:
        assert free_dead(own) == []
        assert free_leaked(own) == []
    assert active(own) == 1


def test_a_slot_that_nobody_holds_is_freed(own: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flows.slots.SETTLE_S", 0.1)
    with get_client(sync_client=True) as client:
        client.increment_concurrency_slots([limit_name(own.tag)], 1, "concurrency").raise_for_status()
    assert leaks(own) == ["it is taken, but nobody holds it"]
    assert free_leaked(own) == [f"1 slot of tag:{own.tag} that nobody held was freed"]
    assert active(own) == 0


def test_after_a_kill_the_next_run_does_not_wait_for_prefects_lease(
    soundbound: CommandLine, server: str, storm: dict, tmp_path: Path
) -> None:
    """The server survives, the holder does not: the run that waits finds that out and goes on."""
    tag = f"gpu-{tmp_path.name}"
    line = CommandLine(soundbound.home, SOUNDBOUND_GPU_TAG=tag, SOUNDBOUND_PREFECT_API_URL=server)
    arguments = ("render", save(storm, tmp_path / "n.json"), "--speech", "hibari", "--seed", 77, "--json")
    first = line.start(*arguments, "-o", tmp_path / "a")
    claims = soundbound.home / "locks" / "claims"
    while not list(claims.glob("*.json")) and first.poll() is None:
        time.sleep(0.02)
    os.kill(first.pid, signal.SIGKILL)
    first.communicate()
    with get_client(sync_client=True) as client:
        assert client.read_concurrency_limit_by_tag(tag).active_slots, "Prefect believes it is held"
    began = time.time()
    second = line(*arguments, "-o", tmp_path / "b")
    assert second.status == 0, second.stderr
    assert "held by process" in " ".join(second.stderr.split())
    log = (soundbound.home / "locks" / "cpu.log").read_text().splitlines()
    acquired = [json.loads(e) for e in log if '"acquired"' in e]
    assert min(e["t"] for e in acquired if e["t"] > began and e["pid"] != first.pid) - began < 45, (
        "Prefect alone would have freed it after 48 s at the earliest"
    )


def test_what_a_dying_server_leaves_of_our_own_slot_is_freed_at_once(
    own: Machine, storm: dict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first stage cannot give its slot back, the second never hears that it was given it, before the third one was
    taken for nobody. Prefect alone would need a minute for each of the first two, and the third would wait for ever."""
    release, acquire = _sync.release_concurrency_slots_with_lease, _sync.acquire_concurrency_slots_with_lease
    calls = {"release": 0, "acquire": 0}
    freed: list[str] = []

    def broken_release(lease_id: UUID) -> None:
        calls["release"] += 1
        if calls["release"] == 1:
            context = ConcurrencyContext.get()
            assert context is not None
            context.cleanup_lease_ids.clear()  # Prefect's second try fails as well
            raise httpx.ConnectError("the server is away")
        release(lease_id)

    def deaf_acquire(names: list[str], *more, **options):
        if names == [limit_name(own.tag)]:
            calls["acquire"] += 1
            if calls["acquire"] == 3:  # the first stage asked twice
                acquire(names, *more, **options)
            if calls["acquire"] == 4:
                with get_client(sync_client=True) as client:
                    client.increment_concurrency_slots(names, 1, "concurrency").raise_for_status()
        return acquire(names, *more, **options)

    monkeypatch.setattr(_sync, "release_concurrency_slots_with_lease", broken_release)
    monkeypatch.setattr(_sync, "acquire_concurrency_slots_with_lease", deaf_acquire)
    monkeypatch.setattr("flows.gpu_stage.SERVER_PAUSE_S", 0.1)
    for name, seconds in (("FIRST_LOOK_S", 0.2), ("LOOK_EVERY_S", 1.0), ("SETTLE_S", 0.1)):
        monkeypatch.setattr(f"flows.slots.{name}", seconds)
    for name in ("free_dead", "free_leaked"):
        done = getattr(slots, name)
        monkeypatch.setattr(
            slots, name, lambda *a, done=done, **k: freed.extend(found := done(*a, **k)) or found
        )

    options = RenderOptions(output=tmp_path / "out", speech="hibari")
    new_home(own.home)
    result = render_chapter(save(storm, tmp_path / "n.json"), "1", options, own)
    assert result.status == "completed"
    assert calls["acquire"] == 4, freed
    *unused, leaked = freed
    assert all(sentence.endswith("which does not use it") for sentence in unused)
    assert len(unused) == len(set(unused)) == 2, (
        "the first stage's attempt, and the second's that never heard: once each"
    )
    assert leaked == f"1 slot of tag:{own.tag} that nobody held was freed"
    assert active(own) == 0
