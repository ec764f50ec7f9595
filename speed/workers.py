"""`unsee audit` by one process and by two: the time of each, and whether both wrote the same.

Each side is `unsee audit RUN` with an output folder of its own, in turn, on one thread per process. What counts is wall
time, so both cores must be free; the script says how busy the machine was. Files are compared by name and content,
without times and folders' names; numbers to 1e-4, because the last digits depend on what was asked together.

    unsee demo --out runs/demo
    python speed/workers.py runs/demo

Exits with status 1 if a file differs, or if two processes are less than 1.7 times as fast as one.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parents[1]
BAR = 1.7
TOLERANCE = 1e-4
OWN = ("created", "seconds", "out", "folder", "took")
"""Keys that differ from run to run."""


def same(one: Any, other: Any) -> bool:
    """Whether two values say the same, apart from what differs from run to run and the last digits of numbers."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(key in OWN or same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    return bool(one == other)


def without_numbers(value: Any) -> str:
    """What the lines of a transcript are put in order by."""
    return re.sub(r"-?\d+\.\d+(e-?\d+)?", "", json.dumps(value, sort_keys=True))


def content(folder: Path) -> dict[str, Any]:
    """By relative path, what the documents and transcripts of `folder` say; the lines of a transcript in one order."""
    found: dict[str, Any] = {}
    for path in sorted(folder.rglob("*.json*")):
        text = path.read_text(encoding="utf-8")
        lines = [json.loads(line) for line in text.splitlines()] if path.suffix == ".jsonl" else []
        found[str(path.relative_to(folder))] = sorted(lines, key=without_numbers) if lines else json.loads(text)
    return found


def audited(run: Path, out: Path, workers: int, more: list[str]) -> float:
    """Wall seconds of an audit. Raises SystemExit if it fails."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "unsee", "audit", str(run), "--out", str(out), "--workers", str(workers), *more]
    start = time.monotonic()
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"The audit with --workers {workers} failed: {done.stderr.strip()}")
    return time.monotonic() - start


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("run", type=Path, help="folder that `unsee forget` wrote")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--level", default="standard")
    parser.add_argument("--attack", nargs="*", default=[])
    options = parser.parse_args()
    more = ["--level", options.level, *(word for name in options.attack for word in ("--attack", name))]
    taken: dict[int, list[float]] = {1: [], 2: []}
    busy, differ = [], set[str]()
    with tempfile.TemporaryDirectory() as place:
        for number in range(options.runs):
            wrote = {}
            for workers in taken:
                busy.append(psutil.cpu_percent(1))
                out = Path(place, f"{workers}-{number}")
                taken[workers].append(audited(options.run, out, workers, more))
                wrote[workers] = content(out)
            names = wrote[1].keys() | wrote[2].keys()
            differ |= {name for name in names if not same(wrote[1].get(name), wrote[2].get(name))}
    for workers, seconds in taken.items():
        print(f"--workers {workers}: {median(seconds):.1f} s ({min(seconds):.1f} to {max(seconds):.1f})")
    gain = median(taken[1]) / median(taken[2])
    print(f"Two are {gain:.2f} times as fast as one; before each run, others used {median(busy):.0f} % of the machine.")
    print(f"Files that differ: {', '.join(sorted(differ))}." if differ else "All files say the same.")
    return 1 if differ or gain < BAR else 0


if __name__ == "__main__":
    raise SystemExit(main())
