"""Asking one model everything about a unit of a comparison: its concepts, MLLMU-Bench's tasks, general language."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from unsee.benchmarks import Scope, get_benchmark
from unsee.benchmarks.base import Benchmark
from unsee.benchmarks.concept import ConceptBenchmark, probes
from unsee.benchmarks.general import General
from unsee.benchmarks.mllmu import MLLMU
from unsee.benchmarks.mllmu_questions import MllmuBenchmark
from unsee.benchmarks.mmubench import MMUBench
from unsee.benchmarks.published.forgetting import WithSplits
from unsee.evaluation import Evaluation, Measured
from unsee.generation import Transcript, TransformersEngine
from unsee.generation.canned import CannedEngine
from unsee.models.vlm import VisionLanguageModel
from unsee.sweep.cells import AFTER, BEFORE
from unsee.sweep.recipe import Size


class UnitEvaluation:
    """The same questions to the model before and to every model made from it; each picture is encoded once."""

    def __init__(
        self,
        vlm: VisionLanguageModel,
        benches: Sequence[ConceptBenchmark],
        size: Size,
        tasks: MllmuBenchmark | None = None,
        data: WithSplits | None = None,
    ) -> None:
        """tasks: MLLMU-Bench's tasks about the same unit, asked in addition. data: the questions of a published data
        set, in place of `benches`."""
        self.vlm, self.size, self.benches = vlm, size, list(benches)
        asked = [probes(bench, per_image=size.questions, limit=size.kept) for bench in benches]
        self.main: Benchmark = data or MMUBench(benches, asked, independent=size.language)
        more: list[Benchmark] = [MLLMU(tasks)] if tasks else []
        more += [General()] if size.language else []
        requests = tuple(bench.request for bench in benches)
        more += [get_benchmark(spec, Scope(requests, size.kept, shared=True)) for spec in size.also]
        self.evaluation = self._evaluation([self.main, *more])
        self.engine = self._engine(vlm)
        self.answered_before: Measured | None = None

    def before(self, folder: Path) -> Measured:
        """The model before unlearning, without an adapter. Must come first."""
        measured = self.evaluation.of(self.engine, BEFORE, folder=folder, afresh=True)
        self.answered_before = replace(measured, engine=self.engine.without_adapter())
        return self.answered_before

    def after(self, folder: Path, *, by: VisionLanguageModel | None = None, reread: bool = True) -> Measured:
        """The model as it is now, or the model `by`; with `reread` the model before also reads the answers."""
        before = self.answered_before
        assert before is not None
        engine = self.engine if by is None else self._engine(by)
        known = before if reread else replace(before, engine=None)
        return self.evaluation.of(engine, AFTER, known, folder=folder, afresh=True)

    def saved(self, transcript: Path, folder: Path) -> Measured:
        """Answers that another comparison saved, without MLLMU-Bench's tasks. Raises UserError if they do not fit."""
        engine = CannedEngine.of(Transcript.open(transcript))
        return self._evaluation([self.main]).of(engine, AFTER, self.answered_before, folder=folder, afresh=True)

    def _evaluation(self, benchmarks: Sequence[Benchmark]) -> Evaluation:
        return Evaluation(benchmarks, max_new_tokens=self.size.max_new_tokens, progress=False)

    def _engine(self, vlm: VisionLanguageModel) -> TransformersEngine:
        engine = TransformersEngine(vlm)
        engine.see(self.evaluation.probes)
        return engine
