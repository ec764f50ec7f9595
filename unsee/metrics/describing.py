"""What an answer says is visible, and whether that is right."""

from __future__ import annotations

import re
from collections.abc import Sequence

from unsee.data.visible import Feature
from unsee.metrics.naming import contains, mentions, words
from unsee.metrics.negation import without_affirmations
from unsee.metrics.refusals import is_refusal

# How many words may stand between a claim and the noun it is about: "red curly hair", "the hair is really red".
_BEFORE, _AFTER = 2, 4
_SENTENCE_END = re.compile(r"[.;!?。；！？\n]")
_PART_END = re.compile(r"[.,;!?。，；！？\n]|\b(?:and|with|in|behind|has|y|et|und|mit)\b")
_NONE = re.compile(
    r"\b(?:no|not|without|neither|isn['’]t|aren['’]t|doesn['’]t)(?: (?!and\b|but\b)\w+){0,2} ?$", re.IGNORECASE
)
# Where a clause ends that says something of its own: "I don't know it, but I see a star."
_OWN_CLAUSE = re.compile(
    r"(?<=[.;:!?。；：！？\n])|\s[–—-]\s|\b(?:but|although|though|however)\b|(?:,|\band)\s+(?=(?:i|it|there)\b)",
    re.IGNORECASE,
)
# Offers and questions describe nothing: "I can describe the hat.", "Do you mean the logo?"
_OFFERS = re.compile(
    r"\bif\b|\b(?:can|could|will|would|happy to|glad to) (?:\w+ ){0,2}(?:describe|tell|help|say|talk)\b|[?？]\s*$",
    re.IGNORECASE,
)


def visible_claims(answer: str, features: Sequence[Feature]) -> dict[str, bool]:
    """By the name of each feature that the answer mentions: is everything it says about it right?

    Words after "no" or "without" are denied: "no glasses" is right if `wrong` holds "glasses".
    """
    nouns = list(dict.fromkeys(noun for feature in features for noun in feature.nouns))
    found: dict[str, bool] = {}
    for feature in features:
        for phrases, is_right in ((feature.right, True), (feature.wrong, False)):
            for start, end in mentions(answer, phrases):
                if not feature.nouns or _said_of(answer, start, end, nouns) in feature.nouns:
                    before = without_affirmations(_SENTENCE_END.split(answer[:start])[-1])
                    right = is_right != bool(_NONE.search(before))
                    found[feature.name] = found.get(feature.name, True) and right
    return found


def speaks_of(answer: str, parts: Sequence[str], question: str, names: Sequence[str]) -> bool:
    """Whether the answer says something about one of `parts`, nouns of what can be seen, outside of any refusal.

    Parts that the question or one of the concept's `names` speaks of do not count, nor do clauses with a name.
    """
    new = [part for part in parts if not any(contains(text, [part]) for text in (question, *names))]
    return any(
        contains(clause, new) and not (is_refusal(clause) or _OFFERS.search(clause) or contains(clause, names))
        for clause in _OWN_CLAUSE.split(answer)
        if clause
    )


def _said_of(answer: str, start: int, end: int, nouns: Sequence[str]) -> str | None:
    """The noun nearest to the characters from `start` to `end`, in the same part of a sentence."""
    near: list[tuple[int, str]] = []
    for noun in nouns:
        for noun_start, noun_end in mentions(answer, [noun]):
            is_before = end <= noun_start
            between = answer[end:noun_start] if is_before else answer[noun_end:start]
            distance = len(words(between))
            if not _PART_END.search(between) and distance <= (_BEFORE if is_before else _AFTER):
                near.append((distance, noun))
    return min(near)[1] if near else None
