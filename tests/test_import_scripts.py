"""Scripts that name their speakers come in, and novels go out, with the same people saying the same words."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from story.errors import InputError
from story.exporting import export
from story.exporting.ssml import to_ssml
from story.importing.book import form_of, import_book
from story.loading import load_novel, parse_novel
from story.novel import Novel
from tests.conftest import ROOT

ISLAND = ROOT / "examples" / "treasure_island_ch05.json"


def lines(novel: Novel) -> list[tuple[str, str, str]]:
    names = {c.id: c.name for c in novel.characters}
    return [(s.type, names.get(s.speaker, s.speaker), s.content) for c in novel.chapters for s in c.segments]


def imported(tmp_path: Path, name: str, text: str) -> Novel:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return import_book(path).novel


def test_tagged_text(tmp_path: Path) -> None:
    text = (
        "Chapter 1\n\nIt rained. [Tom]Who is there?[/Tom] he asked.\n\n[Anna]Open the door! [It is me.][/Anna]\n\n"
        "[narrator]Nobody answered.[/narrator]\n\n* * *\n\nChapter 2\n\n[Tom]Come in.[/Tom]\n"
    )
    novel = imported(tmp_path, "tagged.txt", text)
    assert [c.title for c in novel.chapters] == ["Chapter 1", "Chapter 2"]
    said = lines(novel)
    assert ("dialogue", "Tom", "Who is there?") in said
    assert ("dialogue", "Anna", "Open the door! [It is me.]") in said
    assert ("narration", "Narrator", "Nobody answered.") in said
    assert [kind for kind, *_ in said].count("break") == 1


def test_prose_in_brackets_is_not_tagged(tmp_path: Path) -> None:
    path = tmp_path / "b.txt"
    path.write_text("He [the old man] came. [Illustration] He went [see note] home. " * 20, encoding="utf-8")
    assert form_of(path) == "text"


def test_voxnovel_table(tmp_path: Path) -> None:
    text = (
        "Text,Start Location,End Location,Is Quote,Speaker,Chapter\n"
        '"It rained, and rained.",0,4,False,Narrator,1\n"“Who is there?”",4,8,True,Tom.M.3,1\nhe asked.,8,9,False,Narrator,1\n'
        "Come in,9,11,True,Anna.F,2\n"
    )
    novel = imported(tmp_path, "book.csv", text)
    assert [c.title for c in novel.chapters] == ["Chapter 1", "Chapter 2"]
    assert lines(novel)[1] == ("dialogue", "Tom", "Who is there?")
    assert {c.name: c.gender for c in novel.characters} == {
        "Narrator": "unknown",
        "Tom": "male",
        "Anna": "female",
    }


@pytest.mark.parametrize("text", ["a,b\n1,2\n", "", "Text;Speaker\nx;y\n"])
def test_other_tables_are_refused_or_empty(tmp_path: Path, text: str) -> None:
    with pytest.raises(InputError):
        imported(tmp_path, "book.csv", text)


def test_wavjourney(tmp_path: Path) -> None:
    nodes: list[dict[str, Any]] = [
        {
            "audio_type": "music",
            "layout": "background",
            "id": 1,
            "action": "begin",
            "vol": -35,
            "desc": "calm",
        },
        {
            "audio_type": "speech",
            "layout": "foreground",
            "character": "Narrator",
            "vol": -15,
            "text": "It rained.",
        },
        {
            "audio type": "sound effect",
            "layout": "foreground",
            "vol": -35,
            "len": 2,
            "desc": "a knock at a door",
        },
        {
            "audio_type": "speech",
            "layout": "foreground",
            "character": "Tom",
            "vol": -15,
            "text": "Who is there?",
        },
        {"audio_type": "music", "layout": "background", "id": 1, "action": "end"},
    ]
    path = tmp_path / "audio.json"
    path.write_text(json.dumps(nodes), encoding="utf-8")
    book = import_book(path)
    assert lines(book.novel) == [
        ("narration", "Narrator", "It rained."),
        ("effect", "Narrator", "a knock at a door"),
        ("dialogue", "Tom", "Who is there?"),
    ]
    assert "1 of music" in book.warnings[0]
    nodes[3]["text"] = ""
    path.write_text(json.dumps(nodes), encoding="utf-8")
    with pytest.raises(InputError, match="empty"):
        import_book(path)


def test_ai_sound_plan(tmp_path: Path) -> None:
    plan = {
        "characters": [{"name": "Tom"}, {"name": "旁白"}],
        "synthesis_plan": [{"speaker": "Tom", "text": "Who is there?"}],
    }
    novel = imported(tmp_path, "plan.json", json.dumps(plan))
    assert lines(novel)[0][1:] == ("Tom", "Who is there?")


FOUNTAIN = """Title: The _Storm_
Author: Ann Author
Draft date: 1.1.2026

# Act One

INT. INN - NIGHT

It rained. /* not this */ Nobody [[nor this]] came.

TOM (O.S.)
(whispering)
Who is there?

@McAvoy
Open *the door*!
At once.

[[effect: a knock at a door]]

CUT TO:

EXT. ROAD - DAY #2#

> THE END <

!TOM STANDS UP.

# Act Two

ANNA ^
Come in.
"""


def test_fountain(tmp_path: Path) -> None:
    novel = imported(tmp_path, "storm.fountain", FOUNTAIN)
    assert (novel.title, novel.author) == ("The Storm", "Ann Author")
    assert [c.title for c in novel.chapters] == ["Act One", "Act Two"]
    said = lines(novel)
    assert ("heading", "Narrator", "Inn - Night") in said
    assert ("narration", "Narrator", "It rained.  Nobody  came.") in said or (
        "narration",
        "Narrator",
        "It rained. Nobody came.",
    ) in said
    assert ("dialogue", "Tom", "Who is there?") in said
    assert ("dialogue", "McAvoy", "Open the door! At once.") in said
    assert ("effect", "Narrator", "a knock at a door") in said
    assert ("narration", "Narrator", "TOM STANDS UP.") in said
    assert not any("CUT" in text for *_, text in said)
    whisper = next(s for c in novel.chapters for s in c.segments if s.content == "Who is there?")
    assert whisper.style == "whisper"


@pytest.mark.parametrize("name", ["treasure_island_ch05.json", "yao_luxun.json"])
def test_fountain_out_and_in_again(tmp_path: Path, name: str) -> None:
    novel = load_novel(ROOT / "examples" / name)
    path = tmp_path / "script.fountain"
    export(novel, path)
    again = import_book(path).novel

    def said(book: Novel) -> list[tuple[str, str]]:
        people = {c.id: c.name for c in book.characters}
        return [
            (people[s.speaker], " ".join(s.content.split()))
            for c in book.chapters
            for s in c.segments
            if s.type == "dialogue"
        ]

    assert said(again) == said(novel)
    assert (again.title, again.author, again.language) == (novel.title, novel.author, novel.language)
    assert [c.title for c in again.chapters] == [c.title for c in novel.chapters]


def test_ssml_is_well_formed_and_says_everything() -> None:
    novel = load_novel(ISLAND)
    novel.pronunciation = {"Pew": "pjuː"}
    root = ET.fromstring(to_ssml(novel))
    ns = "{http://www.w3.org/2001/10/synthesis}"
    voiced = [s for c in novel.chapters for s in c.segments if s.voiced]
    voices = root.findall(f"{ns}voice")
    assert ["".join(v.itertext()) for v in voices] == [s.content for s in voiced]
    assert len(root.findall(f"{ns}break")) == len(voiced) - 1
    assert {p.text for p in root.iter(f"{ns}phoneme")} == {"Pew"}


def test_ssml_escapes() -> None:
    tree = {"title": "A & B", "chapters": [{"segments": [{"speaker": 'T"<om', "text": "1 < 2 & so"}]}]}
    root = ET.fromstring(to_ssml(parse_novel(tree, "x")))
    assert "1 < 2 & so" in "".join(root.itertext())
