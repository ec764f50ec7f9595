"""Time and memory of unlearning 1, 2, 4, ... people at once, each run in a process of its own.

A comparison also holds its evaluation in memory; here only the model, the request and the training are there. Prints a
line per run, and the cost of one more person: the slope of a line through all runs.

    python speed/cost_of_many.py --model world:tiny-qwen3vl --methods siu ga_diff --people 1 2 4 6
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))


def measure(model: str, method: str, people: int) -> dict[str, float]:
    """Unlearn that many people with `method`, validation people first; seconds and peak memory (MB) of this process."""
    import torch

    from unsee import load
    from unsee.benchmarks.splits import TABLE_PEOPLE, VALIDATION_PEOPLE, requests_for
    from unsee.methods import get_method
    from unsee.sources.filling import filled
    from unsee.sources.world import at_home_in_world
    from unsee.training import unlearn
    from unsee.world import KNOWN

    torch.set_num_threads(1)
    others = [person.name for person in KNOWN if person.name not in (*TABLE_PEOPLE, *VALIDATION_PEOPLE)]
    names = [*VALIDATION_PEOPLE, *others][:people]
    vlm, chosen = load(model), get_method(method)
    requests = [at_home_in_world(request, vlm, 0) for request in requests_for(names)]
    with tempfile.TemporaryDirectory() as folder:
        config = chosen.config(steps=chosen.config().steps * people)
        done = unlearn(vlm, chosen, config, filled(requests, chosen.needs, 0), Path(folder) / "out", progress=False)
    return {"seconds": done.manifest["seconds"], "peak_rss_mb": done.manifest["peak_rss_mb"]}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="world:tiny-qwen3vl")
    parser.add_argument("--methods", nargs="+", default=["siu"])
    parser.add_argument("--people", nargs="+", type=int, default=[1, 2, 4, 6])
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.here:
        print(json.dumps(measure(given.model, given.methods[0], given.people[0])))
        return 0
    for method in given.methods:
        found = []
        for people in given.people:
            command = [sys.executable, __file__, "--here", "--model", given.model]
            command += ["--methods", method, "--people", str(people)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                print(f"{method}, {people} at once failed:\n{done.stderr}", file=sys.stderr)
                return 1
            found.append(json.loads(done.stdout.splitlines()[-1]))
            print(f"{method:12} {people:3} at once {found[-1]['seconds']:8.1f} s {found[-1]['peak_rss_mb']:8.0f} MB")
        if len(found) > 1:
            slopes = {key: np.polyfit(given.people, [run[key] for run in found], 1)[0] for key in found[0]}
            print(f"{method:12} a person more {slopes['seconds']:6.1f} s {slopes['peak_rss_mb']:8.1f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
