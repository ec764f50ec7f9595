"""The audit of a cell: the attacks on what it forgot, as columns of the comparison."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from unsee.attacks.scoring import excess
from unsee.benchmarks.concept import ConceptBenchmark
from unsee.evaluation import Measured
from unsee.evaluation.attacking import attacked, chosen_attacks, states_of
from unsee.evaluation.auditing import AFTER, BEFORE, FLOOR, Audit, Row
from unsee.evaluation.robustness import robustness, unmeasured, with_multi_hop
from unsee.kinds.words import EITHER
from unsee.metrics import Score
from unsee.metrics.catalogue import add
from unsee.metrics.metric import Metric
from unsee.reports.attack_columns import PREFIX
from unsee.reports.audit import AuditReport
from unsee.reports.grades import RunSays, words_of
from unsee.reports.verdict import run_says
from unsee.reports.writing import write_audit
from unsee.sweep.asking import UnitEvaluation
from unsee.sweep.cells import Cell
from unsee.sweep.units import requests_to_forget

FOLDER = "audit"


@dataclass(frozen=True)
class Attacked:
    """A column for each attack: what leaks over the floor, in points, in the variant that leaks most after
    unlearning; a mean over the concepts of the unit. And MMUBench's columns on robustness."""

    before: Mapping[str, Score] = field(default_factory=dict)
    after: Mapping[str, Score] = field(default_factory=dict)
    unmeasured: Mapping[str, str] = field(default_factory=dict)
    """Why columns of MMUBench have no figure."""


def audit_cell(cell: Cell, evaluation: UnitEvaluation, after: Measured, folder: Path, before_folder: Path) -> Attacked:
    """Attack the model as it is now, which answered `after`, and write the audit into the cell's folder. What the model
    before says, also about strangers, is kept for all methods in that of its unit."""
    assert cell.audit is not None
    vlm, engine = evaluation.vlm, evaluation.engine
    requests = requests_to_forget(cell.unit, vlm, cell.seed, evaluation.benches, cell.benchmark, (), cell.kind)
    # If all weights were trained, there is no longer a model before.
    before = None if cell.config.full else engine.without_adapter()
    shared = None if before is None else before_folder / FOLDER
    attacks, names = chosen_attacks(cell.audit), [request.concept for request in requests]
    benches = {bench.concept: bench for bench in evaluation.benches}
    audits: dict[str, Audit] = {}
    for request in requests:
        bench = benches.get(request.concept)
        states = states_of(
            request, engine, before, vlm, model=cell.model, level=cell.audit, seed=cell.seed,
            test_images=bench.test_images if bench else (), exclude=[name for name in names if name != request.concept],
        )  # fmt: skip
        if bench is not None:
            states = with_multi_hop(states, bench)
        audits[request.concept] = attacked(
            request, states, attacks, folder / FOLDER, level=cell.audit, seed=cell.seed, shared=shared
        )
    of = {request.concept: request.names for request in requests}
    says = {bench.concept: _says(bench, evaluation, after) for bench in evaluation.benches}
    write_audit(AuditReport(cell.model, cell.arm.label, cell.audit, cell.seed, audits, of, says=says), folder / FOLDER)
    robust = robustness(audits)
    return Attacked(
        {**columns(audits, BEFORE), **robust.before}, {**columns(audits, AFTER), **robust.after}, robust.unmeasured
    )


def _says(bench: ConceptBenchmark, evaluation: UnitEvaluation, after: Measured) -> RunSays:
    """What the comparison's own questions say about a concept, which the grade of its audit must not contradict."""
    known = evaluation.answered_before
    assert known is not None
    was, now = (measured.by_concept.get(bench.concept, measured.scores) for measured in (known, after))
    return run_says(bench.concept, was, now, pictures=len(bench.test_images), words=EITHER)


def not_attacked(reason: str) -> Attacked:
    """A cell without an audit, and why: a clause."""
    return Attacked(unmeasured=unmeasured(reason).unmeasured)


def columns(audits: Mapping[str, Audit], state: str) -> dict[str, Score]:
    """A column for each attack whose figures are shares: what leaks over the floor in a state."""
    found: dict[str, list[Score]] = {}
    for audit in audits.values():
        for attack in dict.fromkeys(row.attack for row in audit.rows):
            rows = [row for row in audit.rows if row.attack == attack]
            over = [score for row in rows if (score := _over(row, state)) is not None]
            if over and words_of(attack).unit == "%":
                found.setdefault(attack, []).append(max(over, key=lambda score: score.value))
    describe_columns(found)
    return {f"{PREFIX}{attack}": _mean(scores) for attack, scores in found.items()}


def describe_columns(attacks: Mapping[str, object] | Sequence[str]) -> None:
    """Give the columns of these attacks their titles."""
    add(_metrics(attacks))


def _metrics(attacks: Mapping[str, object] | Sequence[str]) -> Iterator[Metric]:
    for attack in attacks:
        meaning = "What leaks over the floor, which strangers set, in points (unsee audit)."
        title = words_of(attack).title
        yield Metric(f"{PREFIX}{attack}", title, meaning, "more", "pts", 1, higher_is_better=False)


def _over(row: Row, state: str) -> Score | None:
    if state not in row.states:
        return None
    leak = row.states[state].score
    score = excess(leak, row.states[FLOOR].score) if FLOOR in row.states else leak
    return None if math.isnan(score.value) else score


def _mean(scores: Sequence[Score]) -> Score:
    """Over concepts; the interval of one alone is its own, that of several is not known here."""
    if len(scores) == 1:
        return scores[0]
    value = math.fsum(score.value for score in scores) / len(scores)
    return Score(value, sum(score.n for score in scores), math.nan, math.nan, False, len(scores))
