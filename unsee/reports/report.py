"""`Report`: the results of one run, and their form for programs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from PIL import Image

from unsee.evaluation.audit_documents import audit_to_plain
from unsee.evaluation.auditing import Audit
from unsee.kinds.words import PEOPLE, Words
from unsee.metrics.catalogue import AFTER_KEYS, BEFORE_KEYS, describe, in_order
from unsee.metrics.score import Score
from unsee.reports.audit import attack_words
from unsee.reports.grades import Grade, RunSays, grade, grade_to_plain
from unsee.reports.verdict import Verdict, judge, judge_split, run_says

SCHEMA = "unsee.report/1"
UNMEASURED = "not measured"


@dataclass(frozen=True)
class Example:
    """One question with both answers. `good`: is the answer after as it should be (None: nobody judged it)."""

    group: str
    question: str
    before: str
    after: str
    picture: Image.Image | None = None
    good: bool | None = None


@dataclass(frozen=True)
class Section:
    """What one further benchmark asked: the `keys` of the columns that are its alone, and some of its `examples`."""

    title: str
    keys: tuple[str, ...] = ()
    examples: tuple[Example, ...] = ()


@dataclass(frozen=True)
class Split:
    """What a run forgot if it was a forget split of a data set: `title` names both, `where` is in what it was to be
    forgotten ("pictures", "text", "both"). `table` has the keys of its columns by place: "forgotten", "kept", and each
    with "/picture" and "/text"."""

    title: str
    where: str
    table: Mapping[str, str]


@dataclass(frozen=True)
class Cost:
    """Wall-clock seconds, the peak resident memory of the process in MB (10^6 bytes), and optimiser steps."""

    unlearn_seconds: float
    total_seconds: float
    peak_rss_mb: float
    steps: int


@dataclass(frozen=True)
class Report:
    """One run of unlearning: the request, the scores before and after, examples, cost and provenance.

    `before` and `after` map a metric's key (`unsee.metrics.columns`, or any other) to its score. Shares are
    percentages, 0 to 100. `training_log` has one row per logged step, with "step" and "loss" (and anything else the
    trainer logs). `credit` names the author of the pictures if their licence requires it. `notes` are sentences on what
    was not measured. `new_pictures` is the number of pictures of the concept that were asked about and not trained on
    (0: unknown), `refusing` names the methods that teach a model to say that it does not know. `also` has a section
    for each further benchmark. `kind` is what the concept is (None: nobody said, so a person), `words` how others are
    spoken of. `audit` is what attacks found, if some were tried; its grade leads the verdict, which is always written
    from the figures and cannot be passed in. `unmeasured` says of columns without a figure why: a clause.
    `split`: the forget split of a data set, if that was forgotten.
    """

    model: str
    method: str
    concept: str
    before: Mapping[str, Score]
    after: Mapping[str, Score]
    cost: Cost
    pictures: Sequence[Image.Image] = ()
    aliases: Sequence[str] = ()
    examples: Sequence[Example] = ()
    manifest: Mapping[str, Any] = field(default_factory=dict)
    training_log: Sequence[Mapping[str, Any]] = ()
    credit: str = ""
    notes: Sequence[str] = ()
    new_pictures: int = 0
    refusing: Sequence[str] = ()
    also: Sequence[Section] = ()
    kind: str | None = None
    words: Words = PEOPLE
    audit: Audit | None = None
    unmeasured: Mapping[str, str] = field(default_factory=dict)
    split: Split | None = None
    created: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))

    @property
    def verdict(self) -> Verdict:
        instead = [method for method in self.refusing if method != self.method]
        before, after = self._scores_in_order
        if self.split is not None:
            return judge_split(self.split.title, self.split.where, self.split.table, before, after, words=self.words)
        found = None if self.audit is None else grade(self.audit, self.concept)
        return judge(
            self.concept, before, after, pictures=self.new_pictures, refusing=instead, words=self.words, grade=found
        )

    @property
    def says(self) -> RunSays:
        """What the run's own questions say: no grade of an audit of it is better."""
        return run_says(self.concept, *self._scores_in_order, pictures=self.new_pictures, words=self.words)

    @property
    def grade(self) -> Grade | None:
        """That of the audit, if there is one."""
        return None if self.audit is None else grade(self.audit, self.concept, self.says)

    @property
    def _scores_in_order(self) -> tuple[dict[str, Score], dict[str, Score]]:
        """Before and after, as in the table and the file: a report that is read back says the same."""
        before, after = ({key: scores[key] for key in in_order(scores)} for scores in (self.before, self.after))
        return before, after

    def to_dict(self) -> dict[str, Any]:
        """The content of `report.json` without its advice, numbers still as they are. Pictures stay out; their sizes
        are given."""
        return {
            "schema": SCHEMA,
            "created": self.created,
            "credit": self.credit,
            "model": self.model,
            "method": self.method,
            "concept": self.concept,
            "request": {
                "aliases": list(self.aliases),
                "kind": self.kind,
                "pictures": [{"width": picture.width, "height": picture.height} for picture in self.pictures],
            },
            "verdict": asdict(self.verdict),
            "new_pictures": self.new_pictures,
            "refusing": list(self.refusing),
            "words": asdict(self.words),
            "notes": list(self.notes),
            **({} if self.split is None else {"split": asdict(self.split)}),
            "before": _scores(self.before, BEFORE_KEYS if self.split is None else (), self.unmeasured),
            "after": _scores(self.after, AFTER_KEYS if self.split is None else (), self.unmeasured),
            "cost": asdict(self.cost),
            "examples": _examples(self.examples),
            "also": [
                {"title": section.title, "keys": list(section.keys), "examples": _examples(section.examples)}
                for section in self.also
            ],
            **({} if self.audit is None or self.grade is None else {"audit": _audit(self.audit, self.grade)}),
            "training": list(self.training_log),
            "manifest": dict(self.manifest),
        }


def _audit(audit: Audit, found: Grade) -> dict[str, Any]:
    return {"attacks": attack_words([audit]), **grade_to_plain(found), **audit_to_plain(audit)}


def _examples(examples: Iterable[Example]) -> list[dict[str, Any]]:
    """Without their pictures."""
    return [
        {
            "group": example.group,
            "question": example.question,
            "before": example.before,
            "after": example.after,
            "good": example.good,
        }
        for example in examples
    ]


def not_scored(key: str, why: str | None = None) -> dict[str, Any]:
    """What stands for a score that there is none of; `why` is a clause."""
    score = Score(math.nan, 0, math.nan, math.nan, describe(key).higher_is_better)
    return {**score.to_dict(), "reason": f"{UNMEASURED}: {why}" if why else UNMEASURED}


def _scores(scores: Mapping[str, Score], required: Iterable[str], reasons: Mapping[str, str]) -> dict[str, Any]:
    written = {}
    for key in in_order([*required, *scores]):
        written[key] = scores[key].to_dict() if key in scores else not_scored(key, reasons.get(key))
    return written
