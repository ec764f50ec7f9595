"""`Score`: a number that says how sure it is and which way is better."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Score:
    """A metric's value with its sample size and 95 % interval, in the metric's own unit."""

    value: float
    n: int
    low: float
    high: float
    higher_is_better: bool = True

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)
