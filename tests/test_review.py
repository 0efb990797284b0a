"""Checking speakers: the review page, corrections read back, characters edited, lines attributed anew."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.commands.speakers import page
from story.attribution.book import CORRECTED, attributed_anew, chapter_text, novel_of
from story.attribution.characters_file import characters_json, read_characters
from story.errors import InputError
from story.loading import load_novel
from story.review import Corrections, apply_corrections, read_corrections, review_data
from tests.conftest import CommandLine
from tests.test_attribution import ENGLISH, manuscript


@pytest.fixture
def novel_file(tmp_path: Path) -> Path:
    path = tmp_path / "novel.json"
    path.write_text(novel_of(manuscript(ENGLISH)).model_dump_json(), encoding="utf-8")
    return path


def corrections(**parts: object) -> Corrections:
    return Corrections.model_validate(parts)


def test_the_page_holds_every_line_and_loads_nothing(novel_file: Path) -> None:
    novel = load_novel(novel_file)
    data = review_data(novel)
    assert [line["content"] for line in data["lines"]] == [
        s.content for s in novel.chapters[0].segments if s.type == "dialogue"
    ]
    first = data["lines"][0]
    assert first["rule"] == "tag name"
    assert "said Mr. Harding" in first["after"]
    html = page(data)
    assert "http" not in html.split("<script>")[1].replace("soundbound", "")
    assert "src=" not in html


def test_text_of_a_novel_is_no_markup_in_the_page(novel_file: Path) -> None:
    data = review_data(load_novel(novel_file))
    data["lines"][0]["content"] = "</script><script>alert(1)</script>"
    block = page(data).split('type="application/json">')[1].split("</script>")[0]
    assert json.loads(block)["lines"][0]["content"] == "</script><script>alert(1)</script>"


def test_corrections_change_speakers_merge_and_make_people(novel_file: Path) -> None:
    novel = load_novel(novel_file)
    by_text = {s.content: s for s in novel.chapters[0].segments}
    ids = {c.name: c.id for c in novel.characters}
    fixed, done = apply_corrections(
        novel,
        corrections(
            lines=[
                {"segment": by_text["Then call her."].id, "content": "Then call her.", "speaker": "aunt"},
                {"segment": by_text["Good morning."].id, "content": "Another text", "speaker": "aunt"},
            ],
            characters=[
                {"id": "aunt", "name": "The aunt", "gender": "female"},
                {"id": ids["Susan"], "merge_into": ids["Eleanor Bold"]},
            ],
        ),
        "c.json",
    )
    after = {s.content: s for s in fixed.chapters[0].segments}
    assert after["Then call her."].speaker == "aunt"
    assert after["Then call her."].speaker_rule == CORRECTED
    assert after["Then call her."].speaker_confidence == 1
    assert after["She is upstairs,"].speaker == ids["Eleanor Bold"]
    assert "Susan" in fixed.character(ids["Eleanor Bold"]).aliases
    assert (done.lines, done.merged) == (1, 1)
    assert done.warnings == [
        f"line {by_text['Good morning.'].id} reads otherwise now; its correction was left out"
    ]


def test_a_correction_to_nobody_is_an_error_with_the_nearest_name(novel_file: Path) -> None:
    novel = load_novel(novel_file)
    line = next(s for s in novel.chapters[0].segments if s.type == "dialogue")
    with pytest.raises(InputError, match="Susan"):
        apply_corrections(novel, corrections(lines=[{"segment": line.id, "speaker": "Susann"}]), "c.json")


def test_corrected_lines_stay_when_lines_are_attributed_anew(novel_file: Path) -> None:
    novel = load_novel(novel_file)
    line = next(s for s in novel.chapters[0].segments if s.content == "Then call her.")
    other = next(c.id for c in novel.characters if c.name == "Eleanor Bold")
    fixed, _ = apply_corrections(novel, corrections(lines=[{"segment": line.id, "speaker": other}]), "c.json")
    anew = attributed_anew(fixed, fixed.characters)
    assert next(s for s in anew.chapters[0].segments if s.id == line.id).speaker == other
    assert chapter_text(anew.chapters[0]) == ENGLISH


def test_the_commands_from_page_to_novel(novel_file: Path, tmp_path: Path, soundbound: CommandLine) -> None:
    assert soundbound("review", str(novel_file), "--json").status == 0
    assert (tmp_path / "novel.review.html").exists()
    line = next(s for s in load_novel(novel_file).chapters[0].segments if s.content == "Then call her.")
    file = tmp_path / "corrections.json"
    file.write_text(json.dumps({"lines": [{"segment": line.id, "speaker": "Susan"}]}), encoding="utf-8")
    done = soundbound("review", str(novel_file), "--apply", str(file), "--json")
    assert json.loads(done.stdout)["lines"] == 1
    listed = tmp_path / "characters.json"
    assert soundbound("characters", str(novel_file), "-o", str(listed)).status == 0
    people = json.loads(listed.read_text(encoding="utf-8"))["characters"]
    people = [p for p in people if p["name"] != "Several voices"]
    people[1]["aliases"] = [*people[1]["aliases"], "several voices"]
    listed.write_text(json.dumps({"characters": people}), encoding="utf-8")
    assert soundbound("attribute", str(novel_file), "--characters", str(listed)).status == 0
    novel = load_novel(novel_file)
    assert {c.id for c in novel.characters} == {p["id"] for p in people}
    assert next(s for s in novel.chapters[0].segments if s.id == line.id).speaker_rule == CORRECTED


def test_a_characters_file_reads_back_and_bare_names_do(tmp_path: Path) -> None:
    novel = novel_of(manuscript(ENGLISH))
    path = tmp_path / "characters.json"
    path.write_text(characters_json(novel.characters), encoding="utf-8")
    assert [c.model_dump() for c in read_characters(path)] == [c.model_dump() for c in novel.characters]
    path.write_text('["Ann", {"name": "Bob", "gender": "M"}]', encoding="utf-8")
    assert [(c.id, c.gender) for c in read_characters(path)] == [("Ann", "unknown"), ("Bob", "male")]


@pytest.mark.parametrize(
    "text",
    ["{}", '{"characters": []}', '["Ann", "Ann"]', '[{"name": "Ann", "gender": "blue"}]', "[3]", "nonsense"],
)
def test_a_wrong_characters_file_says_so(text: str, tmp_path: Path) -> None:
    path = tmp_path / "characters.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as problem:
        read_characters(path)
    assert problem.value.where
    assert problem.value.remedy


@pytest.mark.parametrize("text", ['{"lines": [{"segment": 3}]}', '{"format": "other"}', "[]", "nonsense"])
def test_a_wrong_corrections_file_says_so(text: str, tmp_path: Path) -> None:
    path = tmp_path / "corrections.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as problem:
        read_corrections(path)
    assert problem.value.remedy
