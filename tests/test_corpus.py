"""The labels of passages whose texts are kept elsewhere: they are whole, and what judges does not teach."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from benchmarks.story.corpus import agreed, books, labels, normal
from story.lexicon import load_data
from story.sounds import sound_class

FILES = {
    "corpus/Dickens_Oliver_1839.txt": "One  line\nand more.\n\nAnother paragraph.\n",
    "corpus/Unwanted_Book_1840.txt": "Nothing.",
    "level1/ENG18952_Wells.xml": "<TEI><head>no</head><body><head>I</head><p>A <hi>red</hi>\n sun<note>1</note>.</p></body></TEI>",
    "books/近代/山雨.txt": "　　第一句。　　第二句[3]。\n",
    "resources/世态人情/林兰香/2.html": "后一回。<br>",
    "resources/世态人情/林兰香/10.html": "末一回。",
    "resources/世态人情/林兰香/1.html": "<p>前一回&amp;。</p>",
}


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    git = ["git", "-C", str(tmp_path), "-c", "user.name=t", "-c", "user.email=t@example.org"]
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "x"]):
        subprocess.run([*git, *words], check=True)
    return tmp_path / ".git"


def test_books_are_taken_out_of_repositories_of_every_kind(repository: Path) -> None:
    found = dict(books(repository, {"Dickens_Oliver", "EL_ENG18952_Wells", "山雨", "林兰香"}))
    assert {name: normal(text, "zh" if name > "一" else "en") for name, text in found.items()} == {
        "Dickens_Oliver": "One line and more.\nAnother paragraph.",
        "EL_ENG18952_Wells": "I\nA red sun.",
        "山雨": "第一句。\n第二句。",
        "林兰香": "前一回&。\n后一回。\n末一回。",
    }


def test_labels_are_of_known_classes_and_within_their_passages() -> None:
    places = {*load_data("ambience")["places"], "unknown"}
    rows = labels()
    assert len({(row["id"], row["split"]) for row in rows}) == len(rows)
    for row in rows:
        assert row["place"], row["id"]
        assert row["time"], row["id"]
        assert set(row["place"]) <= places, row["id"]
        for cue in row["cues"]:
            assert 0 <= cue["at"][0] < cue["at"][1] <= row["at"][1], row["id"]
            assert all(sound_class(sound).kind == "effect" for sound in cue["sounds"]), row["id"]


def test_books_that_judge_teach_nothing() -> None:
    by_split: dict[str, set[str]] = {}
    for row in labels():
        by_split.setdefault(row["split"], set()).add(row["book"])
    assert by_split["blind4-A"] == by_split["blind4-B"]
    assert not by_split["blind4-A"] & (by_split["dense"] | by_split["random"])


def test_two_readers_ask_for_what_both_require_and_allow_what_either_says() -> None:
    def reader(place: str, cues: list[tuple[int, str, bool]], weather: list[str]) -> dict:
        return {
            "id": "en-1",
            "language": "en",
            "place": [place],
            "time": ["day"],
            "weather": weather,
            "weather_perhaps": [],
            "cues": [{"at": [at, at + 4], "sounds": [sound], "perhaps": may} for at, sound, may in cues],
        }

    first = reader(
        "house", [(10, "door_open", False), (200, "gun_shot", False), (400, "gong", False)], ["rain"]
    )
    second = reader(
        "inn", [(12, "door_close", False), (200, "gun_shot", True), (600, "drum", False)], ["rain", "wind"]
    )
    both = agreed(first, second)
    assert both["place"] == ["house", "inn"]
    assert both["weather"] == ["rain"]
    assert both["weather_perhaps"] == ["wind"]
    told = [(cue["at"], cue["sounds"], cue["perhaps"]) for cue in both["cues"]]
    assert told == [
        ([10, 16], ["door_open", "door_close"], False),
        ([200, 204], ["gun_shot"], True),
        ([400, 404], ["gong"], True),
        ([600, 604], ["drum"], True),
    ]
