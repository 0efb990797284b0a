"""Installs the engines with large weights: a venv of their own where their packages exclude ours, and the weights.

Safe to repeat: what is whole is left alone, downloads go on where they stopped (pip's and the hub's caches). A venv
is made beside its place and renamed when everything in it is installed. Weights of a local folder are linked, not
copied. Kokoro, whose weights come in packages, has its own installer (models/install.py).
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from models.catalog import ModelEntry, engine_dir, weights_dir
from models.downloads import MissingToolError
from models.machine import Machine
from story.errors import InputError, SoundboundError

RECIPES = Path(__file__).parent / "data" / "recipes.json"
Tell = Callable[[str], None]


class Weights(BaseModel):
    """Files of one Hugging Face repository (glob patterns), into a subfolder of the model's folder."""

    model_config = ConfigDict(extra="forbid")

    repository: str
    files: list[str]
    into: str = ""


class Recipe(BaseModel):
    """`packages` are pip requirements for the engine's own venv; none if it runs in ours."""

    model_config = ConfigDict(extra="forbid")

    packages: list[str] = []
    weights: list[Weights] = []


def recipes() -> dict[str, Recipe]:
    data = json.loads(RECIPES.read_text(encoding="utf-8"))["recipes"]
    return {name: Recipe.model_validate(recipe) for name, recipe in data.items()}


def install(model: ModelEntry, machine: Machine, source: str | None, tell: Tell) -> Path:
    """Bring the engine's venv and weights; returns the weights' folder.

    Args:
        source: a folder in the published layout, another Hugging Face repository, or None for the recipe's own.
        tell: hears each step.
    Raises:
        SoundboundError: pip or the hub failed, with their reason; InputError: the source is no good.
    """
    recipe = recipes()[model.name]
    if recipe.packages:
        _venv(engine_dir(model.name, machine), recipe.packages, tell)
    folder = weights_dir(model, machine)
    if source and Path(source).expanduser().is_dir():
        _link(Path(source).expanduser().resolve(), folder)
        tell(f"{folder} points to {source}")
    else:
        for i, weights in enumerate(recipe.weights):
            repository = source if source and i == 0 else weights.repository
            tell(f"fetching {repository}")
            _fetch(repository, weights.files, folder / weights.into)
    return folder


def _venv(folder: Path, packages: list[str], tell: Tell) -> None:
    done = folder / "installed.json"
    if done.is_file() and json.loads(done.read_text(encoding="utf-8")) == packages:
        tell(f"its packages are installed in {folder}")
        return
    new = folder.with_name(f".{folder.name}.new")
    shutil.rmtree(new, ignore_errors=True)
    tell(f"making a Python environment in {folder}")
    venv.create(new, with_pip=True, symlinks=True)
    tell(f"installing {', '.join(packages)} (gigabytes: this takes a while)")
    pip = [str(new / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    made = subprocess.run([*pip, *packages], capture_output=True, text=True, check=False)
    if made.returncode:
        reason = next(
            (x for x in made.stderr.splitlines() if x.startswith("ERROR")), made.stderr.strip()[-300:]
        )
        raise SoundboundError(
            f"pip could not install it: {reason}",
            where=" ".join(packages),
            remedy="check the network and free space, then run it again; it goes on where it stopped",
        )
    (new / "installed.json").write_text(json.dumps(packages), encoding="utf-8")
    shutil.rmtree(folder, ignore_errors=True)
    new.rename(folder)  # its python is a link and its packages are found beside it: it bears a new name


def _link(source: Path, folder: Path) -> None:
    if folder.is_symlink() or not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.unlink(missing_ok=True)
        folder.symlink_to(source, target_is_directory=True)
    elif folder.resolve() != source:
        raise InputError(
            "already holds weights",
            where=str(folder),
            remedy=f"move it away, or set weights = {str(source)!r} for it",
        )


def _fetch(repository: str, files: list[str], folder: Path) -> None:
    try:
        from huggingface_hub import snapshot_download
    except ImportError as e:
        raise MissingToolError(
            "huggingface_hub is not installed",
            where=repository,
            remedy=f"{Path(sys.executable).parent / 'pip'} install huggingface_hub, or pass a local folder with --from",
        ) from e
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    try:
        snapshot_download(repository, allow_patterns=files, local_dir=folder)
    except Exception as e:  # the hub client raises a dozen kinds of network and permission errors
        reason = str(e).splitlines()[0] if str(e) else type(e).__name__
        raise SoundboundError(
            f"could not be fetched: {reason[:300]}",
            where=repository,
            remedy="check the network and, for gated models, `hf auth login`; or pass a local folder with --from",
        ) from e
