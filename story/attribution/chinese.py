"""Speakers of a Chinese book: its names from its leads, people from its names, then each chapter's turns.

Works on simplified text (the offsets are those of the original) and shows names as the book writes them.
"""

from __future__ import annotations

import math
import re
from array import array
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from story.attribution.chinese_names import is_full_name, names_of
from story.attribution.chinese_tags import (
    Names,
    lead_verb,
    surname,
)
from story.attribution.chinese_turns import cut_turns, forget_genders
from story.attribution.decode import Decider
from story.attribution.features import Scene
from story.attribution.nameless import add_nameless, noun_class
from story.attribution.names import Name
from story.attribution.reading import Prose, Spoken, spoken, tell_narrator
from story.attribution.roster import Person, Roster
from story.attribution.turns import Turn
from story.lexicon import plain_chinese
from story.novel import Gender
from story.people import gender_of
from story.word_trie import trie_pattern

FIRST_PERSON_RATE = 0.004  # of the characters of narration that are 我
_BEFORE_CALL = re.compile(r"(?:^|[，。！？…、“「\s])$")
_AFTER_CALL = re.compile(r"[，！？。…、：]|$")
_SHE = "她"
_ME = re.compile("我(?!们)")


def attribute_chinese(
    chapters: Sequence[Prose], given: Sequence[Person] | None
) -> tuple[Roster, list[Spoken]]:
    """People and speakers of a book; `given` is a closed list of people, None discovers them."""
    plain = [replace(c, text=plain_chinese(c.text)) for c in chapters]
    leads = [lead for c in plain for lead in _leads(c)]
    known = names_of(leads, (piece for c in plain for piece in _narration(c)))
    if given is not None:
        roster = Roster([_simplified(p) for p in given])
        known = Names.of(
            {
                plain_chinese(a)
                for p in given
                for a in [p.name, *p.aliases]
                if len(a) > 1 or a not in "我他她你"
            }
        )
    else:
        counts = Counter[str]()
        pattern = _any_of(known.known)
        if pattern is not None:
            for chapter in plain:
                counts.update(pattern.findall(chapter.text))
        known = Names.of(
            {n for n in known.known if _looks_like(n, known.leads.get(n, 0), counts[n])}, known.leads
        )
        roster = Roster(_people(known, counts))
    cut = [cut_turns(c, known) for c in plain]
    if not any(_SHE in c.text for c in plain):  # older books write 他 for everybody
        forget_genders(cut)
    if given is None:
        add_nameless(roster, cut)
    pattern = _any_of({a for p in roster.people for a in p.aliases if len(a) > 1})
    found = [_uses(c.text, pattern) for c in plain]
    _learn_genders(roster, plain, found)
    weight = [float(max(1, sum(p.aliases.values()))) for p in roster.people]
    narrator = _narrator(roster, plain, closed=given is not None)
    weight += [2.0] * (len(roster.people) - len(weight))
    reads: list[Spoken] = []
    cut.reverse()
    for chapter, names in zip(plain, found, strict=True):
        turns = cut.pop()  # not needed any more, once they are read
        _name_turns(chapter, turns, names)
        told = _by_block(chapter, names, roster)
        if narrator is not None:
            tell_narrator(chapter, told, narrator, _ME)
        else:
            _resolve_kin(turns, told, roster)
        scene = Scene(told, weight, narrator)
        decider = Decider(roster, scene, turns, closed=given is not None, language="zh")
        reads.append(spoken(turns, decider.decode()))
    rewritten = [(c.text, p.text) for c, p in zip(chapters, plain, strict=True) if c.text != p.text]
    for person in roster.people:
        person.name = _as_written(person.name, rewritten)
    return roster, reads


def _leads(chapter: Prose) -> list[str]:
    found, before = [], 0
    for quote in chapter.quotes:
        floor = max(chapter.spans[quote.block].start, before, quote.outer_start - 60)
        if lead_verb(chapter.text[floor : quote.outer_start]):
            found.append(chapter.text[floor : quote.outer_start])
        before = quote.outer_end
    return found


MIN_LEAD_SHARE = 0.05


def _looks_like(name: str, leads: int, uses: int) -> bool:
    """Whether a word that leads lines in is a name: a common word (告诉) does so a few times of hundreds."""
    return leads >= MIN_LEAD_SHARE * uses or (
        surname().match(name) is not None and leads >= MIN_LEAD_SHARE / 3 * uses
    )


def _narration(chapter: Prose) -> Iterator[str]:
    at = 0
    for quote in chapter.quotes:
        if quote.kind != "word":
            yield chapter.text[at : quote.outer_start]
            at = quote.outer_end
    yield chapter.text[at:]


def _any_of(words: set[str] | frozenset[str]) -> re.Pattern[str] | None:
    """Any of these names; by groups of their first characters, since alternatives are tried one after another."""
    firsts = sorted({w[0] for w in words if w})
    if not firsts:
        return None
    size = max(1, math.isqrt(len(firsts)))
    groups = ["".join(firsts[i : i + size]) for i in range(0, len(firsts), size)]
    tries = [f"(?=[{re.escape(g)}]){trie_pattern(w for w in words if w and w[0] in g)}" for g in groups]
    return re.compile(f"(?=[{re.escape(''.join(firsts))}])(?:{'|'.join(tries)})")


def _simplified(person: Person) -> Person:
    aliases = Counter({plain_chinese(a): n for a, n in person.aliases.items()})
    return replace(person, name=plain_chinese(person.name), aliases=aliases)


def _people(names: Names, counts: Counter[str]) -> list[Person]:
    """Names of the same person joined: 林黛玉 and 黛玉, 凤姐儿 and 凤姐, 周瑞家 and 周瑞家的."""
    owner: dict[str, str] = {}
    everyone = set(names.known)
    for name in sorted(everyone, key=lambda n: (len(n), n)):
        for shorter in (name[1:], name[2:], name.removesuffix("儿"), name.removesuffix("的")):
            if shorter != name and len(shorter) > 1 and shorter in everyone:
                if name.endswith(shorter) and not is_full_name(name, shorter):
                    continue
                owner[name] = owner.get(shorter, shorter)
                break
    aliases: dict[str, Counter[str]] = defaultdict(Counter)
    for name in everyone:
        aliases[owner.get(name, name)][name] += counts[name]
    people = []
    for forms in aliases.values():
        if sum(forms.values()) < 2:
            continue
        best = max(forms, key=lambda n: (forms[n], n))
        person = Person("", best, forms)
        person.gender = gender_of_name([best, *forms])
        if person.gender == "unknown" and best[0] == "老" and len(best) == 2:
            person.gender = "male"  # 老王, 老栓: mostly
        people.append(person)
    return sorted(people, key=lambda p: (-sum(p.aliases.values()), p.name))


def gender_of_name(names: list[str]) -> Gender:
    from story.novel import Character

    return gender_of(Character(id="x", name=names[0], aliases=names[1:]), Counter())[0]


@dataclass(slots=True)
class _Uses:
    """Where a chapter uses names: `words[i]` at `starts[i]`. Compact: a long book uses them a million times."""

    starts: array[int]
    words: list[str]

    def __len__(self) -> int:
        return len(self.words)


def _uses(text: str, pattern: re.Pattern[str] | None) -> _Uses:
    uses, known = _Uses(array("I"), []), dict[str, str]()
    for match in pattern.finditer(text) if pattern else ():
        uses.starts.append(match.start())
        uses.words.append(known.setdefault(word := match[0], word))
    return uses


def _name_turns(chapter: Prose, turns: Sequence[Turn], names: _Uses) -> None:
    k, starts = 0, names.starts
    for turn in turns:
        for i in turn.quotes:
            quote = chapter.quotes[i]
            while k < len(names) and starts[k] < quote.start:
                k += 1
            j = k
            while j < len(names) and starts[j] < quote.end:
                start, word = starts[j], names.words[j]
                end = start + len(word)
                before = chapter.text[max(quote.start, start - 2) : start]
                after = chapter.text[end : min(quote.end, end + 1)]
                called = bool(_BEFORE_CALL.search(before) and _AFTER_CALL.match(after))
                turn.named.append((Name(start, end, (word,)), called))
                j += 1


def _by_block(chapter: Prose, names: _Uses, roster: Roster) -> list[list[int]]:
    found: list[list[int]] = [[] for _ in chapter.spans]
    block = k = 0
    for start, word in zip(names.starts, names.words, strict=True):
        while block < len(chapter.spans) - 1 and chapter.spans[block].end <= start:
            block += 1
        while k < len(chapter.quotes) and chapter.quotes[k].end <= start:
            k += 1
        inside = (
            k < len(chapter.quotes) and chapter.quotes[k].start <= start and chapter.quotes[k].kind != "word"
        )
        owner = roster.find((word,))
        if owner is not None and not inside:
            found[block].append(owner)
    return found


KIN_REACH = 3  # paragraphs


def _resolve_kin(turns: Sequence[Turn], told: Sequence[Sequence[int]], roster: Roster) -> None:
    """他的母亲 is the one woman with a name who is at hand, if there is just one."""
    for turn in turns:
        mention = turn.tag.mention if turn.tag is not None else None
        if mention is None or mention.kind != "noun" or noun_class(mention) != "kin":
            continue
        near = {
            who
            for block in told[max(0, turn.block - KIN_REACH + 1) : turn.block + 1]
            for who in block
            if roster.people[who].gender == mention.gender and not roster.people[who].nameless
        }
        if len(near) == 1:
            turn.kin = near.pop()


def _learn_genders(roster: Roster, chapters: Sequence[Prose], found: Sequence[_Uses]) -> None:
    """From 他 and 她 after a name, in a book that writes both."""
    if not any(_SHE in c.text for c in chapters):
        return
    for chapter, names in zip(chapters, found, strict=True):
        for i, (start, word) in enumerate(zip(names.starts, names.words, strict=True)):
            owner = roster.find((word,))
            if owner is None:
                continue
            end = start + len(word)
            stop = min(names.starts[i + 1] if i + 1 < len(names) else end + 40, end + 40)
            match = re.search(r"[他她](?!们)|[。！？”]", chapter.text[end:stop])
            if match and match[0] in "他她":
                roster.people[owner].pronouns["female" if match[0] == _SHE else "male"] += 1
    for person in roster.people:
        female, male = person.pronouns["female"], person.pronouns["male"]
        if (
            person.gender == "unknown"
            and max(female, male) >= 2
            and max(female, male) >= 2 * min(female, male)
        ):
            person.gender = "female" if female > male else "male"


def _narrator(roster: Roster, chapters: Sequence[Prose], *, closed: bool) -> int | None:
    size = said = 0
    for chapter in chapters:
        at = 0
        for quote in [*chapter.quotes, None]:
            stop = quote.outer_start if quote else len(chapter.text)
            said += chapter.text.count("我", at, stop)
            size += stop - at
            at = max(at, quote.outer_end) if quote else at
    for alias in ("我", "叙述者", "旁白"):
        found = roster.find((alias,))
        if found is not None:
            roster.people[found].narrator = alias != "旁白"
            return found
    if said < 4 or said < FIRST_PERSON_RATE * size or closed:
        return None
    return roster.add(Person("narrator", "我", Counter({"我": 1}), narrator=True))


def _as_written(name: str, texts: Sequence[tuple[str, str]]) -> str:
    """A name in the characters of the book; `texts`: chapters as written and simplified, where the two differ."""
    for original, simple in texts:
        at = simple.find(name)
        if at >= 0:
            return original[at : at + len(name)]
    return name
