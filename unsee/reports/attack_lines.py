"""The rows of an audit as the lines of a table, for a page or the terminal."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from PIL import Image

from unsee.attacks.base import Worst
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

    def shown(self, score: Score | None) -> str:
        """A value of the line as a reader sees it."""
        if score is None or math.isnan(score.value):
            return "–"
        return f"{score.value:.1f}\u00a0%" if self.unit == "%" else f"{score.value:.2f}"

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
    yield _line(worst)
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


def _signed(value: float, digits: int) -> str:
    return f"{value:.{digits}f}".replace("-", "−")
