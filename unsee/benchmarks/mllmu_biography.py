"""Biographies as MLLMU-Bench and data sets made from it write them: facts by names that vary, some of them lists."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from unsee.metrics.naming import words
from unsee.store.text import whole_characters


def read_biography(value: Any) -> tuple[dict[str, str], tuple[str, ...]]:
    """Facts by their names, and aliases, from JSON text or what it holds; nothing if it holds something else, because
    no question depends on it alone.

    A fact in a dict is "Parents/Father", one in a list "Fun Facts/2"; numbers become text. Names come with colons and
    blanks at their ends in places ("Annual Salary: "), which are cut off.
    """
    try:
        content = json.loads(value) if isinstance(value, str) else value
        if not isinstance(content, Mapping):
            return {}, ()
        aliases = content.get("Aliases")
        facts = dict(_facts({key: part for key, part in content.items() if key != "Aliases"}))
    except (ValueError, RecursionError):
        return {}, ()
    return facts, tuple(whole_characters(alias) for alias in aliases if is_said(alias)) if isinstance(
        aliases, list
    ) else ()


def is_said(value: Any) -> bool:
    """Text with a letter or digit in it."""
    return isinstance(value, str) and bool(words(value))


def _facts(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        inner = [(str(key).strip(" :\t\n\u00a0"), part) for key, part in value.items()]
    elif isinstance(value, list):
        inner = [(str(number), part) for number, part in enumerate(value, 1)]
    else:
        text = str(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else value
        if is_said(text):
            yield whole_characters(name), whole_characters(text)
        return
    for key, part in inner:
        yield from _facts(part, f"{name}/{key}" if name else key)
