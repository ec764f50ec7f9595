"""The rows of an audit as the lines of a table, for a page or the terminal."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from PIL import Image

from unsee.attacks.base import Worst
from unsee.attacks.scoring import CAN_DO
from unsee.evaluation.auditing import AFTER, BEFORE, FLOOR, Audit, Row
from unsee.metrics import Score
from unsee.reports.grades import gap, leaks, words_of, worst_rows


@dataclass(frozen=True)
class Line:
    """What one attack found, or one variant of it (`is_part`). `back`: more leaks than by chance."""

    title: str
    variant: str
    unit: str
    before: Score | None
    after: Score | None
    floor: Score | None
    excess: Score | None
    back: bool
    is_part: bool = False
    worst: Worst | None = None
    wording: str = ""
    """How the worst wording leaks, such as "100.0 % of the answers to this wording"; empty without wordings."""
    picture: Image.Image | None = None
    details: tuple[str, ...] = ()
    """Sentences for small print: other figures, and how well the model does the same about known others."""

    def shown(self, score: Score | None) -> str:
        """A value of the line as a reader sees it."""
        if score is None or math.isnan(score.value):
            return "–"
        return f"{_signed(score.value, 1)}\u00a0%" if self.unit == "%" else _signed(score.value, 2)

    def interval(self, score: Score | None) -> str:
        """The 95 % interval, without its unit."""
        if score is None or math.isnan(score.low) or math.isnan(score.high):
            return ""
        digits = 1 if self.unit == "%" else 2
        return f"{_signed(score.low, digits)} to {_signed(score.high, digits)}"

    def points(self) -> str:
        """What exceeds the floor."""
        if self.excess is None or math.isnan(self.excess.value):
            return "–"
        plus = "+" if self.excess.value > 0 else ""
        return f"{plus}{_signed(self.excess.value, 1)}\u00a0pts" if self.unit == "%" else (
            f"{plus}{_signed(self.excess.value, 2)}"
        )  # fmt: skip

    def width(self, score: Score | None) -> float:
        """The length of its bar, in % of the longest there can be; 0 for what is no share."""
        if score is None or self.unit != "%" or math.isnan(score.value):
            return 0.0
        return min(100.0, max(0.0, score.value))


def lines_of(audit: Audit) -> list[Line]:
    """A line for each attack, in their order: its worst variant; and then, if there are several, each of these."""
    return [line for attack in dict.fromkeys(row.attack for row in audit.rows) for line in _lines(attack, audit)]


def _lines(attack: str, audit: Audit) -> Iterator[Line]:
    own = [row for row in audit.rows if row.attack == attack]
    (worst,) = worst_rows(own)
    # Of attacks whose figures mean nothing as a share, there may be none that is worst.
    yield replace(_line(worst), details=(*_further(worst), *_controls(worst, own)))
    if len(own) > 1:
        yield from (_line(row, is_part=True) for row in own)


def _line(row: Row, *, is_part: bool = False) -> Line:
    words = words_of(row.attack)
    scores = {state: row.states[state].score if state in row.states else None for state in (BEFORE, AFTER, FLOOR)}
    found = row.states.get(AFTER)
    wordings = found.wordings if found else {}
    most = max(wordings.values(), default=math.nan)
    return Line(
        words.title,
        row.variant,
        words.unit,
        scores[BEFORE],
        scores[AFTER],
        scores[FLOOR],
        gap(row) if row.excess is not None else None,
        leaks(row),
        is_part,
        found.worst if found else None,
        f"{most:.0f}\u00a0% of the answers to this wording leak" if len(wordings) > 1 and not math.isnan(most) else "",
        row.picture,
    )


def details_of(audit: Audit) -> dict[str, list[str]]:
    """By attack, the small print of its worst variant; for attacks that have some."""
    found = {}
    for attack in dict.fromkeys(row.attack for row in audit.rows):
        details = next(_lines(attack, audit)).details
        if details:
            found[attack] = list(details)
    return found


def _further(row: Row) -> Iterator[str]:
    """ "Median rank of the name there: 12 (before 1, floor 30)." for each of the other figures."""
    names = dict.fromkeys(name for state in (AFTER, BEFORE, FLOOR) if state in row.states
                          for name in row.states[state].further)  # fmt: skip
    for name in names:
        shown = {
            state: _figure(name, found.further[name]) for state, found in row.states.items() if name in found.further
        }
        after = shown.pop(AFTER, "–")
        beside = ", ".join(f"{state} {shown[state]}" for state in (BEFORE, FLOOR) if state in shown)
        label = name.removesuffix(", %")
        yield f"{label[:1].upper()}{label[1:]}: {after}{f' ({beside})' if beside else ''}."


def _figure(name: str, value: float) -> str:
    if math.isnan(value):
        return "–"
    if name.endswith("%"):
        return f"{_signed(value, 1)}\u00a0%"
    return _signed(value, 0 if value == round(value) else 1)


def _controls(row: Row, own: Sequence[Row]) -> Iterator[str]:
    """How well the model does the same about others that it knows: an attack whose task it cannot do proves nothing."""
    # Controls of a whole attack are asked with one of its variants only.
    asked = next((one for one in (row, *own) if any(found.controls for found in one.states.values())), None)
    if asked is None:
        return
    by_state = {state: found.controls for state, found in asked.states.items() if state != FLOOR and found.controls}
    first = next(iter(by_state.values()))
    counted = [wording for wording, can in first.items() if can >= CAN_DO]
    rates = [
        f"{fmean(controls[wording] for wording in counted if wording in controls):.0f}\u00a0% {state}"
        for state in (BEFORE, AFTER)
        if (controls := by_state.get(state)) and any(wording in controls for wording in counted)
    ]
    if rates:
        yield f"Asked the same about others whom it knows, it is right in {' and '.join(rates)}."
    if len(counted) < len(first):
        yield (
            f"Left out are {len(first) - len(counted)} of {len(first)} wordings, in which it is right about too few "
            f"others before unlearning (under {CAN_DO:.0f}\u00a0%)."
        )


def _signed(value: float, digits: int) -> str:
    return f"{value:.{digits}f}".replace("-", "−")
