"""Does an answer name somebody? Whole-word containment, deaf to case, punctuation, spacing and accents.

What counts as naming a concept C: its full name or one of its aliases, as whole words in order. One word of the name
alone does not (a first name is shared by many, "style" by every style); the last word alone is reported apart, see
`surname_alone`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from unsee.data.sample import Probe
from unsee.metrics.intervals import Units, share
from unsee.metrics.score import Score

# Scripts written without spaces between words (Thai to Lao, Myanmar, Khmer, kana, Han, Hangul): every character
# counts as a word of its own, so that "这是Mara Voss。" still contains the whole words "Mara Voss".
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
_WORD = re.compile(rf"[{_UNSPACED}]|(?:(?![{_UNSPACED}])[^\W_]|[\u0300-\u036f])+")
_ACCENTS = re.compile(r"[\u0300-\u036f]")


class Word(NamedTuple):
    """A folded word and the half-open range of characters it comes from."""

    text: str
    start: int
    end: int


def fold(word: str) -> str:
    """Case, width and accents folded away: "Müller" and "MULLER" become "muller"."""
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", word).casefold())
    return unicodedata.normalize("NFC", _ACCENTS.sub("", decomposed))


@lru_cache(maxsize=16384)
def words(text: str) -> tuple[Word, ...]:
    """The words of `text`, folded, with their places; punctuation and white space only separate."""
    return tuple(Word(fold(match.group()), *match.span()) for match in _WORD.finditer(text))


def normalise(text: str) -> str:
    """The folded words of `text`, one space between them."""
    return " ".join(word.text for word in words(text))


def mentions(text: str, phrases: Iterable[str]) -> list[tuple[int, int]]:
    """Character ranges of `text` in which one of `phrases` stands as whole words, in order of their start.

    Raises `ValueError` for a phrase without a letter or digit: it would be absent from every answer, which looks
    like perfect forgetting.
    """
    found = words(text)
    plain = [word.text for word in found]
    ranges: set[tuple[int, int]] = set()
    for phrase in phrases:
        wanted = [word.text for word in words(phrase)]
        if not wanted:
            raise ValueError(f"the phrase {phrase!r} has no letter or digit to look for")
        if wanted[0] not in plain:
            continue
        for i in range(len(plain) - len(wanted) + 1):
            if plain[i : i + len(wanted)] == wanted:
                ranges.add((found[i].start, found[i + len(wanted) - 1].end))
    return sorted(ranges)


def contains(text: str, phrases: Iterable[str]) -> bool:
    """Whether one of `phrases` stands in `text` as whole words."""
    return bool(mentions(text, phrases))


def right(probe: Probe, text: str) -> bool:
    """Whether an answer is right by the probe's own scorer.

    "contains": one of the expected keywords is in it; "all": every one; "absent": none.
    """
    if probe.scorer == "all":
        return all(contains(text, [keyword]) for keyword in probe.expect)
    if probe.scorer not in ("contains", "absent"):
        raise ValueError(f"probe {probe.id} has the unknown scorer {probe.scorer!r}")
    return contains(text, probe.expect) == (probe.scorer == "contains")


def absent_share(answers: Sequence[str], keywords: Sequence[Sequence[str]], *, units: Units | None = None) -> Score:
    """Percent of answers that contain none of their own keywords: the paper's Efficacy and EM (higher is better).

    On the training picture this is Efficacy, on test pictures Generality's EM (arXiv 2405.12523, section 4). The
    keywords of a question are C's name with its aliases, or "yes".
    """
    return share((not contains(a, k) for a, k in zip(answers, keywords, strict=True)), units=units)


def right_share(answers: Sequence[str], keywords: Sequence[Sequence[str]]) -> Score:
    """Percent of answers that contain at least one of their own keywords (higher is better)."""
    return share(contains(a, k) for a, k in zip(answers, keywords, strict=True))


def surname_alone(
    answers: Sequence[str], name: str, aliases: Sequence[str] = (), *, units: Units | None = None
) -> Score | None:
    """Percent of answers with the last word of `name` but neither the whole name nor an alias (lower is better).

    None when the name is a single word, which is its own surname.
    """
    parts = words(name)
    if len(parts) < 2:
        return None
    surname = parts[-1].text
    return share(
        (contains(a, [surname]) and not contains(a, [name, *aliases]) for a in answers),
        units=units,
        higher_is_better=False,
    )
