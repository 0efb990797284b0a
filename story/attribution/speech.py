"""Is a quotation said, or are its words only quoted? From the quotation and the narration beside it in its paragraph."""

from __future__ import annotations

import re

from story.attribution.verbs import ends_like_a_lead, starts_like_a_tag

_BLANKS = "".join(c for c in map(chr, range(0x3001)) if c.isspace())
_CLOSERS = _BLANKS + "_*)）’'』」"  # what may stand after the mark that ends a speech
_ENDS = frozenset(".,!?…—–。！？，、；;～~:：-")
_STRONG_ENDS = frozenset(".!?…—–。！？～~-")
_AFTER_SENTENCE = _BLANKS + "_*)]）"
_SENTENCE_ENDS = frozenset(".!?。！？…．")
_OPENERS = _BLANKS + "_*([（"
_LEAD_ENDS = frozenset(",:;，：；、—–-")
_QUOTED_WORD = re.compile(  # "the word ‘fool’", "called “Ransome’s”": what names a quoted word
    r"\b(?:the|a|an|of|his|her|their|my|your|its|our|this|that|these|those|word|words|called|named|or|and|as|by|"
    r"for|with|in|at|to|from|on|so-called|termed|titled|entitled|phrase|song|name|some|any|no|such|into|about|is|was)\s*$",
    re.IGNORECASE,
)
_REPORTED = re.compile(
    r"\b(?:(?:he|she|they|it|his|her|their)\b[^.?!]{0,60}?\b(?:was|were|had|would|could|should|did|might|must)"
    r"|(?:was|were|had|would|could|should|did|might)\s+(?:not\s+)?(?:he|she|they|it))\b",
    re.IGNORECASE,
)
_BEFORE_REPORT = re.compile(r"[.!?]\s*(?:--|[—–])?\s*$|(?:--|[—–])\s*$")
_DIRECT = re.compile(
    r"\b(?:I|you|me|my|mine|your|yours|we|us|our|ye|thee|thou|is|are|am|has|will|shall|thy|thine|this|here|to-?morrow|\w+n?['’](?:ll|m|re|ve|s|d|t))\b"
)
_AS_IF = re.compile(
    r"\b(?:(?:plainly|clearly|distinctly)\s+(?:said|indicating|saying|expressed)|as\s+(?:much\s+as|who|if)\s+(?:to|should|would)\s+say|seem(?:ed|s)?\s+to\s+say|"
    r"(?:look|eyes|glance|face|smile)\s+(?:said|expressed|asked))\W*$",
    re.IGNORECASE,
)
_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")


def is_speech(inner: str, before: str, after: str, *, resumed: bool = False) -> bool:
    """Whether a quotation is said, from its text and the narration of its paragraph before and after it.

    Args:
        resumed: another quotation stands before it in its paragraph.
    """
    if _CJK.search(inner):
        return _is_speech_cjk(inner, before, after)
    ended, starts_small = _ends_with(inner, _ENDS), inner[:1].islower()
    words = inner.count(" ") + 1
    tagged = starts_like_a_tag(after, 0, len(after))
    if _AS_IF.search(before[-60:]):
        return False  # her look plainly said, “…”
    if not before.strip():
        if ended or not after.strip() or words > 6:
            return True
        return tagged or not after.lstrip()[:1].islower()
    if ended and tagged and not starts_small:
        return True
    if not tagged and not resumed and _BEFORE_REPORT.search(before) and _is_reported(inner):
        return False
    spoken_lead = ends_like_a_lead(before.rstrip(" \n,:;—–-"))
    if spoken_lead or _before_lead(before):
        if starts_small and not (spoken_lead or resumed or tagged):
            return False  # she hinted, “that he might come”
        return ended or words > 3 or not starts_small or tagged or (resumed and spoken_lead)
    if _after_sentence(before):
        return ended or words > 6 or not after.strip() or tagged
    if starts_small or _QUOTED_WORD.search(before):
        return not starts_small and (words > 12 or (words > 2 and inner.rstrip("_*")[-1] in "?!"))
    return _ends_with(inner, _STRONG_ENDS) and words >= 2


def _ends_with(inner: str, marks: frozenset[str]) -> bool:
    return inner.rstrip(_CLOSERS)[-1:] in marks


def _before_lead(before: str) -> bool:
    """Whether narration ends in a mark that opens a speech."""
    bare = before.rstrip(_OPENERS)
    return bare[-1:] in _LEAD_ENDS or bare.endswith("...")


def _after_sentence(before: str) -> bool:
    """Whether narration ends with a sentence, or says nothing."""
    return before.rstrip(_AFTER_SENTENCE)[-1:] in _SENTENCE_ENDS or not before.strip(_OPENERS)


def _is_reported(inner: str) -> bool:
    return bool(_REPORTED.search(inner[:160])) and not _DIRECT.search(inner)


def _is_speech_cjk(inner: str, before: str, after: str) -> bool:
    head = before.rstrip()
    if head.endswith(("：", ":")) or ends_like_a_lead(head):
        return True
    ended = _ends_with(inner, _ENDS)
    if not head:
        return ended or not after.strip() or len(inner) > 12 or starts_like_a_tag(after, 0, len(after))
    if head[-1] in "，,。！？!?—；;．”’":
        return ended and (_ends_with(inner, _STRONG_ENDS) or starts_like_a_tag(after, 0, len(after)))
    return False
