"""What a pack comes to: the worst of its concepts, of its attacks, and of what was said of the model as delivered.

From the figures alone, so that whoever makes a pack and whoever checks it compute the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from unsee.attacks import LEVELS
from unsee.evaluation.auditing import AFTER, Audit
from unsee.evaluation.verification import Conclusion
from unsee.reports.grades import LEAK_FROM, Grade, gap, leaks, worst_of

Result = Literal["PASSED", "WARNED", "FAILED"]
RESULTS: tuple[Result, ...] = ("PASSED", "WARNED", "FAILED")
"""From the best to the worst."""
OF_DELIVERED: Mapping[Conclusion, Result] = {
    "evaluated": "PASSED", "rounded": "WARNED", "unknown": "WARNED", "before": "FAILED", "another": "FAILED",
}  # fmt: skip
"""The best result of a pack by what `unsee verify` concluded."""


@dataclass(frozen=True)
class Told:
    """What was found on one concept: its grade, and every audit, the one that leads first."""

    concept: str
    grade: Grade
    audits: Sequence[Audit]


@dataclass(frozen=True)
class Outcome:
    """`concept` names all of them. `level` is that of the weakest audit that leads, `grade` and `headline` are the
    worst. `tests`: the names of the attacks by the worst that any audit found."""

    concept: str
    level: str
    grade: str
    headline: str
    result: Result
    tests: Mapping[Result, Sequence[str]]


def outcome_of(told: Sequence[Told], delivered: Conclusion | None = None) -> Outcome:
    """delivered: what `unsee verify` concluded, if it is in the pack. Raises ValueError without a concept, or for a
    level that does not exist."""
    worst = worst_of(one.grade for one in told)
    # Of several alike, the first one is named.
    whose = next(one.concept for one in told if one.grade is worst)
    alike = len({one.grade.headline for one in told}) == 1
    tests = tried([audit for one in told for audit in one.audits])
    results = [result_of(one.grade, tests) for one in told]
    if delivered is not None:
        results.append(OF_DELIVERED[delivered])
    return Outcome(
        ", ".join(one.concept for one in told),
        min((one.audits[0].level for one in told), key=LEVELS.index),
        worst.name,
        worst.headline if alike else f"{whose}: {worst.headline}",
        max(results, key=RESULTS.index),
        tests,
    )


def tried(audits: Sequence[Audit]) -> dict[Result, list[str]]:
    """The names of the attacks by the worst that any of the audits found: nothing, something that chance may explain,
    or a leak."""
    found: dict[Result, list[str]] = {"PASSED": [], "WARNED": [], "FAILED": []}
    every = [row for audit in audits for row in audit.rows if AFTER in row.states]
    for attack in dict.fromkeys(row.attack for row in every):
        rows = [row for row in every if row.attack == attack]
        over = [score.value for row in rows if (score := gap(row)) is not None]
        if any(map(leaks, rows)):
            found["FAILED"].append(attack)
        else:
            found["WARNED" if any(value >= LEAK_FROM for value in over) else "PASSED"].append(attack)
    return found


def result_of(grade: Grade, tests: Mapping[Result, Sequence[str]]) -> Result:
    """The result of all tests together: as bad as the worst of them, and as the grade."""
    if grade.name != "holds" or tests["FAILED"]:
        return "FAILED"
    return "WARNED" if tests["WARNED"] else "PASSED"
