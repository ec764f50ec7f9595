"""`evaluate`: asks one model, with or without an adapter, the questions of a benchmark and scores the answers."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from unsee.benchmarks import Benchmark, Scope, find_benchmark
from unsee.benchmarks.concept import probes, slug
from unsee.benchmarks.layout import concepts_in, load_benchmark
from unsee.benchmarks.mmubench import MMUBench
from unsee.benchmarks.new_pictures import only_new
from unsee.benchmarks.published.forgetting import WithSplits
from unsee.benchmarks.tables import HUB
from unsee.benchmarks.together import WORLD, benchmarks_together
from unsee.data.likeness import Seen
from unsee.data.sample import MAX_NEW_TOKENS
from unsee.errors import UserError
from unsee.evaluation import Evaluation
from unsee.evaluation.robustness import NOT_CHOSEN, Robustness, attacked_by_mmubench, unmeasured
from unsee.generation import Engine, TransformersEngine
from unsee.generation.engines import get_engine
from unsee.judges import Judge, get_judge
from unsee.kinds.words import EITHER, Words, words_among
from unsee.metrics import Score
from unsee.models.provenance import base_of
from unsee.reports.report import not_scored
from unsee.requests import ForgetRequest
from unsee.store.crew import Crew, working_in
from unsee.store.files import strict_json, write_together
from unsee.store.text import read_text
from unsee.store.workspace import check_output
from unsee.terminal import working_on
from unsee.training.data_folder import trained_pictures
from unsee.training.manifest import MANIFEST, Unlearned

Tell = Callable[[str], None]
SCHEMA = "unsee.scores/1"
SCORES = "scores.json"
ANSWERS, STATE, ROBUSTNESS = "answers", "model", "robustness"
TEST_PICTURES = 50
"""Of each person or thing, in the world's benchmark."""


@dataclass(frozen=True)
class EvaluateOptions:
    """What to ask which model. model: anything that `get_engine` takes; the folder of a run stands for its base model
    and its adapter. benchmark: "world" or "mmubench", or a folder in the layout of MMUBench; a published data set or
    "mllmu" for MLLMU-Bench's tasks about the world's people, with `split`, the forget split (by default the first one);
    or anything else that `get_benchmark` takes.

    concepts: several count as forgotten together, as in `unsee compare`; by default those that the adapter forgot
    together and, for a folder, all others one by one. limit: the most questions for each test picture and in each group
    of control questions; in a published data set, the most people of each set. max_new_tokens: the most tokens of an
    answer, which is then cut. out: the output folder; an interrupted run in it is resumed. robustness: also try the
    attacks of MMUBench's paper (`unsee.evaluation.robustness`).
    """

    model: str | Path
    benchmark: str
    adapter: Path | None = None
    concepts: tuple[str, ...] = ()
    limit: int | None = None
    judge: str = "rules"
    out: str | Path | None = None
    overwrite: bool = False
    revision: str | None = None
    load_in_4bit: bool = False
    split: str | None = None
    max_new_tokens: int = MAX_NEW_TOKENS
    device: str = "auto"
    robustness: bool = False

    def folder(self) -> Path:
        whom = self.concepts[0] if self.concepts else self.split or ""
        if len(self.concepts) > 1:
            whom += f" and {len(self.concepts) - 1} more"
        parts = [slug(part) for part in (str(self.model), Path(self.benchmark).name, whom) if part]
        return (
            Path(self.out)
            if self.out
            else Path("runs") / "-".join(["evaluate", *parts, *(["unlearned"] if self.adapter else [])])
        )


@dataclass(frozen=True)
class Evaluated:
    """A finished evaluation: its folder, the scores of all that was asked in one go, and those about each concept.
    `scores` are empty if several concepts were asked about one by one. `words`: what others are called."""

    folder: Path
    scores: Mapping[str, Score]
    by_concept: Mapping[str, Mapping[str, Score]]
    words: Words = EITHER

    def document(self) -> dict[str, Any]:
        """The content of `scores.json`, with the folder under "out"."""
        return {"out": str(self.folder), **json.loads(read_text(self.folder / SCORES))}


def evaluate(options: EvaluateOptions, tell: Tell = lambda line: None) -> Evaluated:
    """Ask, score, and write `scores.json` and the answers. `Evaluation` does the same in memory, with any engine.

    Of several processes (docs/processes.md) only the first returns; the others end with SystemExit when nothing is
    left to ask. `tell` hears of those that did not come.

    With an adapter the base model is also asked for the name, so that C-Dis and the fluency of the answers under the
    base model can be measured.

    Raises:
        UserError: an option cannot work, the output folder holds something else, or another run is using it.
        SystemFailure: the disk or the network fails.
        KeyboardInterrupt: the answers so far are kept; the same command resumes from them.
    """
    if options.benchmark == MMUBench.name:
        # Without a folder, MMUBench is about the world.
        options = replace(options, benchmark=WORLD)
    out = options.folder()
    with working_in(out, out / SCORES, tell) as crew:
        return _asked(_apart(options), options, out, crew)


def _apart(options: EvaluateOptions) -> EvaluateOptions:
    """The same options with separate base model and adapter, if the model is the folder of a run. Raises UserError."""
    base = base_of(options.model)
    if base is None:
        return options
    if options.adapter is not None:
        raise UserError(
            f"{options.model} is itself an adapter for {base.name}; leave --adapter out, or give {base.name} as the "
            "model."
        )
    return replace(options, model=base.name, adapter=Path(options.model), revision=options.revision or base.revision)


def _asked(options: EvaluateOptions, given: EvaluateOptions, out: Path, crew: Crew) -> Evaluated:
    """`given` are the options as the user gave them, because errors are about those."""
    resumed = crew.helps or ((out / ANSWERS).is_dir() and not (out / SCORES).exists())
    if not resumed:
        check_output(out, overwrite=options.overwrite, resumable=False)
    judge = get_judge(options.judge)
    rounds = rounds_of(options)
    with working_on(f"Loading {given.model}"):
        engine = get_engine(
            given.model,
            adapter=given.adapter,
            device=crew.device(given.device),
            revision=given.revision,
            load_in_4bit=given.load_in_4bit,
        )
    if not resumed:
        shutil.rmtree(out, ignore_errors=True)
    try:
        scores, by_concept, left_out, notes, reasons = _scores(rounds, engine, options, out, judge)
    except KeyboardInterrupt as error:
        raise KeyboardInterrupt(f"Interrupted; the same command resumes from {out}.") from error
    if crew.helps:
        return Evaluated(out, scores, by_concept)
    document = {
        "schema": SCHEMA,
        "model": engine.name,
        "model_revision": engine.fingerprint().get("revision"),
        "adapter": str(options.adapter) if options.adapter else None,
        "benchmark": options.benchmark,
        "limit": options.limit,
        "max_new_tokens": options.max_new_tokens,
        "judge": options.judge,
        **({"split": rounds[0].split} if rounds[0].split else {}),
        "concepts": {
            concept: _plain(own) | {key: not_scored(key, why) for key, why in reasons.items() if key not in own}
            for concept, own in by_concept.items()
        },
        "unmeasured": reasons,
        "left_out": left_out,
        "notes": notes,
        **({"together": _plain(scores)} if _is_more(scores, by_concept) else {}),
    }
    write_together(out, {SCORES: strict_json(document)})
    return Evaluated(out, scores, by_concept, _words(options))


def _scores(
    rounds: Sequence[Round], engine: Engine, options: EvaluateOptions, out: Path, judge: Judge
) -> tuple[Mapping[str, Score], dict[str, Mapping[str, Score]], list[str], list[str], dict[str, str]]:
    """The scores of all questions if they were asked in one go, the scores about each concept, what was left out,
    what a reader of the scores should know, and why columns of MMUBench have no figure."""
    whole: Mapping[str, Score] = {}
    found: dict[str, Mapping[str, Score]] = {}
    lines: dict[str, None] = {}
    notes: dict[str, None] = {}
    reasons: dict[str, str] = {}
    for one in rounds:
        benchmark, left_out = one.make()
        evaluation = Evaluation([benchmark], judge, max_new_tokens=options.max_new_tokens)
        before = None
        reference = engine.without_adapter() if options.adapter else None
        if reference is not None and benchmark.basis() is not None:
            with working_on("Asking the model before"):
                before = evaluation.basis(reference, folder=out / ANSWERS / one.folder)
        folder = out / ANSWERS / one.folder
        measured = evaluation.of(engine, STATE, before, folder=folder, afresh=options.overwrite)
        lines |= dict.fromkeys(left_out)
        notes |= dict.fromkeys(measured.notes)
        robust = _robustness(benchmark, engine, options, out / ROBUSTNESS / one.folder)
        reasons |= robust.unmeasured
        about = measured.by_concept or {one.name: measured.scores}
        found |= {concept: {**own, **robust.by_concept.get(concept, {})} for concept, own in about.items()}
        if len(rounds) == 1 or len(measured.by_concept) > 1:
            whole = {**measured.scores, **robust.after}
    return whole, found, [*lines], [*notes], reasons


def _robustness(benchmark: Benchmark, engine: Engine, options: EvaluateOptions, folder: Path) -> Robustness:
    """MMUBench's columns that attacks give; nothing about another benchmark."""
    if not isinstance(benchmark, MMUBench):
        return Robustness()
    if not options.robustness:
        return unmeasured(NOT_CHOSEN)
    vlm = engine.vlm if isinstance(engine, TransformersEngine) else None
    with working_on("Trying the attacks of MMUBench"):
        return attacked_by_mmubench(benchmark.benches, engine, vlm, folder)


def _is_more(scores: Mapping[str, Score], by_concept: Mapping[str, Mapping[str, Score]]) -> bool:
    """Whether `scores` count answers that those about the concepts, taken one by one, do not."""
    return any(
        len(by_concept) > 1 or own[key].n != score.n
        for own in by_concept.values()
        for key, score in scores.items()
        if key in own
    )


def _plain(scores: Mapping[str, Score]) -> dict[str, Any]:
    return {key: value.to_dict() for key, value in scores.items()}


@dataclass(frozen=True)
class Round:
    """What is asked in one go. `make` returns the benchmark and what it leaves out, so that its pictures are in memory
    only while it is asked. `folder` holds its answers, `name` is what it is about; `split`: the forget split, if it is
    one."""

    name: str
    folder: str
    make: Callable[[], tuple[Benchmark, Sequence[str]]]
    split: str = ""


def rounds_of(options: EvaluateOptions) -> list[Round]:
    """What to ask, checked before the model is loaded. Raises UserError if an option cannot work."""
    if options.limit is not None and options.limit < 1:
        raise UserError("--limit must be at least 1.")
    if options.benchmark == WORLD:
        return _about_concepts(_without_split(options))
    found, location = find_benchmark(options.benchmark)
    if issubclass(found, WithSplits):
        return [_of_split(found, location, options)]
    if issubclass(found, MMUBench):
        return _about_concepts(_without_split(options))
    names = options.concepts or (forgotten_by(options.adapter) if options.adapter else ())
    _without_split(options)
    benchmark = found.of(Scope(tuple(ForgetRequest(name, ()) for name in names), options.limit, location=location))
    return [Round(options.benchmark, slug(benchmark.name), lambda: (benchmark, benchmark.left_out))]


def _of_split(found: type[WithSplits], location: Path | None, options: EvaluateOptions) -> Round:
    """A published data set."""
    if options.concepts:
        raise UserError(f"{found.title} is about a forget split; choose it with --split, not with --concept.")
    benchmark = found.of(Scope(limit=options.limit, location=location, split=options.split))
    name = f"{found.title}, {benchmark.split}"
    return Round(name, slug(found.name), lambda: (benchmark, benchmark.left_out), benchmark.split)


def _without_split(options: EvaluateOptions) -> EvaluateOptions:
    if options.split is not None and options.benchmark.startswith(HUB):
        raise UserError(
            f"--split names a forget split, but {options.benchmark} is not a data set on the hub that unsee knows the "
            "splits of (docs/benchmarks.md lists them), or it cannot be reached; check its name and the network."
        )
    if options.split is not None:
        raise UserError(
            f"--split is for a data set with forget splits, which {options.benchmark} is not; leave it out."
        )
    return options


def _about_concepts(options: EvaluateOptions) -> list[Round]:
    """The concepts that were named, or else those that the adapter forgot together and, for a folder, all others one by
    one. What was forgotten never serves as one of the others."""
    forgotten = forgotten_by(options.adapter) if options.adapter else ()
    there = _names_there(options)
    known = {slug(name): name for name in there}
    own = tuple(known[slug(name)] for name in forgotten if slug(name) in known)
    names = _chosen(options.concepts, known, options.benchmark)
    if not names and options.benchmark == WORLD and not own:
        raise UserError(f'The benchmark "world" needs --concept, the name of one of its {_members(options)}.')
    first = names or own
    rest = () if names or options.benchmark == WORLD else tuple((name,) for name in there if name not in own)
    if options.benchmark != WORLD:
        # Read once to check that everything is there; the pictures are read again one group at a time.
        load_benchmark(options.benchmark, names or there)
    groups = (*([first] if first else []), *rest)
    return [
        Round(
            group[0],
            "together" if len(group) > 1 else slug(group[0]),
            partial(_benchmark_about, group, own, options),
        )
        for group in groups
    ]


def _benchmark_about(
    group: Sequence[str], forgotten: Sequence[str], options: EvaluateOptions
) -> tuple[MMUBench, list[str]]:
    """What is asked about one concept, or several that were forgotten together, and what is left out."""
    pictures = TEST_PICTURES if options.benchmark == WORLD else None
    found = benchmarks_together(options.benchmark, group, forgotten=forgotten, test_pictures=pictures)
    seen = Seen(trained_pictures(options.adapter / "data") if options.adapter else ())
    benches = [only_new(bench, seen) for bench in found]
    asked = [probes(bench, per_image=options.limit, limit=options.limit) for bench in benches]
    return MMUBench(benches, asked), [line for bench in benches for line in bench.left_out]


def _members(options: EvaluateOptions) -> str:
    """What the known ones of the model's world are called."""
    from unsee.world import world_of_model

    return world_of_model(str(options.model)).members


def _words(options: EvaluateOptions) -> Words:
    """What others are called, as far as the benchmark tells."""
    if options.benchmark == WORLD:
        return words_among(_members(options))
    found, _ = find_benchmark(options.benchmark)
    return words_among(found.members) if issubclass(found, WithSplits) else EITHER


def _names_there(options: EvaluateOptions) -> tuple[str, ...]:
    """All concepts of the benchmark."""
    if options.benchmark == WORLD:
        from unsee.world import world_of_model

        return tuple(concept.name for concept in world_of_model(str(options.model)).known)
    return concepts_in(options.benchmark)


def _chosen(concepts: Sequence[str], known: Mapping[str, str], benchmark: str) -> tuple[str, ...]:
    """The concepts that were named, spelled as in the benchmark."""
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
    """The concepts that the run that made `adapter` forgot, from its manifest; none if there is no manifest (an adapter
    that only PEFT wrote)."""
    path = adapter / MANIFEST
    if not path.is_file():
        return ()
    concept = Unlearned.open(adapter).manifest.get("concept", ())
    return (concept,) if isinstance(concept, str) else tuple(concept)
