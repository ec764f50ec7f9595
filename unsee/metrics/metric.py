"""`Metric`: what a score is called, what it means in a sentence, and how its numbers are written."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from unsee.metrics.intervals import ANY, PERCENT, Scale
from unsee.metrics.score import Score

# For scores that are not percentages, by the beginning of the key.
_SCALES: dict[str, Scale] = {
    "g_eval": (1, 5), "quality/naturalness": (1, 5), "quality/": (0, 5), "fluency": (1, math.inf),
    "general_perplexity": (1, math.inf), "mllmu/": (0, 1), "seconds": (0, math.inf), "peak_rss_mb": (0, math.inf),
}  # fmt: skip

Family = Literal["forgetting", "keeping", "quality", "language", "more"]


@dataclass(frozen=True)
class Metric:
    """One row of the results: `unit` is "%" or empty, `decimals` the digits after the point. `label` and `meaning` may
    speak of others as `Words.fill` reads it: "{Two}: renamed".

    One that does not `rank` never makes one model better than another, whatever its direction. One that
    `is_part` of another, as "specificity/captions" is of "specificity", stands indented below it.
    """

    key: str
    label: str
    meaning: str
    family: Family
    unit: str = ""
    decimals: int = 2
    higher_is_better: bool = True
    ranks: bool = True
    is_part: bool = False

    @property
    def scale(self) -> Scale:
        """The smallest and the largest value there can be."""
        if self.unit == "%":
            return PERCENT
        return next((scale for start, scale in _SCALES.items() if self.key.startswith(start)), ANY)

    def format(self, value: float, unit: bool = True) -> str:
        """The number as a reader sees it, with a no-break space before the unit; a dash if there is no number."""
        if math.isnan(value):
            return "–"
        if math.isinf(value):
            return "∞" if value > 0 else "−∞"
        written = f"{abs(value):,.{self.decimals}f}"
        sign = "−" if value < 0 and float(written.replace(",", "")) else ""
        return f"{sign}{written}" + (f"\u00a0{self.unit}" if unit and self.unit else "")

    def format_interval(self, score: Score) -> str:
        """The 95 % interval without its unit; one that holds no number is a dash."""
        if math.isnan(score.low) or math.isnan(score.high):
            return "–"
        return f"{self.format(score.low, unit=False)} to {self.format(score.high, unit=False)}"

    def format_change(self, before: float, after: float) -> str:
        """The difference with its sign; percentages differ by points."""
        change = after - before
        if math.isnan(change):
            return "–"
        if math.isinf(change):
            return "+∞" if change > 0 else "−∞"
        written = f"{abs(change):,.{self.decimals}f}"
        sign = "±" if float(written.replace(",", "")) == 0 else "+" if change > 0 else "−"
        return f"{sign}{written}" + (" pts" if self.unit == "%" else "")


FAMILIES: dict[Family, str] = {
    "forgetting": "Forgetting",
    "keeping": "Keeping",
    "quality": "Quality of the answers",
    "language": "Language",
    "more": "Further scores",
}
