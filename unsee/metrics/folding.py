"""One folding of letters, for everything that compares words or names: what a reader would call the same letter.

Folded away are case, width, accents, vowel points of Arabic and Hebrew, and characters that cannot be seen. Kept are
the vowel signs of Indic scripts and the marks of kana, which make another letter: राम and रोम differ. What the letters
of a name may be replaced with by those who cannot type them ("Mueller") is another reading of a text: `readings`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import cached_property, lru_cache
from typing import NamedTuple

from unsee.metrics.rendering import in_one_script, rendered

# Accents that a reader may leave out: those of Latin, Greek and Cyrillic, the points of Hebrew, Arabic and Syriac, the
# lengthening stroke of Arabic, the dot below letters of Hindi, and variation selectors.
_ACCENTS = re.compile(
    "[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
    "\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7"
    "\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e8\u06ea-\u06ed\u08d3-\u08ff\u0640\u0730-\u074a\u093c"
    "\ufe00-\ufe0f\U000e0100-\U000e01ef]"
)
# Letters that Unicode takes apart and readers do not.
_OWN_LETTERS = frozenset("йїў")
_LETTERS = str.maketrans(
    {
        "ł": "l", "ø": "o", "đ": "d", "ð": "d", "ħ": "h", "ı": "i", "ŧ": "t", "ŋ": "ng", "ĸ": "k", "æ": "ae",
        "œ": "oe", "þ": "th", "ə": "a", "ɓ": "b", "ɗ": "d", "ƙ": "k", "ƴ": "y", "ƶ": "z", "ɛ": "e", "ɔ": "o",
        # One letter on the keyboards of different countries.
        "ی": "ي", "ک": "ك", "ہ": "ه", "ۃ": "ه",
        # Written one for the other at the end of a word.
        "ى": "ي", "ة": "ه",
        # Letters to Unicode, apostrophes to a reader.
        "ʻ": "'", "ʼ": "'", "ʽ": "'", "ʾ": "'", "ʿ": "'", "ʹ": "'", "ꞌ": "'",
    }
)  # fmt: skip
# Before a consonant Hindi writes a nasal in full or as a dot, and the dot with a moon or without: नरेन्द्र, नरेंद्र.
_HINDI_NASALS = re.compile("[ङञणनम]\u094d|\u0901")
# For those who cannot type the letter.
_SPELLED_OUT = {"ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "å": "aa"}
# Scripts written without spaces between words (Thai to Lao, Myanmar, Khmer, kana, Han, Hangul): every character
# counts as a word of its own, so that "这是Mara Voss。" still contains the whole words "Mara Voss".
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005\u3007\u3040-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"
    "\uf900-\ufaff\U00020000-\U000323af]"
)
_CASED = [chr(code) for block in (range(0x41, 0x588), range(0x1E00, 0x2000)) for code in block]
UPPER, LOWER = ("".join(filter(test, _CASED)) for test in (str.isupper, str.islower))
"""Capitals and small letters of Latin, Greek, Cyrillic and Armenian, for character classes of regular expressions."""
_PLAIN_WORD = re.compile(r"[^\W_]+")
_NO_LETTERS = re.compile(r"[\W_]+")


class Word(NamedTuple):
    """A folded word and the half-open range of characters it comes from."""

    text: str
    start: int
    end: int


class Letters:
    """The letters and digits of a text and nothing else, folded: `plain`. Signs that belong to a letter follow it.

    `text` is the text as it is `rendered`. With `spelled_out`, "ü" is "ue" and not "u".
    """

    def __init__(self, text: str, *, spelled_out: bool = False) -> None:
        self.text = rendered(text)
        self._spelled_out = spelled_out
        if self.text.isascii():
            self.plain = _NO_LETTERS.sub("", self.text).lower()
        else:
            self.plain = "".join(letter for letter, _, _ in _folded(self.text, spelled_out))

    @cached_property
    def places(self) -> tuple[tuple[int, int], ...]:
        """Per letter of `plain` the range of characters of `text` it comes from; "ß" gives one range to two letters."""
        return tuple((start, end) for _, start, end in _folded(self.text, self._spelled_out))

    def written(self, i: int) -> str:
        """The character that letter `i` comes from, as it was written."""
        return self.text[self.places[i][0]]

    def gap(self, i: int) -> str:
        """What can be seen between letter `i` and the one before it; at the first letter and the end, a space."""
        if not 0 < i < len(self.plain):
            return " "
        between = self.text[self.places[i - 1][1] : self.places[i][0]]
        return between if between.isascii() else "".join(c for c in between if not is_invisible(c))

    def is_torn(self, i: int) -> bool:
        """Whether what lies before letter `i` belongs to it: the first half of "æ", or the letter of a vowel sign."""
        return 0 < i < len(self.plain) and (
            self.places[i] == self.places[i - 1] or (is_sign(self.plain[i]) and not self.gap(i))
        )


@lru_cache(maxsize=16384)
def letters(text: str) -> Letters:
    """`Letters(text)`, kept for the next question about the same text."""
    return Letters(text)


@lru_cache(maxsize=16384)
def readings(text: str) -> tuple[Letters, ...]:
    """The letters of `text` in every way that a reader may take them: "Müller" is "muller" and "mueller", a Cyrillic
    letter in a Latin word is the Latin one that looks the same."""
    if text.isascii():
        return (letters(text),)
    found = [letters(text)]
    if any(letter in _SPELLED_OUT for letter in unicodedata.normalize("NFC", text).lower()):
        found.append(Letters(text, spelled_out=True))
    latin = in_one_script(text)
    return (*found, letters(latin)) if latin != text else tuple(found)


@lru_cache(maxsize=65536)
def fold(word: str) -> str:
    """Case, width, accents, vowel points and invisible characters folded away: "Müller" and "MULLER" become "muller".

    Letters that no accent was added to become those that stand for them: "Łukasz" is "lukasz", "Strauß" "strauss".
    """
    composed = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", word).casefold())
    folded = unicodedata.normalize("NFC", "".join(map(_fold_letter, composed)))
    return folded if folded.isascii() else _HINDI_NASALS.sub("\u0902", folded)


@lru_cache(maxsize=16384)
def words(text: str) -> tuple[Word, ...]:
    """The words of `text`, folded, with their places; punctuation and white space only separate."""
    if text.isascii() and rendered(text) == text:
        return tuple(Word(match.group().lower(), *match.span()) for match in _PLAIN_WORD.finditer(text))
    own, found = letters(text), []
    for i, letter in enumerate(own.plain):
        start, end = own.places[i]
        begins = own.gap(i) or (not own.is_torn(i) and (is_unspaced(letter) or is_unspaced(own.plain[i - 1])))
        if begins:
            found.append(Word(letter, start, end))
        else:
            found[-1] = Word(found[-1].text + letter, found[-1].start, end)
    return tuple(found)


def normalise(text: str) -> str:
    """The folded words of `text`, one space between them."""
    return " ".join(word.text for word in words(text))


@lru_cache(maxsize=4096)
def script(letter: str) -> str:
    """The script of a letter as its Unicode name begins, such as "LATIN"; "DIGIT" for digits."""
    if letter.isdigit():
        return "DIGIT"
    return re.split("[ -]", unicodedata.name(letter, ""), maxsplit=1)[0]


def is_unspaced(letter: str) -> bool:
    """Whether a letter's script has no spaces between words."""
    return bool(_UNSPACED.match(letter))


def is_sign(letter: str) -> bool:
    """Whether this is a vowel sign or another mark that belongs to the letter before."""
    return unicodedata.category(letter)[0] == "M"


def is_invisible(character: str) -> bool:
    """Whether a character takes no place and cannot be seen: a zero-width space, a soft hyphen."""
    return unicodedata.category(character) == "Cf" or bool(_ACCENTS.match(character))


def _fold_letter(letter: str) -> str:
    if letter in _OWN_LETTERS:
        return letter
    if letter.isdecimal():
        return str(unicodedata.decimal(letter))
    parts = _ACCENTS.sub("", unicodedata.normalize("NFKD", letter))
    return "".join(part for part in parts if unicodedata.category(part) != "Cf").translate(_LETTERS)


def _folded(text: str, spelled_out: bool = False) -> Iterator[tuple[str, int, int]]:
    """Each folded letter with the range of characters that it comes from."""
    if text.isascii():
        yield from ((c.lower(), i, i + 1) for i, c in enumerate(text) if c.isalnum())
        return
    for start, end in _clusters(text):
        written = text[start:end]
        out = _SPELLED_OUT.get(unicodedata.normalize("NFC", written).lower()) if spelled_out else None
        for letter in out or fold(written):
            if letter.isalnum() or is_sign(letter):
                yield letter, start, end


def _clusters(text: str) -> Sequence[tuple[int, int]]:
    """The ranges of what Unicode may write as one character or as several: a letter with the marks behind it."""
    starts = [i for i, character in enumerate(text) if not (i and _continues(character))]
    return list(zip(starts, [*starts[1:], len(text)], strict=True))


@lru_cache(maxsize=4096)
def _continues(character: str) -> bool:
    """Marks, the later parts of a Hangul syllable, and the half-width voicing marks of katakana."""
    return is_sign(character) or "\u1160" <= character <= "\u11ff" or character in "\uff9e\uff9f"
