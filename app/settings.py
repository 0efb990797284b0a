"""Settings, read once at the door: defaults ← soundbound.toml ← SOUNDBOUND_* variables.

`soundbound.toml` is looked for in the current folder, then in `<home>`. Nothing below the doors reads the environment.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from models.machine import Machine, default_home
from story.errors import InputError

FILE = "soundbound.toml"


class Settings(Machine):
    """The machine's settings and what only the doors need."""

    model_config = ConfigDict(extra="forbid")

    prefect_api_url: str | None = Field(
        default=None, description="a Prefect server to use instead of a local one of our own"
    )
    access_token: str | None = Field(
        default=None,
        min_length=16,
        description="what API and page ask for; needed when they are reachable from other machines",
    )
    notify: list[str] = Field(
        default=[], description="who is told of a run's end: addresses of webhooks, or apprise URLs"
    )
    chapters_at_once: int = Field(
        default=2, ge=1, le=64, description="how many chapters this machine's worker renders at a time"
    )

    library: Path | None = Field(
        default=None,
        description="folder of the books rendered through API and page, all they can read; <home>/library",
    )
    upload_limit_mb: int = Field(default=50, ge=1, le=2000, description="largest book that is accepted")

    llm_url: str | None = Field(
        default=None, description="an OpenAI-compatible endpoint for `soundbound label`, ending in /v1"
    )
    llm_model: str | None = Field(default=None, description="the model that is asked there")
    llm_key: str | None = Field(default=None, repr=False, description="the endpoint's key")

    @field_validator("notify", mode="before")
    @classmethod
    def _listed(cls, value: Any) -> Any:
        """A variable holds several addresses with commas between them."""
        return (
            [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value
        )

    @property
    def library_dir(self) -> Path:
        return (self.library or self.home / "library").expanduser().resolve()

    def machine(self) -> Machine:
        """What is passed down to the flows."""
        return Machine(**self.model_dump(include=set(Machine.model_fields)))


def load_settings(environment: Mapping[str, str] | None = None, folder: Path | None = None) -> Settings:
    """Read settings; raises InputError naming file or variable and what it may hold."""
    env = os.environ if environment is None else environment
    home = Path(env.get("SOUNDBOUND_HOME") or default_home()).expanduser()
    path = next((p for p in ((folder or Path.cwd()) / FILE, home / FILE) if p.is_file()), None)
    values = _read(path) if path else {}
    values.setdefault("home", str(home))
    for name in Settings.model_fields:
        if value := env.get(f"SOUNDBOUND_{name.upper()}"):
            values[name] = value
    if not values.get("prefect_api_url"):
        values["prefect_api_url"] = env.get("PREFECT_API_URL") or _profile_api_url(env)
    try:
        settings = Settings.model_validate(values)
    except ValidationError as e:
        first = e.errors()[0]
        field = ".".join(map(str, first["loc"]))
        known = ", ".join(Settings.model_fields)
        raise InputError(
            f"{field}: {first['msg']}",
            where=str(path or "SOUNDBOUND_* variables"),
            remedy=f"known settings: {known}",
        ) from None
    return settings.model_copy(update={"home": settings.home.expanduser().resolve()})


def _read(path: Path) -> dict:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as e:
        raise InputError(f"cannot be read: {e}", where=str(path), remedy="mend or remove the file") from None


class _Profiles(BaseModel):
    active: str | None = None
    profiles: dict[str, dict[str, str]] = {}


def _profile_api_url(env: Mapping[str, str]) -> str | None:
    """The API URL of the person's active Prefect profile, read without importing Prefect (that takes a second)."""
    path = Path(
        env.get("PREFECT_PROFILES_PATH") or Path(env.get("PREFECT_HOME") or "~/.prefect") / "profiles.toml"
    )
    try:
        found = _Profiles.model_validate(tomllib.loads(path.expanduser().read_text(encoding="utf-8")))
    except (OSError, ValueError):  # no profile, or one that is not ours to judge
        return None
    name = env.get("PREFECT_PROFILE") or found.active
    return found.profiles.get(name, {}).get("PREFECT_API_URL") if name else None
