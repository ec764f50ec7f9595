"""Does a reader see a name where its letters stand? What stands between them and around them decides."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

from unsee.metrics.folding import Letters, fold, is_unspaced, readings, script
from unsee.metrics.forms import APOSTROPHE, COMMA, SENTENCE_END, SHORT, SMALL_WORDS, Form, Name

# What may stand between two letters of one word that still read as one: "S a o i r s e", "Sao-irse", "S.A.O.I.R.S.E".
_BETWEEN_LETTERS = re.compile(r"[\s_.·・•*~|/\\\u2010-\u2015\u2212-]{1,3}")
_AROUND_INITIALS = re.compile(r"[\s.]{1,3}")
_FULL_STOP = re.compile(r"[;:!?。；：！？؛؟।]")
# How many letters a name must have to be seen without any other sign of where its words begin: "saoirsequinn" reads as
# the name, "kimono" not as Kim Ono. Arabic and Hebrew write fewer letters.
_LONG = 7
_LONG_UNCASED = 5
_GLUED = 6
# With the word behind them these are another name: Donald is not in McDonald.
_NAME_PREFIXES = frozenset(("mc", "mac", "fitz", "de", "del", "di", "du", "la", "le", "van", "von"))
# Verbs that are names as well: "Grace may come", "I will stone him".
_VERBS = frozenset(("will", "may"))
_SUBJECT_BEFORE = re.compile(r"\b(?:i|you|he|she|it|we|they|who|that|this|one|which)\s+$", re.IGNORECASE)
# Small words that tell where a name begins or ends although nothing stands between: "thisismara voss". They hold no
# beginning of another name, as "is" would: "Isabel Lee" is not Abel Lee.
_BEFORE = re.compile(
    r"(?:(?:this|that|it|he|she|here|name|who|person)is|its|was|named|called|person|with|photo|picture|dasist|das|und|"
    r"mit|cest|est|avec|seliama|sellama|это|зовут|[وفبلك]|[והבלמשכ])$"
)
_BEHIND = re.compile(
    r"(?:is(?:a|the|not|in|shown|seen|smiling|wearing)|was|worksas|livesin|hasa|who|from|and(?:is|she|he|the|his|her))"
)


def places(name: Name, text: str) -> list[tuple[int, int]]:
    """Character ranges of `text` in which a reader sees the name; none lies within another."""
    found: set[tuple[int, int]] = set()
    for at in readings(text):
        for form in name.forms:
            for spans in form.spans(at.plain):
                reading = Reading(name, form, at, spans)
                if reading.is_seen():
                    found.add(name.with_marks(text, at.places[reading.start][0], at.places[reading.end - 1][1]))
    return [a for a in sorted(found) if not any(a != b and b[0] <= a[0] and a[1] <= b[1] for b in found)]


@dataclass(frozen=True)
class Reading:
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
            and not self._is_verb()
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
            self.end - self.start >= SHORT
            and bool(self._inner)
            and all(self._may_stand_between(self.at.gap(i)) for i in self._inner)
            and all(self.at.gap(i) for i in self._joints)
        )

    def _may_stand_between(self, gap: str) -> bool:
        without = APOSTROPHE.sub("", gap) if self.name.has_apostrophe else gap
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
        alone = self.name.is_proper and not first.islower() and self._size > SHORT + 1
        return self._is_long or alone

    def _is_usual(self, i: int) -> bool:
        """Whether the gap before letter `i` is one that may always be there."""
        gap = self.at.gap(i)
        if is_unspaced(self.at.plain[i]) and is_unspaced(self.at.plain[i - 1]):
            return self._may_stand_between(gap)
        if APOSTROPHE.fullmatch(gap):
            # "O'Brien" for OBrien, but not "She'll" for Shell.
            return self.name.has_apostrophe or len(self.spans) > 1 or (i == self.start + 1 and self._size > SHORT)
        word = next(self.at.plain[a:b] for a, b in self.spans if a < i < b)
        return word in self.name.acronyms and self.at.written(i).isupper() and self._may_stand_between(gap)

    def _words_are_apart(self, i: int) -> bool:
        """Whether a reader sees that a word begins with letter `i`."""
        before, letter, gap = self.at.plain[i - 1], self.at.plain[i], self.at.gap(i)
        if SENTENCE_END.search(gap) and not self.name.has_sentences:
            ended = next(self.at.plain[a:b] for a, b in self.spans if b == i)
            return not _FULL_STOP.search(gap) and (len(ended) <= SHORT - 1 or ended in self.name.abbreviations)
        if gap or self._is_long or is_unspaced(letter) or script(before) != script(letter):
            return True
        is_initial = any(end - start == 1 for start, end in self.spans if i in (start, end))
        return self.at.written(i).isupper() and (self.at.written(i - 1).islower() or is_initial)

    def _initials_are_initials(self) -> bool:
        words = iter(self.form.words)
        wanted = next(words)
        for start, end in self.spans:
            if self.at.plain[start:end] == wanted:
                wanted = next(words, "")
            elif not (
                self._is_upper(start, end) and all(_AROUND_INITIALS.fullmatch(self.at.gap(i)) for i in (start, end))
            ):
                return False
        return True

    def _is_upper(self, start: int, end: int) -> bool:
        return all(self.at.written(i).isupper() for i in range(start, end))

    def _begins(self) -> bool:
        start, at = self.start, self.at
        is_spelled_on = self._goes_on(start, start - 1, start + 1, self.spans[0])
        if at.gap(start) and not (is_spelled_on and at.written(start).islower()):
            return True
        before, letter = at.plain[start - 1], at.plain[start]
        if script(before) != script(letter):
            return "DIGIT" not in (script(before), script(letter)) or self._size >= SHORT + letter.isdigit()
        if is_unspaced(letter) and script(letter) != "KATAKANA":
            return True
        if at.written(start).isupper():
            if at.written(start - 1).islower():
                return self._may_follow(self._piece_before())
            if self._may_be_glued() and start > 1 and not at.gap(start + 1) and at.written(start + 1).islower():
                return at.written(start - 1).isupper() and at.written(start - 2).isupper() and not at.gap(start - 1)
        return self._may_be_glued() and self._small_words_before()

    def _ends(self) -> bool:
        end, at = self.end, self.at
        is_spelled_on = self._goes_on(end, end + 1, end - 1, self.spans[-1])
        if at.gap(end) and not (is_spelled_on and at.written(end).islower()):
            return True
        before, letter = at.plain[end - 1], at.plain[end]
        if script(before) != script(letter):
            return not before.isdigit() and (not letter.isdigit() or self._size >= SHORT)
        if is_unspaced(before) and script(before) != "KATAKANA":
            return True
        if at.written(end).isupper():
            if at.written(end - 1).islower():
                return self._may_be_glued() or self._piece_behind() in SMALL_WORDS
            is_capitalised = end + 1 < len(at.plain) and not at.gap(end + 1) and at.written(end + 1).islower()
            return self._may_be_glued() and is_capitalised
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
        # "This Isabel Lee": a capital begins another name, unless all are capitals: "THIS ISMARA VOSS".
        opens_name = self.at.written(run).isupper() and not self.at.written(run + 1).isupper()
        return bool(self.at.gap(begin)) and (run == begin or not opens_name)

    def _may_be_glued(self) -> bool:
        return len(self.spans) > 1 and self._size >= _GLUED

    def _may_follow(self, piece: str) -> bool:
        """Whether a name may begin behind a piece of a word: behind "is" or "Is", but not the Donald of McDonald.

        A name of one word is taken for a part of another word behind any capitalised piece: Shell in PowerShell.
        """
        if piece[0].islower():
            return True
        small = fold(piece)
        return small in SMALL_WORDS or (self._may_be_glued() and small not in _NAME_PREFIXES)

    def _piece_before(self) -> str:
        """The letters just before the name, as written, back to a gap or a capital."""
        i = self.start - 1
        while i > 0 and not self.at.gap(i) and not self.at.written(i).isupper():
            i -= 1
        return self.at.written(i) + self.at.plain[i + 1 : self.start]

    def _piece_behind(self) -> str:
        """The letters just behind the name, folded, up to a gap or a capital."""
        i = self.end + 1
        while i < len(self.at.plain) and not self.at.gap(i) and not self.at.written(i).isupper():
            i += 1
        return self.at.plain[self.end : i]

    def _is_verb(self) -> bool:
        """Whether a word of the name is the verb that is spelled like it: written small next to a capital, or behind
        its subject."""
        is_capital = {self.at.plain[a:b]: self.at.written(a).isupper() for a, b in self.spans}
        verbs = _VERBS & is_capital.keys()
        if not verbs or not self.name.is_proper:
            return False
        # A number has no capital: "May 3, 1971" is a date.
        if len({is_capital[word] for word in self.name.parts if word in is_capital and word.isalpha()}) > 1:
            return True
        first = self.at.plain[slice(*self.spans[0])]
        before = self.at.text[: self.at.places[self.start][0]]
        return first in verbs and not is_capital[first] and bool(_SUBJECT_BEFORE.search(before))

    def _is_turned(self) -> bool:
        """Whether the words changed places as in a list of names: "Voss, Mara", but not "Lena Voss, Mara Lind"."""
        assert self.form.turned is not None
        seam = self.spans[self.form.turned][0]
        if not (COMMA.fullmatch(self.at.gap(seam)) or self._is_surname_in_capitals(seam)):
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
            or fold(before.group(1)) in SMALL_WORDS
            or is_unspaced(text[start])
        )

    def _is_surname_in_capitals(self, seam: int) -> bool:
        """Whether the words before letter `seam`, and they alone, are in capitals, as on a form: "VOSS Mara"."""
        return (
            self.at.gap(seam).isspace()
            and seam - self.start > 1
            and self._is_upper(self.start, seam)
            and not self._is_upper(seam, self.end)
        )
