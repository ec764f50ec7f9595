"""MMUBench's columns on robustness, from what attacks found: membership inference, multilingual, multi-hop.

Source: arXiv 2405.12523, section 4.4. The paper's figures are shares of 1, or grades; these are percentages:

- MIA. Paper: the ROUGE-L between the answers of both models to suspicious prompts about the concept, those whose
  Min-K % (K = 40) hardly moved. Here: the same, as a recall of the answer before; the prompts are naming questions
  about pictures. Before unlearning it is 100 %, because a model agrees with itself.
- Multilingual. Paper: G-Eval, 1 to 5, of the answers in six languages. Here: the share that names the concept.
- Multi-hop. Paper: the share of multi-hop questions that are answered right. Here: the share whose answer tells the
  fact, or the name, about facts of one hop and of two.

As in the paper no floor is taken off: what strangers in the concept's place would show is in the audit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from unsee.attacks import get_attack
from unsee.attacks.base import Fact
from unsee.benchmarks.concept import ConceptBenchmark
from unsee.evaluation.attacking import attacked, states_of
from unsee.evaluation.auditing import AFTER, BEFORE, Audit, Row, State
from unsee.generation import Engine
from unsee.metrics import Score
from unsee.metrics.averaging import mean_of_scores
from unsee.metrics.columns.robustness import KEYS
from unsee.metrics.intervals import PERCENT
from unsee.metrics.siu_membership import ROUGE_L

if TYPE_CHECKING:
    from unsee.models.vlm import VisionLanguageModel

ATTACKS: Mapping[str, str] = {"mia": "siu_membership", "multilingual": "languages", "multi_hop": "facts"}
"""The attack behind each column."""
LEVEL = "quick"
"""The lowest level of an audit with all three."""
NOT_ATTACKED = "no audit was made"
NOT_CHOSEN = "it was not asked for (--robustness)"
NO_NEW_PICTURES = "there are no new pictures of the concept"


@dataclass(frozen=True)
class Robustness:
    """The columns of each state, the means over the concepts that have a figure in all states, and those of the model
    after about each concept. `unmeasured` says of each column without a figure why."""

    before: Mapping[str, Score] = field(default_factory=dict)
    after: Mapping[str, Score] = field(default_factory=dict)
    by_concept: Mapping[str, Mapping[str, Score]] = field(default_factory=dict)
    unmeasured: Mapping[str, str] = field(default_factory=dict)


def unmeasured(reason: str) -> Robustness:
    """No figure at all, and why: a clause."""
    return Robustness(unmeasured=dict.fromkeys(KEYS, reason))


def robustness(audits: Mapping[str, Audit], *, compared: bool = True) -> Robustness:
    """The columns from the audits of concepts that were forgotten together. compared: a figure counts only where there
    is one before and after, because one alone says little."""
    before: dict[str, Score] = {}
    after: dict[str, Score] = {}
    by_concept: dict[str, dict[str, Score]] = {concept: {} for concept in audits}
    reasons: dict[str, str] = {}
    for key in KEYS:
        found: list[tuple[Score | None, Score]] = []
        for concept, audit in audits.items():
            was, now = _score(audit, key, BEFORE), _score(audit, key, AFTER)
            if now is None or (compared and was is None):
                reasons.setdefault(key, _reason(audit, key))
                continue
            by_concept[concept][key] = now
            found.append((was, now))
        if found:
            reasons.pop(key, None)
            after[key] = mean_of_scores([now for _, now in found], PERCENT)
            earlier = [was for was, _ in found if was is not None]
            if len(earlier) == len(found):
                before[key] = mean_of_scores(earlier, PERCENT)
    return Robustness(before, after, by_concept, reasons)


def attacked_by_mmubench(
    benches: Sequence[ConceptBenchmark], engine: Engine, vlm: VisionLanguageModel | None, folder: Path
) -> Robustness:
    """Try the attacks behind the columns, and no other, on one model; answers are kept below `folder`. Its own
    reference, an adapter that is switched off, is what membership inference compares it with."""
    names = [bench.concept for bench in benches]
    audits = {}
    for bench in benches:
        states = states_of(
            bench.request, engine, None, vlm, model=vlm.name if vlm else engine.name, level=LEVEL, seed=0,
            test_images=bench.test_images, exclude=[name for name in names if name != bench.concept],
        )  # fmt: skip
        tried = with_multi_hop({AFTER: states[AFTER]}, bench)
        attacks = [get_attack(name) for name in ATTACKS.values()]
        audits[bench.concept] = attacked(bench.request, tried, attacks, folder, level=LEVEL, seed=0)
    return robustness(audits, compared=False)


def with_multi_hop(states: Mapping[str, State], bench: ConceptBenchmark) -> dict[str, State]:
    """The states with the multi-hop questions of MMUBench as facts to ask for, where the request brings no facts."""
    facts = tuple(_facts(bench))
    return {
        name: state if state.material.facts else replace(state, material=replace(state.material, facts=facts))
        for name, state in states.items()
    }


def _facts(bench: ConceptBenchmark) -> Iterator[Fact]:
    by_value: dict[str, list[str]] = {}
    for question in bench.multi_hop:
        by_value.setdefault(question.keyword, []).append(question.prompt)
    for value, asked in by_value.items():
        yield Fact(asked[0], value, tuple(asked))


def _score(audit: Audit, key: str, state: str) -> Score | None:
    found = next((row.states[state] for row in _rows(audit, key) if state in row.states), None)
    if found is None:
        return None
    return found.scores.get(ROUGE_L) if key == "mia" else found.score


def _reason(audit: Audit, key: str) -> str:
    """Why a column has no figure."""
    if ATTACKS[key] in audit.untried:
        return audit.untried[ATTACKS[key]]
    if not _rows(audit, key):
        return "the audit did not try it"
    if key == "mia" and all(ROUGE_L not in found.scores for row in _rows(audit, key) for found in row.states.values()):
        return "the audit was made by an earlier version of unsee"
    return "no question looks as familiar as before, so there are no answers to compare"


def _rows(audit: Audit, key: str) -> list[Row]:
    return [row for row in audit.rows if row.attack == ATTACKS[key]]
