"""Plain text and Markdown: encodings, paragraphs, chapters, what is left out; and nothing is ever lost."""

from __future__ import annotations

import gc
import textwrap
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from story.errors import InputError
from story.importing.book import import_book, read_manuscript
from story.importing.encoding import decode_book
from story.importing.manuscript import Manuscript
from story.importing.numbering import chapter_numbers
from story.importing.numerals import parse_number
from story.importing.options import ReadOptions
from story.importing.plain_text import read_text
from story.importing.scripts.tags import looks_tagged
from story.languages import detect_language

PROSE = (
    "It was a bright cold day, and the clocks of the town were striking one after the other as the old man came down "
    "to the harbour, where nobody was waiting for him. "
)
ZH = "秋天的后半夜，月亮下去了，太阳还没有出，只剩下一片乌蓝的天；除了夜游的东西，什么都睡着。他忽然坐起身，擦着火柴，点上遍身油腻的灯盏。"


def read(text: str, *, stem: str = "book", markdown: bool = False, **options) -> Manuscript:
    return read_text(text, f"{stem}.txt", stem, ReadOptions(**options), markdown=markdown)


def wrapped(text: str, width: int = 70) -> str:
    return textwrap.fill(text, width)


def whole(book: Manuscript) -> str:
    return "".join(book.source_text())


def kinds(book: Manuscript) -> list[str]:
    return [b.kind for c in book.chapters for b in c.blocks]


def check(book: Manuscript, text: str) -> None:
    """What every reader promises of chapters, blocks and edits."""
    assert whole(book) == text
    for chapter in book.chapters:
        at = 0
        for block in chapter.blocks:
            assert block.char_start >= at
            assert not chapter.text[at : block.char_start].strip()
            assert chapter.text[block.char_start : block.char_end] == block.text
            at = block.char_end
        assert not chapter.text[at:].strip()


GUTENBERG = f"""The Project Gutenberg eBook of The Harbour, by Ann Author

Title: The Harbour

Author: Ann Author

*** START OF THE PROJECT GUTENBERG EBOOK THE HARBOUR ***

Produced by A Volunteer

THE HARBOUR

By Ann Author

CONTENTS

  CHAPTER I. The Old Man
  CHAPTER II. The Ship


CHAPTER I.
The Old Man


{wrapped(PROSE * 3)}

“Who goes there?” he _cried_.[1]

      The sea is wide,
      The sea is deep,
      And in the tide
      The drowned men sleep.

[Illustration: The old man]

{wrapped(PROSE * 2)}

[Footnote 1: He had cried before.]


CHAPTER II.
The Ship


{wrapped(PROSE * 4)}

THE END

*** END OF THE PROJECT GUTENBERG EBOOK THE HARBOUR ***

Licence, two pages of it.
"""


def test_gutenberg() -> None:
    book = read(GUTENBERG)
    check(book, GUTENBERG)
    assert (book.title, book.author, book.language) == ("The Harbour", "Ann Author", "en")
    assert [c.title for c in book.chapters] == ["CHAPTER I. The Old Man", "CHAPTER II. The Ship"]
    first = book.chapters[0]
    assert [b.text for b in first.blocks if b.kind == "heading"] == ["CHAPTER I.", "The Old Man"]
    assert first.blocks[2].text == (PROSE * 3).strip(), "hard-wrapped lines are one paragraph"
    assert first.blocks[3].text == "“Who goes there?” he cried."
    assert first.blocks[4].kind == "verse"
    assert first.blocks[4].text.count("\n") == 3
    read_out = "".join(c.text for c in book.chapters)
    for left in ("Gutenberg", "Licence", "Illustration", "Footnote", "CONTENTS", "Volunteer"):
        assert left not in read_out
    assert {p.reason.split(":")[0] for p in book.left_out} >= {
        "Project Gutenberg's licence",
        "table of contents",
    }


def test_footnotes_at_the_end_of_their_chapter() -> None:
    book = read(GUTENBERG, notes="end")
    check(book, GUTENBERG)
    assert book.chapters[0].blocks[-1].kind == "footnote"
    assert "He had cried before" in book.chapters[0].blocks[-1].text


def test_offsets_lead_back_to_the_file() -> None:
    book = read(GUTENBERG)
    for chapter in book.chapters:
        for word in ("harbour", "nobody was", "striking"):
            at = chapter.text.find(word)
            start, end = chapter.source_offsets([at, at + len(word)])
            assert GUTENBERG[start:end].split() == word.split()


@pytest.mark.parametrize(
    ("lines", "titles"),
    [
        (["第一章 夜行", "第二章 归来"], ["第一章 夜行", "第二章 归来"]),
        (["第1章：夜行", "第2章：归来"], ["第1章：夜行", "第2章：归来"]),
        (
            ["第一百零一回　夜行　归来", "第一百零二回　出门　回家"],
            ["第一百零一回　夜行　归来", "第一百零二回　出门　回家"],
        ),
        (["楔子", "第一章 归来"], ["楔子", "第一章 归来"]),
        (["一", "二"], ["一", "二"]),
        (["Chapter 1", "Chapter 2"], ["Chapter 1", "Chapter 2"]),
        (["CHAPTER ONE", "CHAPTER TWO"], ["Chapter One", "Chapter Two"]),
        (["I. A Scandal in Town", "II. The Red Door"], ["I. A Scandal in Town", "II. The Red Door"]),
        (["Prologue", "1"], ["Prologue", "1"]),
        (["Erstes Kapitel", "Zweites Kapitel"], ["Erstes Kapitel", "Zweites Kapitel"]),
        (["CHAPITRE PREMIER", "CHAPITRE II"], ["Chapitre Premier", "Chapitre II"]),
        (["Глава первая", "Глава вторая"], ["Глава первая", "Глава вторая"]),
    ],
)
def test_headings(lines: list[str], titles: list[str]) -> None:
    text = "".join(
        f"{line}\n\n{ZH if line > '⁀' else PROSE * 3}\n\n{ZH if line > '⁀' else PROSE * 3}\n\n\n"
        for line in lines
    )
    if lines == ["Prologue", "1"]:
        text += f"2\n\n{PROSE * 3}\n"
        titles = [*titles, "2"]
    book = read(text)
    check(book, text)
    assert [c.title for c in book.chapters] == titles


@pytest.mark.parametrize(
    "sentence",
    [
        "Chapter 3 of the old book was lost, and nobody knew what had stood in it.",
        "第二回忘记了那一年，总之是募集湖北水灾捐而他还没有死。",
        "I remember him as if it were yesterday.",
        "Part of the crew had gone ashore.",
        "Book after book fell from the shelf.",
    ],
)
def test_sentences_are_no_headings(sentence: str) -> None:
    text = f"Chapter 1\n\n{PROSE * 3}\n\n{sentence}\n\n{PROSE * 3}\n\nChapter 2\n\n{PROSE}\n"
    assert len(read(text).chapters) == 2


def test_parts_open_with_their_first_chapter() -> None:
    text = "".join(
        f"PART {part}\n\n\nCHAPTER I\n\n{PROSE * 3}\n\n\nCHAPTER II\n\n{PROSE * 3}\n\n\n"
        for part in ("ONE", "TWO")
    )
    book = read(text)
    check(book, text)
    assert [c.number for c in book.chapters] == [1, 2, 3, 4]
    assert book.chapters[2].title == "Part Two, Chapter I"
    assert [b.text for b in book.chapters[2].blocks[:2]] == ["PART TWO", "CHAPTER I"]


def test_front_and_back_matter_by_choice() -> None:
    text = f"PREFACE\n\n{PROSE * 3}\n\nCHAPTER I\n\n{PROSE * 3}\n\nCHAPTER II\n\n{PROSE * 3}\n\nAFTERWORD\n\n{PROSE}\n"
    assert [c.title for c in read(text).chapters] == ["Chapter I", "Chapter II"]
    assert [p.reason for p in read(text).left_out] == ["front matter: PREFACE", "back matter: AFTERWORD"]
    assert len(read(text, matter="all").chapters) == 4
    check(read(text), text)


def test_web_novel() -> None:
    chapters = "".join(
        f"第{n}章 夜行{n}\n　　{ZH}\n　　“你就去么？”\n　　【叮！恭喜宿主】\n　　{ZH}\n" for n in (1, 2, 3)
    )
    text = f"《夜行》作者：某人\n本书由www.example.com整理\n\n{chapters}"
    book = read(text, stem="夜行")
    check(book, text)
    assert (book.title, book.author, book.language, book.script) == ("夜行", "某人", "zh-Hans", "Hans")
    assert len(book.chapters) == 3
    assert "【叮！恭喜宿主】" in book.chapters[0].text, "a system's message is text"
    assert [b.text for b in book.chapters[1].blocks][2] == "“你就去么？”"


def test_editors_marks_go() -> None:
    text = (
        "　　耳朵已经□□【左“口”右“皇”】的响着了⑴，用了心，\n才听到他是说⑵。\n\n　　"
        + ZH
        + "\n\n□注释\n\n⑴本篇最初发表于月刊。\n\n⑵即他。\n"
    )
    book = read(text, stem="社戏")
    check(book, text)
    assert book.chapters[0].text.count("⑴") == 0
    assert "左" not in book.chapters[0].text
    assert "注释" not in book.chapters[0].text
    assert kinds(read(text, notes="end")).count("footnote") == 3


def test_hard_wrapped_chinese_joins_without_spaces() -> None:
    lines = [f"　　{ZH[:34]}", ZH[34:70], f"　　{ZH[:34]}", ZH[34:60]]
    text = "\n".join(lines * 6)
    book = read(text)
    check(book, text)
    assert book.chapters[0].blocks[0].text == ZH[:70]


def test_page_numbers_that_cut_sentences_go() -> None:
    text = "".join(f"{PROSE.strip()[:80]}\n\n{n}\n\n{PROSE.strip()[80:]}\n\n" for n in range(1, 12))
    book = read(text)
    check(book, text)
    assert len(book.chapters) == 1
    assert not any(b.text.isdecimal() for b in book.chapters[0].blocks)


def test_scene_breaks() -> None:
    text = f"{PROSE}\n\n* * *\n\n{PROSE}\n\n◇◇◇\n\n{PROSE}\n\n……\n\n{PROSE}\n" + f"\n{PROSE}\n" * 8
    book = read(text)
    assert kinds(book).count("break") == 2, "a silence in dots is a line, not a break"


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("utf-8", ZH),
        ("utf-8-sig", ZH),
        ("utf-16", ZH),
        ("utf-16-le", PROSE),
        ("utf-16-be", PROSE),
        ("gb18030", ZH * 3),
        (
            "big5",
            "這個時候，他們兩個人沒有說話，只是靜靜地坐著，聽見外面的風聲。門開了，有一個老人走進來，問道：「你們來做什麼？」"
            * 2,
        ),
        ("shift_jis", "「おい」と声を掛けたが返事がない。軒下から奥を覗くと煤けた障子が立て切ってある。" * 3),
        ("cp1252", "“Naïve,” he said—and that was the café’s last word on it. " * 3),
        (
            "cp1251",
            "Всё смешалось в доме Облонских. Жена узнала, что муж был в связи с бывшею в их доме француженкою. "
            * 3,
        ),
    ],
)
def test_encodings(encoding: str, text: str) -> None:
    decoded = decode_book(text.encode(encoding), "book.txt")
    assert decoded.text == text
    assert decoded.damaged == 0


def test_a_few_broken_bytes_cost_a_warning() -> None:
    raw = (ZH * 20).encode()
    decoded = decode_book(raw[:1000] + b"\xff" + raw[1000:], "book.txt")
    assert decoded.encoding == "utf-8"
    assert 1 <= decoded.damaged <= 4
    assert decoded.warnings()


@pytest.mark.parametrize("raw", [b"", b"%PDF-1.7 ...", b"\x89PNG\r\n" + bytes(200), bytes(range(256)) * 4])
def test_what_is_no_text_is_refused(raw: bytes) -> None:
    with pytest.raises(InputError):
        decode_book(raw, "book.txt")


def test_languages() -> None:
    assert (
        detect_language(
            ["Der Mann ging nicht in das Haus, und die Frau war auch nicht mit ihm auf dem Weg. " * 3]
        )
        == "de"
    )
    assert (
        detect_language(
            ["Le vieil homme n'est pas dans la maison, et elle ne savait plus que faire de lui. " * 3]
        )
        == "fr"
    )
    assert detect_language([PROSE]) == "en"
    assert detect_language(["Pew"]) == "en"


MARKDOWN = f"""---
title: "The Long Night"
author: Jane Doe
---

# Part One

## Chapter 1: The Start

It was a *dark* and **stormy** night, said [Bob](http://x.y "t"), who wasn't
there.[^1] See snake_case.

> "Quoted," she said,
> loudly.

* * *

Roses are red,\x20\x20
Violets are blue,\x20\x20
Sugar is sweet.

## Chapter 2

{PROSE}

[^1]: A note.
"""


def test_markdown() -> None:
    book = read(MARKDOWN, markdown=True)
    check(book, MARKDOWN)
    assert (book.title, book.author) == ("The Long Night", "Jane Doe")
    assert [c.title for c in book.chapters] == ["Chapter 1: The Start", "Chapter 2"]
    texts = [b.text for b in book.chapters[0].blocks]
    assert texts[:2] == ["Part One", "Chapter 1: The Start"]
    assert texts[2] == "It was a dark and stormy night, said Bob, who wasn't there. See snake_case."
    assert texts[3] == '"Quoted," she said, loudly.'
    assert [b.kind for b in book.chapters[0].blocks][4:] == ["break", "verse"]
    assert "A note" not in book.chapters[1].text


def test_a_book_on_one_line_is_cut_at_sentences(tmp_path: Path) -> None:
    path = tmp_path / "line.txt"
    path.write_text(PROSE * 200, encoding="utf-8")
    chapter = read_manuscript(path).chapters[0]
    assert max(len(b.text) for b in chapter.blocks) <= 6000
    assert all(b.text.endswith(".") for b in chapter.blocks)


def test_numbers() -> None:
    said = {
        "XIV": 14,
        "12": 12,
        "twenty-first": 21,
        "一百二十": 120,
        "廿三": 23,
        "一〇二": 102,
        "１２": 12,
        "hundred and two": 102,
    }
    assert {text: parse_number(text) for text in said} == said
    assert parse_number("harbour") is None
    assert chapter_numbers([None, 1, 2, 3, None]) == [0, 1, 2, 3, 4]
    assert chapter_numbers([101, 102]) == [101, 102]
    assert chapter_numbers([1, 2, 1, 2]) == [1, 2, 3, 4]
    assert chapter_numbers([None, None, 1]) == [1, 2, 3]


LINE = st.one_of(
    st.sampled_from(
        [
            "",
            "",
            "CHAPTER I",
            "第一章 夜",
            "* * *",
            "CONTENTS",
            "1",
            "I",
            "　　" + ZH,
            PROSE,
            "  indented",
            "[1] note",
            "# Title",
            "```",
            "> q",
            "【注】x",
            "_it_ is⑴",
        ]
    ),
    st.text(
        alphabet=st.characters(
            codec="utf-8", exclude_categories=["Cc", "Cs"], include_characters="\t_*#[]【】"
        ),
        max_size=60,
    ),
)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(LINE, min_size=1, max_size=30),
    st.booleans(),
    st.sampled_from(["omit", "end"]),
    st.sampled_from(["story", "all"]),
)
def test_nothing_is_lost_whatever_comes(lines: list[str], markdown: bool, notes: str, matter: str) -> None:
    raw = "\n".join(lines).encode()
    try:
        text = decode_book(raw, "x.txt").text
        book = read(text, markdown=markdown, notes=notes, matter=matter)
    except InputError:
        return
    check(book, text)


def test_stories_named_in_the_contents_are_chapters() -> None:
    names = ["STORY OF THE DOOR", "SEARCH FOR MR. HYDE", "INCIDENT OF THE LETTER"]
    text = (
        "The Case\n\nContents\n"
        + "\n".join(names)
        + "\n\n\n"
        + "".join(f"{n}\n\n{wrapped(PROSE * 4)}\n\n" for n in names)
    )
    book = read(text)
    check(book, text)
    assert [c.title for c in book.chapters] == [
        "Story of the Door",
        "Search for Mr. Hyde",
        "Incident of the Letter",
    ]


def test_detailed_contents_are_no_chapters() -> None:
    listed = "".join(f"CHAPTER {n}. NATURE\n\nVariety. Difference.\n\n" for n in (1, 2, 3))
    body = "".join(
        f"CHAPTER {n}. NATURE\n\n{wrapped(PROSE * 4)}\n\n{wrapped(PROSE * 4)}\n\n" for n in (1, 2, 3)
    )
    book = read(listed + body)
    check(book, listed + body)
    assert [c.number for c in book.chapters] == [1, 2, 3]
    assert all(len(c.text) > 400 for c in book.chapters)


def test_a_play_is_not_taken_for_its_contents() -> None:
    scenes = ["ACT I", "Scene I. A street.", "ACT II", "Scene I. A hall."]
    text = (
        "Contents\n\n"
        + "\n\n".join(scenes)
        + "\n\n"
        + "".join(f"{s}\n\n" + "ROMEO.\nWhat light?\n\nJULIET.\nAy me!\n\n" * 200 for s in scenes)
    )
    book = read(text)
    check(book, text)
    assert sum(len(c.text) for c in book.chapters) > 0.9 * len(text)


@pytest.mark.parametrize("mark", ["---\n", "***", "_", "[1]", "# x\n", "CHAPTER I\n\n", "【", "[Tom]"])
@pytest.mark.parametrize("markdown", [False, True])
def test_endless_marks_take_no_time(mark: str, markdown: bool) -> None:
    text = PROSE + "\n\n" + mark * 4000 + PROSE  # quadratic work would take minutes here
    check(read(text, markdown=markdown), text)
    looks_tagged(text)


def test_the_collector_is_as_before_an_import(tmp_path: Path) -> None:
    book = tmp_path / "book.txt"
    book.write_text("It was late.\n\n“Come in,” said Emma.\n", encoding="utf-8")
    import_book(book)
    assert gc.isenabled()
    gc.disable()
    try:
        import_book(book)
        assert not gc.isenabled(), "whoever switched it off wants it off"
    finally:
        gc.enable()
    (tmp_path / "empty.txt").write_text(" ")
    with pytest.raises(InputError):
        import_book(tmp_path / "empty.txt")
    assert gc.isenabled(), "after an error too"
