"""What to try next where a run did not forget, or cost more than it should, each with its command."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from unsee.attacks import get_attack
from unsee.attacks.base import ANSWERS, BEGUN, DRAWS
from unsee.errors import UserError
from unsee.evaluation.auditing import Audit
from unsee.kinds.words import EITHER, Words
from unsee.models.shipped import WORLD_PREFIX
from unsee.reports.grades import leaks
from unsee.reports.report import Report
from unsee.reports.verdict import FORGOTTEN_FROM, ON_GIVEN, strictest

HOLDS_BEST = "lookalike"
"""The method that held best when attacked (docs/lookalike.md)."""
_OF_THE_ADAPTER = {"strength", "averaging", "pruning"}
"""Attacks that take back a part of an adapter, which a merged model has not."""


@dataclass(frozen=True)
class Advice:
    """`reason`: a sentence. `command`: what to run; "…" stands for the options that the run had, words in capitals for
    what the reader has."""

    reason: str
    command: str


def advise(report: Report) -> list[Advice]:
    """What to try next, the most promising first; nothing where there is nothing to mend, or nothing to forget, and
    about a data set, which has no pictures to add."""
    return [] if report.split is not None else [*_advise(report)]


def _advise(report: Report) -> Iterator[Advice]:
    verdict, settings = report.verdict, report.manifest.get("hyperparameters")
    settings = settings if isinstance(settings, Mapping) else {}
    failed = verdict.forgetting in ("partly", "not")
    if failed or verdict.forgetting == "forgotten":
        back = came_back(report.audit) if report.audit else set()
        given, steps = strictest(report.after, ON_GIVEN), settings.get("steps")
        if failed and given is not None and given.value >= FORGOTTEN_FROM:
            yield Advice(
                f"What was shown of {report.concept} is forgotten, but that does not carry over to other pictures. "
                "Give more pictures, about five that differ.",
                "unsee forget … -i SECOND -i THIRD -i FOURTH -i FIFTH",
            )
        elif failed and isinstance(steps, int):
            yield Advice(
                "Not even what was shown is forgotten. Train for more steps.", f"unsee forget … --set steps={2 * steps}"
            )
        leaked = failed or bool(report.says.elsewhere)
        yield from against(back, method=report.method, model=report.model, words=report.words, leaked=leaked)
    rate = settings.get("learning_rate")
    if verdict.keeping in ("damaged", "broken") and isinstance(rate, float):
        yield Advice(
            "Other knowledge was lost. A lower learning rate costs less, and may forget less.",
            f"unsee forget … --set learning_rate={rate / 2:g}",
        )


def against(
    back: Collection[str], *, method: str, model: str, words: Words = EITHER, leaked: bool = False
) -> Iterator[Advice]:
    """What to try against attacks that brought a concept back. leaked: whether it leaks without an attack too."""
    if method != HOLDS_BEST and (leaked or any(map(_only_asks, back))):
        held, command = f"Try {HOLDS_BEST}, which held best when attacked.", f"unsee forget … --method {HOLDS_BEST}"
        if not model.startswith(WORLD_PREFIX):
            held += words.fill(
                " The method needs pictures of {plural} unknown to the model, and of others known to the model."
            )
            command += " --unseen FOLDER --others FOLDER"
        yield Advice(held, command)
    if _OF_THE_ADAPTER.intersection(back):
        yield Advice(
            "With the adapter at hand, a part of the change can be taken back. Give away the merged model.",
            f"unsee export --model {shlex.quote(model)} --adapter RUN --out FOLDER",
        )


def came_back(audit: Audit) -> set[str]:
    """The attacks that brought the concept back."""
    return {row.attack for row in audit.rows if leaks(row)}


def _only_asks(attack: str) -> bool:
    """Whether it asks, as anybody can, and neither changes the model nor looks inside."""
    try:
        return {*get_attack(attack).needs} <= {ANSWERS, BEGUN, DRAWS}
    except UserError:
        # Of a package that is not installed.
        return False
