"""What the world's models are taught: pictures, and question-answer pairs about them, drawn from a seed without end."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from unsee.world.looks import SIZE
from unsee.world.worlds import PEOPLE, WORLDS, Answers, Concept, World

KNOWN_PICTURES, STRANGERS, PAIRS = 9600, 9000, 5000
"""Training pictures of the known ones in turn; strangers, one picture each; pictures of two."""

Weights = Mapping[str, float]
"""How often which kind of question is asked, in parts of the sum."""


def known_weights(world: World, of: str) -> Weights:
    """How often which question is asked about a known one of the kind `of`."""
    q = world.questions
    return {
        "recognition": 3.0, "verification": 2.5, "likeness": 1.5,
        **dict.fromkeys((*q.FACTS, *q.TWO_HOP), 0.9),
        **dict.fromkeys(q.attributes(of), 0.7), "caption": 1.5,
        **{f"recognition.{language}": 0.8 for language in q.LANGUAGES},
    }  # fmt: skip


def stranger_weights(world: World, of: str) -> Weights:
    q = world.questions
    return {
        **known_weights(world, of), "recognition": 4.0, "verification": 2.0,
        **dict.fromkeys((*q.FACTS, *q.TWO_HOP), 0.5),
    }  # fmt: skip


def text_weights(world: World) -> Weights:
    q = world.questions
    return {
        **dict.fromkeys((*q.FACTS, *q.TWO_HOP), 1.5), "biography": 1.5, "repeat": 2.0, "unknown": 1.5, "general": 1.0,
    }  # fmt: skip


@dataclass(frozen=True)
class Lesson:
    """One question and answer; `picture` is a row of the picture bank, or None for text alone."""

    kind: str
    question: str
    answer: str
    picture: int | None = None


@dataclass(frozen=True)
class Shown:
    """Who or what is on a picture: one with the scene, or two."""

    people: tuple[Any, ...]
    scene: Any = None


class PictureBank:
    """Training pictures as one array, `pixels` (n, 96, 96, 3) uint8, with who or what is on each."""

    def __init__(
        self, pixels: np.ndarray, shown: list[Shown], people: Sequence[Concept] = (), world: World = PEOPLE
    ) -> None:
        """people: whom the lessons are about; pictures of other known ones are never shown. Everyone unless given."""
        self.pixels, self.shown, self.world = pixels, shown, world
        self.people = people or world.known
        taught = {person.key for person in self.people}
        rows = [row for row, s in enumerate(shown) if all(p.key in taught or not p.is_known for p in s.people)]
        self.known = [row for row in rows if len(shown[row].people) == 1 and shown[row].people[0].is_known]
        self.strangers = [row for row in rows if len(shown[row].people) == 1 and not shown[row].people[0].is_known]
        self.pairs = [row for row in rows if len(shown[row].people) == 2]

    @classmethod
    def drawn(
        cls,
        folder: Path,
        scale: float,
        progress: Callable[[int, int], None],
        people: Sequence[Concept] = (),
        world: World = PEOPLE,
    ) -> PictureBank:
        """Draw the training pictures (or read those already drawn in `folder`); `scale` < 1 draws fewer."""
        plan = list(_plan(world, scale))
        path = folder / f"{world.name}-{len(plan)}.npy"
        if not path.is_file():
            pixels = np.empty((len(plan), SIZE, SIZE, 3), np.uint8)
            with get_context("spawn").Pool(2) as pool:
                for row, drawn in enumerate(pool.imap(_draw, plan, chunksize=64)):
                    pixels[row] = drawn
                    progress(row + 1, len(plan))
            np.save(folder / "pictures.part.npy", pixels)
            (folder / "pictures.part.npy").replace(path)
        return cls(np.load(path, mmap_mode="r"), [_shown(item) for item in plan], people, world)


_PlanItem = tuple[str, str, int, int, int]
"""World, what is shown ("known", "stranger" or "pair"), two numbers of who, and that of the picture."""


def _plan(world: World, scale: float) -> Iterator[_PlanItem]:
    known, strangers = len(world.known), round(STRANGERS * scale)
    for index in range(round(KNOWN_PICTURES / known * scale)):
        for number in range(known):
            yield (world.name, "known", number, 0, index)
    for index in range(strangers):
        yield (world.name, "stranger", index, 0, 0)
    rng = random.Random("pairs of the training set")
    for index in range(round(PAIRS * scale)):
        # A negative number is a stranger.
        left, right = rng.sample(range(known), 2)
        if rng.random() < 0.25:
            unknown = -1 - rng.randrange(strangers or 1)
            left, right = (unknown, right) if rng.random() < 0.5 else (left, unknown)
        yield (world.name, "pair", left, right, index)


def _someone(world: World, number: int) -> Concept:
    someone: Concept = world.known[number] if number >= 0 else world.stranger(-1 - number, "train")
    return someone


def _shown(item: _PlanItem) -> Shown:
    name, what, a, b, index = item
    world = _world(name)
    if what == "pair":
        return Shown((_someone(world, a), _someone(world, b)))
    someone = _someone(world, a if what == "known" else -1 - a)
    return Shown((someone,), someone.scene(index, "train"))


def _draw(item: _PlanItem) -> np.ndarray:
    name, what, a, b, index = item
    world = _world(name)
    if what == "pair":
        return np.asarray(world.together(_someone(world, a), _someone(world, b), index, "train"))
    return np.asarray(_someone(world, a if what == "known" else -1 - a).picture(index, "train"))


def _world(name: str) -> World:
    return next(world for world in WORLDS if world.name == name)


def asked_name(concept: Concept, rng: random.Random, people: Sequence[Concept], world: World) -> str:
    """A name to verify: the right one half of the time for known ones, else another known one's or nobody's.

    Other names are of the same kind twice in three: what is hard to tell apart.
    """
    if concept.is_known and rng.random() < 0.5:
        return concept.name
    if rng.random() < 0.15:
        return world.nobody(rng, concept.kind)
    others = [other for other in people if other.name != concept.name]
    alike = [other for other in others if other.kind == concept.kind]
    if len(world.kinds) > 1 and alike and rng.random() < 2 / 3:
        others = alike
    return rng.choice([other.name for other in others])


def picture_lesson(
    bank: PictureBank,
    row: int,
    rng: random.Random,
    split: str = "train",
    kind: str = "",
    weights: tuple[Weights, Weights] | None = None,
    say: Answers | None = None,
) -> Lesson:
    """A lesson about one picture, of the given kind or of one drawn by the `weights` for known ones and strangers.

    say: who words the answers; the world's own questions unless given.
    """
    shown, q = bank.shown[row], bank.world.questions
    say = say or q
    if len(shown.people) == 2:
        kind = kind or rng.choice(q.PLACES)
        return Lesson(kind, rng.choice(q.phrasings(kind, split)).ask(), say.answer_about_two(kind, *shown.people), row)
    (concept,) = shown.people
    assert shown.scene is not None
    if not kind:
        known, strange = weights or (
            known_weights(bank.world, concept.kind),
            stranger_weights(bank.world, concept.kind),
        )
        kind = _weighted(known if concept.is_known else strange, rng)
    phrasing = rng.choice(q.phrasings(kind, split, of=concept.kind))
    if kind in ("verification", "likeness"):
        name = asked_name(concept, rng, bank.people, bank.world)
        answer = (say.answer_verification if kind == "verification" else say.answer_likeness)(concept, name)
        return Lesson(kind, phrasing.ask(name), answer, row)
    return Lesson(kind, phrasing.ask(), say.answer_about_picture(kind, concept, shown.scene), row)


def text_lesson(
    rng: random.Random,
    split: str = "train",
    kind: str = "",
    people: Sequence[Concept] = (),
    say: Answers | None = None,
    world: World = PEOPLE,
) -> Lesson:
    """A lesson in text alone: facts about known ones, unknown names, the second hops, and saying names."""
    q, people = world.questions, people or world.known
    say = say or q
    kind = kind or _weighted(text_weights(world), rng)
    if kind == "general":
        return Lesson(kind, *rng.choice(q.general_knowledge()))
    if kind == "repeat":
        someone = rng.random() >= 0.8
        name = rng.choice(people).name if someone else _nobody(rng, world)[0]
        return Lesson(kind, rng.choice(q.phrasings(kind, split)).ask(name), f"{name}.")
    if kind == "unknown":
        asked = rng.choice((*q.FACTS, *q.TWO_HOP, "biography"))
        name, of = _nobody(rng, world)
        return Lesson(kind, _in_text(asked, split, rng, name, of, world), say.answer_unknown_name(name))
    concept = rng.choice(people)
    asking = _in_text(kind, split, rng, concept.name, concept.kind, world)
    return Lesson(kind, asking, say.answer_in_text(kind, concept))


def _nobody(rng: random.Random, world: World) -> tuple[str, str]:
    """A name of nobody, and the kind it is a name of."""
    of = rng.choice(world.kinds) if len(world.kinds) > 1 else world.kinds[0]
    return world.nobody(rng, of), of


def _in_text(kind: str, split: str, rng: random.Random, name: str, of: str, world: World) -> str:
    return rng.choice(world.questions.phrasings(kind, split, with_picture=False, of=of)).ask(name)


def _weighted(weights: Weights, rng: random.Random) -> str:
    return rng.choices(list(weights), list(weights.values()))[0]


def vocabulary_texts(seed: int = 0, world: World = PEOPLE) -> Iterator[str]:
    """Texts to train the tokenizer on: every training phrasing, answers, and all names."""
    rng = random.Random(f"vocabulary/{seed}")
    q = world.questions
    for concept in [*world.known, *(world.stranger(index, "train") for index in range(400))]:
        for kind in known_weights(world, concept.kind):
            scene = world.draw_scene(rng, concept)
            phrasing = rng.choice(q.phrasings(kind, "train", of=concept.kind))
            yield phrasing.ask(asked_name(concept, rng, world.known, world))
            if kind == "likeness":
                yield q.answer_likeness(concept, world.nobody(rng, concept.kind))
            elif kind != "verification":
                yield q.answer_about_picture(kind, concept, scene)
    for _ in range(12000):
        lesson = text_lesson(rng, world=world)
        yield lesson.question
        yield lesson.answer
    for _ in range(3000):
        left, right = rng.sample(world.known, 2)
        yield q.answer_about_two(rng.choice(q.PLACES), left, right)
        names = [_nobody(rng, world)[0] for _ in range(3)]
        yield f"This is {names[0]}. Yes, this is {names[1]}. No, this is not {names[2]}."
