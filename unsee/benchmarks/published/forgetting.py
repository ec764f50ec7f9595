"""What the forget split of a data set asks to forget: requests with the data set's own forget and retain sets."""

from __future__ import annotations

import random
from abc import abstractmethod
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Self

from unsee.benchmarks.base import Benchmark, Scope
from unsee.benchmarks.published.question import DataSet, Question, readable, same
from unsee.errors import UserError, did_you_mean
from unsee.requests import Example, ForgetRequest, Where

FORGET, RETAIN = "forget", "retain"
"""The parts of the training set."""
PLACES = ("forgotten", "forgotten/picture", "forgotten/text", "kept", "kept/picture", "kept/text")
RETAINED = 1000
"""Questions to retain in all requests together, at most: each is opened, checked and digested with its picture."""
NEIGHBOURS = 8


@dataclass(frozen=True)
class ToForget:
    """Requests to be forgotten together; `notes` say what of the data set is not in them."""

    requests: tuple[ForgetRequest, ...]
    notes: tuple[str, ...] = ()


class WithSplits(Benchmark):
    """A benchmark about a data set that has forget splits, and so brings requests.

    `title` is what a reader calls it. `splits` are the names of its forget splits, the default one first. `table` has
    the keys of the columns that say what was forgotten and what was kept, in all and by modality, by `PLACES`.
    `members`: what its subjects are called.
    """

    title: ClassVar[str]
    members: ClassVar[str] = "people"
    splits: ClassVar[Sequence[str]]
    split: str

    @classmethod
    @abstractmethod
    def table(cls) -> dict[str, str]: ...

    @classmethod
    @abstractmethod
    def of(cls, scope: Scope) -> Self:
        """The questions of the split `scope.split`, or of the default one."""

    @abstractmethod
    def data(self) -> DataSet:
        """The data set's training set in `training`, and the names."""

    @classmethod
    def split_of(cls, scope: Scope) -> str:
        """The name of the split that a scope means. Raises UserError if there is none of that name, or if a request
        would have to be the split."""
        if scope.split is None and scope.requests:
            place = scope.location or cls.name
            raise UserError(
                f"{cls.title} is about a forget split of several people; evaluate it with unsee evaluate --benchmark "
                f"{place} --split {cls.splits[0]}, or forget what it names with unsee forget --from {place}."
            )
        split = scope.split or cls.splits[0]
        if split not in cls.splits:
            raise UserError(
                f"{cls.title} has no forget split {split!r}{did_you_mean(split, cls.splits)} Choose from "
                f"{', '.join(cls.splits)}."
            )
        return split

    def retained(self) -> tuple[Example, ...]:
        """All of the retain set that a method can learn: what an oracle is fine-tuned on."""
        kept, _ = readable(one for one in _learnt(self.data()) if one.part == RETAIN)
        return tuple(map(_example, kept))

    def to_forget(self, where: Where | None = None, seed: int = 0) -> ToForget:
        """A request for each subject of the split. where: in what they are to be forgotten; by default in all that the
        forget set has. Raises UserError if nothing is left to forget."""
        data = self.data()
        made = requests_of(data, self.title, where, seed)
        unread = (f"Not trained on: {line}" for line in data.left_out if line not in self.left_out)
        return replace(made, notes=(*unread, *made.notes))


def requests_of(data: DataSet, title: str, where: Where | None = None, seed: int = 0) -> ToForget:
    """The requests of a data set called `title`: `WithSplits.to_forget`.

    What a method cannot learn, choices and clozes, is left out. If a subject is to be forgotten in one modality, what
    the forget set asks about it in the other one is retained. The rest of the retain set is dealt out to the requests.
    """
    learnt = _learnt(data)
    forget, broken = readable(one for one in learnt if one.part == FORGET)
    there = {one.modality for one in forget}
    if not there:
        why = f" (left out: {'; '.join(broken[:3])})" if broken else ""
        raise UserError(f"The split {data.split!r} of {title} has nothing that a method can learn to forget{why}.")
    if where is not None and where not in _possible(there):
        only = _possible(there)[0]
        raise UserError(
            f"The forget set of {title}, {data.split}, is in {only} only, so nothing can be forgotten in {where}; "
            f"give {only}, or leave it out."
        )
    wanted = where or _possible(there)[-1]
    notes = [f"Not trained on: {line}" for line in broken]
    by_subject: dict[str, list[Question]] = {}
    for one in forget:
        by_subject.setdefault(one.subject, []).append(one)
    made = [found for subject, own in by_subject.items() if (found := _request(data, subject, own, wanted))]
    if len(made) < len(by_subject):
        notes.append(f"{len(by_subject) - len(made)} of {len(by_subject)} subjects have nothing to forget in {wanted}.")
    retain, more = _drawn([one for one in learnt if one.part == RETAIN], seed)
    names = sorted({data.names[one.subject] for one in retain if one.subject in data.names})
    others = [name for name in names if name not in {request.concept for request in made}]
    rng = random.Random(f"neighbours/{seed}")
    dealt = [
        replace(
            request,
            retain=(*request.retain, *map(_example, retain[number :: len(made)])),
            neighbours=tuple(rng.sample(others, min(NEIGHBOURS, len(others)))),
        )
        for number, request in enumerate(made)
    ]
    return ToForget(tuple(dealt), (*notes, *more))


def _learnt(data: DataSet) -> list[Question]:
    """The training set without choices and clozes."""
    return [one for one in data.training or data.questions if one.task == "generation"]


def _possible(there: Collection[str]) -> tuple[Where, ...]:
    """Where what is there, by modality, can be forgotten; everything of it last."""
    if "text" not in there:
        return ("pictures",)
    return ("pictures", "text", "both") if "picture" in there else ("text",)


def _request(data: DataSet, subject: str, own: Sequence[Question], where: Where) -> ForgetRequest | None:
    """None if there is nothing to forget about the subject in that modality."""
    possible = _possible({one.modality for one in own})
    if where == "both":
        where = possible[-1]
    elif where not in possible:
        return None
    left = {"pictures": ("picture",), "text": ("text",), "both": ("picture", "text")}[where]
    return ForgetRequest(
        data.names.get(subject, subject),
        tuple({same(one.picture): one.picture for one in own if one.picture is not None}.values()),
        forget=tuple(_example(one) for one in own if one.modality in left),
        retain=tuple(_example(one) for one in own if one.modality not in left),
        where=where,
    )


def _example(one: Question) -> Example:
    return Example(one.prompt, one.answer, one.picture)


def _drawn(retain: Sequence[Question], seed: int) -> tuple[list[Question], list[str]]:
    """At most `RETAINED` questions in random order, and a sentence if that is not all."""
    shuffled = random.Random(f"retain/{seed}").sample(retain, len(retain))
    kept, broken = readable(shuffled[:RETAINED])
    notes = [f"Not trained on: {line}" for line in broken]
    if len(retain) > RETAINED:
        notes.append(f"Of {len(retain):,} questions to retain, {RETAINED:,} are used; the seed draws them.")
    return kept, notes
