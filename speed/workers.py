"""`unsee audit` by one process and by two: the time of each, and whether both wrote the same.

Each side is `unsee audit RUN` with an output folder of its own, in turn, on one thread per process. What counts is wall
time, so both cores must be free; the script says how busy the machine was. Files are compared by name and content,
without times and folders' names; numbers to five digits, because the last ones depend on what was asked together.

    unsee demo --out runs/demo
    python speed/workers.py runs/demo

Exits with status 1 if a file differs, or if two processes are less than 1.7 times as fast as one.
"""

from __future__ import annotations

import argparse
import json
import os
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
OWN = ("created", "seconds", "out", "folder", "took")
"""Keys that differ from run to run."""


def plain(value: Any) -> Any:
    """`value` without what differs from run to run; numbers to five digits."""
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items() if key not in OWN}
    if isinstance(value, list):
        return [plain(one) for one in value]
    return float(f"{value:.5g}") if isinstance(value, float) else value


def content(folder: Path) -> dict[str, Any]:
    """By relative path, what the documents and transcripts of `folder` say; the lines of a transcript in any order."""
    found: dict[str, Any] = {}
    for path in sorted(folder.rglob("*.json*")):
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".jsonl":
            lines = [plain(json.loads(line)) for line in text.splitlines()]
            found[str(path.relative_to(folder))] = sorted(json.dumps(line, sort_keys=True) for line in lines)
        else:
            found[str(path.relative_to(folder))] = plain(json.loads(text))
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
            differ |= {name for name in names if wrote[1].get(name) != wrote[2].get(name)}
    for workers, seconds in taken.items():
        print(f"--workers {workers}: {median(seconds):.1f} s ({min(seconds):.1f} to {max(seconds):.1f})")
    gain = median(taken[1]) / median(taken[2])
    print(f"Two are {gain:.2f} times as fast as one; before each run, others used {median(busy):.0f} % of the machine.")
    print(f"Files that differ: {', '.join(sorted(differ))}." if differ else "All files say the same.")
    return 1 if differ or gain < BAR else 0


if __name__ == "__main__":
    raise SystemExit(main())
