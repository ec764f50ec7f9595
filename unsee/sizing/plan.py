"""`RunPlan`: what a run takes, in memory and operations."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

Parts = dict[str, int]


@dataclass(frozen=True)
class RunPlan:
    """What a run takes.

    parameters, trained: numbers of weights. tokens: positions of the largest batch of a step, as it is packed.
    phases: per phase of the run, in its order, bytes by part; memory of a phase is their sum, that of the run the
    largest. flops: floating-point operations by phase. memory: bytes of the device that the run is held against.
    """

    model: str
    method: str
    device: str
    dtype: str
    parameters: int
    trained: int
    samples: int
    steps: int
    most_steps: int
    tokens: int
    settings: dict[str, Any]
    phases: dict[str, Parts]
    flops: dict[str, int]
    memory: int
    advice: tuple[str, ...] = field(default=())

    @property
    def largest(self) -> str:
        """The phase that takes most memory."""
        return max(self.phases, key=lambda phase: sum(self.phases[phase].values()))

    @property
    def peak(self) -> int:
        """Most bytes at once."""
        return sum(self.phases[self.largest].values())

    @property
    def unlearning(self) -> int:
        """Most bytes at once in all phases but asking: what the manifest of a run records."""
        return max(sum(parts.values()) for phase, parts in self.phases.items() if phase != "asking")

    @property
    def fits(self) -> bool:
        return self.peak <= self.memory

    def document(self) -> dict[str, Any]:
        """The plan for programs: memory in MB (10^6 bytes)."""
        plain = asdict(self)
        plain["phases"] = {
            phase: {part: _megabytes(size) for part, size in parts.items()} for phase, parts in self.phases.items()
        }
        plain["memory_mb"] = _megabytes(plain.pop("memory"))
        return plain | {
            "peak_mb": _megabytes(self.peak),
            "peak_phase": self.largest,
            "unlearning_mb": _megabytes(self.unlearning),
            "flops_total": sum(self.flops.values()),
            "fits": self.fits,
        }


def _megabytes(size: int) -> float:
    return round(size / 1e6, 1)
