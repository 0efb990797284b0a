"""Who a Chinese text says is speaking: the subject of the clause that leads a line in or follows it.

Classical and modern prose tell it the same way: `宝玉听了，忙笑道：“…”`, `“唔。”老栓一面听，一面应`. The subject stands at
the beginning of a clause, before its first adverb or verb; clauses without one have the subject of those before. All
functions take simplified text (story.lexicon.plain_chinese keeps offsets).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache

from story.attribution.mentions import Kind
from story.lexicon import load_data
from story.novel import Gender
from story.word_trie import trie_pattern

MAX_CLAUSES = 14  # back from the line: a sentence or three
MAX_NAME = 9
PAUSE = "，,。．.；;！!？?、：:…—\n\u3000 “”‘’「」『』\"'（）()《》〈〉~`-"
_CLAUSE = re.compile(rf"[^{re.escape(PAUSE)}]+")
_STOP = frozenset("。．.！!？?；;\n")
_DETERMINER = re.compile(
    r"(?:所有|那|这|這|此|某|一|有|几|幾|两|兩|三|二|许多|許多|众|眾|诸|諸|另|别的|别|各|每)(?:一)?(?:个|個|位|名|些|样|樣|只|隻|条|條|群|伙|夥|对|對|双|雙|种|種)?"
)
_PRONOUNS: dict[str, Gender] = {"他": "male", "她": "female", "我": "unknown", "你": "unknown"}
_PRONOUN = re.compile(
    r"(?:[那这此]人|有的|他们|她们|我们|他們|她們|我們|咱们|大家|彼此|他|她|我|咱)(?!们|們)"
)


@dataclass(slots=True)
class Subject:
    """A subject in `text[start:end]`."""

    start: int
    end: int
    text: str
    kind: Kind
    gender: Gender = "unknown"
    group: bool = False
    reach: str = ""  # "" in the lead's own clause, "far" earlier in its sentence, "before" in another one


@cache
def _data() -> dict:
    return load_data("names_zh")


def _any_of(words: Iterable[str]) -> re.Pattern[str]:
    """The longest of the words; the look-ahead fails faster than an alternation by first characters."""
    words = list(words)
    return re.compile(f"(?=[{''.join(sorted({w[0] for w in words}))}]){trie_pattern(words)}")


@cache
def connective() -> re.Pattern[str]:
    return _any_of(_data()["connectives"])


@cache
def predicate() -> re.Pattern[str]:
    """Where a clause's subject is over."""
    return _any_of(_data()["adverbs"])


@cache
def speech_verb() -> re.Pattern[str]:
    return _any_of(_data()["verbs_last"])


@cache
def nouns() -> dict[str, Gender]:
    """Noun for a person → gender."""
    found: dict[str, Gender] = {}
    kinds: tuple[tuple[str, Gender], ...] = (
        ("any", "unknown"),
        ("group", "unknown"),
        ("male", "male"),
        ("female", "female"),
    )
    for kind, gender in kinds:
        found.update(dict.fromkeys(_data()["nouns"][kind], gender))
    return found


@cache
def groups() -> frozenset[str]:
    return frozenset(_data()["nouns"]["group"])


@cache
def _noun() -> re.Pattern[str]:
    """A noun phrase for a person at the beginning of a clause: 几个穿红着绿的丫头, 一个老女人, 那僧, 众姊妹."""
    heads = trie_pattern(nouns())
    return re.compile(
        rf"(?P<drop>[那这此某]?(?:一个|一位|一名|个|位|名)|有一个|有一位|[那这此某])?"
        rf"(?P<word>(?:有|{_DETERMINER.pattern})?(?P<of>[^的了]{{1,14}}的)?(?P<bare>[老小大少矮胖瘦高年轻黑白红花疯跛]{{0,3}}?(?P<head>{heads})(?:相公|子)?(?:们|儿)?))"
    )


@dataclass(slots=True)
class Names:
    """The names of a book: `match(clause)` gives the longest one that a clause begins with."""

    known: frozenset[str]
    leads: dict[str, int]
    """How often each stands right before a verb of speech."""
    by_first: dict[str, list[str]]

    @staticmethod
    def of(names: Iterable[str], leads: Mapping[str, int] | None = None) -> Names:
        by_first: dict[str, list[str]] = {}
        names = set(names)
        for name in sorted(names, key=lambda n: (-len(n), n)):
            by_first.setdefault(name[0], []).append(name)
        return Names(frozenset(names), dict(leads or {}), by_first)

    def match(self, text: str, at: int) -> str | None:
        """The name that stands at `at`, with a surname before it or 家的 and the like behind it."""
        for name in self.by_first.get(text[at : at + 1], ()):
            if text.startswith(name, at):
                return name + self._tail(text, at + len(name))
        if surname().match(text, at):
            for name in self.by_first.get(text[at + 1 : at + 2], ()):
                if len(name) > 1 and text.startswith(name, at + 1):
                    return text[at] + name
        return None

    def _tail(self, text: str, at: int) -> str:
        found = _TAIL.match(text, at)
        return found[0] if found else ""


_TAIL = re.compile(r"(?:(?<=家)的|家的|道人|道士|和尚|真人|大王|菩萨|儿(?![子女媳孙]))")


@cache
def surname() -> re.Pattern[str]:
    data = _data()
    return re.compile("|".join([*data["compound_surnames"], f"[{data['surnames']}]"]))


@cache
def titled() -> re.Pattern[str]:
    titles = sorted(_data()["titles"], key=len, reverse=True)
    return re.compile(rf"(?:{'|'.join(titles)})$")


def clauses(text: str) -> list[tuple[int, int]]:
    return [m.span() for m in _CLAUSE.finditer(text)]


def lead_verb(text: str) -> bool:
    """Whether narration before a line ends like a lead: `…道：`, `…说，`, `他说`."""
    head = text.rstrip()
    if head.endswith(("：", ":")):
        return True
    stripped = head.rstrip("，,：:—… ")
    tail = stripped[-8:]
    found = None
    for match in speech_verb().finditer(tail):
        found = match
    if found is None:
        return False
    rest = tail[found.end() :]
    return (
        rest == ""
        or re.fullmatch(r"(?:了|着|著|过|過|起来|起來|出来|出來)?(?:[一两几]?[句声聲遍番])?", rest)
        is not None
    )


def find_subject(text: str, names: Names, floor: int = 0) -> Subject | None:
    """The subject of the last clause of `text[floor:]`, or of the nearest one before that has one."""
    spans = [(s, e) for s, e in clauses(text) if s >= floor]
    for back, (start, end) in enumerate(reversed(spans[-MAX_CLAUSES:])):
        subject = clause_subject(text, start, end, names, last=back == 0)
        if subject is not None:
            if back:
                subject.reach = "before" if _SENTENCE_END.search(text, end, spans[-1][0]) else "far"
            if subject.reach == "before" and subject.text == "我":
                return None  # whoever tells of himself is the subject of many sentences
            return subject
    return None


_SENTENCE_END = re.compile("[。．！？!?]")
_SEEN = re.compile(r"只见|忽见|又见|早见|但见|只听得?|忽听得?|又听得?|听见|听得")
_REPORTED = re.compile(r"[见听闻].{0,8}(?:如此|这样|这般|那样)?(?:说|问|道)")


def clause_subject(text: str, start: int, end: int, names: Names, *, last: bool = False) -> Subject | None:
    """The subject of one clause, if it has one of its own."""
    at, seen = start, False
    for _ in range(6):
        found = connective().match(text, at, end)
        if found and found.end() - at > 1 and found.end() < end and not names.match(text, at):
            seen = seen or bool(_SEEN.match(found[0]))
            at = found.end()
            continue
        subject = _at(text, at, end, names)
        if subject is not None:
            return subject
        found = connective().match(text, at, end)  # 且说, 这里, 一时 …
        if not found or found.end() >= end:
            break
        seen = seen or bool(_SEEN.match(found[0]))
        at = found.end()
    if seen:  # 只听后院中有人笑声: somewhere in the clause
        for begin in range(at + 1, end - 1):
            subject = _at(text, begin, end, names)
            if subject is not None:
                return subject
    there = _THERE.search(text, start, end)  # 闯进了一个满脸横肉的人
    if there:
        subject = _at(text + "，", there.end(), end + 1, names)
        if subject is not None and subject.kind == "noun":
            return subject
    return _unknown(text, at, end, last=last)


_THERE = re.compile(
    r"(?:来|进|出|走|闯|坐|站|立|有|现|遇|碰|跑|钻|跳|围)(?:了|着|过|进|出|来|上|见)*(?=[一几两三]个|[一几两三]位|个|许多|一群)"
)


def _at(text: str, at: int, end: int, names: Names) -> Subject | None:
    determiner = _THIS.match(text, at, end)
    for begin in (at, determiner.end()) if determiner else (at,):
        name = names.match(text, begin)
        if name and begin + len(name) <= end:
            return _named(text, begin, end, name, names)
    pronoun = _PRONOUN.match(text, at, end)
    if pronoun and pronoun.end() < end:
        word = pronoun[0]
        of = pronoun.end() + (text[pronoun.end()] == "的")
        kin = _kin().match(text, of, end)
        if kin and kin.end() < end:
            wife = _SHI.match(text, kin.end(), end)
            if wife:
                return Subject(wife.start(), wife.end(), wife[0], "name", "female")
            return Subject(kin.start(), kin.end(), kin[0], "noun", nouns()[kin[0]])
        if text[pronoun.end()] not in "的们":
            many = len(word) > 1 and word[1] != "人"
            return Subject(at, pronoun.end(), word, "pronoun", _PRONOUNS.get(word, "unknown"), many)
    noun = _noun().match(text, at, end)
    if noun and (noun.end() < end or noun["of"]):
        head, start, stop = noun["head"], noun.start("word"), noun.end("word")
        follows = predicate().match(text, stop, end) or speech_verb().match(text, stop, end)
        if follows or len(head) > 1 or (noun["of"] and noun["drop"]):
            if (
                noun["of"]
                and not noun["drop"]
                and len(noun["of"]) > 7
                and not _DETERMINER.match(noun["word"])
            ):
                return None
            if noun["of"] and len(noun["bare"]) > 1 and not _DETERMINER.match(noun["word"]):
                start = noun.start("bare")
            if stop - start == 1 and noun["drop"] and not noun["of"]:
                start = noun.start()
            word = text[start:stop]
            many = (
                head in groups()
                or word.endswith("们")
                or bool(_MANY.match(noun["word"]) or _ALL.match(text, stop, end))
            )
            return Subject(start, stop, word, "noun", nouns()[head], many)
    return None


_SHI = re.compile(".氏")
_THIS = re.compile("[那这此]")
_ALL = re.compile("便?(?:都|一齐|齐声|一起)")
_MANY = re.compile("所有|一群|一伙|众|几|许多|二|两|三|那些|这些|诸")


@cache
def _kin() -> re.Pattern[str]:
    kin = "母亲 父亲 妈妈 爸爸 妈 娘 爹 女儿 儿子 妻子 丈夫 老婆 女人 男人 哥哥 弟弟 姐姐 妹妹 嫂子 奶奶 爷爷 祖母 祖父 婆婆 公公 媳妇 叔叔 舅舅 姑妈 姨妈"
    return re.compile(trie_pattern(k for k in kin.split() if k in nouns()))


def _named(text: str, begin: int, end: int, name: str, names: Names) -> Subject | None:
    """A known name at the beginning of a clause, with what makes it longer (贾珍尤氏, 金荣的母亲)."""
    stop = begin + len(name)
    if text[stop : stop + 1] in "的之" and stop < end:
        noun = _noun().match(text, stop + 1, end)
        if noun:
            word = text[begin : noun.end()]
            return Subject(begin, noun.end(), word, "noun", nouns().get(noun["head"], "unknown"))
        for skip in (1, 2, 3):
            other = names.match(text, stop + skip)
            if other:
                return Subject(stop + skip, stop + skip + len(other), other, "name")
        found = predicate().search(text, stop + 1, end)
        if text[stop] == "之" and found and 1 < found.start() - stop - 1 <= 6:  # 贾赦之妻邢氏忙
            word = (
                text[stop + 2 : found.start()]
                if text[stop + 1] in "妻母父子女妹姊兄弟"
                else text[stop + 1 : found.start()]
            )
            if len(word) > 1:
                return Subject(found.start() - len(word), found.start(), word, "name")
        return None
    other = names.match(text, stop)
    if other and stop + len(other) < end:
        return Subject(begin, stop + len(other), name + other, "name", group=True)
    return Subject(begin, stop, name, "name")


def _unknown(text: str, at: int, end: int, *, last: bool) -> Subject | None:
    """A name not seen before: what stands before the first adverb or verb, when it looks like a name or all but is the clause."""
    this = _THIS.match(text, at, end)
    if this:
        at = this.end()
    found = predicate().search(text, at + 1, end)
    if found is None or predicate().match(text, at, end):
        return None
    word = text[at : found.start()]
    if not 1 < len(word) <= 5 or word in _data()["not_people"] or _NO_NAME.search(word):
        return None
    if titled().search(word) and len(word) > 2:
        return Subject(at, found.start(), word, "name")
    if (
        last
        and len(word) <= 4
        and (surname().match(word) or (end - found.start() <= 3 and end - at - len(word) <= 3))
    ):
        return Subject(at, found.start(), word, "name")
    return None


_NO_NAME = re.compile(  # and 暗暗, 局局促促, 一个一个: adverbs
    r"^(.)\1|^(..)\2|^[那这此某一有几两三二许众诸另别各每不没再又便只也就我你他她它咱其谁向和对把被给]|[的了着过是在中里上下内外边处间]$|[不他她我你]"
)
