"""Every score that unsee knows, in the order in which a reader sees them, and which way one went."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from typing import Literal

from unsee.kinds.words import PEOPLE, Words
from unsee.metrics.columns import mllmu, recognition
from unsee.metrics.columns.language import LANGUAGE
from unsee.metrics.columns.quality import QUALITY
from unsee.metrics.columns.robustness import ROBUSTNESS
from unsee.metrics.metric import FAMILIES, Family, Metric
from unsee.metrics.score import Score

__all__ = [
    "AFTER_KEYS", "BEFORE_KEYS", "FAMILIES", "KEYS", "Family", "Metric", "Outcome", "compare", "describe", "in_order",
    "is_further", "judged", "knows", "titled",
]  # fmt: skip

BEFORE_KEYS: tuple[str, ...] = tuple(metric.key for metric in (*recognition.MAIN, *ROBUSTNESS) if metric.key != "c_dis")
AFTER_KEYS: tuple[str, ...] = tuple(metric.key for metric in (*recognition.MAIN, *ROBUSTNESS))

_ALL = (*recognition.MAIN, *ROBUSTNESS, *recognition.FURTHER, *mllmu.SUMS, *QUALITY, *LANGUAGE, *mllmu.TASKS)
_WHOLES = frozenset(metric.key for metric in _ALL)


def _in_place(metric: Metric) -> Metric:
    """The metric, marked as a part if the catalogue has the whole."""
    whole, _, part = metric.key.partition("/")
    return replace(metric, is_part=bool(part) and whole in _WHOLES)


_BY_KEY = {metric.key: _in_place(metric) for metric in _ALL}
KEYS: tuple[str, ...] = tuple(_BY_KEY)
"""Every column that has a place of its own here."""
_ROOTS = frozenset(key.partition("/")[0] for key in KEYS)
_PLACES = {key: place for place, key in enumerate(_BY_KEY)}
_ADDED: dict[str, str] = {}
"""The columns that are not of the catalogue itself, with the benchmark that gives each."""


def add(columns: Iterable[Metric], benchmark: str = "") -> None:
    """Describe the scores of a benchmark of that name, after those already described.

    Raises ValueError if a key already has another description: one key is one score.
    """
    for metric in columns:
        placed = _in_place(metric)
        if metric.key not in _BY_KEY:
            _ADDED[metric.key] = benchmark
        if _BY_KEY.setdefault(metric.key, placed) != placed:
            raise ValueError(f"two scores are called {metric.key!r}; give one of them another key")
        _PLACES.setdefault(metric.key, len(_PLACES))


def knows(key: str) -> bool:
    """Whether a column describes the score, or the score of which it is a part."""
    return key in _BY_KEY or key.partition("/")[0] in _BY_KEY


def describe(key: str, higher_is_better: bool = True, words: Words = PEOPLE) -> Metric:
    """The metric of that key; `words` are those for others.

    A part that the catalogue does not know ("specificity/captions") is written like its whole; any other unknown metric
    is shown under its own key.
    """
    metric = _found(key, higher_is_better)
    return replace(metric, label=words.fill(metric.label), meaning=words.fill(metric.meaning))


def _found(key: str, higher_is_better: bool) -> Metric:
    """The metric of that key, as the catalogue has it."""
    if key in _BY_KEY:
        return _BY_KEY[key]
    whole, _, part = key.rpartition("/")
    label = (part or key).replace("_", " ").capitalize()
    if whole in _BY_KEY:
        like = replace(_BY_KEY[whole], key=key, label=label, meaning="", higher_is_better=higher_is_better)
        return _in_place(like)
    return _in_place(Metric(key, label, "", "more", higher_is_better=higher_is_better))


def is_further(key: str) -> bool:
    """Whether a column, or the whole that it is a part of, is one that a further benchmark brings."""
    return key.partition("/")[0] not in _ROOTS


def titled(key: str, higher_is_better: bool = True, words: Words = PEOPLE) -> Metric:
    """The metric with a label that says all where no heading does: "Over-refusal (own)" for a further benchmark's,
    unless it begins with the benchmark ("CLEAR: kept"), and "Over-refusal: facts" for a part that has no name of its
    own in the catalogue."""
    metric = describe(key, higher_is_better, words)
    whole = key.rpartition("/")[0]
    if key not in _BY_KEY and whole in _BY_KEY:
        metric = replace(metric, label=f"{describe(whole, words=words).label}: {metric.label.lower()}")
    benchmark = brought_by(key)
    begins, colon, _ = metric.label.partition(":")
    if not benchmark or (colon and _letters(begins).startswith(_letters(benchmark))):
        return metric
    return replace(metric, label=f"{metric.label} ({benchmark})")


def brought_by(key: str) -> str:
    """The name of the further benchmark that a column, or a part of one, belongs to; empty if none brings it."""
    return _ADDED.get(key) or _ADDED.get(key.rpartition("/")[0]) or ""


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text.casefold()))


def in_order(keys: Iterable[str]) -> list[str]:
    """The keys without repetition: the catalogue's in its order, each with its parts, then all others."""
    unique = dict.fromkeys(keys)

    def place(key: str) -> tuple[int, bool]:
        whole = key.partition("/")[0]
        return _PLACES.get(whole, _PLACES.get(key, len(_PLACES))), "/" in key

    return sorted(unique, key=place)


Outcome = Literal["better", "worse", "unclear"]


def judged(metric: Metric, before: Score | None, after: Score | None) -> Outcome | None:
    """Which way a score went, if its metric ranks anything."""
    return compare(before, after) if metric.ranks else None


def compare(before: Score | None, after: Score | None) -> Outcome | None:
    """Which way a score went: "unclear" while the intervals overlap, None where a score or its interval is missing."""
    if before is None or after is None:
        return None
    if any(math.isnan(end) for score in (before, after) for end in (score.value, score.low, score.high)):
        return None
    rose, fell = after.low > before.high, after.high < before.low
    if not rose and not fell:
        return "unclear"
    return "better" if rose == after.higher_is_better else "worse"
