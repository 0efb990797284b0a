"""`soundbound import`, and every command that takes a book instead of a novel."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from story.importing import library
from story.importing.book import import_book
from story.importing.library import novel_file, write_imported
from story.importing.options import ReadOptions
from story.loading import load_novel
from tests.conftest import CommandLine
from tests.epubs import make_epub, page

PROSE = "It was a dark night, and the rain fell on the road. “Who is there?” asked Tom Walker. “It is I,” said Anna Lee. "


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pages = {f"c{i}.xhtml": page(f"<h2>Chapter {i}</h2>" + f"<p>{PROSE}</p>" * 8) for i in (1, 2)}
    return make_epub(tmp_path_factory.mktemp("book") / "storm.epub", pages, title="The Storm")


def test_import_writes_a_novel_that_loads(soundbound: CommandLine, book: Path, tmp_path: Path) -> None:
    target = tmp_path / "novel.json"
    done = soundbound("import", str(book), "-o", str(target))
    assert done.status == 0, done.stderr
    assert "2 chapters" in done.stdout
    assert "The Storm" in done.stdout
    novel = load_novel(target)
    assert [c.title for c in novel.chapters] == ["Chapter 1", "Chapter 2"]


def test_import_prints_the_novel(soundbound: CommandLine, book: Path) -> None:
    done = soundbound("import", str(book), "--json")
    tree = json.loads(done.stdout)
    assert tree["format"] == "soundbound.novel/1"
    assert len(tree["chapters"]) == 2


@pytest.mark.parametrize("suffix", ["fountain", "ssml"])
def test_other_forms_out(soundbound: CommandLine, book: Path, tmp_path: Path, suffix: str) -> None:
    target = tmp_path / f"script.{suffix}"
    assert soundbound("import", str(book), "-o", str(target)).status == 0
    assert "dark night" in target.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nothing.epub"], "no such file"),
        (["{book}", "-o", "x.docx"], "ending"),
        (["{book}", "--language", "klingonese!"], "language tag"),
        (["{book}", "--notes", "maybe"], "notes"),
        (["{book}", "-o", "{book}/novel.json"], "can't be written"),
    ],
)
def test_wrong_use_is_one_line(soundbound: CommandLine, book: Path, arguments: list[str], says: str) -> None:
    done = soundbound("import", *[a.format(book=book) for a in arguments])
    assert done.status == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_every_command_takes_a_book(soundbound: CommandLine, book: Path) -> None:
    for command in ("cast", "scenes", "timeline"):
        done = soundbound(command, str(book), "--json")
        assert done.status == 0, done.stderr
        assert json.loads(done.stdout)


def test_a_book_is_imported_once(book: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shelf = tmp_path / "shelf"
    kept = novel_file(book, shelf)
    load_novel(kept)
    monkeypatch.setattr(library, "import_book", lambda *_: pytest.fail("imported again"))
    assert novel_file(book, shelf) == kept
    monkeypatch.undo()
    changed = tmp_path / book.name
    changed.write_bytes(book.read_bytes() + b"\0")
    assert novel_file(changed, shelf) != kept, "another content is another book"
    assert novel_file(book, shelf, ReadOptions(notes="end")) != kept, "so are other choices"
    assert novel_file(kept, shelf) == kept, "a novel is taken as it is"


def test_the_text_can_be_put_together_again(book: Path, tmp_path: Path) -> None:
    imported = import_book(book)
    path = tmp_path / "n.json"
    write_imported(imported, path)
    for chapter in json.loads(path.read_text(encoding="utf-8"))["chapters"]:
        text = "".join(
            s.get("separator", "") + s.get("content", "") for s in chapter["segments"]
        ) + chapter.get("tail", "")
        assert text.startswith("Chapter ")
        assert text.count(PROSE.strip()) == 8
