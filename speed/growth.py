"""How time and memory grow with the people, the questions and the pictures of an evaluation, without the model.

The answers are canned, so that what is measured is everything else: making the questions, asking, saving every answer,
scoring, and intervals. Each point is a process of its own; the time of its imports is subtracted.

- questions: of a table with 40 people, in text, half of them about what to forget (`unsee.benchmarks.own`)
- pictures: the same, each question about a picture of its own of 96 x 96 pixels
- people: forgotten together, with all that the world asks about them (`unsee.benchmarks.mmubench`)

    python speed/growth.py --plot docs/growth.png

Exits with status 1 if one of the most questions takes more than 1.3 times as long as one of a thousand.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
POINTS = {
    "questions": (100, 1000, 10_000, 20_000, 40_000, 100_000),
    "pictures": (10, 100, 1000),
    "people": (1, 5, 10, 20, 30),
}
TEXTS = 997
"""Different answers to the questions of a table."""
GROWTH_BAR = 1.3


def used() -> tuple[float, float]:
    """Processor seconds and peak memory (MB) of this process so far."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def table(count: int, shown: bool) -> Any:
    """`count` questions about 40 people, half of them about what to forget, with or without a picture each."""
    from PIL import Image

    from unsee.benchmarks.own import OwnQuestions
    from unsee.benchmarks.own_reader import FORGET, RETAIN, Row
    from unsee.world import KNOWN

    rows = [
        Row(
            number,
            f"What does {person.name} do, question {number}?",
            keywords=("baker",),
            concept=person.name,
            split=FORGET if number % 2 else RETAIN,
        )
        for number in range(count)
        for person in [KNOWN[number % len(KNOWN)]]
    ]
    colours = [(number % 256, number // 256, 0) for number in range(count if shown else 0)]
    pictures = {number: (Image.new("RGB", (96, 96), colour),) for number, colour in enumerate(colours)}
    return OwnQuestions(rows, pictures)


def world(people: int) -> Any:
    """All that is asked about the first people of the world, forgotten together."""
    from unsee.benchmarks.concept import probes
    from unsee.benchmarks.mmubench import MMUBench
    from unsee.benchmarks.together import WORLD, benchmarks_together
    from unsee.world import KNOWN

    names = [person.name for person in KNOWN[:people]]
    found = benchmarks_together(WORLD, names, test_pictures=2, kept=12)
    return MMUBench(found, [probes(bench) for bench in found])


def measure(of: str, count: int) -> dict[str, float]:
    """The cost of one point in this process, after the imports."""
    from unsee.evaluation import Evaluation
    from unsee.generation import CannedEngine

    table(4, shown=True)
    world(0)
    seconds, _ = used()
    benchmark = world(count) if of == "people" else table(count, shown=of == "pictures")
    engine = CannedEngine(lambda probe: f"The answer is number {zlib.crc32(probe.id.encode()) % TEXTS}, and no baker.")
    with tempfile.TemporaryDirectory() as folder:
        evaluation = Evaluation([benchmark], progress=False)
        measured = evaluation.of(engine, "model", folder=Path(folder))
    after, peak = used()
    asked = sum(len(answers.probes) for answers in measured.answers.values())
    return {"count": count, "questions": asked, "seconds": after - seconds, "peak_mb": peak}


def points(of: str, most: int) -> list[dict[str, float]]:
    """The cost of every point, each in a process of its own."""
    found = []
    for count in [point for point in POINTS[of] if point <= most]:
        command = [sys.executable, __file__, "--here", of, str(count)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        found.append(json.loads(done.stdout.splitlines()[-1]))
        print(
            f"| {of} | {count:,} | {found[-1]['questions']:,} | {found[-1]['seconds']:.2f} "
            f"| {found[-1]['peak_mb']:.0f} |",
            flush=True,
        )
    return found


def draw(found: dict[str, Sequence[dict[str, float]]], path: Path) -> None:
    """Time above, memory below, one column for each thing that grows."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(2, len(found), figsize=(3.2 * len(found), 4.6), squeeze=False)
    for column, (of, runs) in enumerate(found.items()):
        counts = [run["count"] for run in runs]
        for row, (key, label) in enumerate((("seconds", "processor seconds"), ("peak_mb", "peak memory, MB"))):
            axis = axes[row, column]
            axis.plot(counts, [run[key] for run in runs], marker="o")
            axis.set_xlabel(of)
            axis.set_ylabel(label if not column else "")
            axis.grid(alpha=0.3)
            axis.set_ylim(bottom=0)
            if row == 0 and of == "questions":
                axis.set_xscale("log")
                axis.set_yscale("log")
            elif of == "questions":
                axis.set_xscale("log")
    figure.tight_layout()
    figure.savefig(path, dpi=110)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--most", type=int, default=100_000, help="leave out points beyond this")
    parser.add_argument("--plot", type=Path, help="where to draw it")
    parser.add_argument("--here", nargs=2, metavar=("OF", "COUNT"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.here:
        print(json.dumps(measure(options.here[0], int(options.here[1]))))
        return 0
    print("| | count | questions asked | processor seconds | peak, MB |\n|---|---:|---:|---:|---:|")
    found = {of: points(of, options.most) for of in POINTS}
    if options.plot:
        draw(found, options.plot)
    by_count = {int(run["count"]): run["seconds"] for run in found["questions"]}
    least, most = min(by_count) * 10, max(by_count)
    growth = by_count[most] / by_count[least] / (most / least) if most > least else 1.0
    print(f"\nFrom {least:,} to {most:,} questions, the time of one is multiplied by {growth:.2f}.")
    return 1 if growth > GROWTH_BAR else 0


if __name__ == "__main__":
    raise SystemExit(main())
