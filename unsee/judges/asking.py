"""Asking a judge, which may be anybody's code: what it returns is checked before it is counted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from unsee.errors import UserError
from unsee.judges.base import Case, Judge, Quality
from unsee.judges.factuality_rubric import HIGHEST

_LOWEST = {"contextual_refusal": 0, "leakage": 0, "naturalness": 1}


def verdicts_of(judge: Judge, cases: Sequence[Case]) -> list[int | None]:
    """The judge's `verdicts`, one per case in order. Raises UserError, which names the judge, for anything else."""
    form = "a whole number from 1 to 5, or None"
    return _checked(judge, "verdicts", judge.verdicts(cases), len(cases), form, lambda one: _is_grade(one, 1))


def qualities_of(judge: Judge, cases: Sequence[Case]) -> list[Quality]:
    """The judge's `qualities`, one per case in order. Raises UserError, which names the judge, for anything else."""
    form = "a Quality, whose scores are whole numbers in their ranges, or None"
    return _checked(judge, "qualities", judge.qualities(cases), len(cases), form, _is_quality)


def factualities_of(judge: Judge, cases: Sequence[Case]) -> list[int | None]:
    """The judge's `factualities`, one per case in order. Raises UserError, which names the judge, for anything else."""
    form = f"a whole number from 1 to {HIGHEST}, or None"
    return _checked(
        judge, "factualities", judge.factualities(cases), len(cases), form, lambda one: _is_grade(one, 1, HIGHEST)
    )


def _checked(judge: Judge, method: str, given: Any, count: int, form: str, fits: Callable[[Any], bool]) -> list[Any]:
    where = f"`{method}` of the judge {type(judge).__name__}"
    if not isinstance(given, Sequence) or isinstance(given, str):
        raise UserError(f"{where} must return a list with one entry per case; it returned {type(given).__name__}.")
    if len(given) != count:
        raise UserError(f"{where} must return one entry per case; it returned {len(given)} for {count} cases.")
    for number, one in enumerate(given):
        if not fits(one):
            raise UserError(f"{where} must return for each case {form}; entry {number} is {one!r}.")
    return list(given)


def _is_grade(value: object, lowest: int, highest: int = 5) -> bool:
    return value is None or (type(value) is int and lowest <= value <= highest)


def _is_quality(value: object) -> bool:
    return isinstance(value, Quality) and all(_is_grade(getattr(value, key), low) for key, low in _LOWEST.items())
