"""`evaluate`: asks one model, with or without an adapter, the questions of a benchmark and scores the answers."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unsee.benchmarks import Benchmark, find_benchmark
from unsee.benchmarks.mmubench import MMUBench
from unsee.benchmarks.published.forgetting import WithSplits
from unsee.benchmarks.together import WORLD
from unsee.commands.evaluate_rounds import EvaluateOptions, Round, members_of, rounds_of
from unsee.evaluation import Evaluation
from unsee.evaluation.robustness import NOT_CHOSEN, Robustness, attacked_by_mmubench, unmeasured
from unsee.generation import Engine, TransformersEngine
from unsee.generation.engines import get_engine
from unsee.judges import Judge, get_judge
from unsee.kinds.words import EITHER, Words, words_among
from unsee.metrics import Score
from unsee.reports.report import not_scored
from unsee.store.crew import Crew, working_in
from unsee.store.files import strict_json, write_together
from unsee.store.text import read_text
from unsee.store.workspace import check_output
from unsee.terminal import working_on

Tell = Callable[[str], None]
SCHEMA = "unsee.scores/1"
SCORES = "scores.json"
ANSWERS, STATE, ROBUSTNESS = "answers", "model", "robustness"


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


def evaluate(
    options: EvaluateOptions, tell: Tell = lambda line: None, rounds: Sequence[Round] | None = None
) -> Evaluated:
    """Ask, score, and write `scores.json` and the answers. `Evaluation` does the same in memory, with any engine.

    Of several processes (docs/processes.md) only the first returns; the others end with SystemExit when nothing is
    left to ask. `tell` hears of those that did not come. rounds: what `rounds_of` found, if it was called before.

    With an adapter the base model is also asked for the name, so that C-Dis and the fluency of the answers under the
    base model can be measured.

    Raises:
        UserError: an option cannot work, the output folder holds something else, or another run is using it.
        SystemFailure: the disk or the network fails.
        KeyboardInterrupt: the answers so far are kept; the same command resumes from them.
    """
    options = options.told()
    out = options.folder()
    with working_in(out, out / SCORES, tell) as crew:
        return _asked(options, out, crew, rounds)


def _asked(given: EvaluateOptions, out: Path, crew: Crew, rounds: Sequence[Round] | None) -> Evaluated:
    """`given` are the options as the user gave them, because errors are about those."""
    options = given.apart()
    resumed = crew.helps or ((out / ANSWERS).is_dir() and not (out / SCORES).exists())
    if not resumed:
        check_output(out, overwrite=options.overwrite, resumable=False)
    judge = get_judge(options.judge)
    rounds = rounds_of(options) if rounds is None else rounds
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


def _words(options: EvaluateOptions) -> Words:
    """What others are called, as far as the benchmark tells."""
    if options.benchmark == WORLD:
        return words_among(members_of(options))
    found, _ = find_benchmark(options.benchmark)
    return words_among(found.members) if issubclass(found, WithSplits) else EITHER
