"""The forms in which a reader still sees a name: what may change in its words, and what may stand between its letters.

A form is looked for in the letters of a text alone (`Letters.plain`), where spaces and punctuation do not count.
Whether a reader sees the name there is then decided by what stands between its letters and around it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import product

from unsee.metrics.folding import Letters, fold, is_unspaced, letters, script

# What may stand between two letters of one word that still read as one: "S a o i r s e", "Sao-irse", "S.A.O.I.R.S.E".
_BETWEEN_LETTERS = re.compile(r"[\s_.·・•*~|/\\\u2010-\u2015\u2212-]{1,3}")
_APOSTROPHE = re.compile(r"['’‘`´ʼ′]")
# Between the last name and the first where they have changed places: "Voss, Mara".
_COMMA = re.compile(r"\s*[,،、，]\s*")
# Words on both sides of these are no name, unless the stop is that of an abbreviation: "Dr. Mara Voss", "J. K.".
_SENTENCE_END = re.compile(r"\.\s|[;:!?。；：！？؛؟।]")
_FULL_STOP = re.compile(r"[;:!?。；：！？؛؟।]")
# How many letters a name must have to be seen without any other sign of where its words begin: "saoirsequinn" reads as
# the name, "kimono" not as Kim Ono. Arabic and Hebrew write fewer letters.
_LONG = 7
_LONG_UNCASED = 5
_GLUED = 6
_SHORT = 3
_TITLES = (("dr", "doctor"), ("prof", "professor"), ("mr", "mister"), ("mrs",), ("ms",), ("miss",), ("sir",))
_SUFFIXES = (("jr", "junior"), ("sr", "senior"))
_SAME = (("st", "saint"),)
_ABBREVIATIONS = frozenset(word for group in (*_TITLES, *_SUFFIXES, *_SAME) for word in group)
# With the word behind them these are another name: Donald is not in McDonald.
_NAME_PREFIXES = frozenset(("mc", "mac", "fitz", "de", "del", "di", "du", "la", "le", "van", "von"))
# Small words that tell where a name begins or ends although nothing stands between: "thisismara voss". They hold no
# beginning of another name, as "is" would: "Isabel Lee" is not Abel Lee.
_BEFORE = re.compile(
    r"(?:(?:this|that|it|he|she|here|name|who|person)is|its|was|named|called|person|with|photo|picture|dasist|das|und|"
    r"mit|cest|est|avec|seliama|sellama|это|зовут|[وفبلك]|[והבלמשכ])$"
)
_BEHIND = re.compile(
    r"(?:is(?:a|the|not|in|shown|seen|smiling|wearing)|was|worksas|livesin|hasa|who|from|and(?:is|she|he|the|his|her))"
)
_OPENERS = frozenset(
    (
        "this",
        "that",
        "it",
        "is",
        "its",
        "name",
        "named",
        "yes",
        "no",
        "the",
        "answer",
        "person",
        "das",
        "ist",
        "es",
        "est",
    )
)


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

    def __init__(self, text: str) -> None:
        found = _words(text)
        if not found:
            raise ValueError(f"the phrase {text!r} has no letter or digit to look for")
        self.words = tuple(word for word, _ in found)
        self.is_proper = not found[0][1][0].islower()
        self.has_apostrophe = bool(_APOSTROPHE.search(text))
        self.acronyms = frozenset(word for word, raw in found if raw.isupper() and 2 <= len(raw) <= _SHORT)
        at = letters(text)
        self.marks = text[: at.places[0][0]].lstrip(), text[at.places[-1][1] :].rstrip()
        """What the name begins and ends with besides letters: "C++" ends with "++"."""
        self.forms = tuple(dict.fromkeys(_forms(list(self.words))))
        core = _core(list(self.words))
        small = {word for word, raw in found if raw[0].islower() or len(raw) <= (2 if raw[0].isupper() else 1)}
        self.parts = {word: place for place, word in enumerate(core) if len(core) > 1 and word not in small}
        """The words that may stand for the whole name, and their places: no titles, no "van", no initials."""

    def places(self, text: str) -> list[tuple[int, int]]:
        """Character ranges of `text` in which a reader sees this name; none lies within another."""
        at = letters(text)
        found: set[tuple[int, int]] = set()
        for form in self.forms:
            for spans in form.spans(at.plain):
                reading = _Reading(self, form, at, spans)
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


@dataclass(frozen=True)
class _Reading:
    """One place where the letters of a form stand: `spans` are the ranges of its words and initials in `at.plain`."""

    name: Name
    form: Form
    at: Letters
    spans: list[tuple[int, int]]

    @property
    def start(self) -> int:
        return self.spans[0][0]

    @property
    def end(self) -> int:
        return self.spans[-1][1]

    def is_seen(self) -> bool:
        return (
            not self.at.is_torn(self.start)
            and not self.at.is_torn(self.end)
            and self._letters_belong_together()
            and (self._is_spelled or all(self._words_are_apart(i) for i in self._joints))
            and self._initials_are_initials()
            and self._begins()
            and self._ends()
            and (self.form.turned is None or self._is_turned())
            and not any(self.at.plain.startswith(word, self.end) for word in self.form.lacks)
        )

    @cached_property
    def _joints(self) -> list[int]:
        return [start for start, _ in self.spans[1:]]

    @cached_property
    def _inner(self) -> list[int]:
        """The letters behind another letter of the same word."""
        return [i for start, end in self.spans for i in range(start + 1, end) if not self.at.is_torn(i)]

    @cached_property
    def _is_spelled(self) -> bool:
        """Whether every letter stands by itself: "M a r a  V o s s"."""
        return (
            self.end - self.start >= _SHORT
            and bool(self._inner)
            and all(self._may_stand_between(self.at.gap(i)) for i in self._inner)
            and all(self.at.gap(i) for i in self._joints)
        )

    def _may_stand_between(self, gap: str) -> bool:
        without = _APOSTROPHE.sub("", gap) if self.name.has_apostrophe else gap
        return bool(_BETWEEN_LETTERS.fullmatch(without))

    @property
    def _size(self) -> int:
        return self.end - self.start

    @property
    def _is_long(self) -> bool:
        """Whether chance cannot have put these letters side by side: a name of several words, not too short."""
        is_cased = self.at.written(self.start).islower() or self.at.written(self.start).isupper()
        return len(self.spans) > 1 and self._size >= (_LONG if is_cased else _LONG_UNCASED)

    def _letters_belong_together(self) -> bool:
        odd = [i for i in self._inner if self.at.gap(i) and not self._is_usual(i)]
        if not odd or self._is_spelled:
            return True
        if not all(self._may_stand_between(self.at.gap(i)) for i in odd):
            return False
        first = self.at.written(self.start)
        alone = self.name.is_proper and not first.islower() and self._size > _SHORT + 1
        return self._is_long or alone

    def _is_usual(self, i: int) -> bool:
        """Whether the gap before letter `i` is one that may always be there."""
        gap = self.at.gap(i)
        if is_unspaced(self.at.plain[i]) and is_unspaced(self.at.plain[i - 1]):
            return self._may_stand_between(gap)
        if _APOSTROPHE.fullmatch(gap):
            # "O'Brien" for OBrien, but not "She'll" for Shell.
            return self.name.has_apostrophe or len(self.spans) > 1 or (i == self.start + 1 and self._size > _SHORT)
        word = next(self.at.plain[a:b] for a, b in self.spans if a < i < b)
        return word in self.name.acronyms and self.at.written(i).isupper() and self._may_stand_between(gap)

    def _words_are_apart(self, i: int) -> bool:
        """Whether a reader sees that a word begins with letter `i`."""
        before, letter, gap = self.at.plain[i - 1], self.at.plain[i], self.at.gap(i)
        if _SENTENCE_END.search(gap):
            ended = next(self.at.plain[a:b] for a, b in self.spans if b == i)
            return not _FULL_STOP.search(gap) and (len(ended) <= _SHORT - 1 or ended in _ABBREVIATIONS)
        if gap or self._is_long or is_unspaced(letter) or script(before) != script(letter):
            return True
        is_initial = any(end - start == 1 for start, end in self.spans if i in (start, end))
        return self.at.written(i).isupper() and (self.at.written(i - 1).islower() or is_initial)

    def _initials_are_initials(self) -> bool:
        added = [
            span for span in self.spans if self.form.initials and self.at.plain[slice(*span)] not in self.form.words
        ]
        return all(
            self.at.gap(start) and self.at.gap(end) and all(self.at.written(i).isupper() for i in range(start, end))
            for start, end in added
        )

    def _begins(self) -> bool:
        start, at = self.start, self.at
        is_spelled_on = self._goes_on(start, start - 1, start + 1, self.spans[0])
        if at.gap(start) and not (is_spelled_on and at.written(start).islower()):
            return True
        before, letter = at.plain[start - 1], at.plain[start]
        if script(before) != script(letter):
            return "DIGIT" not in (script(before), script(letter)) or self._size >= _SHORT + letter.isdigit()
        if is_unspaced(letter) and script(letter) != "KATAKANA":
            return True
        if at.written(start).isupper():
            if at.written(start - 1).islower():
                return not self._is_part_of_longer_name()
            follows = start + 1 < len(at.plain) and at.written(start + 1).islower()
            if follows and start > 1 and at.written(start - 1).isupper() and at.written(start - 2).isupper():
                return True
        return self._may_be_glued() and self._small_words_before()

    def _ends(self) -> bool:
        end, at = self.end, self.at
        is_spelled_on = self._goes_on(end, end + 1, end - 1, self.spans[-1])
        if at.gap(end) and not (is_spelled_on and at.written(end).islower()):
            return True
        before, letter = at.plain[end - 1], at.plain[end]
        if script(before) != script(letter):
            return not before.isdigit() and (not letter.isdigit() or self._size >= _SHORT)
        if is_unspaced(before) and script(before) != "KATAKANA":
            return True
        if at.written(end).isupper():
            if at.written(end - 1).islower():
                return True
            return end + 1 < len(at.plain) and at.written(end + 1).islower()
        return self._may_be_glued() and bool(_BEHIND.match(at.plain, end))

    def _goes_on(self, edge: int, outside: int, inside: int, word: tuple[int, int]) -> bool:
        """Whether the text spells on over an edge of the name as it spells the word there: "S a m a r a".

        `outside` and `inside` are the next places behind and before which there is a gap.
        """
        start, end = word
        is_spelled = end - start > 1 and all(self.at.gap(i) for i in range(start + 1, end))
        is_outside = 0 < edge < len(self.at.plain) and bool(self.at.gap(outside))
        beyond = 2 * outside - edge
        return is_spelled and is_outside and self.at.gap(edge) == self.at.gap(inside) and bool(self.at.gap(beyond))

    def _small_words_before(self) -> bool:
        found = _BEFORE.search(self.at.plain[max(0, self.start - 12) : self.start])
        if found is None:
            return False
        begin = self.start - len(found.group())
        run = self.start - 1
        while run > begin and not self.at.gap(run):
            run -= 1
        # "This Isabel Lee": a capital begins another name.
        return bool(self.at.gap(begin)) and (run == begin or self.at.written(run).islower())

    def _may_be_glued(self) -> bool:
        return len(self.spans) > 1 and self._size >= _GLUED

    def _is_part_of_longer_name(self) -> bool:
        """Whether the capital is one within a name: the D of McDonald."""
        i = self.start - 1
        while i > 0 and not self.at.gap(i) and not self.at.written(i).isupper():
            i -= 1
        return self.at.written(i).isupper() and self.at.plain[i : self.start] in _NAME_PREFIXES

    def _is_turned(self) -> bool:
        """Whether the words changed places as in a list of names: "Voss, Mara", but not "Lena Voss, Mara Lind"."""
        assert self.form.turned is not None
        seam = self.spans[self.form.turned][0]
        if not _COMMA.fullmatch(self.at.gap(seam)):
            return False
        if any(self.at.written(i).islower() for i in (self.spans[self.form.turned - 1][0], seam)):
            return False
        text, start, end = self.at.text, self.at.places[self.start][0], self.at.places[self.end - 1][1]
        follows = re.match(r"\s+(\w)", text[end:])
        if follows and not follows.group(1).islower():
            return False
        before = re.search(r"(\w+)\s+$", text[:start])
        return (
            before is None
            or before.group(1)[0].islower()
            or fold(before.group(1)) in _OPENERS
            or is_unspaced(text[start])
        )


def _words(text: str) -> list[tuple[str, str]]:
    """The words of a name, folded and as they are written.

    An apostrophe within a word belongs to it; "Voss, Mara" is turned.
    """
    at = letters(text)
    found: list[tuple[str, str]] = []
    seams = []
    for i, letter in enumerate(at.plain):
        gap, written = at.gap(i), at.text[slice(*at.places[i])]
        if i == 0 or (gap and not _APOSTROPHE.fullmatch(gap)):
            if i and _COMMA.fullmatch(gap):
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
