"""Where things live and how this machine is used: home folder, device, tag, engines' own settings.

A plain value, built once at the door (app/settings.py reads environment and soundbound.toml) and passed down.
Nothing below the doors looks at the environment.
"""

from __future__ import annotations

import socket
import tempfile
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator


def default_home() -> Path:
    """`~/.local/share/soundbound` (XDG base directory, data)."""
    return Path.home() / ".local" / "share" / "soundbound"


class EngineSettings(BaseModel):
    """What a person sets for one engine, or a whole engine of their own, under `[engines.<name>]`."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["speech", "sound"] | None = Field(default=None, description="for an engine of your own")
    engine: str | None = Field(
        default=None, description="'module:Class' or '/path/to/file.py:Class', for an engine of your own"
    )
    languages: list[str] | None = None
    voices: Path | None = Field(
        default=None, description="a voices JSON file (like models/data/voices_kokoro.json)"
    )
    weights: Path | None = Field(default=None, description="the folder with the model's weights")
    python: Path | None = Field(default=None, description="the interpreter to run the engine under")
    env: dict[str, str] = {}
    memory_mb: float | None = Field(default=None, gt=0, description="device memory the model needs")
    options: dict[str, Any] = {}


class Machine(BaseModel):
    """One machine's settings. `device` is "cpu" or "cuda:<index>"."""

    model_config = ConfigDict(extra="forbid")

    home: Path = Field(
        default_factory=default_home, description="models, takes, locks and the Prefect server live here"
    )
    device: str = Field(default="cpu", pattern=r"^(cpu|cuda:\d+)$")
    gpu_tag: str = Field(
        default="gpu",
        description="Prefect tag whose limit of one serialises the models; {host}, {device} and {index} are filled in",
    )
    locks: Path | None = Field(
        default=None, description="folder of the devices' locks; a GPU's are shared by all homes of a host"
    )
    take_timeout_s: float = Field(
        default=120.0, gt=0, description="a take's base time limit; long texts get more"
    )
    take_attempts: int = Field(default=3, ge=1, le=10)
    start_timeout_s: float = Field(default=180.0, gt=0, description="for a model process to load its model")
    silence_timeout_s: float = Field(
        default=60.0, gt=0, description="a model process that shows no sign of life for so long is ended"
    )
    lease_timeout_s: float = Field(default=6 * 3600.0, gt=0, description="longest wait for the device")
    memory_wait_s: float = Field(
        default=600.0, ge=0, description="longest wait for enough free device memory"
    )
    effect_library: Path | None = Field(
        default=None, description="a folder of your own recordings, used before the model"
    )
    engines: dict[str, EngineSettings] = {}
    page_url: str | None = Field(
        default=None, description="where the progress page is reached; Prefect's UI links to it"
    )

    @field_validator("gpu_tag")
    @classmethod
    def _tag_is_well_formed(cls, tag: str) -> str:
        try:
            tag.format(**_tag_parts("cuda:0"))
        except (KeyError, ValueError, IndexError):
            raise ValueError("may hold {host}, {device} and {index}, e.g. gpu:{host}:{index}") from None
        return tag

    @property
    def models_dir(self) -> Path:
        return self.home / "models"

    @property
    def takes_dir(self) -> Path:
        return self.home / "takes"

    @property
    def lines_dir(self) -> Path:
        return self.home / "lines"

    @property
    def encodes_dir(self) -> Path:
        return self.home / "encodes"

    @property
    def shelf_dir(self) -> Path:
        return self.home / "shelf"

    @property
    def tag(self) -> str:
        """The Prefect tag of this host and device."""
        return self.gpu_tag.format(**_tag_parts(self.device))

    @property
    def lock_dir(self) -> Path:
        """Locks that only concern this home."""
        return self.home / "locks"

    def device_lock_dir(self, device: str) -> Path:
        """A CPU is shared as anybody likes; on a GPU no other home or user may load a second model."""
        if self.locks is not None:
            return self.locks
        return self.lock_dir if device == "cpu" else Path(tempfile.gettempdir()) / "soundbound-locks"

    @property
    def claims_dir(self) -> Path:
        """Proofs of life of those who hold the Prefect slot (models/claims.py)."""
        return self.lock_dir / "claims"

    @property
    def work_dir(self) -> Path:
        return self.home / "work"


def _tag_parts(device: str) -> dict[str, str]:
    return {"host": socket.gethostname(), "device": device, "index": device.rpartition(":")[2]}
