"""`Evaluation`: the only place that asks and scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from unsee.benchmarks.base import Answers, Benchmark, Scored, questions_of
from unsee.data.sample import MAX_NEW_TOKENS, Probe
from unsee.evaluation.saved import digest_of, save_questions
from unsee.generation import Engine, Transcript, ask
from unsee.generation.engine import read_into
from unsee.judges import Judge, RuleJudge
from unsee.metrics import Score


@dataclass(frozen=True)
class Measured:
    """What one engine said to each benchmark, by the benchmarks' names, and its scores: those of all benchmarks, and
    about each concept. `engine` is None where it can read nothing any more."""

    answers: Mapping[str, Answers]
    scores: Mapping[str, Score] = field(default_factory=dict)
    by_concept: Mapping[str, Mapping[str, Score]] = field(default_factory=dict)
    engine: Engine | None = None

    @property
    def texts(self) -> dict[str, str]:
        """All answers by the id of their probe."""
        return {key: text for answers in self.answers.values() for key, text in answers.texts.items()}


class Evaluation:
    """The same questions to any number of engines. What they say is saved below a folder as it comes:

    FOLDER/BENCHMARK/questions.jsonl   what was asked, and what scoring needs to know
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
        self.judge = judge or RuleJudge()
        self.max_new_tokens, self.progress = max_new_tokens, progress
        self._questions = {bench.name: questions_of(bench) for bench in self.benchmarks}

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
        """Ask `engine`, which is in the state of that name, and score its answers, next to those of the model `before`.

        What `folder` already holds of this engine's answers to these questions is not asked again. Where it holds
        those of another engine, or to other questions, that is an error, or they are replaced with `afresh`.

        Raises:
            UserError: answers in the folder belong to another run.
            SystemFailure: the folder cannot be written, or the engine or the judge fails.
        """
        answers = {bench.name: self._asked(bench, engine, state, before, folder, afresh) for bench in self.benchmarks}
        scores, by_concept = scored(self.benchmarks, answers, self.judge)
        return Measured(answers, scores, by_concept, engine)

    def basis(self, engine: Engine) -> Measured:
        """Of the model before, only what others are compared with; neither scored nor saved."""
        small = Evaluation(
            [bench.basis() for bench in self.benchmarks],
            self.judge,
            max_new_tokens=self.max_new_tokens,
            progress=self.progress,
        )
        answers = {bench.name: small._asked(bench, engine, "before", None, None, False) for bench in small.benchmarks}
        return Measured(answers, engine=engine)

    def _asked(
        self,
        bench: Benchmark,
        engine: Engine,
        state: str,
        before: Measured | None,
        folder: Path | None,
        afresh: bool,
    ) -> Answers:
        questions, key, longest = self._questions[bench.name], bench.key(), bench.max_new_tokens or self.max_new_tokens
        path = None
        if folder is not None:
            path = folder / bench.name / f"{state}.jsonl"
            save_questions(bench, questions, key, path.parent)
        header = {
            "fingerprint": {**engine.fingerprint(), "probes": digest_of(questions), "max_new_tokens": longest},
            "engine": engine.name,
            "vocabulary_size": engine.vocabulary_size,
        }
        with _opened(path, header, afresh) as transcript:
            said = ask(engine, bench.probes(), transcript, max_new_tokens=longest, progress=self.progress)
            answers = Answers(
                questions,
                {response.probe_id: response for response in said},
                key,
                vocabulary_size=engine.vocabulary_size,
                before=before.answers.get(bench.name) if before else None,
            )
            if engine.reads:
                read = read_into(engine, bench.samples(answers), transcript)
                answers = replace(answers, likelihoods=read)
            if before is not None and before.engine is not None and before.engine.reads:
                read = read_into(before.engine, bench.rereads(answers), transcript, by_before=True)
                answers = replace(answers, rereads=read)
        return answers


def scored(
    benchmarks: Sequence[Benchmark | type[Benchmark]], answers: Mapping[str, Answers], judge: Judge
) -> tuple[dict[str, Score], dict[str, dict[str, Score]]]:
    """The scores of all benchmarks together, and those about each concept, of answers by the benchmarks' names."""
    scores: dict[str, Score] = {}
    by_concept: dict[str, dict[str, Score]] = {}
    for bench in benchmarks:
        found = bench.score(answers[bench.name], judge)
        found = found if isinstance(found, Scored) else Scored(found)
        scores |= found.scores
        for concept, own in found.by_concept.items():
            by_concept.setdefault(concept, {}).update(own)
    return scores, by_concept


def _opened(path: Path | None, header: Mapping[str, object], afresh: bool) -> Transcript:
    from unsee.errors import UserError

    try:
        return Transcript(path, header)
    except UserError:
        if not afresh or path is None or not path.exists():
            raise
        path.unlink()
        return Transcript(path, header)
