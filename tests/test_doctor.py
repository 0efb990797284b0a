"""`soundbound doctor` on the device: what it sees, and the two lines that prove the whole way."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.commands import device_checks
from app.settings import Settings
from models.devices import Card, Memory, OnCard
from models.gpu import lease


def test_who_holds_the_device_since_when(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    assert "free for a model" in device_checks.device(settings)[0].found
    with lease(settings, stage="dialogue", model="kokoro", needs_mb=0, about={"run": "The Storm · 1"}):
        found = device_checks.device(settings)[0].found
    assert "in use by process" in found
    assert "dialogue of 'The Storm · 1' with kokoro, since 20" in found


def test_a_card_is_shown_with_all_who_use_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(home=tmp_path, locks=tmp_path, device="cuda:0")
    memory = Memory(9000.0, 12000.0)
    monkeypatch.setattr(device_checks, "device_memory", lambda _: memory)
    monkeypatch.setattr("models.devices.card", lambda _: Card("A Card", "GPU-1", memory, "580.1"))
    monkeypatch.setattr("models.devices.is_quick", lambda _: True)
    monkeypatch.setattr(device_checks, "processes_on", lambda _: [OnCard(7, "game", 2500.0)])
    found = {c.name: c.found for c in device_checks.device(settings)}
    assert found["device"].startswith("cuda:0: 9000 of 12000 MB free")
    assert found["card"] == "A Card, GPU-1, driver 580.1; memory told by NVML"
    assert found["on the card"] == "game (process 7, 2500 MB)"
    assert found["device locks"] == str(tmp_path)


def test_two_lines_are_rendered_from_text_to_master(server: str, tmp_path: Path) -> None:
    made = device_checks.two_lines(Settings(home=tmp_path, gpu_tag="gpu-doctor"))
    assert made.state == "ok", made.found
    assert made.found.startswith("completed: ")
    assert "takes by hibari on cpu" in made.found
