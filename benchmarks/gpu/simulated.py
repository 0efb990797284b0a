"""One card, two models: both at once, as most pipelines do, against one after the other under the lease.

No GPU is needed: the card is a memory budget (benchmarks/gpu/card.py), the models are as large as MegaTTS3 and
TangoFlux are said to be (MODELS.md: 6-10 GB with its work, and 3.8 GB in fp32 with its VAE's work on top).

    python -m benchmarks.gpu.simulated [--trials 10]      # writes benchmarks/gpu/simulated.json
"""

from __future__ import annotations

import argparse
import json
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from benchmarks.gpu import card
from models.base import SpeechRequest
from models.devices import Memory
from models.generate import generate
from models.gpu import Probe, lease
from models.machine import Machine
from models.process import Done, EngineSpec, Finished, ModelError, ModelProcess, NoMemory
from models.takes import TakeStore, take_key

RESULT = Path(__file__).with_name("simulated.json")
CARDS_MB = {"8 GB": 8192, "12 GB": 12288, "16 GB": 16384, "24 GB": 24576}
OTHERS_MB = 600.0  # a desktop's own
MODELS = {
    "speech": {"size_mb": 4500.0, "work_mb": [500.0, 2300.0]},  # the work varies with the line's length
    "sound": {"size_mb": 3900.0, "work_mb": [400.0, 2600.0]},
}
TAKES = 12
QUICK = {"load_s": 0.02, "take_s": 0.004}
LIFELIKE = {"load_s": 3.0, "take_s": 0.2}
LIFELIKE_TAKES = 60


def spec(name: str, ledger: Path, card_mb: float, trial: int, pace: dict[str, float]) -> EngineSpec:
    settings = {**MODELS[name], **pace, "card": str(ledger), "card_mb": card_mb - OTHERS_MB, "seed": trial}
    return EngineSpec(
        name=name,
        kind="speech",
        engine="benchmarks.gpu.card:Model",
        settings={**settings, "version": "1"},
        version="1",
        device="cuda:0",
        memory_mb=MODELS[name]["size_mb"] + MODELS[name]["work_mb"][1],
    )


def requests(trial: int, count: int) -> list[SpeechRequest]:
    return [
        SpeechRequest(f"{i}", f"This is line {i} of trial {trial}.", {}, "en", seed=i) for i in range(count)
    ]


def together(folder: Path, card_mb: float, trial: int) -> bool:
    """Both models are loaded at once and work side by side; one out-of-memory is a failed run."""
    failed = threading.Event()

    def one(name: str) -> None:
        (folder / name).mkdir()
        try:
            engine = spec(name, folder / "card", card_mb, trial, QUICK)
            with ModelProcess(engine, folder / name, lambda _: None) as process:
                for n, request in enumerate(requests(trial, TAKES)):
                    process.submit({n: request})
                left = TAKES
                while left and not failed.is_set():
                    answer = process.answer(30)
                    if isinstance(answer, NoMemory) or answer is None:
                        failed.set()
                    elif isinstance(answer, Finished):
                        left -= 1
                    elif isinstance(answer, Done):
                        answer.wav.unlink()
        except ModelError:
            failed.set()

    threads = [threading.Thread(target=one, args=(name,)) for name in MODELS]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return not failed.is_set()


def one_after_the_other(
    folder: Path, card_mb: float, trial: int, pace: dict[str, float], takes: int
) -> tuple[bool, float]:
    """Under the lease; whether every take was made, and how long it took."""

    def memory(_: str) -> Memory:
        return Memory(card_mb - OTHERS_MB - card.used_mb(folder / "card"), card_mb)

    probe = Probe(memory, lambda _: [], lambda _: True, lambda _: "card")
    machine = Machine(home=folder / "home", locks=folder / "locks", device="cuda:0", memory_wait_s=5)
    store, whole, began = TakeStore(folder / "takes"), True, time.monotonic()
    for name in MODELS:
        engine = spec(name, folder / "card", card_mb, trial, pace)
        wanted = [(take_key(name, "1", r), r) for r in requests(trial, takes)]
        with lease(machine, stage=name, model=name, needs_mb=engine.memory_mb, probe=probe) as held:
            missing = generate(engine, wanted, store, machine, held, expected_s=lambda r: 0.07 * len(r.text))
        whole = whole and not missing
    return whole, time.monotonic() - began


def fits(card_mb: float) -> bool:
    """Whether the larger model fits at all."""
    return max(m["size_mb"] + m["work_mb"][1] for m in MODELS.values()) <= card_mb - OTHERS_MB


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--trials", type=int, default=10)
    trials = parser.parse_args().trials
    rows: list[dict[str, Any]] = []
    for name, card_mb in CARDS_MB.items():
        if not fits(card_mb):
            raise SystemExit(f"{name}: the larger model does not fit alone")
        ok = {"together": 0, "one after the other": 0}
        for trial in range(trials):
            with tempfile.TemporaryDirectory() as t:
                ok["together"] += together(Path(t), card_mb, trial)
            with tempfile.TemporaryDirectory() as t:
                ok["one after the other"] += one_after_the_other(Path(t), card_mb, trial, QUICK, TAKES)[0]
        rows.append({"card": name, "trials": trials, **ok})
        print(rows[-1], flush=True)
    own_s = len(MODELS) * (LIFELIKE["load_s"] + LIFELIKE_TAKES * LIFELIKE["take_s"])
    with tempfile.TemporaryDirectory() as t:
        whole, took_s = one_after_the_other(Path(t), CARDS_MB["12 GB"], 0, LIFELIKE, LIFELIKE_TAKES)
    cost = {
        "whole": whole,
        "models_own_s": own_s,
        "took_s": round(took_s, 2),
        "more_percent": round(100 * (took_s / own_s - 1), 1),
    }
    print(cost)
    RESULT.write_text(json.dumps({"cards": rows, "cost": cost}, indent=1) + "\n")


if __name__ == "__main__":
    main()
