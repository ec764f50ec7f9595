"""`forget`: one request from its pictures to its report."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

from unsee.benchmarks import Benchmark, Scope, get_benchmark
from unsee.commands.audit_of_run import AuditOfRun
from unsee.commands.forget_options import ForgetOptions
from unsee.commands.forget_run import (
    Forgotten,
    chosen_method,
    finished,
    identity_of_run,
    loaded,
    training_log,
    unlearned_in,
)
from unsee.commands.inquiry import Inquiry, planned_for, seen_in_training
from unsee.data.folders import Pictures, read_folder
from unsee.data.images import image_key
from unsee.data.likeness import Seen
from unsee.data.sample import Sample
from unsee.errors import UserError
from unsee.generation import TransformersEngine
from unsee.judges import get_judge
from unsee.methods import Method
from unsee.methods.kinds import check_kind
from unsee.methods.masks import name_token_ids
from unsee.methods.recognition import check_recognised
from unsee.methods.rephrasing import get_rephraser
from unsee.models.vlm import VisionLanguageModel
from unsee.reports import Cost
from unsee.requests import ForgetRequest
from unsee.sources.world import at_home_in_world, is_of_the_world, with_its_kind
from unsee.store.locking import locked
from unsee.store.plugins import code_digest
from unsee.store.workspace import check_output, workspace
from unsee.terminal import say, working_on
from unsee.training import TrainingConfig
from unsee.training.data_folder import data_digest, read_training_data
from unsee.training.manifest import peak_rss_mb


def forget(request: ForgetRequest, options: ForgetOptions, *, started: float | None = None) -> Forgotten:
    """Evaluate, unlearn, evaluate again, and write adapter, manifest, training data and report to one folder.

    `started` is when the clock of the total began (`time.monotonic()`), so that imports can count.

    Raises:
        UserError: an option cannot work, another run is using the folder, or the model does not know the concept;
            nothing was trained.
        SystemFailure: the disk, the memory or the network failed; nothing is left behind, unless it was trained: then
            it can be resumed.
        KeyboardInterrupt: with a sentence on how to resume.
    """
    options = options.settled(request)
    chosen_method(options)
    with locked(options.folder(request.concept)):
        return _forget(request, options, time.monotonic() if started is None else started)


def _forget(request: ForgetRequest, options: ForgetOptions, started: float) -> Forgotten:
    _check(request)
    method, config = chosen_method(options)
    out = options.folder(request.concept)
    looked_up = options.resume and out.exists()
    if not looked_up:
        check_output(out, overwrite=options.overwrite)
    also = [get_benchmark(spec, Scope((request,), options.limit, options.seed)) for spec in options.also]
    samples = read_training_data(options.data) if options.data else None
    given = pictures_to_test(request, options, seen_in_training(request, samples or ()))
    audit = AuditOfRun(request, options.audit, options.seed)
    identity = _identity(request, options, config, samples, given, also)
    if looked_up:
        return finished(out, identity, request.pictures())
    judge = get_judge(options.judge)
    rephrase = get_rephraser(options.rephrase) if options.rephrase else None
    vlm = loaded(options)
    request = _known(request, vlm, method, options)
    with workspace(out, identity, resume=options.resume) as place:
        began = time.monotonic()
        if samples is None:
            with working_on("Building the training data"):
                samples = method.build([request], vlm, config, options.seed, rephrase)
        building = time.monotonic() - began
        planned = planned_for(request, vlm, samples, given, options)
        inquiry, engine = Inquiry.of(request, planned, audit, place, judge, options, also), TransformersEngine(vlm)
        inquiry.ask_before(engine)
        unlearning = time.monotonic()
        unlearned, spent = unlearned_in(vlm, method, config, [request], samples, place, options)
        # A resumed run may have unlearned in an earlier process.
        earlier = max(0.0, spent - (time.monotonic() - unlearning))
        inquiry.ask_after(engine, full=config.full)
        report = inquiry.report(
            vlm,
            method.name,
            samples,
            {
                **unlearned.manifest,
                "run": identity,
                "limit": options.limit,
                "max_new_tokens": options.max_new_tokens,
            },
            Cost(
                round(building + spent, 3),
                round(earlier + time.monotonic() - started, 3),
                round(peak_rss_mb(), 1),
                unlearned.manifest["steps"],
            ),
            training_log(unlearned.folder),
        )
        inquiry.write(report)
        place.finish()
    return Forgotten(out, report)


def prepared(
    request: ForgetRequest, options: ForgetOptions
) -> tuple[ForgetRequest, VisionLanguageModel, Method[Any], TrainingConfig]:
    """The request with what the world adds to it, the model, the method and its settings. Raises as `forget` does."""
    _check(request)
    options = options.settled(request)
    method, config = chosen_method(options)
    vlm = loaded(options)
    return _known(request, vlm, method, options), vlm, method, config


def _check(request: ForgetRequest) -> None:
    """Raise UserError for every mistake that shows without a model."""
    request.check()
    if request.where != "pictures":
        raise UserError(
            f"The request to forget {request.concept!r} has 'where: {request.where}', but this command trains on and "
            "asks about pictures only; remove 'where', or forget a data set with --from FOLDER --where "
            f"{request.where}."
        )


def _others(request: ForgetRequest) -> str:
    """What the embedded world has pictures of next to someone or something of its own."""
    from unsee.world import find, world_of

    return f"other {world_of(find(request.concept)).members}"


def pictures_to_test(request: ForgetRequest, options: ForgetOptions, seen: Seen) -> dict[str, Pictures]:
    """The pictures to test on by option, without those that training has seen. Raises UserError if none is left, or the
    world has its own."""
    if options.test_others and is_of_the_world(options.model, request.concept):
        raise UserError(
            f"The embedded world has its own pictures of {_others(request)} to test on; leave --test-others out."
        )
    folders = {"test_images": options.test_images, "test_others": options.test_others}
    return {name: read_folder(folder, "test pictures").without(seen) for name, folder in folders.items() if folder}


def _known(
    request: ForgetRequest, vlm: VisionLanguageModel, method: Method[Any], options: ForgetOptions
) -> ForgetRequest:
    """The request, checked against the model, with what the world adds to it. Raises UserError."""
    name_token_ids(vlm.tokenizer, request.names)
    if is_of_the_world(vlm.name, request.concept):
        request = with_its_kind(request)
    with working_on(f"Asking {request.what.who} this is"):
        if not options.force:
            check_recognised(request, vlm)
            # The models of the world do not answer such questions.
            if not is_of_the_world(vlm.name, request.concept):
                check_kind(request, vlm)
        if is_of_the_world(vlm.name, request.concept):
            from unsee.sources.filling import filled

            request = at_home_in_world(request, vlm, options.seed)
            (request,) = filled([request], method.needs, options.seed)
    request.check()
    if options.why:
        say(options.why)
    return request


def _identity(
    request: ForgetRequest,
    options: ForgetOptions,
    config: TrainingConfig,
    samples: Sequence[Sample] | None,
    given: Mapping[str, Pictures],
    also: Sequence[Benchmark],
) -> dict[str, Any]:
    """What identifies a run, so that no other run resumes from it, as it comes back from JSON."""
    kind = code_digest(request.kind or "")
    identity = {
        **identity_of_run(options, config, [request], also),
        "data": data_digest(samples) if samples else None,
        **{
            option: [*map(image_key, given[option].opened.values())] if option in given else []
            for option in ("test_images", "test_others")
        },
        **({"audit": options.audit} if options.audit != "quick" else {}),
        **({"kind": kind} if kind else {}),
    }
    return json.loads(json.dumps(identity))
