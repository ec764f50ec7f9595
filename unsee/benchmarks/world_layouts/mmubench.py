"""The people of the tables in the layout of MMUBench (`unsee.benchmarks.layout`)."""

from __future__ import annotations

from pathlib import Path

from unsee.benchmarks.layout import write_benchmark
from unsee.benchmarks.splits import TABLE_PEOPLE
from unsee.benchmarks.world import world_benchmark

PICTURES = 10
"""New pictures of each."""


def write(out: Path, seed: int) -> dict[str, int]:
    benches = [world_benchmark(name, seed=seed, test_pictures=PICTURES, kept=0, pairs=0) for name in TABLE_PEOPLE]
    write_benchmark(out, benches)
    return {bench.concept: len(bench.test_images) for bench in benches}
