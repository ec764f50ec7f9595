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
Its judge, which grades free answers from 1 to 10, is not used.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

from unsee.benchmarks.base import Answers, Benchmark, Scope
from unsee.benchmarks.mllmu_questions import Asked, Choice, MllmuBenchmark, ask
from unsee.benchmarks.mllmu_scores import chosen, score
from unsee.data.sample import Probe, Sample
from unsee.errors import UserError
from unsee.judges import Judge
from unsee.metrics import Score
from unsee.metrics.columns import mllmu as columns
from unsee.metrics.refusals import is_refusal


class MLLMU(Benchmark):
    """Classification, generation and cloze about people to forget and other people, with pictures and in text.

    If options are compared by their likelihood, the model's choice is the most probable one; if it refuses, the option
    that refuses, or else its answer.
    """

    name = "mllmu"
    version = 3
    columns = (*columns.SUMS, *columns.TASKS)

    def __init__(self, bench: MllmuBenchmark) -> None:
        self.asked, self.style = ask(bench), bench.style

    @classmethod
    def of(cls, scope: Scope) -> MLLMU:
        """Always raises UserError, because a scope has no forget split; `mllmu_world.split_mllmu` and
        `mllmu_layout.load_mllmu` give what `__init__` takes."""
        raise UserError(
            f"The benchmark {cls.name!r} is about a forget split of several people; ask it with unsee evaluate "
            f"--benchmark {scope.location or cls.name} --percent 5, 10 or 15."
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
        """The scores that the function `score` lists."""
        asked = _read(answers)
        return score(asked, said_to(asked, answers))


def said_to(asked: Sequence[Asked], answers: Answers) -> dict[str, str]:
    """A model's answers to everything, by probe id."""
    said = {}
    for one in asked:
        answer = answers.text(one.probe.id)
        if one.freely and is_refusal(free := answers.text(one.freely.id)):
            answer = free
        if one.choice and answers.key["style"] == "completed":
            answer = (chosen(one.choice, answer) or answer) if is_refusal(answer) else _most_probable(one, answers)
        said[one.probe.id] = answer
    return said


def _most_probable(one: Asked, answers: Answers) -> str:
    """The letter of the option with the highest log p(option and end of turn | picture, question); empty if a broken
    model gives no option a number."""
    assert one.choice is not None
    best = (-math.inf, "")
    for letter in one.choice.options:
        read = answers.likelihoods.get(_option_key(one, letter))
        value = -math.inf if read is None else math.fsum(read.logprobs)
        if value > best[0]:
            best = (value, letter)
    return best[1]


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
