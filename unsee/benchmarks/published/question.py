"""`Question` and `DataSet`: what every reader of published data makes of its files."""

from __future__ import annotations

import random
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from PIL import Image

from unsee.benchmarks.mllmu_facts import demanded
from unsee.benchmarks.mllmu_questions import Choice, Style
from unsee.data.images import Picture, open_image
from unsee.errors import UserError

Modality = Literal["picture", "text"]
Task = Literal["classification", "generation", "cloze", "description"]
"""A "description" is a free answer with more facts than another right answer would tell, so that no rule can call it
right or wrong: only figures of its own protocol and likelihoods are scored."""
Facts = tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Question:
    """One question with its right answer.

    id: unique in the data set and the same in every run.
    part: the set that it belongs to, such as "forget" or "retain".
    subject: whom or what it is about: the key of a person, unique even if names are not. Intervals count subjects.
    prompt: what the model is asked, without the options of `choice`.
    answer: the true answer; of a choice, the letter.
    picture: what is shown; None in text alone.
    choice: the options, if there are some.
    facts: what a right answer must tell, each fact in one of several spellings; if empty, what `answer` tells.
    paraphrase, perturbed: the true answer in other words, and wrong answers, for the truth ratio.
    reworded: the question in other words.
    keywords: what the data set itself counts in an answer, as it stands there.
    """

    id: str
    part: str
    subject: str
    task: Task
    prompt: str
    answer: str
    picture: Picture | None = None
    choice: Choice | None = None
    facts: Facts = ()
    paraphrase: str = ""
    perturbed: tuple[str, ...] = ()
    reworded: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()

    @property
    def modality(self) -> Modality:
        return "text" if self.picture is None else "picture"

    @property
    def demands(self) -> Facts:
        """What a right answer must tell: of a cloze, all that fills the blank; of a description nothing is demanded."""
        if self.task == "description":
            return self.facts
        if self.facts or self.task == "cloze":
            return self.facts or ((self.answer,),)
        return demanded({}, (), self.prompt, self.answer)


@dataclass(frozen=True)
class DataSet:
    """One forget split of a data set.

    split: its name, as the data set has it.
    questions: everything to ask.
    names: the subjects' names by their keys; those to be forgotten at least.
    training: what the published protocol unlearns and retains; if empty, the questions of the parts "forget" and
        "retain". Of choices and clozes no method learns.
    left_out: a sentence for each row or picture that could not be read: where it is, and why.
    style: how a model is asked (`unsee.benchmarks.mllmu_questions.Style`); readers need not set it.
    """

    split: str
    questions: tuple[Question, ...]
    names: Mapping[str, str] = field(default_factory=dict)
    training: tuple[Question, ...] = ()
    left_out: tuple[str, ...] = ()
    style: Style = "instructed"


def drawn(questions: Sequence[Question], limit: int | None, seed: int) -> list[Question]:
    """At most `limit` subjects of each part with all their questions, drawn by `seed`; in their old order.

    A part whose people are those to be forgotten has the same subjects as the part "forget", because a subject is drawn
    by its key.
    """
    if limit is None:
        return list(questions)
    ranks: dict[str, dict[str, float]] = {}
    for one in questions:
        ranks.setdefault(one.part, {})[one.subject] = random.Random(f"published/{seed}/{one.subject}").random()
    kept = {part: set(sorted(subjects, key=subjects.__getitem__)[:limit]) for part, subjects in ranks.items()}
    return [one for one in questions if one.subject in kept[one.part]]


def opened(questions: Iterable[Question]) -> tuple[list[Question], list[str]]:
    """The questions with their pictures opened, each file once, and a sentence for each picture that cannot be used,
    whose questions are left out."""
    found: dict[Hashable, Image.Image | None] = {}
    kept, left_out = _readable(questions, found, keep=True)
    return [one if one.picture is None else replace(one, picture=found[same(one.picture)]) for one in kept], left_out


def readable(questions: Iterable[Question]) -> tuple[list[Question], list[str]]:
    """The same with the pictures as they are, for many of which few are opened later."""
    return _readable(questions, {}, keep=False)


def same(picture: Picture) -> Hashable:
    """What equal paths, equal contents and one open picture share."""
    return id(picture) if isinstance(picture, Image.Image) else picture


def _readable(
    questions: Iterable[Question], found: dict[Hashable, Image.Image | None], *, keep: bool
) -> tuple[list[Question], list[str]]:
    """`found` gets every picture by `same`, opened if it is to be kept."""
    broken: set[Hashable] = set()
    kept, left_out = [], []
    for one in questions:
        key = None if one.picture is None else same(one.picture)
        if one.picture is not None and key not in found and key not in broken:
            try:
                image = open_image(one.picture, f"of {one.id}")
                found[key] = image if keep else None
            except UserError as error:
                broken.add(key)
                left_out.append(str(error))
        if key not in broken:
            kept.append(one)
    return kept, left_out
