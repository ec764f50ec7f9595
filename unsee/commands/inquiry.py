"""What a run asks about one request, before and after, and the report on it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from unsee.benchmarks import Benchmark
from unsee.benchmarks.mmubench import MMUBench
from unsee.commands.audit_of_run import AuditOfRun
from unsee.commands.forget_options import ForgetOptions
from unsee.commands.forget_run import ANSWERS, write_run
from unsee.data.folders import Pictures, listed
from unsee.data.likeness import Seen
from unsee.data.sample import Sample
from unsee.evaluation import Evaluation, Measured
from unsee.evaluation.auditing import Audit
from unsee.evaluation.request_benchmark import RequestBenchmark, benchmark_for
from unsee.generation import TransformersEngine
from unsee.judges import Judge
from unsee.methods import METHODS
from unsee.models.vlm import VisionLanguageModel
from unsee.reports import Cost, Report
from unsee.reports.examples import examples, sections
from unsee.reports.notes import facts_unknown, others_lost, others_unnamed
from unsee.requests import ForgetRequest
from unsee.sources.saved_request import SAVED
from unsee.store.workspace import Workspace


@dataclass
class Inquiry:
    """The questions about one request, their answers and the audit. `place` is where answers are kept while the run is
    at work, and where its report goes; `also` are further benchmarks by how the user named them; `together` names what
    else is forgotten in the same run, which counts as nobody to keep."""

    request: ForgetRequest
    planned: RequestBenchmark
    evaluation: Evaluation
    audit: AuditOfRun
    place: Workspace
    also: Mapping[str, Benchmark] = field(default_factory=dict)
    together: tuple[str, ...] = ()
    before: Measured | None = None
    after: Measured | None = None
    attacked: Audit | None = None

    @classmethod
    def of(
        cls,
        request: ForgetRequest,
        planned: RequestBenchmark,
        audit: AuditOfRun,
        place: Workspace,
        judge: Judge,
        options: ForgetOptions,
        also: Sequence[Benchmark] = (),
        together: tuple[str, ...] = (),
    ) -> Inquiry:
        evaluation = Evaluation([planned.benchmark, *also], judge, max_new_tokens=options.max_new_tokens)
        return cls(request, planned, evaluation, audit, place, dict(zip(options.also, also, strict=True)), together)

    def ask_before(self, engine: TransformersEngine) -> None:
        """Ask the model before unlearning, which must carry no adapter yet."""
        asked = self.evaluation.of(engine, "before", folder=self.place.work / ANSWERS)
        self.before = replace(asked, engine=engine.without_adapter())

    def ask_after(self, engine: TransformersEngine, *, full: bool = False) -> None:
        """Ask the unlearned model the same, and attack it. `full`: all weights were trained, so there is no longer a
        model before that could read the answers."""
        assert self.before is not None
        was = None if full else self.before.engine
        folder = self.place.work / ANSWERS
        self.after = self.evaluation.of(engine, "after", replace(self.before, engine=was), folder=folder)
        new = () if self.planned.measured_on_given else self.planned.bench.test_images
        self.attacked = self.audit.of(engine, was, new, self.place.work, exclude=self.together)

    def report(
        self,
        vlm: VisionLanguageModel,
        method: str,
        samples: Sequence[Sample],
        manifest: Mapping[str, Any],
        cost: Cost,
        training: Sequence[Mapping[str, Any]] = (),
        notes: Sequence[str] = (),
    ) -> Report:
        """The report. `manifest` is the run's and what else identifies it, `training` its log (`training_log`), `notes`
        are sentences that come before all others."""
        before, after, request, planned = self.before, self.after, self.request, self.planned
        assert before is not None
        assert after is not None
        robust = self.audit.robustness(new_pictures=not planned.measured_on_given)
        return Report(
            model=vlm.name,
            method=method,
            concept=request.concept,
            before={**before.scores, **robust.before},
            after={**after.scores, **robust.after},
            unmeasured=robust.unmeasured,
            cost=cost,
            pictures=request.pictures(),
            aliases=request.aliases,
            examples=examples(planned, *(one.answers[MMUBench.name].texts for one in (before, after))),
            manifest={**manifest, SAVED: self.audit.saved_request},
            training_log=training,
            credit=planned.credit,
            new_pictures=0 if planned.measured_on_given else len(planned.bench.test_images),
            also=sections(self.also, before, after),
            refusing=tuple(other.name for other in METHODS.values() if other.teaches_refusal),
            kind=request.kind,
            words=planned.words,
            notes=(
                *notes,
                *planned.notes,
                *manifest.get("notes", ()),
                *others_lost(samples, request, before.scores, after.scores, planned.words),
                *others_unnamed(planned, before.scores),
                *facts_unknown(planned, before.scores),
                *after.notes,
            ),
            audit=self.attacked,
        )

    def write(self, report: Report) -> None:
        """Write the request, the answers, the audit and the report to the result."""
        self.audit.write(report, self.place)
        write_run(report, self.place)


def seen_in_training(request: ForgetRequest, samples: Sequence[Sample]) -> Seen:
    """What training sees: the pictures that were given for it and those of the training data."""
    shown = (image for sample in samples for image in sample.images)
    return Seen((*request.pictures(), *request.other_pictures(), *shown))


def planned_for(
    request: ForgetRequest,
    vlm: VisionLanguageModel,
    samples: Sequence[Sample],
    given: Mapping[str, Pictures],
    options: ForgetOptions,
    together: Collection[str] = (),
) -> RequestBenchmark:
    """What to ask before and after; `given` are the pictures to test on, under "test_images" and "test_others".

    Raises UserError if none of them is new.
    """
    seen = seen_in_training(request, samples)
    new = {option: pictures.without(seen) for option, pictures in given.items()}
    test_images, test_others = (
        tuple(new[option].opened.values()) if option in new else () for option in ("test_images", "test_others")
    )
    prompts = {sample.prompt for sample in samples}
    planned = benchmark_for(
        request, vlm, prompts, test_images, options.seed, options.limit, test_others, seen, together
    )
    left_out = (f"Not asked about: {listed(pictures.left_out)}." for pictures in new.values() if pictures.left_out)
    return replace(planned, notes=(*left_out, *planned.notes))
