"""What the elements, epub:types, roles and class names of a book's files mean for reading it aloud."""

from __future__ import annotations

import re

BLOCKS = frozenset(
    [
        "address",
        "article",
        "aside",
        "blockquote",
        "body",
        "center",
        "dd",
        "details",
        "div",
        "dl",
        "dt",
        "fieldset",
        "figure",
        "footer",
        "form",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "header",
        "hgroup",
        "li",
        "main",
        "nav",
        "ol",
        "p",
        "pre",
        "section",
        "summary",
        "table",
        "tbody",
        "tfoot",
        "thead",
        "tr",
        "ul",
        "caption",
    ]
)
HEADINGS = frozenset(("h1", "h2", "h3", "h4", "h5", "h6"))
NEVER_IN_HEADINGS = HEADINGS | {"p", "div", "section", "blockquote", "ul", "ol", "table", "body"}
MARK_PIECES = 8  # pieces of text that a note's number may consist of
SKIPPED = frozenset(
    [
        "head",
        "script",
        "style",
        "nav",
        "svg",
        "math",
        "template",
        "audio",
        "video",
        "object",
        "iframe",
        "rt",
        "rp",
        "rtc",
        "figcaption",
        "select",
        "button",
    ]
)
TYPES = {  # epub:type, role → what is to be done
    "pagebreak": "skip",
    "doc-pagebreak": "skip",
    "noteref": "skip",
    "doc-noteref": "skip",
    "backlink": "skip",
    "doc-backlink": "skip",
    "referrer": "skip",
    "toc": "skip",
    "landmarks": "skip",
    "page-list": "skip",
    "footnote": "note",
    "endnote": "note",
    "rearnote": "note",
    "note": "note",
    "doc-footnote": "note",
    "doc-endnote": "note",
    "z3998:verse": "verse",
    "z3998:poem": "verse",
    "z3998:song": "verse",
    "z3998:hymn": "verse",
    "z3998:lyrics": "verse",
    "verse": "verse",
    "poem": "verse",
    "z3998:letter": "letter",
    "letter": "letter",
    "title": "title",
    "fulltitle": "title",
    "subtitle": "title",
    "z3998:title": "title",
    "ordinal": "title",
}
CLASSES = [
    (
        re.compile(
            r"(?:^|[\s_-])(?:lnum|linenum|linenumber|line-number|pagenum|pageno|page-?number|pagebreak|noteref|fnref|footnote-?ref|hidden|invisible)(?:$|[\s_-])",
            re.I,
        ),
        "skip",
    ),
    (re.compile(r"(?:^|[\s_-])(?:footnotes?|endnotes?|fnotes?|rearnotes?)(?:$|[\s_-]|\d)", re.I), "note"),
    (
        re.compile(
            r"(?:^|[\s_-])(?:poem|poetry|verse|stanza|linegroup|lyrics|song|sonnet|ballad|hymn)(?:$|[\s_-]|\d)",
            re.I,
        ),
        "verse",
    ),
    (re.compile(r"(?:^|[\s_-])(?:letter|epistle|correspondence)(?:$|[\s_-]|\d)", re.I), "letter"),
    (
        re.compile(
            r"(?:^|[\s_-])(?:chapter-?title|chapter-?number|chapter-?head(?:ing)?|chap-?title|heading|part-?title)(?:$|[\s_-]|\d)",
            re.I,
        ),
        "title",
    ),
]
HIDDEN = re.compile(r"(?:display\s*:\s*none|visibility\s*:\s*hidden)", re.IGNORECASE)
