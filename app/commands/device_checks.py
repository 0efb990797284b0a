"""The part of `soundbound doctor` that looks at the device: card, memory, who is on it, the slot, a short render."""

from __future__ import annotations

import importlib.util
import json
import tempfile
import time
from pathlib import Path

from app.commands.check import Check
from app.settings import Settings
from models import catalog, devices
from models.devices import device_memory, processes_on
from models.gpu import describe, who_holds
from models.machine import Machine
from story.errors import SoundboundError

CRASHED_CARD = "look at nvidia-smi and dmesg"
LINES = {
    "en": ["Two lines are enough to see that everything works.", "The rain fell, and somebody knocked."],
    "zh": ["两句话就够了，可以看出一切正常。", "下雨了，有人敲门。"],
}


def device(settings: Settings) -> list[Check]:
    """Memory, what else is on the card, and who of us holds it since when."""
    machine = settings.machine()
    try:
        memory = device_memory(machine.device)
        holder = who_holds(machine)
    except SoundboundError as e:
        return [Check(name="device", state="problem", found=e.message, mend=e.remedy)]
    use = f", in use by {describe(holder)}" if holder else ", free for a model"
    room = f"{machine.device}: {memory.free_mb:.0f} of {memory.total_mb:.0f} MB free{use}"
    checks = [Check(name="device", state="ok", found=room)]
    return checks if machine.device == "cpu" else [*checks, *_gpu(machine)]


def _gpu(machine: Machine) -> list[Check]:
    card = devices.card(machine.device)
    told = "by NVML" if devices.is_quick(machine.device) else "by torch in a child process (slow)"
    driver = f", driver {card.driver}" if card.driver else ""
    checks = [
        Check(
            name="card",
            state="ok" if devices.is_quick(machine.device) else "warning",
            found=f"{card.name}, {card.uuid}{driver}; memory told {told}",
            mend="" if devices.is_quick(machine.device) else 'pip install "soundbound[gpu]" brings NVML',
        ),
        Check(name="device locks", state="ok", found=str(machine.device_lock_dir(machine.device))),
    ]
    if others := processes_on(machine.device):
        checks.append(Check(name="on the card", state="warning", found=", ".join(map(str, others))))
    if importlib.util.find_spec("torch") is None:
        checks.append(
            Check(
                name="torch",
                state="warning",
                found="not in this environment",
                mend='engines without an interpreter of their own need it: pip install "soundbound[gpu]"',
            )
        )
    return checks


def slot(settings: Settings, *, fix: bool) -> list[Check]:
    """The tag's limit and whether its slot has leaked; with `fix` it is freed, only under the device's lock."""
    from flows.limit import ensure_limit, limit_name
    from flows.slots import free_dead, free_leaked, leaks

    machine = settings.machine()
    ensure_limit(machine.tag)
    checks = [Check(name="Prefect limit", state="ok", found=f"{limit_name(machine.tag)} = 1")]
    freed = [*free_dead(machine), *free_leaked(machine)] if fix else []
    checks += [Check(name="Prefect slot", state="ok", found=sentence) for sentence in freed]
    for why in leaks(machine):
        name = f"the slot {limit_name(machine.tag)}: {why}"
        checks.append(
            Check(name="Prefect slot", state="problem", found=name, mend="run: soundbound doctor --fix")
            if not fix
            else Check(
                name="Prefect slot", state="problem", found=name, mend="a model is at work: try again later"
            )
        )
    return checks


def two_lines(settings: Settings) -> Check:
    """Render two lines from text to master on the machine's device, with takes that are surely new."""
    from flows import RenderOptions, render_chapter

    machine = settings.machine()
    language = next((lang for lang in LINES if _speaks(lang, machine)), "en")
    novel = {
        "title": "Doctor",
        "language": language,
        "characters": [{"id": "narrator", "name": "Narrator", "role": "narrator"}],
        "chapters": [{"segments": [{"speaker": "narrator", "content": line} for line in LINES[language]]}],
    }
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="soundbound-doctor-") as name:
        path = Path(name) / "doctor.json"
        path.write_text(json.dumps(novel, ensure_ascii=False), encoding="utf-8")
        options = RenderOptions(output=Path(name) / "out", seed=int(time.time()))
        try:
            made = render_chapter(path, "1", options, machine)
        except SoundboundError as e:
            return Check(name="two lines", state="problem", found=e.message, mend=e.remedy)
        size = made.outputs["master"].stat().st_size
    spent = time.monotonic() - began
    speech = catalog.state(catalog.entry(made.speech_model, "speech", machine), machine)
    found = (
        f"{made.status}: {made.duration_s:.1f} s of audio ({size // 1024} kB) in {spent:.0f} s, "
        f"{made.takes_generated} takes by {made.speech_model} on {speech.device} "
        f"({speech.memory_mb:.0f} MB, {speech.speed:.1f}× realtime) and {made.sound_model}"
    )
    if made.status == "completed":
        return Check(name="two lines", state="ok", found=found)
    reasons = "; ".join(f"{m.kind} {m.what!r}: {m.reason}" for m in made.missing[:3])
    return Check(name="two lines", state="problem", found=f"{found}; missing {reasons}", mend=CRASHED_CARD)


def _speaks(language: str, machine: Machine) -> bool:
    return any(
        e.kind == "speech" and catalog.speaks(e, language) and not catalog.lacking(e, machine)
        for e in catalog.entries(machine).values()
    )
