"""`Published`: asking and scoring a published data set, by its own protocol and by unsee's rules.

unsee's rules are the same for all: a choice is right by its letter, however it is given; any other answer is right if
it tells the facts that the question demands; a right "I do not know" is any refusal. What cannot be read is neither
right nor forgotten. A data set's own rules stand beside, as figures of their own (`Published.published`), because some
are wrong: each class says what is.
"""

from __future__ import annotations

import dataclasses
import math
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Self

from PIL import Image

from unsee import metrics
from unsee.benchmarks.base import Answers, Scope
from unsee.benchmarks.mllmu_questions import Asked, Choice, Style, before_blank, with_options
from unsee.benchmarks.mllmu_scores import chosen, is_readable, is_right, most_probable
from unsee.benchmarks.published.forgetting import PLACES, RETAIN, WithSplits
from unsee.benchmarks.published.question import DataSet, Question, drawn, opened
from unsee.benchmarks.published.rows import style_of
from unsee.data.sample import Probe, Sample
from unsee.errors import UserError
from unsee.judges import Judge
from unsee.metrics import Score
from unsee.metrics.metric import Metric
from unsee.metrics.refusals import is_refusal
from unsee.metrics.truth_ratio import normalised_probability, truth_ratio

MODALITIES = ("picture", "text")


class Published(WithSplits):
    """One forget split of a published data set.

    A new one is a subclass in a file of its own, with `name`, `version`, `title` and `splits`. `parts` are the sets of
    questions; right answers should go in those that are `forgotten`, and stay in all others. The questions of
    `only_read` are not asked: the engine reads how likely their answers are.
    """

    parts: ClassVar[Sequence[str]] = ("forget", "retain")
    forgotten: ClassVar[Sequence[str]] = ("forget",)
    only_read: ClassVar[Sequence[str]] = ()
    optional: ClassVar[Sequence[str]] = ()
    """Parts of `forgotten` that some splits lack."""
    figures: ClassVar[Mapping[str, str]] = {}
    """The figures of the data set's own protocol, from 0 to 1, with what each is."""

    def __init_subclass__(cls, **options: Any) -> None:
        if "columns" not in cls.__dict__ and "title" in cls.__dict__:
            cls.columns = (*_columns(cls), *cls.further())
        super().__init_subclass__(**options)

    def __init__(self, data: DataSet, limit: int | None = None, seed: int = 0) -> None:
        """Ask about at most `limit` subjects of each part. Raises UserError if nothing is left to ask about what should
        be forgotten or retained, because a score over the rest would mislead."""
        self.split, self.style, self._data = data.split, data.style, data
        self.questions, unusable = opened(drawn(data.questions, limit, seed))
        self.left_out = (*data.left_out, *unusable)
        there = {one.part for one in self.questions}
        missing = [part for part in (*self.forgotten, RETAIN) if part not in there and part not in self.optional]
        if missing:
            why = f" (left out: {'; '.join(self.left_out[:3])})" if self.left_out else ""
            raise UserError(f"The split {data.split!r} of {self.title} has no question of the set {missing[0]!r}{why}.")

    @classmethod
    def of(cls, scope: Scope) -> Self:
        if scope.location is None:
            raise UserError(f"The benchmark {cls.name!r} needs its data: give the folder or file, or hf:NAME.")
        data = cls.read(scope.location, cls.split_of(scope))
        return cls(replace(data, style=style_of(scope.location)), scope.limit, scope.seed)

    @classmethod
    def table(cls) -> dict[str, str]:
        return {place: f"{cls.name}_{place}" for place in PLACES}

    def data(self) -> DataSet:
        return self._data

    @classmethod
    @abstractmethod
    def recognises(cls, location: Path) -> bool:
        """Whether the data at a place is this data set; reads no more than names and the first row."""

    @classmethod
    @abstractmethod
    def read(cls, location: Path, split: str) -> DataSet:
        """One of `splits`. A row that cannot be read is left out and listed. Raises UserError for what is missing or
        damaged as a whole."""

    @classmethod
    def published(cls, question: Question, answer: str) -> Mapping[str, float]:
        """How right an answer is by the data set's own rules: some of `figures`, 0 to 1 each."""
        return {}

    @classmethod
    def further(cls) -> Sequence[Metric]:
        """The columns of `summary`."""
        return ()

    @classmethod
    def summary(cls, questions: Sequence[Question], answers: Answers) -> Mapping[str, Score]:
        """Scores over several questions, by keys that `further` describes."""
        return {}

    def probes(self) -> list[Probe]:
        return [
            probe
            for one in self.questions
            if one.part not in self.only_read
            for probe in _probes(self.name, one, self.style)
        ]

    def key(self) -> dict[str, Any]:
        return {"split": self.split, "style": self.style, "questions": [_document(one) for one in self.questions]}

    def samples(self, answers: Answers) -> dict[str, Sample]:
        """The texts of every question that is answered freely; and in the style "completed" the options of a choice,
        each as the whole answer."""
        found: dict[str, Sample] = {}
        for one in self.questions:
            images = (one.picture,) if isinstance(one.picture, Image.Image) else ()
            if one.choice and self.style == "completed" and not is_refusal(answers.text(one.id)):
                options = one.choice.options.items()
                prompt = asked(one, self.style)
                found |= {f"{one.id}/{letter}": Sample(prompt, text, images) for letter, text in options}
            if one.task not in ("generation", "description"):
                continue
            prompt, texts = asked(one, self.style), self.texts_of(one)
            found |= {f"{one.id}/{name}": Sample(prompt, text, images) for name, text in texts.items() if text}
        return found

    @classmethod
    def texts_of(cls, question: Question) -> dict[str, str]:
        """What the engine reads the probability of: the true answer, its paraphrase, and the wrong ones."""
        wrong = {f"perturbed/{number}": text for number, text in enumerate(question.perturbed)}
        return {"answer": question.answer, "paraphrase": question.paraphrase, **wrong}

    def basis(self) -> None:
        return None

    @classmethod
    def score(cls, answers: Answers, judge: Judge | None = None) -> dict[str, Score]:
        """NAME_forgotten, NAME_kept and NAME_unreadable by unsee's rules, each also by modality; every figure by part
        and modality, "NAME/PART/FIGURE/MODALITY"; and what `summary` adds."""
        questions = questions_of(answers)
        judged = [_Judged.of(one, said_to(one, answers)) for one in questions if one.part not in cls.only_read]
        scores = _sums(cls, judged) | _by_part(cls, judged, answers)
        return scores | dict(cls.summary(questions, answers))


@dataclasses.dataclass(frozen=True)
class _Judged:
    """One question with its answer: right or not and readable or not by unsee's rules."""

    question: Question
    modality: str
    answer: str
    right: bool
    readable: bool

    @classmethod
    def of(cls, question: Question, answer: str) -> _Judged:
        asked = as_asked(question)
        return cls(question, question.modality, answer, is_right(asked, answer), is_readable(asked, answer))


def as_asked(question: Question) -> Asked:
    """A question in the form that MLLMU-Bench's rules take, which all data sets share."""
    return Asked(
        Probe(question.id, question.prompt),
        question.part,
        question.task,
        question.modality,
        "" if question.choice else question.answer,
        () if question.choice else question.demands,
        question.choice,
    )


def asked(question: Question, style: Style) -> str:
    """What the model is asked. In the style "completed" the options are left out, and so are instructions, which stand
    on lines of their own after the question."""
    if style == "completed":
        return question.prompt.partition("\n")[0]
    return with_options(question.choice) if question.choice else question.prompt


def said_to(question: Question, answers: Answers) -> str:
    """The model's answer. In the style "completed" it is the letter of the most probable option; a refusal of what is
    asked freely goes before it."""
    answer = answers.text(question.id)
    if answers.key["style"] != "completed":
        return answer
    freely = _freely(question.id)
    if freely in answers.responses and is_refusal(answers.text(freely)):
        return answers.text(freely)
    if question.choice is None:
        return answer
    if is_refusal(answer):
        return chosen(question.choice, answer) or answer
    return most_probable(question.choice, question.id, answers.likelihoods)


def questions_of(answers: Answers) -> list[Question]:
    """What was asked, from its saved form. An empty file stands for a picture, so that the modality stays."""
    return [_read(document) for document in answers.key["questions"]]


def likelihood_figures(question: Question, answers: Answers) -> dict[str, float]:
    """Where they were read: exp(mean log p) of the true answer as "probability", its share among the wrong ones as
    "choice_probability", and TOFU's "truth_ratio", with its code's mean too ("truth_ratio_geometric")."""
    read = {
        name: answers.likelihoods[key].logprobs
        for name in ("answer", "paraphrase", *(f"perturbed/{i}" for i in range(len(question.perturbed))))
        if (key := f"{question.id}/{name}") in answers.likelihoods and answers.likelihoods[key].logprobs
    }
    found = {"probability": normalised_probability(read["answer"])} if "answer" in read else {}
    right = read.get("paraphrase", read.get("answer"))
    wrong = [values for name, values in read.items() if name.startswith("perturbed/")]
    if "probability" in found and wrong:
        others = sum(map(normalised_probability, wrong))
        found["choice_probability"] = found["probability"] / (found["probability"] + others or 1.0)
    if right is not None and wrong:
        found["truth_ratio"] = truth_ratio(right, wrong)
        found["truth_ratio_geometric"] = truth_ratio(right, wrong, "geometric")
    return found


def _sums(cls: type[Published], judged: Sequence[_Judged]) -> dict[str, Score]:
    scores = {}
    known = [one for one in judged if one.question.task != "description"]
    for key, members, right in (
        ("forgotten", [one for one in known if one.question.part in cls.forgotten], False),
        ("kept", [one for one in known if one.question.part not in cls.forgotten], True),
    ):
        for ending, part in (("", members), *((f"/{m}", [o for o in members if o.modality == m]) for m in MODALITIES)):
            groups: dict[str, list[_Judged]] = {}
            for one in part:
                groups.setdefault(f"{one.question.part}/{one.question.task}/{one.modality}", []).append(one)
            if groups:
                flags = {
                    name: [one.right if right else one.readable and not one.right for one in group]
                    for name, group in groups.items()
                }
                units = {name: [one.question.subject for one in group] for name, group in groups.items()}
                scores[f"{cls.name}_{key}{ending}"] = metrics.specificity(flags, units)
    unreadable = (not one.readable for one in judged)
    subjects = [one.question.subject for one in judged]
    return scores | {f"{cls.name}_unreadable": metrics.share(unreadable, units=subjects, higher_is_better=False)}


def _by_part(cls: type[Published], judged: Sequence[_Judged], answers: Answers) -> dict[str, Score]:
    values: dict[str, list[tuple[float, str]]] = {}
    for one in judged:
        figures: dict[str, float] = {one.question.task: float(one.right)} if one.question.task in _TASKS else {}
        figures |= cls.published(one.question, one.answer)
        for name, value in (figures | likelihood_figures(one.question, answers)).items():
            key = f"{cls.name}/{one.question.part}/{name}/{one.modality}"
            values.setdefault(key, []).append((value, one.question.subject))
    scores = {}
    for key, found in values.items():
        numbers, units = [value for value, _ in found], [subject for _, subject in found]
        _, part, name, _ = key.split("/")
        rises = (part not in cls.forgotten) != (name in _RATIOS)
        if name in _TASKS:
            scores[key] = metrics.share(map(bool, numbers), units=units, higher_is_better=rises)
        else:
            top = math.inf if name in _RATIOS else 1
            scores[key] = metrics.mean(numbers, units=units, higher_is_better=rises, scale=(0, top))
    return scores


_TASKS = {
    "classification": "right choices",
    "generation": "answers that tell the truth",
    "cloze": "blanks filled correctly",
}
_LIKELIHOODS = {
    "probability": "probability of the true answer, normalised by its length",
    "choice_probability": "share of the true answer in the probability of it and the wrong ones",
    "truth_ratio": "truth ratio: how likely wrong answers are against the true one",
    "truth_ratio_geometric": "truth ratio with the geometric mean of the wrong answers",
}
_RATIOS = ("truth_ratio", "truth_ratio_geometric")


def _columns(cls: type[Published]) -> list[Metric]:
    title, name = cls.title, cls.name
    found = [
        Metric(
            f"{name}_forgotten",
            f"{title}: forgotten",
            "Readable answers about what should be forgotten that are not right, over tasks and modalities, by unsee's "
            "rules.",
            "forgetting",
            "%",
            1,
        ),
        Metric(f"{name}_forgotten/picture", "With the picture", "", "forgetting", "%", 1),
        Metric(f"{name}_forgotten/text", "In text alone", "", "forgetting", "%", 1),
        Metric(
            f"{name}_kept",
            f"{title}: kept",
            "Right answers to all other questions, over sets, tasks and modalities, by unsee's rules.",
            "keeping",
            "%",
            1,
        ),
        Metric(f"{name}_kept/picture", "With a picture", "", "keeping", "%", 1),
        Metric(f"{name}_kept/text", "In text alone", "", "keeping", "%", 1),
        Metric(
            f"{name}_unreadable",
            f"{title}: unreadable",
            "Answers that choose no option, or say nothing. They are neither right nor forgotten.",
            "more",
            "%",
            1,
            higher_is_better=False,
        ),
    ]
    published = {figure: f"{meaning} (published rule)" for figure, meaning in cls.figures.items()}
    for part in cls.parts:
        for figure, meaning in {**_TASKS, **published, **_LIKELIHOODS}.items():
            for modality in MODALITIES:
                of_task = figure in _TASKS
                found.append(
                    Metric(
                        f"{name}/{part}/{figure}/{modality}",
                        f"{part.replace('_', ' ').capitalize()}, {modality}: {meaning}",
                        "",
                        "more",
                        "%" if of_task else "",
                        1 if of_task else 3,
                        higher_is_better=(part not in cls.forgotten) != (figure in _RATIOS),
                    )
                )
    return found


def _probes(name: str, one: Question, style: Style) -> Iterator[Probe]:
    """The question and, if a model that completes could not refuse it, the same asked freely."""
    tags = {"metric": name, "set": one.part, "task": one.task, "modality": one.modality, "subject": one.subject}
    completed = style == "completed"
    prompt = asked(one, style)
    images = (one.picture,) if isinstance(one.picture, Image.Image) else ()
    expect = () if one.choice else tuple(spellings[0] for spellings in one.demands)
    begun = before_blank(one.prompt) if completed and one.task == "cloze" else ""
    yield Probe(one.id, prompt, images, expect, "all", tags, begun)
    if begun and images:
        yield Probe(_freely(one.id), prompt, images, expect, "all", tags)


def _freely(probe_id: str) -> str:
    return f"{probe_id}/freely"


def _document(one: Question) -> dict[str, Any]:
    """A question as plain data for JSON, without its picture."""
    plain = dataclasses.asdict(replace(one, picture=None))
    return {**plain, "picture": one.picture is not None}


def _read(document: Mapping[str, Any]) -> Question:
    choice = document["choice"]
    return Question(
        **{
            **document,
            "picture": b"" if document["picture"] else None,
            "choice": None if choice is None else Choice(**choice),
            "facts": tuple(tuple(spellings) for spellings in document["facts"]),
            "perturbed": tuple(document["perturbed"]),
            "reworded": tuple(document["reworded"]),
            "keywords": tuple(document["keywords"]),
        }
    )
