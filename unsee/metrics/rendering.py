"""A text as a reader sees it on a page, with as many characters: for looking for names in it."""

from __future__ import annotations

import re

# Formatting that a page shows as such. Inline tags may stand within a word; the others break the line.
_INLINE = re.compile(r"</?(?:a|b|i|u|s|em|strong|mark|span|font|small|big|sub|sup|code)(?:\s[^<>]*)?>|&shy;", re.I)
_BREAKS = re.compile(r"</?(?:p|br|hr|div|li|ul|ol|td|tr|th|table|h[1-6])(?:\s[^<>]*)?/?>|&(?:nbsp|emsp|ensp);", re.I)
_ZERO_WIDTH = "\u200b"

_LATIN = "A-Za-z\u00c0-\u024f"
_TWINS = str.maketrans(
    "аеорсухіјѕһԁԛԝӏАВЕКМНОРСТУХІЈЅԌԚԜ" + "ονΑΒΕΖΗΙΚΜΝΟΡΤΥΧ",
    "aeopcyxijshdqwlABEKMHOPCTYXIJSGQW" + "ovABEZHIKMNOPTYX",
)
"""Letters of Cyrillic and Greek that look like a letter of Latin, and that letter."""
_MIXED_WORD = re.compile(rf"[{_LATIN}\u0370-\u052f]+")
_OTHER_LETTER = re.compile(rf"[^{_LATIN}]")
_HAS_LATIN = re.compile(f"[{_LATIN}]")


def rendered(text: str) -> str:
    """`text` with spaces for tags that break a line and invisible characters for other tags."""
    if "<" in text or "&" in text:
        text = _BREAKS.sub(lambda tag: " " * len(tag.group()), text)
        text = _INLINE.sub(lambda tag: _ZERO_WIDTH * len(tag.group()), text)
    return text


def in_one_script(text: str) -> str:
    """`text` with Latin letters for those that only look like one.

    A word of Latin and other letters ("Mаra" with a Cyrillic а) is Latin where all of the others look Latin. Two words
    of two scripts that are glued together ("isМара") may do so as well, so this is only one way to read a text.
    """
    return text if text.isascii() else _MIXED_WORD.sub(lambda word: _without_twins(word.group()), text)


def _without_twins(word: str) -> str:
    others = _OTHER_LETTER.findall(word)
    if not others or not _HAS_LATIN.search(word):
        return word
    latin = word.translate(_TWINS)
    return word if _OTHER_LETTER.search(latin) else latin
