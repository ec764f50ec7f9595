"""Two reports side by side: the settings that differ, and the scores that can be compared."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from unsee.benchmarks import BENCHMARKS, class_of
from unsee.evaluation.auditing import AFTER, BEFORE, FLOOR, Audit, Row
from unsee.evaluation.robustness import ATTACKS
from unsee.metrics.catalogue import Metric, Outcome, compare, in_order, titled
from unsee.metrics.score import Score
from unsee.reports.grades import words_of
from unsee.reports.report import Report
from unsee.store.sameness import differing

SCHEMA = "unsee.difference/1"
_MEASURED = frozenset(
    ("seconds", "seconds_reference", "seconds_training", "peak_rss_mb", "peak_gpu_mb", "change", "files")
)
"""What a manifest holds that is a result and no setting."""
_TWICE = frozenset(("settings", "request", "method", "seed", "model", "revision"))
"""What the description of the run repeats from the manifest around it."""


@dataclass(frozen=True)
class Run:
    """A report with what it takes to compare it. benchmarks: the version of each that was asked, by its name. audit:
    what attacks found, if some were tried."""

    report: Report
    benchmarks: Mapping[str, int]
    audit: Audit | None


@dataclass(frozen=True)
class Pair:
    """One figure of both runs in one state, or why the two cannot be compared (`why`, a clause)."""

    label: str
    state: str
    metric: Metric
    a: Score | None
    b: Score | None
    why: str = ""

    @property
    def change(self) -> float:
        """B less A; NaN where they cannot be compared."""
        return math.nan if self.why or self.a is None or self.b is None else self.b.value - self.a.value

    @property
    def outcome(self) -> Outcome | None:
        """Whether B is better or worse than A, beyond the intervals."""
        return None if self.why or not self.metric.ranks else compare(self.a, self.b)

    def to_dict(self) -> dict[str, Any]:
        shown = {"figure": self.label, "state": self.state}
        values = {name: None if score is None else score.to_dict() for name, score in (("a", self.a), ("b", self.b))}
        end = {"not_compared": self.why} if self.why else {"difference": self.change, "outcome": self.outcome}
        return {**shown, **values, **end}


@dataclass(frozen=True)
class Difference:
    """settings: the values of both runs by name, where they differ. scores, attacks: figure by figure."""

    a: Run
    b: Run
    settings: Mapping[str, tuple[Any, Any]]
    scores: Sequence[Pair]
    attacks: Sequence[Pair]

    @property
    def not_compared(self) -> dict[str, list[str]]:
        """The figures by the reason why they are not compared."""
        found: dict[str, list[str]] = {}
        for pair in (*self.scores, *self.attacks):
            if pair.why:
                found.setdefault(pair.why, []).append(f"{pair.label} ({pair.state})")
        return found

    def to_dict(self) -> dict[str, Any]:
        return {
            "schema": SCHEMA,
            "verdicts": {name: run.report.verdict.headline for name, run in (("a", self.a), ("b", self.b))},
            "settings": {name: {"a": one, "b": other} for name, (one, other) in self.settings.items()},
            "scores": [pair.to_dict() for pair in self.scores],
            "attacks": [pair.to_dict() for pair in self.attacks],
        }


def difference(a: Run, b: Run) -> Difference:
    """Compare two runs. A figure is compared only where both rest on as many answers to the same version of a benchmark
    or attack: else the difference would be that of the questions."""
    settings = {name: (one, other) for name, one, other in _settings(a.report, b.report)}
    return Difference(a, b, settings, list(_scores(a, b)), list(_attacks(a.audit, b.audit)))


def _settings(a: Report, b: Report) -> Iterator[tuple[str, Any, Any]]:
    for path, one, other in differing(_described(a), _described(b)):
        yield ".".join(path), one, other


def _described(report: Report) -> dict[str, Any]:
    manifest = {key: value for key, value in report.manifest.items() if key not in _MEASURED}
    run = manifest.pop("run", None)
    if isinstance(run, Mapping):
        manifest["asked"] = {key: value for key, value in run.items() if key not in _TWICE}
    request = {"concept": report.concept, "aliases": list(report.aliases), "kind": report.kind}
    return {"model": report.model, "method": report.method, **request, **manifest}


def _scores(a: Run, b: Run) -> Iterator[Pair]:
    for state in (BEFORE, AFTER):
        one, other = (run.report.before if state == BEFORE else run.report.after for run in (a, b))
        for key in in_order([*one, *other]):
            better = (one.get(key) or other[key]).higher_is_better
            metric = titled(key, better, a.report.words)
            why = _why_not(one.get(key), other.get(key)) or _other_version(key, a, b)
            yield Pair(metric.label, state, metric, one.get(key), other.get(key), why)


def _attacks(a: Audit | None, b: Audit | None) -> Iterator[Pair]:
    """Every variant of every attack that one of the two tried."""
    rows = [{} if audit is None else {(row.attack, row.variant): row for row in audit.rows} for audit in (a, b)]
    for attack, variant in dict.fromkeys([*rows[0], *rows[1]]):
        words = words_of(attack)
        label = f"{words.title}{f' ({variant})' if variant else ''}"
        one, other = (found.get((attack, variant)) for found in rows)
        for state in (BEFORE, AFTER, FLOOR):
            first, second = _score_of(one, state), _score_of(other, state)
            if first is None and second is None:
                continue
            why = _why_not(first, second)
            if not why and a is not None and b is not None:
                why = _versions(f"attack {attack}", a.versions.get(attack), b.versions.get(attack))
            metric = Metric(
                attack, label, "", "forgetting", "%" if words.unit == "%" else "", 1, higher_is_better=False
            )
            yield Pair(label, state, metric, first, second, why)


def _score_of(row: Row | None, state: str) -> Score | None:
    return row.states[state].score if row is not None and state in row.states else None


def _why_not(a: Score | None, b: Score | None) -> str:
    if a is None or b is None:
        return f"only {'B' if a is None else 'A'} has it"
    if math.isnan(a.value) or math.isnan(b.value):
        return "one of the two is no number"
    return "" if a.n == b.n else "A and B rest on different numbers of answers"


def _other_version(key: str, a: Run, b: Run) -> str:
    if key in ATTACKS:
        attack = ATTACKS[key]
        tried = [None if run.report.audit is None else run.report.audit.versions.get(attack) for run in (a, b)]
        return _versions(f"attack {attack}", *tried)
    # A figure that no benchmark has a column for, such as the share of empty answers, is about all of them.
    asked = [*{**a.benchmarks, **b.benchmarks}]
    owners = [name for name in asked if _owns(name, key)] or asked
    whys = [_versions(f"benchmark {name}", a.benchmarks.get(name), b.benchmarks.get(name)) for name in owners]
    return next(filter(None, whys), "" if whys else "the benchmarks of both runs are not known")


def _owns(benchmark: str, key: str) -> bool:
    root = key.partition("/")[0]
    return benchmark in BENCHMARKS and any(
        column.key.partition("/")[0] == root for column in class_of(benchmark).columns
    )


def _versions(what: str, a: int | None, b: int | None) -> str:
    if a is None or b is None:
        return f"the version of the {what} is not known of {'A' if a is None else 'B'}"
    return "" if a == b else f"the {what} has version {a} in A and {b} in B"
