"""The world in the layout of MLLMU-Bench (`unsee.benchmarks.mllmu_layout`)."""

from __future__ import annotations

from pathlib import Path

from unsee.benchmarks.mllmu_layout import write_mllmu
from unsee.benchmarks.mllmu_world import OUTSIDE, subsets


def write(out: Path, seed: int) -> dict[str, int]:
    rows = subsets(seed=seed)
    write_mllmu(out, rows, "completed", OUTSIDE)
    return {name: len(profiles) for name, profiles in rows.items()}
