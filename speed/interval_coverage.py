"""How often the 95 % intervals of scores contain the truth, simulated; the tables go into docs/intervals.md.

    python speed/interval_coverage.py

Shares are drawn as answers about people or pictures that differ (a beta-binomial with the given correlation within a
unit), means from what the metrics look like. Takes a minute or two on one core, needs no model.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from unsee import metrics  # noqa: E402
from unsee.metrics import Score  # noqa: E402
from unsee.sweep.statistics import summarise  # noqa: E402

DOCS = ROOT / "docs" / "intervals.md"
BEGIN, END = "<!-- written by speed/interval_coverage.py -->", "<!-- end -->"
UNITS = (3, 5, 8, 20, 60)
SHARES = (0.5, 0.7, 0.9, 0.95, 0.99)
# Answers of each unit (a pair: any number in between), and how alike they are.
KINDS: tuple[tuple[tuple[int, int], float], ...] = (
    ((1, 1), 0.0), ((10, 10), 0.0), ((10, 10), 0.2), ((1, 19), 0.2), ((40, 40), 0.1), ((40, 40), 0.5),
)  # fmt: skip


def right_of_units(
    rng: np.random.Generator, units: int, answers: tuple[int, int], correlation: float, p: float
) -> list[tuple[int, int]]:
    """(right answers, answers) of each unit, in order of size, so that equal samples are equal."""
    sizes = rng.integers(answers[0], answers[1] + 1, units)
    spread = (1 - correlation) / correlation if correlation else math.inf
    shares = rng.beta(p * spread, (1 - p) * spread, units) if correlation else np.full(units, p)
    return sorted(zip(rng.binomial(sizes, shares).tolist(), sizes.tolist(), strict=True))


@cache
def score_of(counts: tuple[tuple[int, int], ...]) -> Score:
    flags = [number < right for right, size in counts for number in range(size)]
    return metrics.share(flags, units=[unit for unit, (_, size) in enumerate(counts) for _ in range(size)])


def covered(score: Score, truth: float) -> bool:
    return score.low - 1e-9 <= truth <= score.high + 1e-9


def shares_table(rng: np.random.Generator, draws: int) -> list[str]:
    lines = [
        "| answers of each unit | correlation | units | " + " | ".join(f"p = {p:g}" for p in SHARES) + " | all | ± |",
        "|---|---:|---:|" + "---:|" * (len(SHARES) + 2),
    ]
    for answers, correlation in KINDS:
        for units in UNITS:
            hits, naive, arms = [], [], []
            for p in SHARES:
                samples = [tuple(right_of_units(rng, units, answers, correlation, p)) for _ in range(draws)]
                scores = [score_of(sample) for sample in samples]
                hits.append(np.mean([covered(score, 100 * p) for score in scores]))
                naive.append(np.mean([covered(_wilson(sample), 100 * p) for sample in samples]))
                arms.append(np.mean([(score.high - score.low) / 2 for score in scores]))
            size = str(answers[0]) if answers[0] == answers[1] else f"{answers[0]} to {answers[1]}"
            written = [f"{100 * new:.0f} ({100 * old:.0f})" for new, old in zip(hits, naive, strict=True)]
            lines.append(
                f"| {size} | {correlation:g} | {units} | {' | '.join(written)} | {100 * np.mean(hits):.1f} "
                f"| {np.mean(arms):.0f} |"
            )
    return lines


def _wilson(counts: Sequence[tuple[int, int]]) -> Score:
    right, size = sum(right for right, _ in counts), sum(size for _, size in counts)
    return Score(100 * right / size, size, *metrics.wilson(right, size))


def c_dis(rng: np.random.Generator, pictures: int) -> tuple[float, Score]:
    """Nats by which a certain name became improbable, skewed to small values."""
    fell = 8 - rng.gamma(2, 1, pictures)
    return 6.0, metrics.c_dis(np.zeros(pictures), -fell)


def diversity(rng: np.random.Generator, pictures: int) -> tuple[float, Score]:
    """Ten short answers about each picture; all words differ, unless a picture makes the model repeat one."""
    worse = np.repeat(rng.beta(1, 9, pictures), 10)
    answers = ["one two three three" if flag else "one two three four" for flag in rng.random(len(worse)) < worse]
    return 97.5, metrics.diversity(answers, units=np.repeat(range(pictures), 10).tolist())


def g_eval(rng: np.random.Generator, pictures: int) -> tuple[float, Score]:
    """Four verdicts of each picture, most of them 1."""
    share = np.repeat(rng.beta(0.5, 2, pictures), 4)
    verdicts = (1 + rng.binomial(4, share)).tolist()
    return 1.8, metrics.g_eval(verdicts, units=np.repeat(range(pictures), 4).tolist())


def fluency(rng: np.random.Generator, pictures: int) -> tuple[float, Score]:
    """Answers of 5 to 30 tokens whose surprise differs by picture and by token."""
    lengths = rng.integers(5, 31, pictures)
    rows = [-rng.gamma(1, level, length) for level, length in zip(rng.gamma(4, 0.3, pictures), lengths, strict=True)]
    return math.exp(1.2), metrics.fluency(rows, [[False] * len(row) for row in rows], 1)


def specificity(rng: np.random.Generator, people: int) -> tuple[float, Score]:
    """Each person once in each of four groups, of which one is hard, all by how well the person is known."""
    hard = np.array([0.98, 0.98, 0.95, 0.7])
    known = rng.beta(18, 2, people)[:, None]
    flags = rng.random((people, 4)) < hard * known
    groups = {str(group): flags[:, group].tolist() for group in range(4)}
    return 100 * float(hard.mean() * 0.9), metrics.specificity(groups, dict.fromkeys(groups, range(people)))


def cells(rng: np.random.Generator, units: int) -> tuple[float, Score]:
    """The mean over cells, two seeds of each unit, of shares of 400 answers."""
    shares = rng.beta(19, 1, units)
    scores = {
        str(unit): [Score(right / 4, 400, math.nan, math.nan) for right in rng.binomial(400, share, 2).tolist()]
        for unit, share in enumerate(shares)
    }
    found = summarise(scores, scale=(0.0, 100.0))
    return 95.0, Score(found.mean, units, found.low, found.high)


METRICS: dict[str, Callable[[np.random.Generator, int], tuple[float, Score]]] = {
    "C-Dis, one value a picture": c_dis,
    "Diversity, ten answers a picture": diversity,
    "G-Eval, four answers a picture": g_eval,
    "Fluency, one answer a picture": fluency,
    "Specificity, people in four groups": specificity,
    "A percentage over cells, two seeds a unit": cells,
}


def metrics_table(rng: np.random.Generator, draws: int) -> list[str]:
    lines = ["| | " + " | ".join(f"{units} units" for units in UNITS) + " |", "|---|" + "---:|" * len(UNITS)]
    for name, draw in METRICS.items():
        hits: list[npt.NDArray[np.bool_]] = []
        for units in UNITS:
            hits.append(np.array([covered(score, truth) for truth, score in (draw(rng, units) for _ in range(draws))]))
        lines.append(f"| {name} | " + " | ".join(f"{100 * hit.mean():.1f}" for hit in hits) + " |")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=1000, help="samples for each figure (default 1000)")
    draws, rng = parser.parse_args().draws, np.random.default_rng(0)
    text = "\n".join([*shares_table(rng, draws), "", *metrics_table(rng, draws)])
    print(text)
    before, _, rest = DOCS.read_text(encoding="utf-8").partition(BEGIN)
    DOCS.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{rest.partition(END)[2]}", encoding="utf-8")


if __name__ == "__main__":
    main()
