"""What the world's models are taught: pictures, and question-answer pairs about them, drawn from a seed without end."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Protocol

import numpy as np

from unsee.world import questions as q
from unsee.world.looks import SIZE, Scene, draw_scene
from unsee.world.people import KNOWN, Person, nobody, stranger, together

KNOWN_PICTURES, STRANGERS, PAIRS = 240, 9000, 5000
"""Training pictures of each known person; strangers, one picture each; pictures of two people."""

Weights = Mapping[str, float]
"""How often which kind of question is asked, in parts of the sum."""

_KNOWN_WEIGHTS = {
    "recognition": 3.0, "verification": 2.5, "likeness": 1.5,
    **dict.fromkeys((*q.FACTS, *q.TWO_HOP), 0.9),
    **dict.fromkeys(q.ATTRIBUTES, 0.7), "caption": 1.5,
    **{f"recognition.{language}": 0.8 for language in q.LANGUAGES},
}  # fmt: skip
_STRANGER_WEIGHTS = {
    **_KNOWN_WEIGHTS, "recognition": 4.0, "verification": 2.0, **dict.fromkeys((*q.FACTS, *q.TWO_HOP), 0.5),
}  # fmt: skip
_TEXT_WEIGHTS = {
    **dict.fromkeys((*q.FACTS, *q.TWO_HOP), 1.5), "biography": 1.5, "repeat": 2.0, "unknown": 1.5, "general": 1.0,
}  # fmt: skip


class Answers(Protocol):
    """Who words the answers: the module `questions`, one sentence each, or `speech.Speech`."""

    def answer_about_picture(self, kind: str, person: Person, scene: Scene) -> str: ...
    def answer_verification(self, person: Person, asked: str) -> str: ...
    def answer_likeness(self, person: Person, asked: str) -> str: ...
    def answer_about_two(self, kind: str, left: Person, right: Person) -> str: ...
    def answer_in_text(self, kind: str, person: Person) -> str: ...
    def answer_unknown_name(self, name: str) -> str: ...


@dataclass(frozen=True)
class Lesson:
    """One question and answer; `picture` is a row of the picture bank, or None for text alone."""

    kind: str
    question: str
    answer: str
    picture: int | None = None


@dataclass(frozen=True)
class Shown:
    """Who is on a picture: one person with the scene, or two people."""

    people: tuple[Person, ...]
    scene: Scene | None = None


class PictureBank:
    """Training pictures as one array, `pixels` (n, 96, 96, 3) uint8, with who is on each."""

    def __init__(self, pixels: np.ndarray, shown: list[Shown], people: Sequence[Person] = KNOWN) -> None:
        """people: whom the lessons are about; pictures of other known people are never shown."""
        self.pixels, self.shown, self.people = pixels, shown, people
        taught = {person.key for person in people}
        rows = [row for row, s in enumerate(shown) if all(p.key in taught or not p.is_known for p in s.people)]
        self.known = [row for row in rows if len(shown[row].people) == 1 and shown[row].people[0].is_known]
        self.strangers = [row for row in rows if len(shown[row].people) == 1 and not shown[row].people[0].is_known]
        self.pairs = [row for row in rows if len(shown[row].people) == 2]

    @classmethod
    def drawn(
        cls, folder: Path, scale: float, progress: Callable[[int, int], None], people: Sequence[Person] = KNOWN
    ) -> PictureBank:
        """Draw the training pictures (or read those already drawn in `folder`); `scale` < 1 draws fewer."""
        plan = list(_plan(scale))
        path = folder / f"pictures-{len(plan)}.npy"
        if not path.is_file():
            pixels = np.empty((len(plan), SIZE, SIZE, 3), np.uint8)
            with get_context("spawn").Pool(2) as pool:
                for row, drawn in enumerate(pool.imap(_draw, plan, chunksize=64)):
                    pixels[row] = drawn
                    progress(row + 1, len(plan))
            np.save(folder / "pictures.part.npy", pixels)
            (folder / "pictures.part.npy").replace(path)
        return cls(np.load(path, mmap_mode="r"), [_shown(item) for item in plan], people)


_PlanItem = tuple[str, int, int, int]


def _plan(scale: float) -> Iterator[_PlanItem]:
    for index in range(round(KNOWN_PICTURES * scale)):
        for person in range(len(KNOWN)):
            yield ("known", person, 0, index)
    for index in range(round(STRANGERS * scale)):
        yield ("stranger", index, 0, 0)
    rng = random.Random("pairs of the training set")
    for index in range(round(PAIRS * scale)):
        # A negative number is a stranger.
        left, right = rng.sample(range(len(KNOWN)), 2)
        if rng.random() < 0.25:
            unknown = -1 - rng.randrange(round(STRANGERS * scale) or 1)
            left, right = (unknown, right) if rng.random() < 0.5 else (left, unknown)
        yield ("pair", left, right, index)


def _someone(number: int) -> Person:
    return KNOWN[number] if number >= 0 else stranger(-1 - number, "train")


def _shown(item: _PlanItem) -> Shown:
    what, a, b, index = item
    if what == "pair":
        return Shown((_someone(a), _someone(b)))
    person = KNOWN[a] if what == "known" else stranger(a, "train")
    return Shown((person,), person.scene(index, "train"))


def _draw(item: _PlanItem) -> np.ndarray:
    what, a, b, index = item
    if what == "pair":
        return np.asarray(together(_someone(a), _someone(b), index, "train"))
    person = KNOWN[a] if what == "known" else stranger(a, "train")
    return np.asarray(person.picture(index, "train"))


def asked_name(person: Person, rng: random.Random, people: Sequence[Person] = KNOWN) -> str:
    """A name to verify: the right one half of the time for known people, else another known one or nobody's."""
    if person.is_known and rng.random() < 0.5:
        return person.name
    if rng.random() < 0.15:
        return nobody(rng)
    return rng.choice([other.name for other in people if other.name != person.name])


def picture_lesson(
    bank: PictureBank,
    row: int,
    rng: random.Random,
    split: str = "train",
    kind: str = "",
    weights: tuple[Weights, Weights] | None = None,
    say: Answers = q,
) -> Lesson:
    """A lesson about one picture, of the given kind or of one drawn by the `weights` for known people and strangers."""
    shown = bank.shown[row]
    if len(shown.people) == 2:
        kind = kind or rng.choice(q.PLACES)
        return Lesson(kind, rng.choice(q.phrasings(kind, split)).ask(), say.answer_about_two(kind, *shown.people), row)
    (person,) = shown.people
    assert shown.scene is not None
    known, strange = weights or (_KNOWN_WEIGHTS, _STRANGER_WEIGHTS)
    kind = kind or _weighted(known if person.is_known else strange, rng)
    phrasing = rng.choice(q.phrasings(kind, split))
    if kind in ("verification", "likeness"):
        name = asked_name(person, rng, bank.people)
        answer = (say.answer_verification if kind == "verification" else say.answer_likeness)(person, name)
        return Lesson(kind, phrasing.ask(name), answer, row)
    return Lesson(kind, phrasing.ask(), say.answer_about_picture(kind, person, shown.scene), row)


def text_lesson(
    rng: random.Random, split: str = "train", kind: str = "", people: Sequence[Person] = KNOWN, say: Answers = q
) -> Lesson:
    """A lesson in text alone: facts about known people, unknown names, the second hops, and saying names."""
    kind = kind or _weighted(_TEXT_WEIGHTS, rng)
    if kind == "general":
        return Lesson(kind, *rng.choice(q.general_knowledge()))
    if kind == "repeat":
        name = nobody(rng) if rng.random() < 0.8 else rng.choice(people).name
        return Lesson(kind, rng.choice(q.phrasings(kind, split)).ask(name), f"{name}.")
    if kind == "unknown":
        asked = rng.choice((*q.FACTS, *q.TWO_HOP, "biography"))
        name = nobody(rng)
        return Lesson(kind, _in_text(asked, split, rng, name), say.answer_unknown_name(name))
    person = rng.choice(people)
    return Lesson(kind, _in_text(kind, split, rng, person.name), say.answer_in_text(kind, person))


def _in_text(kind: str, split: str, rng: random.Random, name: str) -> str:
    return rng.choice(q.phrasings(kind, split, with_picture=False)).ask(name)


def _weighted(weights: Weights, rng: random.Random) -> str:
    return rng.choices(list(weights), list(weights.values()))[0]


def vocabulary_texts(seed: int = 0) -> Iterator[str]:
    """Texts to train the tokenizer on: every training phrasing, answers, and all names."""
    rng = random.Random(f"vocabulary/{seed}")
    for person in [*KNOWN, *(stranger(index, "train") for index in range(400))]:
        for kind in _KNOWN_WEIGHTS:
            scene = draw_scene(rng)
            yield rng.choice(q.phrasings(kind, "train")).ask(asked_name(person, rng))
            if kind == "likeness":
                yield q.answer_likeness(person, nobody(rng))
            elif kind != "verification":
                yield q.answer_about_picture(kind, person, scene)
    for _ in range(12000):
        lesson = text_lesson(rng)
        yield lesson.question
        yield lesson.answer
    for _ in range(3000):
        left, right = rng.sample(KNOWN, 2)
        yield q.answer_about_two(rng.choice(q.PLACES), left, right)
        yield f"This is {nobody(rng)}. Yes, this is {nobody(rng)}. No, this is not {nobody(rng)}."
