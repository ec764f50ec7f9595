"""`Score`: a number that says how sure it is and which way is better."""

from __future__ import annotations

import math
from collections.abc import Mapping
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

    @classmethod
    def read(cls, written: Mapping[str, Any]) -> Score:
        """From what `to_dict` gave, by way of strict JSON too: there what is no number is null, and "reason" says what
        stood in its place. Raises what a wrong document raises."""
        reason = str(written.get("reason", ""))
        value, low, high = (
            (math.inf if f"{key} was infinite" in reason else math.nan) if written[key] is None else float(written[key])
            for key in ("value", "low", "high")
        )
        units = written.get("units")
        better = bool(written["higher_is_better"])
        return cls(value, int(written["n"]), low, high, better, None if units is None else int(units))
