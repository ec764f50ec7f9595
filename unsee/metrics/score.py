"""`Score`: a number that says how sure it is and which way is better."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Score:
    """A metric's value with its sample size and 95 % interval, in the metric's own unit.

    `n` counts answers, `units` the independent things that they are about (see `unsee.metrics.intervals`); None where
    nobody counted them. The ends of the interval are NaN where nothing is known of the spread.
    """

    value: float
    n: int
    low: float
    high: float
    higher_is_better: bool = True
    units: int | None = None

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)
