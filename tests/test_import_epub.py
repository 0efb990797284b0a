"""EPUB: reading order, front and back matter, kinds of text, notes, pronunciation; and every way it can be broken."""

from __future__ import annotations

import contextlib
import io
import struct
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from story.errors import InputError, SoundboundError
from story.importing.book import import_book, read_manuscript
from story.importing.epub import archive as archive_module
from story.importing.epub.document import read_document
from story.importing.manuscript import Manuscript
from story.importing.markup import Markup, tokens, unescape
from story.importing.options import ReadOptions
from tests.epubs import make_epub, page

PROSE = "It was a bright cold day, and the clocks were striking thirteen as the old man came down to the harbour. "
LONG = f"<p>{PROSE * 3}</p>" * 6


def read(path: Path, **options) -> Manuscript:
    book = read_manuscript(path, ReadOptions(**options))
    for chapter in book.chapters:
        at = 0
        for block in chapter.blocks:
            assert chapter.text[block.char_start : block.char_end] == block.text
            assert not chapter.text[at : block.char_start].strip()
            at = block.char_end
        assert not chapter.text[at:].strip()
    return book


def body_of(html: str) -> list[tuple[str, str]]:
    return [(b.kind, b.text) for b in read_document("x.xhtml", Markup(page(html))).blocks]


NOVEL = {
    "cover.xhtml": page('<img src="c.jpg" alt="Cover"/>', epub_type="cover"),
    "title.xhtml": page("<h1>A Book</h1><p>Ann Author</p>", epub_type="titlepage"),
    "preface.xhtml": page(f"<h2>Preface</h2>{LONG}"),
    "c1.xhtml": page(f"<h2>Chapter 1</h2><h3>The Start</h3>{LONG}"),
    "c2.xhtml": page(f"<h2>Chapter 2</h2><h3>The End</h3>{LONG}"),
    "about.xhtml": page(f"<h2>About the Author</h2>{LONG}"),
}
CONTENTS = [
    ("Preface", "preface.xhtml"),
    ("Chapter 1: The Start", "c1.xhtml"),
    ("Chapter 2: The End", "c2.xhtml"),
    ("About the Author", "about.xhtml"),
]


@pytest.mark.parametrize("ncx", [False, True], ids=["EPUB 3", "EPUB 2"])
def test_chapters_are_told_from_front_and_back_matter(tmp_path: Path, ncx: bool) -> None:
    path = make_epub(tmp_path / "b.epub", NOVEL, contents=CONTENTS, ncx=ncx)
    book = read(path)
    assert (book.title, book.author, book.language) == ("A Book", "Ann Author", "en")
    assert [(c.number, c.title) for c in book.chapters] == [
        (1, "Chapter 1: The Start"),
        (2, "Chapter 2: The End"),
    ]
    assert [b.text for b in book.chapters[0].blocks[:2]] == ["Chapter 1", "The Start"]
    assert len(read(path, matter="all").chapters) == 5
    assert {"front matter: Preface", "back matter: About the Author"} <= {p.reason for p in book.left_out}


def test_without_a_contents_page_headings_divide(tmp_path: Path) -> None:
    book = read(make_epub(tmp_path / "b.epub", NOVEL))
    assert [c.title for c in book.chapters] == ["Chapter 1. The Start", "Chapter 2. The End"]


def test_the_spine_is_the_order(tmp_path: Path) -> None:
    path = make_epub(tmp_path / "b.epub", NOVEL, contents=CONTENTS, spine=["c2.xhtml", "c1.xhtml"])
    assert [c.title for c in read(path).chapters] == ["Chapter 2: The End", "Chapter 1: The Start"]


def test_a_chapter_split_over_files_is_one(tmp_path: Path) -> None:
    pages = {
        "a_split_000.html": page(f'<p class="calibre1"><b>Chapter 1</b></p>{LONG}'),
        "a_split_001.html": page(LONG),
        "a_split_002.html": page(f'<p class="calibre1"><b>Chapter 2</b></p>{LONG}'),
    }
    contents = [("Chapter 1", "a_split_000.html"), ("Chapter 2", "a_split_002.html")]
    for book in (
        read(make_epub(tmp_path / "b.epub", pages, contents=contents)),
        read(make_epub(tmp_path / "c.epub", pages)),
    ):
        assert [c.title for c in book.chapters] == ["Chapter 1", "Chapter 2"]
        assert sum(b.kind == "narration" for b in book.chapters[0].blocks) == 12
        assert book.chapters[0].blocks[0].kind == "heading", "a heading without a heading's tag"


def test_parts_and_chapters_of_a_nested_contents_page(tmp_path: Path) -> None:
    pages = {"p1.xhtml": page("<h1>Part One</h1>", epub_type="part")}
    pages |= {f"c{i}.xhtml": page(f"<h2>{i}</h2>{LONG}", epub_type="chapter") for i in (1, 2)}
    nav = (
        '<nav epub:type="toc"><ol><li><a href="p1.xhtml">Part One</a><ol><li><a href="c1.xhtml">1</a></li>'
        '<li><a href="c2.xhtml">2</a></li></ol></li></ol></nav>'
    )
    path = make_epub(
        tmp_path / "b.epub", pages, contents=[("x", "p1.xhtml")], more={"OEBPS/nav.xhtml": page(nav)}
    )
    book = read(path)
    assert [c.number for c in book.chapters] == [1, 2]
    assert [b.text for b in book.chapters[0].blocks[:2]] == ["Part One", "1"]


def test_chapters_inside_one_file(tmp_path: Path) -> None:
    whole = "".join(f'<h2 id="c{i}">Chapter {i}</h2>{LONG}' for i in (1, 2, 3))
    contents = [(f"Chapter {i}", f"all.xhtml#c{i}") for i in (1, 2, 3)]
    assert (
        len(read(make_epub(tmp_path / "b.epub", {"all.xhtml": page(whole)}, contents=contents)).chapters) == 3
    )


@pytest.mark.parametrize(
    ("html", "blocks"),
    [
        ("<p>One <i>two</i>\n three</p><p>Four</p>", [("narration", "One two three"), ("narration", "Four")]),
        ("<h2>Chapter I<br/>The Start</h2>", [("heading", "Chapter I"), ("heading", "The Start")]),
        ("<p>a</p><hr/><p>b</p>", [("narration", "a"), ("break", ""), ("narration", "b")]),
        ("<p>a</p><p>* * *</p><p>b</p>", [("narration", "a"), ("break", "* * *"), ("narration", "b")]),
        ("<p><ruby>山路<rt>やまみち</rt></ruby>を登る</p>", [("narration", "山路を登る")]),
        ('<p>a<span epub:type="pagebreak" title="3">3</span>b</p>', [("narration", "ab")]),
        ('<p>Word<a epub:type="noteref" href="#n1">1</a>.</p>', [("narration", "Word.")]),
        ('<p>Word<sup><a href="n.xhtml#n1">[1]</a></sup> and</p>', [("narration", "Word and")]),
        ('<p>See <a href="#c2">the other chapter</a>.</p>', [("narration", "See the other chapter.")]),
        ("<p><q>Yes <q>no</q></q></p>", [("narration", "“Yes ‘no’”")]),
        ('<p><img alt="O" src="o.png"/>nce upon</p>', [("narration", "Once upon")]),
        ('<blockquote epub:type="z3998:letter"><p>Dear Sir,</p></blockquote>', [("letter", "Dear Sir,")]),
        (
            '<div class="poem"><p>Roses,<br/>red</p><p>Violets,<br/>blue</p></div>',
            [("verse", "Roses,\nred"), ("verse", "Violets,\nblue")],
        ),
        (
            '<div class="stanza"><div>Roses,</div><div>red<span class="lnum">5</span></div></div>',
            [("verse", "Roses,\nred")],
        ),
        (
            "<p>Roses are red,<br/>Violets are blue,<br/>Sugar is sweet</p>",
            [("verse", "Roses are red,\nViolets are blue,\nSugar is sweet")],
        ),
        (
            "<p>「おい」<br/>と云うや否や、ひらりと廊下を馳けて行った。</p>",
            [("narration", "「おい」"), ("narration", "と云うや否や、ひらりと廊下を馳けて行った。")],
        ),
        (
            '<p hidden="hidden">no</p><p style="display:none">no</p><script>no()</script><p>yes</p>',
            [("narration", "yes")],
        ),
        ("<table><tr><td>a</td><td>b</td></tr></table>", [("narration", "a, b")]),
        ("<p>soft\u00adhyphen\u2060—and\u00a0so</p>", [("narration", "softhyphen—and so")]),
        ("<p>AT&amp;T &mdash; &#8220;x&#8221; &nosuch; y</p>", [("narration", "AT&T — “x” y")]),
    ],
)
def test_what_markup_means(html: str, blocks: list[tuple[str, str]]) -> None:
    assert body_of(html) == blocks


def test_empty_paragraphs_are_breaks_where_they_are_rare() -> None:
    rare = body_of("".join("<p>a</p>" for _ in range(20)) + "<p>&#160;</p><p>b</p>")
    assert ("break", "") in rare


NOTED = {
    "c1.xhtml": page(
        f'<h2>Chapter 1</h2><p>Word<a epub:type="noteref" href="notes.xhtml#n1">1</a> here.</p>{LONG}'
    ),
    "c2.xhtml": page(
        f'<h2>Chapter 2</h2>{LONG}<p>Last<a epub:type="noteref" href="#n2">2</a>.</p><aside epub:type="footnote" id="n2"><p>2. Own note.</p></aside>'
    ),
    "notes.xhtml": page(
        '<h2>Notes</h2><div epub:type="endnote" id="n1"><p><a href="c1.xhtml">1</a> A far note. <a href="c1.xhtml#r1" epub:type="backlink">↩</a></p></div>',
        epub_type="endnotes",
    ),
}


def test_footnotes_by_choice(tmp_path: Path) -> None:
    path = make_epub(
        tmp_path / "b.epub",
        NOTED,
        contents=[("Chapter 1", "c1.xhtml"), ("Chapter 2", "c2.xhtml"), ("Notes", "notes.xhtml")],
    )
    assert "note" not in "".join(c.text for c in read(path).chapters)
    book = read(path, notes="end")
    assert [c.blocks[-1].text for c in book.chapters] == ["A far note.", "Own note."]
    assert all(c.blocks[-1].kind == "footnote" for c in book.chapters)


def test_pronunciation_in_the_book(tmp_path: Path) -> None:
    pls = '<lexicon alphabet="ipa"><lexeme><grapheme>Laputa</grapheme><phoneme>ləˈpuːtə</phoneme></lexeme></lexicon>'
    opf = (
        '<package xmlns="http://www.idpf.org/2007/opf"><metadata/><manifest><item id="c" href="c.xhtml" '
        'media-type="application/xhtml+xml"/><item id="l" href="l.pls" media-type="application/pls+xml"/></manifest>'
        '<spine><itemref idref="c"/></spine></package>'
    )
    text = page(f'<p><span xmlns:ssml="x" ssml:ph="wɛst">W.</span> {PROSE}</p>')
    path = make_epub(tmp_path / "b.epub", {"c.xhtml": text}, more={"OEBPS/book.opf": opf, "OEBPS/l.pls": pls})
    book = read(path)
    assert book.pronunciation == {"Laputa": "ləˈpuːtə", "W.": "wɛst"}
    assert book.phoneme_alphabet == "ipa"


@pytest.mark.parametrize(
    ("declared", "body", "language"),
    [
        ("en", "他們兩個人沒有說話，只是靜靜地坐著，聽見外面的風聲。" * 20, "zh-Hant"),
        ("zh", "他们两个人没有说话，只是静静地坐着，听见外面的风声。" * 20, "zh-Hans"),
        ("UND", PROSE * 5, "en"),
        ("en-gb", PROSE * 5, "en-GB"),
    ],
)
def test_language(tmp_path: Path, declared: str, body: str, language: str) -> None:
    pages = {"c.xhtml": page(f"<p>{body}</p>" * 25)}
    assert read(make_epub(tmp_path / "b.epub", pages, language=declared)).language == language


# ---- broken, hostile, locked


def test_broken_xhtml_is_read_with_a_warning(tmp_path: Path) -> None:
    pages = {
        "c1.xhtml": f"<html><body><h2>Chapter 1<p>One <b>two</p><p>three & four <5</p>{LONG}<p>cut off in the mid"
    }
    book = read(make_epub(tmp_path / "b.epub", pages))
    assert "three & four <5" in book.chapters[0].text
    assert "cut off in the mid" in book.chapters[0].text
    assert any("not well formed" in w for w in book.warnings)


def test_missing_parts_leave_the_readable_rest(tmp_path: Path) -> None:
    path = make_epub(tmp_path / "b.epub", NOVEL, contents=CONTENTS)
    with zipfile.ZipFile(path) as z:
        files = {n: z.read(n) for n in z.namelist()}
    for gone in ("mimetype", "META-INF/container.xml", "OEBPS/nav.xhtml", "OEBPS/book.opf", "OEBPS/c1.xhtml"):
        rest = tmp_path / "rest.epub"
        with zipfile.ZipFile(rest, "w") as z:
            for name, content in files.items():
                if name != gone:
                    z.writestr(name, content)
        book = read(rest)
        assert any(c.title.startswith("Chapter 2") for c in book.chapters), gone
        assert book.warnings or gone in ("mimetype", "OEBPS/nav.xhtml"), gone


def test_a_damaged_file_inside_costs_itself_only(tmp_path: Path) -> None:
    path = make_epub(tmp_path / "b.epub", NOVEL, contents=CONTENTS)
    raw = bytearray(path.read_bytes())
    with zipfile.ZipFile(io.BytesIO(bytes(raw))) as z:
        info = z.getinfo("OEBPS/c1.xhtml")
    at = info.header_offset + 30 + len(info.filename) + 20
    raw[at : at + 40] = b"\xff" * 40
    path.write_bytes(raw)
    book = read(path)
    assert book.chapters[-1].title.startswith("Chapter 2")
    assert any("c1.xhtml is damaged" in w for w in book.warnings)


def zipped(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
        for name, content in files.items():
            z.writestr(name, content)
    return out.getvalue()


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b"", "empty"),
        (b"PK\x03\x04 and nothing more", "no readable EPUB"),
        (zipped({"word/document.xml": b"<w/>", "[Content_Types].xml": b"<x/>"}), "Word document"),
        (zipped({"a.txt": b"hello"}), "not an EPUB"),
        (zipped({"mimetype": b"application/epub+zip"}), "no text"),
        (
            zipped(
                {"mimetype": b"application/epub+zip", "c.xhtml": b"<html><body><img src='x'/></body></html>"}
            ),
            "no text",
        ),
    ],
)
def test_what_is_no_book_says_so(tmp_path: Path, raw: bytes, says: str) -> None:
    path = tmp_path / "b.epub"
    path.write_bytes(raw)
    with pytest.raises(InputError, match=says) as caught:
        import_book(path)
    assert caught.value.remedy


def encryption(algorithm: str, uri: str) -> str:
    return (
        '<encryption xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><EncryptedData>'
        f'<EncryptionMethod Algorithm="{algorithm}"/><CipherData><CipherReference URI="{uri}"/></CipherData>'
        "</EncryptedData></encryption>"
    )


def test_locked_books_are_refused_and_hidden_fonts_are_not(tmp_path: Path) -> None:
    aes = encryption("http://www.w3.org/2001/04/xmlenc#aes128-cbc", "OEBPS/c1.xhtml")
    more: dict[str, str | bytes] = {"META-INF/encryption.xml": aes, "META-INF/rights.xml": "<rights/>"}
    with pytest.raises(InputError, match="encrypted") as caught:
        read(make_epub(tmp_path / "b.epub", NOVEL, contents=CONTENTS, more=more))
    assert "copy protection" in caught.value.remedy
    font = encryption("http://www.idpf.org/2008/embedding", "OEBPS/font.otf")
    assert read(
        make_epub(tmp_path / "c.epub", NOVEL, contents=CONTENTS, more={"META-INF/encryption.xml": font})
    ).chapters


def test_a_decompression_bomb_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive_module, "MAX_PART_BYTES", 1 << 20)
    path = make_epub(tmp_path / "b.epub", {"c1.xhtml": page("<p>" + "a" * (3 << 20) + "</p>")})
    assert path.stat().st_size < 100_000
    with pytest.raises(InputError, match="unpacks to more"):
        read(path)
    # one that lies about its size is stopped by what comes out
    raw = path.read_bytes()
    with zipfile.ZipFile(path) as z:
        true_size = z.getinfo("OEBPS/c1.xhtml").file_size
    path.write_bytes(raw.replace(struct.pack("<I", true_size), struct.pack("<I", 10)))
    with pytest.raises(InputError):
        read(path)


def test_entities_are_not_expanded(tmp_path: Path) -> None:
    bomb = (
        "<!DOCTYPE html ["
        + "".join(f'<!ENTITY a{i} "{f"&a{i - 1};" * 10}">' for i in range(1, 12))
        + '<!ENTITY a0 "ha"><!ENTITY f SYSTEM "file:///etc/passwd">]>'
    )
    pages = {"c.xhtml": f"{bomb}<html><body><p>Begin &a11; &f; end. {PROSE}</p></body></html>"}
    book = read(make_epub(tmp_path / "b.epub", pages))
    assert book.chapters[0].text.startswith("Begin end. It was")
    assert "root:" not in book.chapters[0].text
    assert any("unknown entities" in w for w in book.warnings)


def test_paths_do_not_leave_the_book(tmp_path: Path) -> None:
    secret = tmp_path / "secret.xhtml"
    secret.write_text(page("<p>secret</p>"), encoding="utf-8")
    items = "".join(
        f'<item id="i{i}" href="{h}" media-type="application/xhtml+xml"/>'
        for i, h in enumerate(
            [
                "../../secret.xhtml",
                "/etc/passwd",
                "file:///etc/passwd",
                "..%2F..%2Fsecret.xhtml",
                "c.xhtml",
                "\\..\\secret.xhtml",
            ]
        )
    )
    refs = "".join(f'<itemref idref="i{i}"/>' for i in range(6))
    opf = f"<package><manifest>{items}</manifest><spine>{refs}</spine></package>"
    path = make_epub(tmp_path / "b.epub", {"c.xhtml": page(f"<p>{PROSE}</p>")}, more={"OEBPS/book.opf": opf})
    book = read(path)
    assert book.chapters[0].text == PROSE.strip()
    assert len([w for w in book.warnings if "missing" in w or "not there" in w]) >= 4


@pytest.mark.parametrize(
    "nest",
    [
        "<div>",
        "<b>",
        "<ul><li>",
        "<a href='#x'>1",
        "<!-- ",
        "<![CDATA[",
        "<!x [",
        "<script>",
        "<p a='",
        "&",
        "<p ",
        '<aside epub:type="footnote" id="a">',
    ],
)
def test_deep_and_endless_markup_takes_no_time(nest: str) -> None:
    markup = Markup(f"<html><body>{nest * 20_000}text</body></html>")
    assert sum(1 for _ in tokens(markup)) >= 1
    read_document("x", Markup(f"<html><body>{nest * 20_000}text</body></html>"))


def test_absurd_character_references() -> None:
    assert unescape("&#" + "9" * 6000 + ";") == "\ufffd;"
    assert unescape("&#x110000; &#0; &amp;") == "\ufffd \ufffd &"


PIECE = st.one_of(
    st.sampled_from(
        [
            "<p>",
            "</p>",
            "<div class='poem'>",
            "</div>",
            "<br/>",
            "<h2>",
            "</h2>",
            "<hr/>",
            "<a href='#n'>",
            "</a>",
            "<q>",
            "</q>",
            "<sup>",
            "<aside epub:type='footnote' id='n'>",
            "</aside>",
            "<!--",
            "-->",
            "<![CDATA[",
            "]]>",
            "<td>",
            "&nbsp;",
            "&#160;",
            "<",
            ">",
            "&",
            "<ruby>",
            "<rt>",
            "</rt>",
            "<pre>",
            "\n",
            "<title>",
            "<script>",
            "<section epub:type='z3998:verse'>",
            "</section>",
        ]
    ),
    st.text(max_size=12),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(PIECE, max_size=60))
def test_any_markup_is_read(pieces: list[str]) -> None:
    document = read_document("x", Markup("".join(pieces)))
    assert all(b.text or b.kind == "break" for b in document.blocks)


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_a_damaged_epub_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = make_epub(tmp_path_factory.mktemp("fuzz") / "b.epub", NOTED, contents=[("Chapter 1", "c1.xhtml")])
    raw = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 8))):
        at = data.draw(st.integers(0, len(raw) - 1))
        raw[at] = data.draw(st.integers(0, 255))
    path.write_bytes(raw[: data.draw(st.integers(len(raw) // 2, len(raw)))])
    with contextlib.suppress(SoundboundError):
        import_book(path)
