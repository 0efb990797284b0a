"""Title and author of a text file: what it says of itself first, then its first lines, then its name."""

from __future__ import annotations

import re

from story.importing.headings import is_title_line, undecorated

_BY = re.compile(
    r"(?:by|von|par|par M\.|de|di|av|作者|著者|文)\s*[:：]?\s+(?P<name>[^\n]{2,60})$", re.IGNORECASE
)
_AUTHOR_CJK = re.compile(
    r"[·•\s　]*(?:作者|文|著)?[:：\s　]*(?P<name>[\u3400-\u9fff·]{2,12})[·•\s　]*(?:著|作)?$"
)
_BOOK_MARKS = re.compile(
    r"[《『](?P<title>[^》』]{1,60})[》』]\s*(?:作者\s*[:：]\s*|by\s+|[-—_]\s*)?(?P<author>[^\s()（）\[\]]{2,20})?"
)
_SMALL = {
    "a",
    "an",
    "and",
    "as",
    "at",
    "but",
    "by",
    "for",
    "in",
    "nor",
    "of",
    "on",
    "or",
    "the",
    "to",
    "with",
    "from",
}
_ROMAN_ONLY = re.compile(r"(?=[IVXLCDM])M*(?:CM|CD|D?C*)(?:XC|XL|L?X*)(?:IX|IV|V?I*)[.,:;]*")
_CIRCLED_END = re.compile(r"[⑴-⒇①-⑳\[\d\]*†]+$")
_TRAILING = re.compile(
    r"[\s_]*[(（\[【](?:完结?|全本|全集|校对版?|精校版?|txt|utf-?8|gbk|epub|完整版|[\w.]+\.(?:com|net|org|cc))[)）\]】]$",
    re.IGNORECASE,
)


def capitals_to_title(text: str) -> str:
    """ "THE LEGEND OF SLEEPY HOLLOW" → "The Legend of Sleepy Hollow"; anything else stays."""
    if not text.isupper() or not re.search("[A-Z]{2}", text) or _ROMAN_ONLY.fullmatch(text):
        return text
    words: list[str] = []
    for word in text.split(" "):
        begins = not words or words[-1][-1:] in ".:-—–!?"
        words.append(_in_title(word, begins))
    return " ".join(words)


def _in_title(word: str, begins: bool) -> str:
    if _ROMAN_ONLY.fullmatch(word) and word.strip(".,:") != "MIX":
        return word
    lower = word.lower()
    if not begins and lower in _SMALL:
        return lower
    return (
        re.sub(r"(^|[\W_-])([^\W\d_])(?=[^\W\d_])", lambda m: m[1] + m[2].upper(), lower)
        if len(lower) > 1
        else word
    )


def title_of(lines: list[str], facts: dict[str, str], stem: str, *, lone: bool) -> tuple[str, str]:
    """(title, author), either may be "".

    Args:
        lines: the first short lines of the book, before its first chapter or its prose.
        facts: what the header said.
        stem: the file's name without its ending.
        lone: the book has no chapters of its own, so its first line is its title rather than a chapter's.
    """
    title, author = facts.get("title", ""), facts.get("author", "")
    named_title, named_author = _from_name(stem)
    for i, line in enumerate(lines[:8]):
        plain = undecorated(line)
        if marks := _BOOK_MARKS.match(line.strip()):
            title = title or marks["title"]
            author = author or (marks["author"] or "")
        elif by := _BY.match(plain):
            author = author or by["name"].strip(" ._*·•")
            if i and not title and is_title_line(undecorated(lines[0])):
                title = capitals_to_title(undecorated(lines[0]))
        elif i and lone and not author and (name := _AUTHOR_CJK.match(line)) and len(name["name"]) <= 5:
            author = name["name"].strip("·")
            title = title or _clean(lines[0])
    if not title and lines:
        first = _clean(lines[0])
        chinese = "\u3400" <= first[:1] <= "\u9fff" and (lone or len(lines) <= 2)
        if first and is_title_line(first) and (_same(first, named_title) or chinese):
            title = first
    return title or named_title or "Untitled", author or named_author


def is_author_line(line: str, author: str) -> bool:
    plain = undecorated(line).strip(" ·•　")
    return bool(author) and (
        plain == author or (bool(_BY.match(plain)) and author.casefold() in plain.casefold())
    )


def _clean(line: str) -> str:
    return capitals_to_title(_CIRCLED_END.sub("", undecorated(line)).strip())


def _same(a: str, b: str) -> bool:
    fold = [re.sub(r"[\W_]+", "", s).casefold() for s in (a, b)]
    return bool(fold[0]) and (fold[0] in fold[1] or fold[1] in fold[0])


def _from_name(stem: str) -> tuple[str, str]:
    name = stem
    while (shorter := _TRAILING.sub("", name)) != name:
        name = shorter
    if marks := _BOOK_MARKS.match(name):
        return marks["title"], marks["author"] or ""
    author = ""
    if found := re.match(r"(?P<t>.+?)[\s_]*(?:作者|[-—_ ]by[-_ ])[:：\s_]*(?P<a>.+)$", name, re.IGNORECASE):
        name, author = found["t"], found["a"].replace("_", " ").strip()
    elif found := re.match(r"(?P<t>[^-]+?) +[-–—] +(?P<a>[^-]+)$", name):
        name, author = found["t"], found["a"]
    name = re.sub(r"^(?:pg)?\d+[\s_.-]+(?=\D)", "", name)
    name = " ".join(name.replace("_", " ").split()) if "_" in name or " " in name else name
    if re.fullmatch(r"[a-z0-9][a-z0-9 '-]*", name):
        words = name.replace("-", " ").split() if " " not in name else name.split()
        name = " ".join(w if i and w in _SMALL else w[:1].upper() + w[1:] for i, w in enumerate(words))
    return name.strip(), author.strip()
