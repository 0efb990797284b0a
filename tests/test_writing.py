"""Files that appear whole or not at all; a novel's JSON in pieces is the JSON it would be in one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from story.errors import InputError
from story.loading import load_novel
from story.novel_file import novel_pieces
from story.writing import write_whole


@pytest.mark.parametrize("name", ["yao_luxun.json", "treasure_island_ch05.json"])
def test_a_novel_in_pieces_is_the_novel(name: str) -> None:
    novel = load_novel(Path(__file__).parents[1] / "examples" / name)
    facts = {"import": {"warnings": ["“a”\nb"]}}
    tree = novel.model_dump(mode="json", exclude_defaults=True)
    first = {k: getattr(novel, k) for k in ("format", "title", "language")}
    whole = json.dumps(first | tree | facts, ensure_ascii=False, indent=1) + "\n"
    assert "".join(novel_pieces(novel, facts)) == whole


def test_what_was_there_stays_when_writing_fails(tmp_path: Path) -> None:
    path = tmp_path / "novel.json"
    write_whole(path, ["old"])

    def broken() -> Iterator[str]:
        yield "new"
        raise OSError(28, "No space left on device")

    with pytest.raises(InputError, match=r"no space left.*free some space"):
        write_whole(path, broken())
    assert [p.name for p in tmp_path.iterdir()] == ["novel.json"]
    assert path.read_text() == "old"
