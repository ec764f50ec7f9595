"""`evaluate`: a benchmark's questions to one model, with or without an adapter, and the scores."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unsee.benchmarks.concept import probes, slug
from unsee.benchmarks.layout import concepts_in, load_benchmark
from unsee.benchmarks.mllmu import MLLMU as TASKS
from unsee.benchmarks.mllmu import MllmuBenchmark
from unsee.benchmarks.mllmu_layout import is_mllmu, load_mllmu
from unsee.benchmarks.mmubench import MMUBench
from unsee.benchmarks.new_pictures import only_new
from unsee.benchmarks.together import WORLD, benchmarks_together
from unsee.data.likeness import Seen
from unsee.data.sample import MAX_NEW_TOKENS
from unsee.errors import UserError
from unsee.evaluation import Evaluation, Measured
from unsee.generation import TransformersEngine
from unsee.judges import Judge, get_judge
from unsee.metrics import Score
from unsee.models.adapters import load_adapter
from unsee.models.loading import load
from unsee.models.vlm import VisionLanguageModel
from unsee.store.files import strict_json, write_together
from unsee.store.locking import locked
from unsee.store.workspace import check_output
from unsee.terminal import working_on
from unsee.training.data_folder import trained_pictures
from unsee.training.manifest import MANIFEST, Unlearned

SCHEMA = "unsee.scores/1"
MLLMU = "mllmu"
ANSWERS, STATE = "answers", "model"
TEST_PICTURES = 50
"""Of the world's benchmark, per person."""


@dataclass(frozen=True)
class EvaluateOptions:
    """What to ask whom. benchmark: "world", or a folder in the layout of MMUBench; "mllmu" for MLLMU-Bench's tasks
    about the world's people, or a folder in its layout, both with `percent`, the forget split.

    concepts: several count as forgotten together, as in `unsee compare`; by default those that the adapter forgot
    together, and of a folder all others, each by itself. limit: at most so many questions for each test picture, and in
    each group of control questions; in MLLMU-Bench, at most so many people of each set. max_new_tokens: most tokens of
    an answer, after which it is cut. out: the folder to write; what an interrupted run left there is continued.
    """

    model: str
    benchmark: str
    adapter: Path | None = None
    concepts: tuple[str, ...] = ()
    limit: int | None = None
    judge: str = "rules"
    out: Path | None = None
    overwrite: bool = False
    revision: str | None = None
    load_in_4bit: bool = False
    percent: int | None = None
    max_new_tokens: int = MAX_NEW_TOKENS
    device: str = "auto"

    @property
    def of_mllmu(self) -> bool:
        return self.benchmark == MLLMU or (self.benchmark != WORLD and is_mllmu(self.benchmark))

    def folder(self) -> Path:
        whom = self.concepts[0] if self.concepts else f"forget {self.percent}" if self.percent else ""
        if len(self.concepts) > 1:
            whom += f" and {len(self.concepts) - 1} more"
        parts = [slug(part) for part in (self.model, Path(self.benchmark).name, whom) if part]
        return self.out or Path("runs") / "-".join(["evaluate", *parts, *(["unlearned"] if self.adapter else [])])


def evaluate(options: EvaluateOptions) -> dict[str, Any]:
    """Ask, score, and write `scores.json` and the answers; returns the content of the former.

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
    goes_on = (out / ANSWERS).is_dir() and not (out / "scores.json").exists()
    if not goes_on:
        check_output(out, overwrite=options.overwrite, resumable=False)
    judge = get_judge(options.judge)
    asking = _tasks(options) or _asking(options)
    with working_on(f"Loading {options.model}"):
        vlm = load(options.model, device=options.device, revision=options.revision, load_in_4bit=options.load_in_4bit)
        if options.adapter:
            load_adapter(vlm, options.adapter)
    if not goes_on:
        shutil.rmtree(out, ignore_errors=True)
    try:
        scores = (
            {"concepts": {asking.name: _plain(_task_scores(asking, vlm, options, out))}}
            if isinstance(asking, MllmuBenchmark)
            else _scores(asking, vlm, options, out, judge)
        )
    except KeyboardInterrupt as error:
        raise KeyboardInterrupt(f"Interrupted; the same command goes on with what {out} holds.") from error
    document = {
        "schema": SCHEMA,
        "model": vlm.name,
        "model_revision": vlm.revision,
        "adapter": str(options.adapter) if options.adapter else None,
        "benchmark": options.benchmark,
        "limit": options.limit,
        "max_new_tokens": options.max_new_tokens,
        **_of_benchmark(asking, options),
        **scores,
    }
    write_together(out, {"scores.json": strict_json(document)})
    return {"out": str(out), **document}


def _tasks(options: EvaluateOptions) -> MllmuBenchmark | None:
    """MLLMU-Bench, where it is asked for; checked and read before the model is loaded."""
    if not options.of_mllmu:
        if options.percent is not None:
            raise UserError(f"--percent is for MLLMU-Bench, but the benchmark is {options.benchmark}; leave it out.")
        return None
    if options.percent is None or options.concepts:
        raise UserError("MLLMU-Bench is about a forget split; say which with --percent 5, 10 or 15, not --concept.")
    if options.limit is not None and options.limit < 1:
        raise UserError("--limit must be at least 1.")
    if options.benchmark != MLLMU:
        return load_mllmu(options.benchmark, options.percent, limit=options.limit)
    from unsee.benchmarks.mllmu_world import split_mllmu

    return split_mllmu(options.percent, limit=options.limit)


def _scores(
    asking: _Asking, vlm: VisionLanguageModel, options: EvaluateOptions, out: Path, judge: Judge
) -> dict[str, Any]:
    """The scores of each concept and, of several that were forgotten together, their mean."""
    found: dict[str, Any] = {"concepts": {}, "left_out": []}
    for group in asking.groups:
        measured, left_out = _evaluate(group, asking, vlm, options, out, judge)
        found["left_out"] += [line for line in left_out if line not in found["left_out"]]
        found["concepts"] |= {concept: _plain(scores) for concept, scores in measured.by_concept.items()}
        if len(group) > 1:
            found["together"] = _plain(measured.scores)
    return found


def _of_benchmark(asking: MllmuBenchmark | _Asking, options: EvaluateOptions) -> dict[str, Any]:
    """What the document says of how it was asked, by the kind of benchmark."""
    if isinstance(asking, MllmuBenchmark):
        return {"judge": None, "percent": options.percent, "left_out": list(asking.left_out)}
    return {"judge": options.judge}


def _plain(scores: Mapping[str, Score]) -> dict[str, Any]:
    return {key: value.to_dict() for key, value in scores.items()}


def _task_scores(
    bench: MllmuBenchmark, vlm: VisionLanguageModel, options: EvaluateOptions, out: Path
) -> Mapping[str, Score]:
    evaluation = Evaluation([TASKS(bench)], max_new_tokens=options.max_new_tokens)
    return evaluation.of(TransformersEngine(vlm), STATE, folder=out / ANSWERS).scores


@dataclass(frozen=True)
class _Asking:
    """Whom to ask about: those of one of `groups`, who were forgotten together, in one go. Nobody of `forgotten` is
    somebody else to anybody."""

    groups: tuple[tuple[str, ...], ...]
    forgotten: tuple[str, ...]


def _asking(options: EvaluateOptions) -> _Asking:
    """Checked before the model is loaded: the concepts named; else those that the adapter forgot and, of a folder, all
    others, each by itself."""
    if options.limit is not None and options.limit < 1:
        raise UserError("--limit must be at least 1.")
    forgotten = forgotten_by(options.adapter) if options.adapter else ()
    there = _names_there(options)
    known = {slug(name): name for name in there}
    own = tuple(known[slug(name)] for name in forgotten if slug(name) in known)
    names = _chosen(options.concepts, known, options.benchmark)
    if not names and options.benchmark == WORLD and not own:
        raise UserError('The benchmark "world" needs --concept, the name of one of its people.')
    first = names or own
    rest = () if names or options.benchmark == WORLD else tuple((name,) for name in there if name not in own)
    if options.benchmark != WORLD:
        # Read once to see that everything is there; the pictures come back one group at a time.
        load_benchmark(options.benchmark, names or there)
    return _Asking((*([first] if first else []), *rest), own)


def _names_there(options: EvaluateOptions) -> tuple[str, ...]:
    """All concepts of the benchmark."""
    if options.benchmark == WORLD:
        from unsee.world import KNOWN

        return tuple(person.name for person in KNOWN)
    return concepts_in(options.benchmark)


def _chosen(concepts: Sequence[str], known: Mapping[str, str], benchmark: str) -> tuple[str, ...]:
    """The concepts that were named, as the benchmark spells them."""
    if benchmark == WORLD:
        from unsee.world import find

        chosen = [find(name).name for name in concepts]
    else:
        for name in concepts:
            if slug(name) not in known:
                raise UserError(
                    f"The benchmark {benchmark} has no concept {name!r}; it has {', '.join(known.values())}."
                )
        chosen = [known[slug(name)] for name in concepts]
    return tuple(dict.fromkeys(chosen))


def forgotten_by(adapter: Path) -> tuple[str, ...]:
    """Whom the run that made `adapter` forgot, by its manifest; nobody where there is none (an adapter of PEFT's)."""
    path = adapter / MANIFEST
    if not path.is_file():
        return ()
    concept = Unlearned.open(adapter).manifest.get("concept", ())
    return (concept,) if isinstance(concept, str) else tuple(concept)


def _evaluate(
    group: Sequence[str],
    asking: _Asking,
    vlm: VisionLanguageModel,
    options: EvaluateOptions,
    out: Path,
    judge: Judge,
) -> tuple[Measured, list[str]]:
    """What one concept, or several that were forgotten together, are scored, and what was not asked about."""
    pictures = TEST_PICTURES if options.benchmark == WORLD else None
    found = benchmarks_together(options.benchmark, group, forgotten=asking.forgotten, test_pictures=pictures)
    seen = Seen(trained_pictures(options.adapter / "data") if options.adapter else ())
    benches = [only_new(bench, seen) for bench in found]
    asked = [probes(bench, per_image=options.limit, limit=options.limit) for bench in benches]
    evaluation = Evaluation([MMUBench(benches, asked)], judge, max_new_tokens=options.max_new_tokens)
    left_out = [line for bench in benches for line in bench.left_out]
    folder = out / ANSWERS / ("together" if len(benches) > 1 else benches[0].slug)
    engine = TransformersEngine(vlm)
    before = None
    if options.adapter:
        with working_on("Asking the model before"):
            before = evaluation.basis(engine.without_adapter())
    return evaluation.of(engine, STATE, before, folder=folder), left_out
