"""`forget --from`: all subjects of a data set's forget split together, with its own forget and retain sets."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from unsee.benchmarks import Scope, find_benchmark, get_benchmark
from unsee.benchmarks.mmubench import MMUBench
from unsee.benchmarks.published.forgetting import WithSplits
from unsee.commands.audit_of_split import AuditOfSplit
from unsee.commands.audit_place import NO_AUDIT
from unsee.commands.forget_options import ForgetOptions
from unsee.commands.forget_run import (
    ANSWERS,
    Forgotten,
    chosen_method,
    finished,
    identity_of_run,
    loaded,
    training_log,
    unlearned_in,
    write_run,
)
from unsee.errors import UserError
from unsee.evaluation import Evaluation
from unsee.evaluation.saved import identity_of
from unsee.generation import TransformersEngine
from unsee.judges import get_judge
from unsee.kinds.words import words_among
from unsee.methods import METHODS, Method
from unsee.methods.rephrasing import get_rephraser
from unsee.reports import Cost, Report
from unsee.reports.examples import sections
from unsee.reports.report import Split
from unsee.requests import ForgetRequest, Picture, Where
from unsee.sources.filling import filled_where_known
from unsee.store.locking import locked
from unsee.store.workspace import check_output, workspace
from unsee.terminal import say, working_on
from unsee.training import TrainingConfig, parse_overrides
from unsee.training.manifest import peak_rss_mb

_NAMED, _SHOWN = 3, 6
"""Names in the title of a report, and pictures on its page, at most."""


@dataclass(frozen=True)
class SplitToForget:
    """place: the data set: a folder, "hf:NAME" or "mllmu", which is the embedded world's. split: by default the first.
    where: in what to forget; by default in all that the forget set has. kind: what its subjects are. unseen, others:
    pictures for each request (`ForgetRequest`)."""

    place: str
    split: str | None = None
    where: Where | None = None
    kind: str | None = None
    unseen: tuple[Picture, ...] = ()
    others: tuple[Picture, ...] = ()


def forget_from(wanted: SplitToForget, options: ForgetOptions, *, started: float | None = None) -> Forgotten:
    """Ask the data set's questions, unlearn, ask again, and write adapter, manifest, training data and report to one
    folder. Steps are per subject, as in `unsee compare`. With a level as `options.audit`, each subject is attacked.
    Raises as `forget` does."""
    began = time.monotonic() if started is None else started
    found, location = find_benchmark(wanted.place)
    if issubclass(found, MMUBench) and location is not None:
        raise UserError(
            f"{wanted.place} has MMUBench's layout, whose concepts are forgotten one at a time: give --concept a name "
            f"and --image its picture in {location / 'concepts' / 'NAME' / 'train'} instead of --from."
        )
    if not issubclass(found, WithSplits):
        raise UserError(f"{wanted.place} is no data set with forget splits; see docs/benchmarks.md for those that are.")
    scope = Scope(limit=options.limit, seed=options.seed, location=location, split=wanted.split)
    with working_on(f"Reading {wanted.place}"):
        bench = found.of(scope)
        made = bench.to_forget(wanted.where, options.seed)
    fields = {"kind": wanted.kind, "unseen": wanted.unseen, "others": wanted.others}
    given: dict[str, Any] = {key: value for key, value in fields.items() if value}
    requests = [replace(request, **given) for request in made.requests]
    options = options.settled(requests[0])
    out = Path(options.out) if options.out else options.folder(f"{bench.name} {bench.split}")
    with locked(out):
        return _forget(bench, requests, made.notes, replace(options, out=out), began)


def _forget(
    bench: WithSplits, requests: list[ForgetRequest], notes: Sequence[str], options: ForgetOptions, started: float
) -> Forgotten:
    for request in requests:
        request.check()
    out = Path(options.out or "")
    method, config = _for_all(requests, options)
    looked_up = options.resume and out.exists()
    if not looked_up:
        check_output(out, overwrite=options.overwrite)
    also = [get_benchmark(spec, Scope(limit=options.limit, seed=options.seed)) for spec in options.also]
    identity = {**identity_of_run(options, config, requests, also), "from": identity_of(bench)}
    identity |= {} if options.audit == NO_AUDIT else {"audit": options.audit}
    identity = json.loads(json.dumps(identity))
    pictures = [request.pictures()[0] for request in requests if request.images][:_SHOWN]
    if looked_up:
        return finished(out, identity, pictures)
    judge = get_judge(options.judge)
    rephrase = get_rephraser(options.rephrase) if options.rephrase else None
    vlm = loaded(options)
    if options.why:
        say(options.why)
    with working_on("Preparing the requests"):
        requests = filled_where_known(requests, vlm, method.needs, options.seed)
    with workspace(out, identity, resume=options.resume) as place:
        began = time.monotonic()
        with working_on("Building the training data"):
            samples = method.build(requests, vlm, config, options.seed, rephrase)
        building = time.monotonic() - began
        evaluation = Evaluation([bench, *also], judge, max_new_tokens=options.max_new_tokens)
        engine, answers = TransformersEngine(vlm), place.work / ANSWERS
        before = replace(evaluation.of(engine, "before", folder=answers), engine=engine.without_adapter())
        unlearning = time.monotonic()
        unlearned, spent = unlearned_in(vlm, method, config, requests, samples, place, options)
        earlier = max(0.0, spent - (time.monotonic() - unlearning))
        was = None if config.full else before.engine
        after = evaluation.of(engine, "after", replace(before, engine=was), folder=answers)
        audit = AuditOfSplit(requests, options)
        audit.of(engine, was, place)
        split = Split(f"{bench.title}, {bench.split}", _where(requests), bench.table())
        report = Report(
            model=vlm.name,
            method=method.name,
            concept=_title(requests, split),
            before=before.scores,
            after=after.scores,
            cost=Cost(
                round(building + spent, 3),
                round(earlier + time.monotonic() - started, 3),
                round(peak_rss_mb(), 1),
                unlearned.manifest["steps"],
            ),
            pictures=pictures,
            manifest={
                **unlearned.manifest,
                "run": identity,
                "limit": options.limit,
                "max_new_tokens": options.max_new_tokens,
                "left_out": list(bench.left_out),
            },
            training_log=training_log(unlearned.folder),
            also=sections({split.title: bench, **dict(zip(options.also, also, strict=True))}, before, after),
            refusing=tuple(other.name for other in METHODS.values() if other.teaches_refusal),
            kind=requests[0].kind,
            words=words_among(bench.members),
            notes=(*notes, *_left_out(bench), *unlearned.manifest.get("notes", ()), *after.notes, *audit.notes()),
            split=split,
        )
        write_run(report, place)
        audit.write(place)
        place.finish()
    return Forgotten(out, report)


def _for_all(requests: Sequence[ForgetRequest], options: ForgetOptions) -> tuple[Method[Any], TrainingConfig]:
    """The method with its settings for so many subjects."""
    method, config = chosen_method(options)
    return method, parse_overrides(type(config), (*options.settings, f"steps={config.steps * len(requests)}"))


def _where(requests: Sequence[ForgetRequest]) -> Where:
    found = {request.where for request in requests}
    return found.pop() if len(found) == 1 else "both"


def _title(requests: Sequence[ForgetRequest], split: Split) -> str:
    names = ", ".join(request.concept for request in requests[:_NAMED])
    more = f" and {len(requests) - _NAMED} more" if len(requests) > _NAMED else ""
    return f"{names}{more} ({split.title})"


def _left_out(bench: WithSplits) -> list[str]:
    """What could not be asked, in a sentence."""
    if not bench.left_out:
        return []
    more = f", and {len(bench.left_out) - _NAMED:,} more, in the manifest" if len(bench.left_out) > _NAMED else ""
    return [f"Not asked about: {'; '.join(bench.left_out[:_NAMED])}{more}."]
