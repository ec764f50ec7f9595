"""MLLMU-Bench: three tasks over four sets of people, each with the picture and in text only.

Source: "Protecting Privacy in Multimodal Large Language Models with MLLMU-Bench", arXiv 2410.22108; ASRU's setting
(arXiv 2605.15687) at 5, 10 and 15 % to forget. The sets: "forget" (the picture that was trained on), "test" (other
pictures of the same people), "retain" (people who stay) and people outside the training data: "celebrities" in the
published data set, whom the model knows anyway, "strangers" in the embedded world, whom it has never seen, which it
should say.

Prompts of the style "instructed" follow the published `eval.py`, without its few-shot examples, because those are drawn
from the people under test. Every picture is asked about, not only one random picture of each person. The answers are
scored twice: by our rules, and by those of that script, which takes the first letter of any answer as a choice ("A
person." for A), scores free answers by ROUGE-L and accepts any answer that contains what fills a blank ("not a baker").
A language model as the judge also grades free answers from 1 to 10, as its GPT model does (in unsee's words).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Self

from unsee.benchmarks.base import Answers, Scope
from unsee.benchmarks.mllmu_layout import load_mllmu, load_training
from unsee.benchmarks.mllmu_questions import Asked, Choice, MllmuBenchmark, Profile, ask
from unsee.benchmarks.mllmu_scores import chosen, factuality, most_probable, score
from unsee.benchmarks.mllmu_training import read_training
from unsee.benchmarks.published.forgetting import FORGET, RETAIN, WithSplits
from unsee.benchmarks.published.question import DataSet, Question
from unsee.benchmarks.splits import PERCENT
from unsee.data.sample import Probe, Sample
from unsee.judges import Judge
from unsee.metrics import Score
from unsee.metrics.columns import mllmu as columns
from unsee.metrics.refusals import is_refusal

RETAINED_PEOPLE = 100
"""People of the retain set that a method learns to keep, at most: their pictures are in memory."""


class MLLMU(WithSplits):
    """Classification, generation and cloze about people to forget and other people, with pictures and in text.

    If options are compared by their likelihood, the model's choice is the most probable one; if it refuses, the option
    that refuses, or else its answer.
    """

    name = "mllmu"
    version = 3
    title = "MLLMU-Bench"
    splits = tuple(f"forget_{percent}" for percent in PERCENT)
    columns = (*columns.SUMS, *columns.TASKS)

    def __init__(self, bench: MllmuBenchmark) -> None:
        self.location: Path | None
        self.asked, self.style, self.left_out = ask(bench), bench.style, bench.left_out
        self.split, self.location, self.seed = bench.name, None, 0

    @classmethod
    def of(cls, scope: Scope) -> Self:
        """A forget split of the data set at `scope.location`, or of the embedded world. Raises UserError."""
        split = cls.split_of(scope)
        if scope.location is None:
            from unsee.benchmarks.mllmu_world import split_mllmu

            bench = split_mllmu(percent_of(split), limit=scope.limit)
        else:
            bench = load_mllmu(scope.location, percent_of(split), limit=scope.limit, seed=scope.seed)
        made = cls(bench)
        made.split, made.location, made.seed = split, scope.location, scope.seed
        return made

    @classmethod
    def table(cls) -> dict[str, str]:
        return {
            "forgotten": "mllmu_effectiveness",
            "forgotten/picture": "mllmu_effectiveness",
            "forgotten/text": "mllmu_effectiveness/text",
            "kept": "mllmu_utility",
            "kept/picture": "mllmu_utility/picture",
            "kept/text": "mllmu_utility/text",
        }

    def data(self) -> DataSet:
        """What the paper's model was trained on, and the free questions of the generation task in text, about the
        people of the forget set and of the retain set. Where the data set lacks ft_Data, the biographies' questions
        and those of the generation task stand for it."""
        percent = percent_of(self.split)
        if self.location is None:
            from unsee.benchmarks.mllmu_world import split_mllmu

            bench = split_mllmu(percent)
        else:
            bench = load_training(self.location, percent, RETAINED_PEOPLE, self.seed)
        people = {part: bench.sets[part] for part in (FORGET, RETAIN)}
        taught = tuple(found for part, own in people.items() for one in own for found in _taught(part, one))
        left_out = bench.left_out
        if self.location is not None:
            parts = {one.id: part for part, own in people.items() for one in own}
            pairs, unusable = read_training(self.location, parts)
            taught = (*pairs, *(one for one in taught if not pairs or one.picture is None))
            left_out += unusable
        return DataSet(
            self.split,
            (),
            {one.id: one.biography["Name"] for own in people.values() for one in own if "Name" in one.biography},
            taught,
            left_out,
        )

    def probes(self) -> list[Probe]:
        return [probe for one in self.asked for probe in (one.probe, one.freely) if probe]

    def key(self) -> dict[str, Any]:
        return {"style": self.style, "asked": {one.probe.id: _document(one) for one in self.asked}}

    def samples(self, answers: Answers) -> dict[str, Sample]:
        """The options to be compared, each as the whole answer to its question."""
        if self.style != "completed":
            return {}
        pictures = {one.probe.id: one.probe.images for one in self.asked}
        return {
            _option_key(one, letter): Sample(one.probe.prompt, text, pictures[one.probe.id])
            for one in self.asked
            if one.choice and not is_refusal(answers.text(one.probe.id))
            for letter, text in one.choice.options.items()
        }

    def basis(self) -> None:
        return None

    @classmethod
    def score(cls, answers: Answers, judge: Judge | None = None) -> dict[str, Score]:
        """The scores that the functions `score` and, with a judge that grades it, `factuality` list."""
        asked = _read(answers)
        said = said_to(asked, answers)
        return score(asked, said) | (factuality(asked, said, judge) if judge is not None else {})


def percent_of(split: str) -> int:
    """5 of "forget_5"."""
    return int(split.removeprefix("forget_"))


def _taught(part: str, person: Profile) -> Iterator[Question]:
    """What a model can learn about a person from free questions with answers."""
    image = person.images[0]
    if person.question and person.answer:
        yield Question(f"{part}/{person.id}", part, person.id, "generation", person.question, person.answer, image)
    for picture, questions in ((image, person.with_picture), (None, person.in_text)):
        for number, one in enumerate(questions.generation):
            key = f"{part}/{person.id}/{'text' if picture is None else 'picture'}/{number}"
            yield Question(key, part, person.id, "generation", one.question, one.truth, picture)


def said_to(asked: Sequence[Asked], answers: Answers) -> dict[str, str]:
    """A model's answers to everything, by probe id."""
    said = {}
    for one in asked:
        answer = answers.text(one.probe.id)
        if one.freely and is_refusal(free := answers.text(one.freely.id)):
            answer = free
        if one.choice and answers.key["style"] == "completed":
            answer = (
                (chosen(one.choice, answer) or answer)
                if is_refusal(answer)
                else most_probable(one.choice, one.probe.id, answers.likelihoods)
            )
        said[one.probe.id] = answer
    return said


def _option_key(one: Asked, letter: str) -> str:
    return f"{one.probe.id}/{letter}"


def _document(one: Asked) -> dict[str, Any]:
    """What scoring a question needs, as plain data for JSON."""
    return {
        "truth": one.truth,
        "facts": one.facts,
        "choice": dataclasses.asdict(one.choice) if one.choice else None,
        "freely": one.freely.id if one.freely else None,
    }


def _read(answers: Answers) -> list[Asked]:
    """The questions that were asked, with the right answers, from their saved form."""
    by_id = {probe.id: probe for probe in answers.probes}
    found = []
    for probe_id, own in answers.key["asked"].items():
        probe = by_id[probe_id]
        choice = Choice(**own["choice"]) if own["choice"] else None
        facts = tuple(tuple(spellings) for spellings in own["facts"])
        freely = by_id[own["freely"]] if own["freely"] else None
        place = probe.tags["set"], probe.tags["task"], probe.tags["modality"]
        found.append(Asked(probe, *place, own["truth"], facts, choice, freely))
    return found
