"""`evaluate`: a benchmark's questions to one model, with or without an adapter, and the scores."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unsee.benchmarks import mllmu
from unsee.benchmarks.layout import load_benchmark
from unsee.benchmarks.mllmu import MllmuBenchmark
from unsee.benchmarks.mllmu_layout import is_mllmu, load_mllmu
from unsee.benchmarks.mmubench import ConceptBenchmark, Likelihoods, carrier, likelihoods, probes, score, slug
from unsee.data.sample import Probe
from unsee.errors import UserError
from unsee.generation import generate
from unsee.judges import Judge, get_judge
from unsee.locking import locked
from unsee.metrics import Score
from unsee.models.adapters import load_adapter, reference
from unsee.models.loading import load
from unsee.models.vision_cache import VisionCache
from unsee.models.vlm import VisionLanguageModel
from unsee.pipeline.workspace import check_output
from unsee.reports.files import strict_json, write_together
from unsee.terminal import working_on

SCHEMA = "unsee.scores/1"
WORLD, MLLMU = "world", "mllmu"
TEST_PICTURES, QUESTIONS = 50, 40
"""The size of the world's benchmark, per person."""


@dataclass(frozen=True)
class EvaluateOptions:
    """What to ask whom. benchmark: "world" (then with `concept`), or a folder in the layout of MMUBench; "mllmu" for
    MLLMU-Bench's tasks about the world's people, or a folder in its layout, both with `percent`, the forget split.

    limit: at most so many questions for each test picture, and in each group of control questions; in MLLMU-Bench, at
    most so many people of each set. out: the folder to write; what an interrupted run left there is continued.
    """

    model: str
    benchmark: str
    adapter: Path | None = None
    concept: str | None = None
    limit: int | None = None
    judge: str = "rules"
    out: Path | None = None
    overwrite: bool = False
    revision: str | None = None
    load_in_4bit: bool = False
    percent: int | None = None
    device: str = "auto"

    @property
    def of_mllmu(self) -> bool:
        return self.benchmark == MLLMU or (self.benchmark != WORLD and is_mllmu(self.benchmark))

    def folder(self) -> Path:
        whom = self.concept or (f"forget {self.percent}" if self.percent else "")
        parts = [slug(part) for part in (self.model, Path(self.benchmark).name, whom) if part]
        return self.out or Path("runs") / "-".join(["evaluate", *parts, *(["unlearned"] if self.adapter else [])])


def evaluate(options: EvaluateOptions) -> dict[str, Any]:
    """Ask, score, and write `scores.json` and `responses/CONCEPT.jsonl`; returns the content of the former.

    With an adapter the base model is asked for the name too, so that C-Dis and the fluency of the answers as the base
    model reads them can be told.

    Raises:
        UserError: something given cannot work, the output folder holds something else, or another run is at work in it.
        SystemFailure: the disk or the network refuses.
        KeyboardInterrupt: what was answered is kept; the same command goes on.
    """
    out = options.folder()
    with locked(out):
        return _asked(options, out)


def _asked(options: EvaluateOptions, out: Path) -> dict[str, Any]:
    goes_on = (out / "responses").is_dir() and not (out / "scores.json").exists()
    if not goes_on:
        check_output(out, overwrite=options.overwrite, resumable=False)
    judge = get_judge(options.judge)
    tasks = _tasks(options)
    names = [] if tasks else _concepts(options)
    with working_on(f"Loading {options.model}"):
        vlm = load(options.model, device=options.device, revision=options.revision, load_in_4bit=options.load_in_4bit)
        if options.adapter:
            load_adapter(vlm, options.adapter)
    if not goes_on:
        shutil.rmtree(out, ignore_errors=True)
    try:
        if tasks:
            found = {tasks.name: _task_scores(tasks, vlm, out)}
        else:
            found = {bench.concept: _evaluate(bench, vlm, options, out, judge) for bench in _benches(options, names)}
    except KeyboardInterrupt as error:
        raise KeyboardInterrupt(f"Interrupted; the same command goes on with what {out} holds.") from error
    document = {
        "schema": SCHEMA,
        "model": vlm.name,
        "model_revision": vlm.revision,
        "adapter": str(options.adapter) if options.adapter else None,
        "benchmark": options.benchmark,
        "limit": options.limit,
        "judge": None if tasks else options.judge,
        **({"percent": options.percent, "left_out": list(tasks.left_out)} if tasks else {}),
        "concepts": {
            concept: {key: value.to_dict() for key, value in scores.items()} for concept, scores in found.items()
        },
    }
    write_together(out, {"scores.json": strict_json(document)})
    return {"out": str(out), **document}


def _tasks(options: EvaluateOptions) -> MllmuBenchmark | None:
    """MLLMU-Bench, where it is asked for; checked and read before the model is loaded."""
    if not options.of_mllmu:
        if options.percent is not None:
            raise UserError(f"--percent is for MLLMU-Bench, but the benchmark is {options.benchmark}; leave it out.")
        return None
    if options.percent is None or options.concept:
        raise UserError("MLLMU-Bench is about a forget split; say which with --percent 5, 10 or 15, not --concept.")
    if options.limit is not None and options.limit < 1:
        raise UserError("--limit must be at least 1.")
    if options.benchmark != MLLMU:
        return load_mllmu(options.benchmark, options.percent, limit=options.limit)
    from unsee.benchmarks.mllmu_world import split_mllmu

    return split_mllmu(options.percent, limit=options.limit)


def _task_scores(bench: MllmuBenchmark, vlm: VisionLanguageModel, out: Path) -> Mapping[str, Score]:
    asked = mllmu.ask(bench)
    said = mllmu.answers(vlm, asked, bench.style, resume_file=out / "responses" / f"{slug(bench.name)}.jsonl")
    return mllmu.score(asked, said)


def _concepts(options: EvaluateOptions) -> list[str]:
    """The concepts to ask about, checked before the model is loaded."""
    if options.limit is not None and options.limit < 1:
        raise UserError("--limit must be at least 1.")
    if options.benchmark == WORLD:
        if not options.concept:
            raise UserError('The benchmark "world" needs --concept, the name of one of its people.')
        from unsee.world import find

        return [find(options.concept).name]
    only = [options.concept] if options.concept else None
    # Read once to see that everything is there; the pictures come back one concept at a time.
    return [bench.concept for bench in load_benchmark(options.benchmark, only)]


def _benches(options: EvaluateOptions, names: list[str]) -> Iterator[ConceptBenchmark]:
    for name in names:
        if options.benchmark == WORLD:
            from unsee.benchmarks.world import world_benchmark

            yield world_benchmark(name, test_pictures=TEST_PICTURES, questions=QUESTIONS)
        else:
            yield from load_benchmark(options.benchmark, [name])


def _evaluate(
    bench: ConceptBenchmark, vlm: VisionLanguageModel, options: EvaluateOptions, out: Path, judge: Judge
) -> Mapping[str, Score]:
    asked = probes(bench, per_image=options.limit, limit=options.limit)
    journal = out / "responses" / f"{bench.slug}.jsonl"
    cache = VisionCache(vlm)
    responses = generate(vlm, asked, logprobs=True, resume_file=journal, cache=cache)
    before, front, read_again = None, "", None
    if options.adapter:
        with reference(vlm), working_on("Asking the model before"):
            before, front = _before(vlm, bench, asked, cache)
            read_again = likelihoods(vlm, bench, asked, responses, carrier=front, own=False)
    now = likelihoods(vlm, bench, asked, responses, carrier=front)
    return score(bench, asked, responses, judge=judge, likelihoods=now, reference=before, reread=read_again)


def _before(
    vlm: VisionLanguageModel, bench: ConceptBenchmark, asked: list[Probe], cache: VisionCache
) -> tuple[Likelihoods, str]:
    """How probable the name was before, behind the words in front of which the model before put it."""
    naming = [probe for probe in asked if probe.tags["metric"] == "efficacy" and probe.tags["kind"] == "name"]
    said = generate(vlm, naming, progress=False, cache=cache)
    front = carrier(bench, naming, said)
    return likelihoods(vlm, bench, naming, said, carrier=front), front
