"""Rendered chapters brought to one loudness in their folders: nothing else changes, and it can be done again."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import av
import numpy as np
import pyebur128
import pytest
import soundfile
from mutagen.flac import FLAC

from flows import RenderOptions, render_chapter
from mixing.containers import read_marks
from mixing.tags import Tags
from models.machine import Machine
from story.captions import from_srt
from story.errors import SoundboundError
from tasks.book import bind_book, level_book, read_result
from tests.conftest import STORM, save


@pytest.fixture(scope="module")
def folders(tmp_path_factory, home: Path, server: str) -> list[Path]:
    """Two short chapters, one whispered throughout."""
    novel = copy.deepcopy(STORM)
    first = novel["chapters"][0]
    first["segments"] = first["segments"][1:4]
    second = copy.deepcopy(first)
    second.update(id="ch02", number=2, title="The Answer")
    for segment in second["segments"]:
        segment["style"] = "whisper"
    novel["chapters"].append(second)
    folder = tmp_path_factory.mktemp("serial")
    path = save(novel, folder / "novel.json")
    options = RenderOptions(output=folder / "out", speech="hibari")
    return [
        render_chapter(path, which, options, Machine(home=home)).outputs["master"].parent
        for which in ("1", "2")
    ]


def loudness(*paths: Path) -> float:
    states = []
    for path in paths:
        sound, rate_hz = soundfile.read(path, dtype="float32")
        state = pyebur128.R128State(2, rate_hz, pyebur128.MeasurementMode.MODE_I)
        state.add_frames(np.ascontiguousarray(sound.ravel()), len(sound))
        states.append(state)
    return pyebur128.get_loudness_global_multiple(states)


def test_a_book_has_one_gain_its_loudness_and_true_reports(folders, tmp_path):
    before = [f.stat().st_mtime_ns for folder in folders for f in (folder / "stems").iterdir()]
    made = level_book(folders, "drama", encodes_dir=tmp_path / "encodes")
    masters = [folder / "master.flac" for folder in folders]
    assert loudness(*masters) == pytest.approx(-18, abs=0.15)
    assert made.remastered == folders
    reports = [json.loads((folder / "report.json").read_text()) for folder in folders]
    assert {r["mix"]["master_gain_db"] for r in reports} == {made.gain_db}
    for report, master in zip(reports, masters, strict=True):
        assert report["loudness"]["integrated_lufs"] == pytest.approx(loudness(master), abs=0.05)
    assert [f.stat().st_mtime_ns for folder in folders for f in (folder / "stems").iterdir()] == before
    again = level_book(folders, "drama", encodes_dir=tmp_path / "encodes")
    assert again.remastered == []
    settled = level_book(folders[:1], "drama", gain_db=made.gain_db)  # a serial's chapter at the book's gain
    assert settled.remastered == []

    loud = level_book(folders, "podcast")  # the limiter works: the gain is made up for it, once
    assert loudness(*masters) == pytest.approx(-16, abs=0.15)
    assert level_book(folders, "podcast").remastered == []
    assert loud.gain_db == level_book(folders, "podcast").gain_db
    opus = level_book(folders, "podcast", "opus")
    assert [p.name for folder in folders for p in folder.glob("master.*")] == ["master.opus"] * 2
    assert [r.outputs["master"].name for r in opus.chapters] == ["master.opus"] * 2
    assert read_result(folders[0]).profile == "podcast"
    page = (folders[0] / "report.html").read_text(encoding="utf-8")
    assert 'src="master.opus"' in page, "the page follows the master"
    assert "asked −16.0" in page


def test_a_folder_without_its_report_is_an_error_by_name(tmp_path):
    with pytest.raises(SoundboundError, match=r"report\.json"):
        read_result(tmp_path)


def test_published_chapters_become_one_m4b_with_their_captions(folders, tmp_path):
    tags = Tags(title="The Storm", book="The Storm", author="Soundbound", language="en")
    book = tmp_path / "book" / "the-storm.m4b"
    marks = bind_book(folders, book, tags, encodes_dir=tmp_path / "encodes")
    assert [m.title for m in marks] == ["The Knock", "The Answer"] == [m.title for m in read_marks(book)]
    results = [read_result(folder) for folder in folders]
    for mark, result in zip(marks, results, strict=True):
        assert mark.end_s - mark.start_s == pytest.approx(result.duration_s, abs=0.06)
    kept = {p.name: p.stat().st_ino for p in (tmp_path / "encodes").rglob("*.audio")}
    first = book.read_bytes()
    bind_book(folders, book, tags, encodes_dir=tmp_path / "encodes")
    assert book.read_bytes() == first
    assert {p.name: p.stat().st_ino for p in (tmp_path / "encodes").rglob("*.audio")} == kept
    with av.open(str(book)) as file:
        texts = [bytes(p)[2:].decode() for p in file.demux(file.streams.subtitles[0]) if p.size > 2]
    cues = [cue for folder in folders for cue in from_srt((folder / "captions.srt").read_text())]
    assert texts == [text for _, _, text in cues]
    assert sorted(p.name for p in book.parent.iterdir()) == ["the-storm.m4b"]


def test_a_published_masters_tags_say_what_it_is(folders):
    folder = folders[0]
    level_book([folder], "drama", "flac", gain_db=3.0)
    flac = FLAC(folder / "master.flac")
    assert (flac["title"], flac["album"], flac["tracknumber"]) == (["The Knock"], ["The Storm"], ["1"])
    assert flac["lyrics"][0].count("\n") + 1 == len(from_srt((folder / "captions.srt").read_text()))
