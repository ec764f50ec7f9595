"""The forms in which a reader still sees a name: what may change in its words.

A form is looked for in the letters of a text alone (`Letters.plain`), where spaces and punctuation do not count.
Whether a reader sees the name there is then decided by `Reading`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import product

from unsee.metrics.folding import Letters, letters
from unsee.metrics.seeing import APOSTROPHE, COMMA, SHORT, Reading

_TITLES = (("dr", "doctor"), ("prof", "professor"), ("mr", "mister"), ("mrs",), ("ms",), ("miss",), ("sir",))
_SUFFIXES = (("jr", "junior"), ("sr", "senior"))
_SAME = (("st", "saint"),)
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


class Name:
    """A name, or another phrase, with all of its forms."""

    abbreviations = _ABBREVIATIONS

    def __init__(self, text: str) -> None:
        found = _words(text)
        if not found:
            raise ValueError(f"the phrase {text!r} has no letter or digit to look for")
        self.words = tuple(word for word, _ in found)
        self.is_proper = not found[0][1][0].islower()
        self.has_apostrophe = bool(APOSTROPHE.search(text))
        self.acronyms = frozenset(word for word, raw in found if raw.isupper() and 2 <= len(raw) <= SHORT)
        at = letters(text)
        self.marks = text[: at.places[0][0]].lstrip(), text[at.places[-1][1] :].rstrip()
        """What the name begins and ends with besides letters: "C++" ends with "++"."""
        self.forms = tuple(dict.fromkeys(_forms(list(self.words))))
        self.needed = tuple(set.intersection(*(set(form.words) for form in self.forms)))
        """The words of every form: a text without one of them does not hold the name."""
        core = _core(list(self.words))
        small = {word for word, raw in found if raw[0].islower() or len(raw) <= (2 if raw[0].isupper() else 1)}
        self.parts = {word: place for place, word in enumerate(core) if len(core) > 1 and word not in small}
        """The words that may stand for the whole name, and their places: no titles, no "van", no initials."""

    def may_be_in(self, text: Letters) -> bool:
        """Whether the letters for it are there: quick, and False for nearly every text."""
        return all(word in text.plain for word in self.needed)

    def places(self, text: str) -> list[tuple[int, int]]:
        """Character ranges of `text` in which a reader sees this name; none lies within another."""
        at = letters(text)
        found: set[tuple[int, int]] = set()
        for form in self.forms:
            for spans in form.spans(at.plain):
                reading = Reading(self, form, at, spans)
                if reading.is_seen():
                    found.add(self._with_marks(text, at.places[reading.start][0], at.places[reading.end - 1][1]))
        return [a for a in sorted(found) if not any(a != b and b[0] <= a[0] and a[1] <= b[1] for b in found)]

    def _with_marks(self, text: str, start: int, end: int) -> tuple[int, int]:
        before, behind = self.marks
        return start - len(before) * text[:start].endswith(before), end + len(behind) * text.startswith(behind, end)


@lru_cache(maxsize=8192)
def name_of(text: str) -> Name:
    """`Name(text)`, prepared once. Raises ValueError for a text without a letter or digit."""
    return Name(text)


def _words(text: str) -> list[tuple[str, str]]:
    """The words of a name, folded and as they are written.

    An apostrophe within a word belongs to it; "Voss, Mara" is turned.
    """
    at = letters(text)
    found: list[tuple[str, str]] = []
    seams = []
    for i, letter in enumerate(at.plain):
        gap, written = at.gap(i), at.text[slice(*at.places[i])]
        if i == 0 or (gap and not APOSTROPHE.fullmatch(gap)):
            if i and COMMA.fullmatch(gap):
                seams.append(len(found))
            found.append((letter, written))
        else:
            torn = at.places[i] == at.places[i - 1]
            found[-1] = (found[-1][0] + letter, found[-1][1] + ("" if torn else written))
    if len(seams) == 1 and not any(word in pair for word, _ in found[seams[0] :] for pair in _SUFFIXES):
        return found[seams[0] :] + found[: seams[0]]
    return found


def _forms(words: list[str]) -> Iterator[Form]:
    """The form as given first, then without what may be missing, with other words for the same, and turned."""
    titles, rest = _split(words, _TITLES, first=True)
    suffixes, core = _split(rest, _SUFFIXES, first=False)
    optional = len(core) > 1
    others = tuple(word for pair in _SUFFIXES for word in pair if suffixes and word not in suffixes)
    middle = [i for i in range(1, len(core) - 1) if len(core[i]) == 1]
    is_full = len(core) > 1 and len(core[0]) > 1 and len(core[-1]) > 1
    cores = [core]
    if middle and is_full:
        cores.append([word for i, word in enumerate(core) if i not in middle])
    synonyms = [[_alike(word) for word in one] for one in cores]
    for alternatives in synonyms:
        for chosen in product(*alternatives):
            for title in (*((t,) for t in titles), *(((),) if optional or not titles else ())):
                for suffix in (*((s,) for s in suffixes), *(((),) if optional or not suffixes else ())):
                    lacks = others if suffixes and not suffix else ()
                    yield Form((*title, *chosen, *suffix), initials=is_full and not middle, lacks=lacks)
            for turned in range(1, len(chosen)):
                yield Form((*chosen[turned:], *chosen[:turned]), turned=len(chosen) - turned)


def _core(words: list[str]) -> list[str]:
    """The words without a title and "Jr."."""
    return _split(_split(words, _TITLES, first=True)[1], _SUFFIXES, first=False)[1]


def _split(words: list[str], groups: tuple[tuple[str, ...], ...], *, first: bool) -> tuple[tuple[str, ...], list[str]]:
    """The words that may stand for the first or last one, where it is in one of the groups, and the other words."""
    if len(words) > 1:
        for group in groups:
            if words[0 if first else -1] in group:
                return group, words[1:] if first else words[:-1]
    return (), words


def _alike(word: str) -> tuple[str, ...]:
    return next((group for group in _SAME if word in group), (word,))
