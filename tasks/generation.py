"""What the three GPU stages share: which takes are there, and making the others under the device lease.

`find` runs untagged, before the slot is asked for: with nothing missing there is no GPU stage at all.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator
from typing import Any

from prefect.logging import get_run_logger
from pydantic import BaseModel, ConfigDict

from models import claims
from models.base import SoundRequest, SpeechRequest
from models.generate import Missing, Request, generate
from models.gpu import lease
from models.machine import Machine
from models.process import EngineSpec
from models.takes import Take, TakeStore, take_key
from story.durations import estimate_duration_s
from tasks.device_view import run_facts, shown
from tasks.progress import StageProgress

LINE_S = (
    0.4  # of audio: what a line costs beside its length (Kokoro, 111 lines of 0.5 to 49 s in two languages)
)


class Wanted(BaseModel):
    """One take wanted at one place; several places may want the same take."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    id: str
    key: str
    engine: EngineSpec
    request: SpeechRequest | SoundRequest


class Found(BaseModel):
    """Takes by place, and what is still missing."""

    takes: dict[str, Take]
    absent: list[Wanted]


class Generated(BaseModel):
    """What a stage made: takes by key, and what could not be made."""

    made: dict[str, Take] = {}
    missing: list[Missing] = []


def want(engine: EngineSpec, request: Request) -> Wanted:
    return Wanted(
        id=request.id, key=take_key(engine.name, engine.version, request), engine=engine, request=request
    )


def find(wanted: list[Wanted], store: TakeStore) -> Found:
    """Look every key up once (a damaged take counts as missing)."""
    by_key = {key: store.get(key) for key in dict.fromkeys(w.key for w in wanted)}
    return Found(
        takes={w.id: take for w in wanted if (take := by_key[w.key]) is not None},
        absent=[w for w in wanted if by_key[w.key] is None],
    )


def stable_seed(*parts: object) -> int:
    """A 31-bit seed from a hash of the parts."""
    digest = hashlib.sha256("\x1f".join(map(str, parts)).encode()).digest()
    return int.from_bytes(digest[:4], "big") >> 1


def expected_s(request: Request) -> float:
    """A request's expected length in seconds."""
    if isinstance(request, SoundRequest):
        return request.duration_s
    return estimate_duration_s(request.text, request.language, request.speed, request.pause_scale)


def work_of(request: Request) -> float:
    """What a take costs, for estimates: its length, and a spoken line a little more, however short it is."""
    return expected_s(request) + (LINE_S if isinstance(request, SpeechRequest) else 0.0)


def make(stage: str, unit: str, absent: list[Wanted], machine: Machine) -> Generated:
    """Make the absent takes, engine by engine, each under the lease with the device to itself."""
    logger = get_run_logger()
    store = TakeStore(machine.takes_dir)
    unique = list({w.key: w for w in absent}.values())
    result = Generated()
    # A retried stage, or a run that waited for another one's slot, may find takes made meanwhile.
    now = find(unique, store)
    result.made.update({w.key: now.takes[w.id] for w in unique if w.id in now.takes})
    work = {w.key: work_of(w.request) for w in now.absent}
    names = "+".join(dict.fromkeys(w.engine.name for w in now.absent))
    progress = StageProgress(stage, len(now.absent), unit, work=sum(work.values()), by=names)

    def on_take(take: Take) -> None:
        result.made[take.key] = take
        progress.advance(str(take.request.get("text") or take.request.get("prompt", "")), work=work[take.key])

    def on_missing(gone: Missing) -> None:
        logger.warning("%s %s could not be made: %s", unit, gone.id, gone.reason)
        progress.advance(work=work[gone.key])

    for engine in {w.engine.name: w.engine for w in now.absent}.values():
        jobs = [(w.key, w.request) for w in now.absent if w.engine.name == engine.name]
        logger.info("%s: %d %ss with %s on %s", stage, len(jobs), unit, engine.name, engine.device)

        def waiting(why: str) -> None:
            logger.info("%s", why)
            progress.waiting(why)

        facts = run_facts()
        with (
            claimed(machine, stage, engine, facts),
            lease(
                machine,
                stage=stage,
                model=engine.name,
                needs_mb=engine.memory_mb,
                device=engine.device,
                about=facts,
                waiting=waiting,
            ) as held,
            shown(held),
        ):
            progress.at_work()
            progress.next_engine()
            result.missing += generate(
                engine,
                jobs,
                store,
                machine,
                held,
                expected_s=expected_s,
                work_of=work_of,
                on_take=on_take,
                on_missing=on_missing,
                on_pace=progress.paced,
                log=lambda line, name=engine.name: logger.info("[%s] %s", name, line),
            )
    progress.finish()
    return result


@contextlib.contextmanager
def claimed(machine: Machine, stage: str, engine: EngineSpec, facts: dict[str, Any]) -> Iterator[None]:
    """Prove to the other runs that the holder of the slot lives, as long as it does."""
    if not facts:
        yield
        return
    about = {"stage": stage, "model": engine.name, "device": engine.device, **facts}
    with claims.claim(machine.claims_dir, facts["task_run"], about):
        yield


def stage_timeout_s(absent: list[Wanted], machine: Machine) -> float:
    """Far more than a stage should take: all attempts at their limits would be a fault of the engine."""
    audio_s = sum(expected_s(w.request) for w in absent)
    return machine.lease_timeout_s + machine.start_timeout_s + 10 * machine.take_timeout_s + 60 * audio_s
