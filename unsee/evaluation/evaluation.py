"""`Evaluation`: the only place that asks and scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from unsee.benchmarks.base import Answers, Benchmark, Scored
from unsee.data.sample import MAX_NEW_TOKENS, Probe
from unsee.errors import UserError
from unsee.evaluation.saved import BASIS, as_saved, digest_of, save_questions
from unsee.generation import Engine, Transcript, ask
from unsee.generation.engine import read_into
from unsee.generation.shared_transcript import open_transcript
from unsee.judges import Judge, RuleJudge
from unsee.metrics import Score, catalogue
from unsee.store.crew import crew


@dataclass(frozen=True)
class Measured:
    """One engine's answers to each benchmark, by the benchmarks' names, and its scores: over all benchmarks, and about
    each concept. `engine` is None if it can no longer read, `folder` if nothing was saved. `notes` are sentences that a
    reader of the scores should know."""

    answers: Mapping[str, Answers]
    scores: Mapping[str, Score] = field(default_factory=dict)
    by_concept: Mapping[str, Mapping[str, Score]] = field(default_factory=dict)
    engine: Engine | None = None
    folder: Path | None = None
    notes: tuple[str, ...] = ()

    @property
    def texts(self) -> dict[str, str]:
        """All answers by the id of their probe."""
        return {key: text for answers in self.answers.values() for key, text in answers.texts.items()}


class Evaluation:
    """The same questions to any number of engines. Their answers are saved below a folder as they come:

    FOLDER/BENCHMARK/questions.jsonl   what was asked, and what scoring needs: next to the state asked first
                     STATE.jsonl       the transcript of one engine
    """

    def __init__(
        self,
        benchmarks: Sequence[Benchmark],
        judge: Judge | None = None,
        *,
        max_new_tokens: int = MAX_NEW_TOKENS,
        progress: bool = True,
    ) -> None:
        self.benchmarks = list(benchmarks)
        names = [bench.name for bench in self.benchmarks]
        for name in names:
            if names.count(name) > 1:
                raise UserError(
                    f"Two benchmarks to ask are called {name!r}; leave one out, or put their data into one."
                )
        self.judge = judge or RuleJudge()
        self.max_new_tokens, self.progress = max_new_tokens, progress
        self._asked = {bench.name: as_saved(bench) for bench in self.benchmarks}

    @property
    def probes(self) -> list[Probe]:
        """Everything that is asked, with its pictures."""
        return [probe for bench in self.benchmarks for probe in bench.probes()]

    def of(
        self,
        engine: Engine,
        state: str,
        before: Measured | None = None,
        *,
        folder: Path | None = None,
        afresh: bool = False,
    ) -> Measured:
        """Ask `engine` and score its answers, compared with those of the model `before`. `state` names the engine's
        state.

        Answers of this engine to these questions that `folder` already holds are not asked for again. Answers of
        another engine or to other questions are an error; with `afresh` they are replaced.

        Raises:
            UserError: answers in the folder belong to another run.
            SystemFailure: the folder cannot be written, or the engine or the judge fails.
        """
        kept = None if folder is None else _Kept(folder, state, afresh, first=before is None or before.folder is None)
        answers = self._answered(engine, before, kept)
        if crew().helps:
            return Measured(answers, engine=engine, folder=folder)
        scores, by_concept = scored(self.benchmarks, answers, self.judge)
        said = [note for bench in self.benchmarks for note in bench.notes(answers[bench.name])]
        return Measured(answers, scores, by_concept, engine, folder, (*said, *_undescribed(scores)))

    def basis(self, engine: Engine, *, folder: Path | None = None) -> Measured:
        """The answers of the model before unlearning that others are compared with: not scored, and saved as the state
        "basis" of the questions that the next state saves."""
        small = Evaluation(
            [basis for bench in self.benchmarks if (basis := bench.basis()) is not None],
            self.judge,
            max_new_tokens=self.max_new_tokens,
            progress=self.progress,
        )
        kept = None if folder is None else _Kept(folder, BASIS, afresh=False, first=False)
        return Measured(small._answered(engine, None, kept), engine=engine)

    def _answered(self, engine: Engine, before: Measured | None, kept: _Kept | None) -> dict[str, Answers]:
        # For a model that unsee loads itself, this reads all weights, so it is done once.
        fingerprint = engine.fingerprint()
        return {bench.name: self._answers(bench, engine, fingerprint, before, kept) for bench in self.benchmarks}

    def _answers(
        self,
        bench: Benchmark,
        engine: Engine,
        fingerprint: Mapping[str, Any],
        before: Measured | None,
        kept: _Kept | None,
    ) -> Answers:
        questions, key = self._asked[bench.name]
        longest = bench.max_new_tokens or self.max_new_tokens
        header = {
            "benchmark": bench.name,
            "version": bench.version,
            "engine": engine.name,
            "vocabulary_size": engine.vocabulary_size,
            "fingerprint": {**fingerprint, "probes": digest_of(questions), "max_new_tokens": longest},
        }
        with kept.transcript(bench, header) if kept else Transcript(None, header) as transcript:
            if kept is not None and kept.first and not crew().helps:
                # Only now that the answers there are known to be to these questions.
                save_questions(bench, questions, key, kept.folder / bench.name)
            said = ask(engine, bench.probes(), transcript, max_new_tokens=longest, progress=self.progress)
            answers = Answers(
                questions,
                {response.probe_id: response for response in said},
                key,
                vocabulary_size=engine.vocabulary_size,
                before=before.answers.get(bench.name) if before else None,
            )
            if engine.reads:
                answers = replace(answers, likelihoods=read_into(engine, bench.samples(answers), transcript))
            if before is not None and before.engine is not None and before.engine.reads:
                read = read_into(before.engine, bench.rereads(answers), transcript, by_before=True)
                answers = replace(answers, rereads=read)
        return answers


def _undescribed(scores: Mapping[str, Score]) -> list[str]:
    """A sentence if no column describes some of the scores."""
    keys = [key for key in scores if not catalogue.knows(key)]
    if not keys:
        return []
    return [
        f"Not described in the columns of the benchmark: {', '.join(keys)}. Tables show them without a unit or a name; "
        "add a Metric for each."
    ]


@dataclass(frozen=True)
class _Kept:
    """Where the answers in one state are saved. `afresh`: other answers there are replaced; `first`: the questions are
    saved with this state."""

    folder: Path
    state: str
    afresh: bool
    first: bool

    def transcript(self, bench: Benchmark, header: Mapping[str, Any]) -> Transcript:
        path = self.folder / bench.name / f"{self.state}.jsonl"
        try:
            return open_transcript(path, header)
        except UserError:
            if not self.afresh or not path.exists() or crew().helps:
                raise
            path.unlink()
            return open_transcript(path, header)


def scored(
    benchmarks: Sequence[Benchmark | type[Benchmark]], answers: Mapping[str, Answers], judge: Judge
) -> tuple[dict[str, Score], dict[str, dict[str, Score]]]:
    """The scores of all benchmarks together, and those about each concept. `answers` are by the benchmarks' names.

    Raises UserError if two benchmarks give one score.
    """
    scores: dict[str, Score] = {}
    given_by: dict[str, str] = {}
    by_concept: dict[str, dict[str, Score]] = {}
    for bench in benchmarks:
        found = bench.score(answers[bench.name], judge)
        found = found if isinstance(found, Scored) else Scored(found)
        for key in found.scores:
            if given_by.setdefault(key, bench.name) != bench.name:
                raise UserError(
                    f"The benchmarks {given_by[key]!r} and {bench.name!r} both give a score {key!r}; rename one, or "
                    "leave one benchmark out."
                )
        scores |= found.scores
        for concept, own in found.by_concept.items():
            by_concept.setdefault(concept, {}).update(own)
    return scores, by_concept
