"""What runs the cells: this process, one after another, or a Ray cluster (`ray_engine`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from unsee.sweep.cells import Cell
from unsee.sweep.running import Outcome, Worker

Tell = Callable[[Outcome], None]


def run_here(cells: Sequence[Cell], results: Path, tell: Tell, device: str = "auto") -> None:
    """Run cells in their order and `tell` of each when it is done. Raises KeyboardInterrupt after Ctrl-C."""
    worker = Worker(results, device)
    for cell in cells:
        tell(worker.run(cell))
