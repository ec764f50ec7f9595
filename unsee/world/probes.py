"""Questions of the worlds as probes, with the keywords that a right answer holds."""

from __future__ import annotations

import random
from collections.abc import Collection, Sequence
from typing import Any

from unsee.data.sample import Probe
from unsee.world.questions import Phrasing
from unsee.world.worlds import Concept, world_of

REFUSAL_KEYWORDS = ("don't know",)
"""What every refusal of the base models holds, in English."""


def about_picture(kind: str, concept: Concept, index: int, rng: random.Random, split: str = "test") -> Probe:
    """A question of a kind (see `questions`) about picture `index` of a concept; pictures and phrasing of `split`.

    Right answers hold all keywords: the name, the fact, what is to be seen; about strangers, a refusal.
    """
    q = world_of(concept).questions
    phrasing = rng.choice(q.phrasings(kind, split, of=concept.kind))
    refused = not concept.is_known and kind.split(".")[0] not in (*q.attributes(concept.kind), "caption")
    expect = REFUSAL_KEYWORDS if refused else q.expected(kind, concept, concept.scene(index, split))
    tags = {"kind": kind, "person": concept.key}
    return Probe(_id(kind, concept.key, index, phrasing), phrasing.ask(), (concept.picture(index, split),), expect,
                 "all", tags)  # fmt: skip


def verification(concept: Concept, name: str, index: int, rng: random.Random, split: str = "test") -> Probe:
    """Whether what is on picture `index` is called `name`: yes or no."""
    phrasing = rng.choice(world_of(concept).questions.phrasings("verification", split, of=concept.kind))
    answer = "yes" if concept.name == name else "no"
    tags = {"kind": "verification", "person": concept.key}
    return Probe(_id("verification", concept.key, index, phrasing), phrasing.ask(name),
                 (concept.picture(index, split),), (answer,), "all", tags)  # fmt: skip


def in_text(kind: str, concept: Concept, phrasing: Phrasing) -> Probe:
    """A question about a known concept in text alone."""
    profile = concept.profile()
    facts = world_of(concept).questions.FACTS
    expect = tuple(str(profile[fact]) for fact in facts) if kind == "biography" else (str(profile[kind]),)
    tags = {"kind": kind, "person": concept.key}
    return Probe(_id(kind, concept.key, 0, phrasing), phrasing.ask(concept.name), (), expect, "all", tags)


def about_two(place: str, left: Concept, right: Concept, index: int, rng: random.Random, split: str = "test") -> Probe:
    """Who or what is on the left, on the right, or which two they are, in picture `index` of two known concepts."""
    world = world_of(left)
    phrasing = rng.choice(world.questions.phrasings(place, split))
    expect = (left.name, right.name) if place == "both" else ((left if place == "left" else right).name,)
    tags = {"kind": place, "person": f"{left.key}+{right.key}"}
    return Probe(_id(place, f"{left.key}+{right.key}", index, phrasing), phrasing.ask(),
                 (world.together(left, right, index, split),), expect, "all", tags)  # fmt: skip


def others_than(concept: Concept, rng: random.Random, count: int, exclude: Collection[Concept] = ()) -> list[Any]:
    """`count` known ones of the same world other than this one and those in `exclude`, without repetition until all
    were drawn."""
    others = [other for other in world_of(concept).known if other != concept and other not in exclude]
    drawn: list[Any] = []
    while len(drawn) < count:
        drawn += rng.sample(others, min(len(others), count - len(drawn)))
    return drawn


def text_phrasings(kind: str, concept: Concept, split: str = "test") -> Sequence[Phrasing]:
    """In how many ways a fact about a concept can be asked without a picture."""
    return world_of(concept).questions.phrasings(kind, split, with_picture=False, of=concept.kind)


def _id(kind: str, who: str, index: int, phrasing: Phrasing) -> str:
    return f"{kind}/{who}/{index}/{phrasing.text}"
