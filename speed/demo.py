"""`unsee demo` from start to end, with and without its audit, beside another checkout.

Each run is a process of its own, in turn with those of the other checkout. What counts is the processor time of user
and system on one thread: on a busy machine, wall time says how busy it was. The peak is that of resident memory.

    git worktree add /tmp/before COMMIT
    python speed/demo.py --against /tmp/before

"without audit" forgets the demo's person with the demo's settings and `--audit none`. Exits with status 1 if it takes
more than half of the other checkout's demo, or the demo with its audit more than 0.8 of it.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from unsee.world import KNOWN

ROOT = Path(__file__).resolve().parents[1]
WITHOUT, WITH = "without audit", "demo"
BARS = {WITHOUT: 0.5, WITH: 0.8}


@dataclass(frozen=True)
class Cost:
    """Processor seconds, and the peak of resident memory in MB."""

    seconds: float
    peak: float


def run(words: list[str], checkout: Path, folder: Path) -> Cost:
    """What `unsee WORDS` of a checkout costs in a process of its own. Raises if the command fails."""
    environment = {**os.environ, "PYTHONPATH": str(checkout), "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        [sys.executable, "-m", "unsee", *words],
        cwd=folder,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"unsee {' '.join(words)} in {checkout} ended with status {process.returncode}.")
    return Cost(used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--against", type=Path, help="another checkout")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--model", default="world:tiny-qwen3vl")
    parser.add_argument("--method", help="here; by default the one that the demo chooses, which the other may not have")
    options = parser.parse_args()
    person = KNOWN[0]
    asked = ["forget", "-m", options.model, "-c", person.name, "-i", "person.png", "--audit", "none"]
    demo = ["demo", "--model", options.model]
    chosen = ["--method", options.method or "auto"]
    sides = {WITHOUT: ([*asked, *chosen], ROOT), WITH: ([*demo, *chosen], ROOT)}
    if options.against:
        sides["before"] = (demo, options.against.resolve())
    costs: dict[str, list[Cost]] = {name: [] for name in sides}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        person.picture(0, "train").save(folder / "person.png")
        for number in range(options.runs):
            for side, (words, checkout) in sides.items():
                costs[side].append(run([*words, "--out", f"{side.split()[0]}-{number}"], checkout, folder))
                print(f"{side}: {costs[side][-1].seconds:.1f} s", file=sys.stderr, flush=True)
    seconds = {side: [cost.seconds for cost in found] for side, found in costs.items()}
    print("| | seconds, median (range) | of before | peak, MB |\n|---|---:|---:|---:|")
    missed = []
    for side, taken in seconds.items():
        ratio = median(taken) / median(seconds["before"]) if options.against else None
        peak = median(cost.peak for cost in costs[side])
        shown = f"{ratio:.2f}" if ratio else "–"
        print(f"| {side} | {median(taken):.1f} ({min(taken):.1f}–{max(taken):.1f}) | {shown} | {peak:.0f} |")
        if ratio is not None and side in BARS and ratio > BARS[side]:
            missed.append(f"{side}: {ratio:.2f}, at most {BARS[side]}")
    print("\nMissed: " + "; ".join(missed) if missed else "\nAll bars are met.")
    return 1 if missed else 0


if __name__ == "__main__":
    raise SystemExit(main())
