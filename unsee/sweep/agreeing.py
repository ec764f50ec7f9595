"""Which metrics order methods as their distance to the oracle does: Kendall's tau, with intervals over whom was
forgotten."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from scipy.stats import kendalltau

from unsee import metrics
from unsee.benchmarks import class_of
from unsee.benchmarks.base import Answers
from unsee.benchmarks.published.base import Published
from unsee.data.sample import Probe
from unsee.evaluation.evaluation import scored
from unsee.evaluation.saved import Saved
from unsee.judges import RuleJudge
from unsee.metrics import Score
from unsee.metrics.catalogue import Metric, describe, in_order
from unsee.metrics.wording import rouge_l_f
from unsee.reports.leaderboard import COSTS, TO_IDEAL, named
from unsee.sweep.cells import AFTER
from unsee.sweep.recipe import ORACLE
from unsee.sweep.results import CellResult, Results

FEWEST = 3
"""Methods that an order needs."""
PAGE = "metrics.md"
Kept = Callable[[Probe], bool]
"""Whether a question is about what should be kept."""
_OTHERS = ("specificity", "verification_others")
"""Those of MMUBench, which are asked once for all who are forgotten together."""
_GROUPS = ("metric", "group", "set", "task", "modality")
"""The tags by which questions are alike."""

_ABOUT = """\
How far a method is from the oracle is how differently the two answer the same questions: 1 − ROUGE-L F between their
answers, averaged within groups of like questions, over the groups about what should be forgotten and over those about
what should be kept, and then over both. τ (Kendall's tau-b) compares a metric's order of the methods, the best first,
with the order by that distance, the nearest first: 1 the same, 0 no relation, −1 the opposite. It is computed over all
methods, for each of those who were forgotten and each seed, and averaged. The units are those people of each model;
where a metric is about all who were forgotten together, its splits. The interval (95 %, Student's t on the scale from
−1 to 1) is over units. "Nearness" is the same τ if a method's metric counts by how near it is to the oracle's own."""


@dataclass(frozen=True)
class Agreed:
    """tau: between a metric's order of the methods and that by the distance to the oracle, n orders, with the interval
    over its units. nearness: of the metric's distance to the oracle's value of it, if it has one. each: tau by unit."""

    metric: Metric
    tau: Score
    nearness: Score | None
    each: Mapping[str, float]


@dataclass
class _Block:
    """What is compared: all methods on the same people by the same seed. `unit` is what is independent."""

    unit: str
    apart: dict[str, float] = field(default_factory=dict)
    values: dict[str, dict[str, float]] = field(default_factory=dict)
    """By metric, then by method."""
    oracle: dict[str, float] = field(default_factory=dict)


def agreements_with_oracle(results: Results) -> list[Agreed]:
    """Of every metric that ranks, the best agreement first. Empty without an oracle or with too few methods."""
    blocks = _blocks(results)
    keys = [key for key in in_order({key for one in blocks for key in one.values}) if describe(key).ranks]
    found = [_agreed(key, blocks) for key in keys if not describe(key).is_part and key not in COSTS]
    return sorted((one for one in found if one is not None), key=lambda one: -one.tau.value)


def page(results: Results, found: Sequence[Agreed]) -> str:
    """The agreements as Markdown."""
    oracles = _oracles(results)
    runs = [cell for cell in results.finished if cell.method != ORACLE]
    used = [cell for cell in runs if (cell.model, cell.unit) in oracles]
    others = f" ({len(runs) - len(used)} more forget what no oracle was asked about)" if len(used) < len(runs) else ""
    lines = [
        "# Which metrics agree with the oracle",
        "",
        f"{len({cell.label for cell in used})} methods in {len(used)} runs of the recipe `{results.name}`{others}.",
        "",
        _ABOUT,
        "",
        "| metric | τ | 95 % | lowest to highest | units | nearness |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for one in found:
        tau, each = one.tau, one.each.values()
        cells = (
            f"{one.metric.label} (`{one.metric.key}`)",
            f"{tau.value:.2f}",
            "–" if math.isnan(tau.low) else f"{tau.low:.2f} to {tau.high:.2f}",
            f"{min(each):.2f} to {max(each):.2f}",
            f"{tau.units}",
            "–" if one.nearness is None else f"{one.nearness.value:.2f}",
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def distance(own: Answers, oracle: Answers, kept: Kept, concept: str = "") -> float:
    """How differently two models answer the same questions, 0 to 1: the mean of what should be forgotten and of what
    should be `kept`. With `concept`, only those of the former that are asked about it."""
    groups: dict[bool, dict[str, list[float]]] = {}
    for probe in own.probes:
        is_kept = kept(probe)
        if is_kept or not concept or probe.tags.get("concept") == concept:
            group = "/".join(probe.tags.get(tag, "") for tag in _GROUPS)
            apart = 1 - rouge_l_f(own.text(probe.id), oracle.text(probe.id))
            groups.setdefault(is_kept, {}).setdefault(group, []).append(apart)
    halves = [[_of(values) for values in half.values()] for half in groups.values()]
    return _of([_of(half) for half in halves])


def _of(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values) if values else math.nan


def _blocks(results: Results) -> list[_Block]:
    oracles = _oracles(results)
    known: dict[str, tuple[Answers, dict[str, dict[str, float]]]] = {}
    blocks: dict[tuple[str, int], _Block] = {}
    for cell in (cell for cell in results.finished if cell.method != ORACLE):
        oracle = oracles.get((cell.model, cell.unit))
        if oracle is None:
            continue
        place = f"{cell.model}, {cell.unit}"
        if place not in known:
            known[place] = (_answers(oracle), _values(oracle, _answers(oracle)))
        theirs, worth = known[place]
        own, kept = _answers(cell), _kept(cell.asked)
        for concept, values in _values(cell, own).items():
            unit = f"{place}, {concept}" if concept else place
            block = blocks.setdefault((unit, cell.seed), _Block(unit, oracle=worth.get(concept, {})))
            block.apart[cell.label] = distance(own, theirs, kept, concept)
            for key, value in values.items():
                block.values.setdefault(key, {})[cell.label] = value
    return list(blocks.values())


def _oracles(results: Results) -> dict[tuple[str, str], CellResult]:
    """By model and by whom it never knew."""
    return {(cell.model, cell.unit): cell for cell in results.finished if cell.method == ORACLE}


def _answers(cell: CellResult) -> Answers:
    return Saved.open(cell.folder / cell.asked, cell.before_folder / cell.asked).answers[AFTER]


def _kept(benchmark: str) -> Kept:
    found = class_of(benchmark)
    if issubclass(found, Published):
        return lambda probe: probe.tags["set"] not in found.forgotten
    return lambda probe: probe.tags["metric"] in _OTHERS


def _values(cell: CellResult, answers: Answers) -> dict[str, dict[str, float]]:
    """The metrics that a cell has about each concept; under "" those about all together, such as what is kept."""
    _, by_concept = scored([class_of(cell.asked)], {cell.asked: answers}, RuleJudge())
    each = [set(own) for own in by_concept.values()]
    apart = set.intersection(*each) if len(each) > 1 else set()
    found = {name: {key: own[key].value for key in apart} for name, own in by_concept.items() if apart}
    found[""] = whole = {key: one.value for key, one in cell.after.items() if key not in apart}
    if set(cell.ranking) <= set(cell.after):
        whole[TO_IDEAL.key] = math.dist((100, 100), [cell.after[key].value for key in cell.ranking])
    return found


def _agreed(key: str, blocks: Sequence[_Block]) -> Agreed | None:
    metric = TO_IDEAL if key == TO_IDEAL.key else named(key)
    sign = 1 if metric.higher_is_better else -1
    taus = [*_taus(key, blocks, lambda value, _: sign * value)]
    if not taus:
        return None
    near = [*_taus(key, [one for one in blocks if key in one.oracle], lambda value, oracle: -abs(value - oracle))]
    units = dict.fromkeys(unit for unit, _ in taus)
    return Agreed(
        metric,
        _mean(taus),
        _mean(near) if near else None,
        {unit: _mean([one for one in taus if one[0] == unit]).value for unit in units},
    )


def _mean(taus: Sequence[tuple[str, float]]) -> Score:
    units = [unit for unit, _ in taus]
    return metrics.mean([tau for _, tau in taus], units=units, higher_is_better=True, scale=(-1, 1))


def _taus(key: str, blocks: Sequence[_Block], nearness: Callable[[float, float], float]) -> Iterator[tuple[str, float]]:
    """The unit and tau of each block whose methods the metric tells apart."""
    for block in blocks:
        own = {label: nearness(v, block.oracle.get(key, math.nan)) for label, v in block.values.get(key, {}).items()}
        labels = [label for label, value in own.items() if math.isfinite(value) and math.isfinite(block.apart[label])]
        if len(labels) >= FEWEST:
            tau = kendalltau([own[label] for label in labels], [-block.apart[label] for label in labels]).statistic
            if math.isfinite(tau):
                yield block.unit, float(tau)
