"""The forms in which a reader still sees a name: what may change in its words.

A form is looked for in the letters of a text alone (`Letters.plain`), where spaces and punctuation do not count.
Whether a reader sees the name there is then decided by `unsee.metrics.seeing`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import product
from typing import Literal, NamedTuple

from unsee.metrics.folding import Letters, letters, readings

APOSTROPHE = re.compile(r"['’‘`´ʼ′]")
# Between the last name and the first where they have changed places: "Voss, Mara".
COMMA = re.compile(r"\s*[,،、，]\s*")
# Words on both sides of these are no name, unless the stop is that of an abbreviation: "Dr. Mara Voss", "J. K.".
SENTENCE_END = re.compile(r"\.\s|[;:!?。；：！？؛؟।]")
# A name of so few letters is not seen where only chance may have put them together.
SHORT = 3
# Words that are no part of a name, though a capital opens them or nothing stands between them and it.
SMALL_WORDS = frozenset(
    ("a", "and", "as", "by", "from", "has", "he", "her", "here", "his", "i", "im", "is", "it", "its", "name", "named",
     "answer", "not", "of", "person", "she", "that", "the", "this", "to", "was", "who", "with", "yes", "no", "das",
     "ist", "und", "es", "et", "est", "cest", "y", "это", "и")
)  # fmt: skip
_TITLES = (("dr", "doctor"), ("prof", "professor"), ("mr", "mister"), ("mrs",), ("ms",), ("miss",), ("sir",))
_SUFFIXES = (("jr", "junior"), ("sr", "senior"))
# Longer phrases are sentences, whose words stay in their order.
_MOST_WORDS = 6
_SAME = (("st", "saint"),)
# Between two names of a firm: "Dolce & Gabbana", "Dolce and Gabbana".
_AND, _AMPERSAND = "and", "&"
_ABBREVIATIONS = frozenset(word for group in (*_TITLES, *_SUFFIXES, *_SAME) for word in group)


@dataclass(frozen=True)
class Form:
    """One way to write a name: its folded `words` in order.

    `turned` is the number of the word that was the first one, where the words have changed places. With `initials` up
    to two initials may stand between two words. `lacks` are words that must not follow: King is not King Sr. where
    King Jr. is meant.
    """

    words: tuple[str, ...]
    turned: int | None = None
    initials: bool = False
    lacks: tuple[str, ...] = ()

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        between = r"([^\W\d_]{0,2}?)" if self.initials else "()"
        return re.compile(f"(?=({f'){between}('.join(map(re.escape, self.words))}))")

    def spans(self, plain: str) -> Iterator[list[tuple[int, int]]]:
        """For each place in the letters of a text: the ranges of the words, those of initials in between."""
        if all(word in plain for word in self.words):
            for match in self.pattern.finditer(plain):
                groups = [match.span(i + 1) for i in range(2 * len(self.words) - 1)]
                yield [group for i, group in enumerate(groups) if i % 2 == 0 or group[0] < group[1]]


class NameWord(NamedTuple):
    """A word of a name, folded, and as it is written."""

    text: str
    written: str

    @property
    def is_small(self) -> bool:
        """Whether it is written in small letters: the "van" of van Gogh, any word of "red hair"."""
        return self.written[0].islower()

    @property
    def is_initial(self) -> bool:
        return len(self.text) == 1 and self.written.isupper()


class Name:
    """A name, or another phrase, with all of its forms."""

    abbreviations = _ABBREVIATIONS

    def __init__(self, text: str) -> None:
        spellings = [_words(at) for at in readings(text)]
        as_given, seam = spellings[0]
        if not as_given:
            raise ValueError(f"the phrase {text!r} has no letter or digit to look for")
        found = [*as_given[seam:], *as_given[:seam]]
        self.words = tuple(word.text for word in found)
        self.is_proper = not found[0].is_small
        self.has_apostrophe = bool(APOSTROPHE.search(text))
        self.acronyms = frozenset(w.text for w in found if w.written.isupper() and 2 <= len(w.written) <= SHORT)
        at = letters(text)
        self.has_sentences = any(SENTENCE_END.search(at.gap(i)) for i in range(1, len(at.plain)))
        self.marks = text[: at.places[0][0]].lstrip(), text[at.places[-1][1] :].rstrip()
        """What the name begins and ends with other than letters: "C++" ends with "++"."""
        self.forms = tuple(dict.fromkeys(form for spelling in spellings for form in _every_form(*spelling)))
        self.needed = tuple(set.intersection(*(set(form.words) for form in self.forms)))
        """The words of every form: a text without one of them does not hold the name."""
        core = _split(_split(found, _TITLES, 0)[1], _SUFFIXES, -1)[1]
        self.core = tuple(word.text for word in core)
        """The words without a title and "Jr."."""
        self.parts = {
            word.text: place
            for place, word in enumerate(core)
            if len(core) > 1
            and not word.is_small
            and word.text not in SMALL_WORDS
            and len(word.written) > (2 if word.written[0].isupper() else 1)
        }
        """The words that may stand for the whole name, and their places: no titles, no "van", "The" or initials."""

    def may_be_in(self, text: Letters) -> bool:
        """Whether the letters for it are there: quick, and False for nearly every text."""
        return all(word in text.plain for word in self.needed)

    def with_marks(self, text: str, start: int, end: int) -> tuple[int, int]:
        """The range from `start` to `end` of `text` with the marks of the name around it, where they are there."""
        before, behind = self.marks
        return start - len(before) * text[:start].endswith(before), end + len(behind) * text.startswith(behind, end)


@lru_cache(maxsize=8192)
def name_of(text: str) -> Name:
    """`Name(text)`, prepared once. Raises ValueError for a text without a letter or digit."""
    return Name(text)


def _every_form(as_given: list[NameWord], seam: int) -> Iterator[Form]:
    yield from _forms([*as_given[seam:], *as_given[:seam]])
    yield Form(tuple(word.text for word in as_given))


def _words(at: Letters) -> tuple[list[NameWord], int]:
    """The words of a name in the order given, and the number of the first one: not 0 in "Voss, Mara".

    An apostrophe within a word belongs to it.
    """
    found: list[NameWord] = []
    seams = []
    for i, letter in enumerate(at.plain):
        gap, written = at.gap(i), at.text[slice(*at.places[i])]
        if i == 0 or (gap and not APOSTROPHE.fullmatch(gap)):
            if i and COMMA.fullmatch(gap):
                seams.append(len(found))
            if i and _AMPERSAND in gap:
                found.append(NameWord(_AND, _AMPERSAND))
            found.append(NameWord(letter, written))
        else:
            torn = at.places[i] == at.places[i - 1]
            found[-1] = NameWord(found[-1].text + letter, found[-1].written + ("" if torn else written))
    if len(seams) != 1 or len(found) > _MOST_WORDS:
        return found, 0
    seam = seams[0]
    has_suffix = any(word.text in pair for word in found[seam:] for pair in _SUFFIXES)
    is_turned = not (has_suffix or found[seam].is_small or found[seam - 1].is_small)
    return found, seam if is_turned else 0


def _forms(words: list[NameWord]) -> Iterator[Form]:
    """The form as given first, then without what may be missing, with other words for the same, and turned."""
    titles, rest = _split(words, _TITLES, 0)
    suffixes, core = _split(rest, _SUFFIXES, -1)
    is_name = 1 < len(core) <= _MOST_WORDS
    is_proper = is_name and not (core[0].is_small and core[-1].is_small)
    is_full = is_name and len(core[0].text) > 1 and len(core[-1].text) > 1
    shorter = [word for i, word in enumerate(core) if not (word.is_initial and 0 < i < len(core) - 1)]
    may_have_initials = is_full and shorter == core
    absent = [()] if is_proper else []
    others = tuple(word for pair in _SUFFIXES for word in pair if suffixes and word not in suffixes)
    for one in (core, shorter) if is_full else (core,):
        for alike in product(*(_alike(word, is_proper) for word in one)):
            chosen = tuple(filter(None, alike))
            for title in [(word,) for word in titles] + (absent if titles else [()]):
                for suffix in [(word,) for word in suffixes] + (absent if suffixes else [()]):
                    lacks = others if suffixes and not suffix else ()
                    yield Form((*title, *chosen, *suffix), initials=may_have_initials, lacks=lacks)
            for turned in range(1, len(chosen) if is_name else 0):
                yield Form((*chosen[turned:], *chosen[:turned]), turned=len(chosen) - turned)


def _split(
    words: list[NameWord], groups: tuple[tuple[str, ...], ...], place: Literal[0, -1]
) -> tuple[tuple[str, ...], list[NameWord]]:
    """The words that may stand for the first or last one, where it is in one of the groups, and the other words."""
    if len(words) > 1:
        for group in groups:
            if words[place].text in group:
                return group, words[1:] if place == 0 else words[:-1]
    return (), words


def _alike(word: NameWord, in_a_name: bool) -> tuple[str, ...]:
    """What may stand for a word; nothing may for the "and" of a name, since an "&" is no word."""
    if word.text == _AND and (in_a_name or word.written == _AMPERSAND):
        return (_AND, "")
    return next((group for group in _SAME if word.text in group), (word.text,))
