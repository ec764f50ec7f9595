"""Dates, amounts and measures in one way of writing them, so that equal ones are equal texts.

"€1.2 million" is "1200000", "5th of March 1971" is "March 5 1971", "4'6\"" is "4ft6", "1.70 m" is "170 cm". A number
with its decimals or its feet and inches becomes one word: 1.2 is not found in 2.1, nor 4'6" in 6'4".
"""

from __future__ import annotations

import re
from collections.abc import Callable

_MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December"
_MONEY = r"(?:[$€£]|\b(?:US[$]|USD|EUR|GBP))\s*"
_SCALES = "thousand|million|billion|mio|mill|bil"
_ZEROS = {"k": 3, "t": 3, "m": 6, "b": 9}
UNITS = "cm|kg|m|ft"
"""How `plain` writes them."""
_POINT = "point"


def _in_full(number: re.Match[str]) -> str:
    """ "1.2 million" as "1200000"."""
    whole, part, scale = number.groups()
    zeros = _ZEROS[scale[0].lower()]
    return f"{whole}{(part or '').ljust(zeros, '0')}"


# One way to write a date, and a number with its unit. A currency is left out: who tells the number tells the fact.
_WAYS: tuple[tuple[str, str | Callable[[re.Match[str]], str]], ...] = (
    (r"n['’]t\b", " not"),
    *((rf"\b(?:{month}|{month[:3]}t?\.?)(?= \d)", month) for month in _MONTHS.split("|")),
    *((rf"\b(\d{{4}})-{i:02}-0?(\d{{1,2}})\b", rf"{month} \2, \1") for i, month in enumerate(_MONTHS.split("|"), 1)),
    (r"(?<=\d)(?:st|nd|rd|th)\b", ""),
    *((rf"\b(\d{{1,2}}) (?:of )?(?:{month}|{month[:3]}t?\.?)(?!\w)", rf"{month} \1") for month in _MONTHS.split("|")),
    (rf"\b({_MONTHS}) 0(?=\d\b)", r"\1 "),
    (r"(?<=\d)[,\u00a0\u202f](?=\d{3}\b)", ""),
    (rf"{_MONEY}(\d+)(?:[.,](\d{{1,3}}))?\s*({_SCALES}|[kmb]n?)\b", _in_full),
    (rf"\b(\d+)(?:[.,](\d{{1,3}}))?\s*({_SCALES}|k)\b", _in_full),
    (rf"{_MONEY}(?=\d)|(?<=\d)\s*(?:US )?(?:dollars?|euros?|pounds(?: sterling)?|USD|EUR|GBP|[$€£])(?!\w)", ""),
    (r"(?<![\d'’′])(\d)\s*['’′](?=\s*\d{1,2}\b|(?!\w))", r"\1 ft "),
    (r"(?<=\d)\s*-?(?:ft|feet|foot)\b\.?-?", " ft "),
    (r"(?<= ft )[\s,]*(?:and )?(\d+)\s*-?(?:[\"”″]|''|inch(?:es)?\b|in\b)?", r"\1"),
    (r"\b(\d)[.,](\d\d)\s*-?(?:m|met(?:er|re)s?)\b", r"\1\2 cm"),
    (r"\b(\d)[.,](\d)\s*-?(?:m|met(?:er|re)s?)\b", r"\1\g<2>0 cm"),
    (r"(?<=\d)\s*-?(?:cms?|centimet(?:er|re)s?)\b", " cm"),
    (r"(?<=\d)\s*-?(?:kgs?|kilos?|kilograms?)\b", " kg"),
    (r"(?<=\d)\s*-?(?:m|met(?:er|re)s?)\b", " m"),
    (r"(?<=\d)\.0+(?!\d)", ""),
    # One word each, so that 4'6" is not found in 6'4", nor 1.2 in 2.1.
    (r"(?<=\d) +ft +0*(?=[1-9]\d?\b)", "ft"),
    (r"(?<=\d) +ft\b(?: +0\b)?", "ft"),
    (r"(?<=\d)\.(?=\d)", _POINT),
)
_SPELLED_ALIKE = tuple((re.compile(pattern, re.IGNORECASE), written) for pattern, written in _WAYS)


def plain(text: str) -> str:
    """`text` with its dates, amounts, measures and "n't" in one way of writing them."""
    for pattern, written in _SPELLED_ALIKE:
        text = pattern.sub(written, text)
    return text


def readable(word: str) -> str:
    """A word of a `plain` text as a reader would write it: "3.8"."""
    return word.replace(_POINT, ".") if word[:1].isdecimal() else word
