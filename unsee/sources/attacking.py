"""What attacks are made of: pictures, wordings, facts and names, of the concept and of strangers in its place.

In the embedded worlds all of it is of the test split, in pictures that no benchmark asks about; what an attacker learns
from is of the training split. For any other model it comes from the request and the words of its kind.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice

from PIL import Image

from unsee.attacks.base import Fact, Material, Other, Pair, Shown, Wordings
from unsee.attacks.dressing import without_names
from unsee.data.images import open_image
from unsee.requests import ForgetRequest
from unsee.sources.world import is_of_the_world
from unsee.world import Concept, World, find, world_of
from unsee.world.questions import Phrasing

PICTURES = {"quick": 8, "standard": 12, "full": 24}
"""Tested pictures of the concept, by the level of the audit, and strangers in its place, on one picture each."""
TAUGHT, OTHERS, OF_OTHERS, KEPT_STRANGERS = 20, 8, 2, 12
LEARNING_STRANGERS = {"quick": 1, "standard": 4, "full": 6}
"""Strangers of whom each is taught a known name of its own; quick attacks teach nobody."""
# Pictures of a split by use: no benchmark asks about these (see `unsee.benchmarks.world`).
_TESTED, _TAUGHT, _PAIRS, _OTHERS = 20_000, 21_000, 22_000, 23_000
# Among so many unknown ones, from this number on, the look-alikes are sought: apart from all other strangers.
_LOOK_ALIKES, _SOUGHT = 20_000, 200
_WORDINGS, _PER_FACT, _PER_LANGUAGE, _TEACHING = 6, 3, 4, 8


def material_of(
    request: ForgetRequest,
    model: str,
    level: str = "standard",
    seed: int = 0,
    test_images: Sequence[Image.Image] = (),
    exclude: Sequence[str] = (),
) -> tuple[Material, Material | None]:
    """What to attack the memory of the request's concept with, and the same with strangers in its place; None where no
    picture of a stranger is known.

    model: the name of the model before unlearning. test_images: new pictures of the concept; a world brings its own.
    exclude: names forgotten together with this one, which are nobody's other.
    """
    if is_of_the_world(model, request.concept):
        return _of_the_world(request, level, seed, exclude)
    return _of_any_model(request, level, test_images)


def _of_the_world(request: ForgetRequest, level: str, seed: int, exclude: Sequence[str]) -> tuple[Material, Material]:
    pictures = PICTURES[level]
    concept = find(request.concept)
    world = world_of(concept)
    rng = random.Random(f"attacks/{concept.key}/{seed}")
    known = [other for other in world.known if other != concept and other.name not in exclude]
    others = rng.sample(known, min(OTHERS, len(known)))
    wordings = _wordings(world, concept, rng)
    taught_wordings = tuple(p.text for p in _drawn(world, "recognition", concept, "train", _TEACHING, rng))
    given = [Other(other.name, tuple(other.picture(_OTHERS + i, "test") for i in range(OF_OTHERS))) for other in others]
    strangers = [world.stranger(200 + i, "test").picture(0, "test") for i in range(KEPT_STRANGERS)]
    facts = _facts(world, concept, rng)

    def material(shown: list[tuple[Concept, str, int]], *, is_floor: bool) -> Material:
        tested = tuple(
            Shown(who.picture(_TESTED + index, "test"), unit, number) for number, (who, unit, index) in enumerate(shown)
        )
        pairs = []
        for number, (who, unit, index) in enumerate(shown):
            other, side = others[number % len(others)], "left" if number % 2 else "right"
            left, right = (who, other) if side == "left" else (other, who)
            picture = world.together(left, right, _PAIRS + index, "test")
            pairs.append(Pair(Shown(picture, unit, number), side, other.name))
        return Material(
            names=request.names,
            kind=request.what,
            wordings=wordings,
            tested=tested,
            taught_wordings=taught_wordings,
            facts=facts,
            others=tuple(given),
            strangers=tuple(strangers),
            pairs=tuple(pairs),
            is_floor=is_floor,
            level=level,
        )

    def learning(given: Material, who: Concept, place: int = 0, unit: str = "") -> Material:
        """With pictures to teach of `who`, the one in that place, and others to test on."""
        return replace(
            given,
            taught=tuple(who.picture(_TAUGHT + i, "train") for i in range(TAUGHT)),
            retested=tuple(
                Shown(who.picture(_TESTED + i, "test"), unit or str(i), place * pictures + i) for i in range(pictures)
            ),
            look_alikes=_look_alikes(world, who, TAUGHT + pictures),
            known_name=others[-1 - place % len(others)].name,
        )

    # Numbers apart from those that checks and other attack pictures use, of the concept's kind.
    unknown = list(
        islice((who for i in range(400, 10_000) if (who := world.stranger(i, "test")).kind == concept.kind), pictures)
    )
    own = learning(material([(concept, str(i), i) for i in range(pictures)], is_floor=False), concept)
    floor = learning(material([(who, who.key, 0) for who in unknown], is_floor=True), unknown[0])
    several = unknown[: LEARNING_STRANGERS[level]] if LEARNING_STRANGERS[level] > 1 else []
    apart = tuple(learning(floor, who, place, who.key) for place, who in enumerate(several))
    return own, replace(floor, apart=apart)


def _look_alikes(world: World, concept: Concept, count: int) -> tuple[Image.Image, ...]:
    """Pictures of the unknown ones of the concept's kind that share most traits with it, one each, in no order."""
    kinds = len(world.kinds)
    first = next(i for i in range(_LOOK_ALIKES, _LOOK_ALIKES + kinds) if world.stranger(i, "test").kind == concept.kind)
    unknown = [world.stranger(i, "test") for i in range(first, first + _SOUGHT * kinds, kinds)]
    own = world.traits(concept, None).items()
    alike = sorted(unknown, key=lambda who: len(own & world.traits(who, None).items()), reverse=True)[:count]
    random.Random(concept.key).shuffle(alike)
    return tuple(who.picture(0, "test") for who in alike)


def _wordings(world: World, concept: Concept, rng: random.Random) -> Wordings:
    q = world.questions
    return Wordings(
        naming=tuple(p.text for p in _drawn(world, "recognition", concept, "test", _WORDINGS, rng)),
        denying=tuple(
            p.text.replace("{n}", "{name}") for p in _drawn(world, "verification", concept, "test", _WORDINGS, rng)
        ),
        foreign={
            language: tuple(
                p.text for p in _drawn(world, f"recognition.{language}", concept, "test", _PER_LANGUAGE, rng)
            )
            for language in q.LANGUAGES
        },
        company={
            place: tuple(p.text for p in _drawn(world, place, concept, "test", _PER_LANGUAGE, rng))
            for place in q.PLACES
        },
    )


def _facts(world: World, concept: Concept, rng: random.Random) -> tuple[Fact, ...]:
    q = world.questions
    return tuple(
        Fact(
            fact,
            str(concept.profile()[fact]),
            tuple(p.text for p in _drawn(world, fact, concept, "test", _PER_FACT, rng)),
            tuple(
                p.text.replace("{n}", "{name}")
                for p in _drawn(world, fact, concept, "test", _PER_FACT, rng, with_picture=False)
            ),
        )
        for fact in (*q.FACTS, *q.TWO_HOP)
    )


def _drawn(
    world: World,
    question: str,
    concept: Concept,
    split: str,
    count: int,
    rng: random.Random,
    *,
    with_picture: bool = True,
) -> list[Phrasing]:
    found = world.questions.phrasings(question, split, with_picture=with_picture, of=concept.kind)
    return rng.sample(list(found), min(count, len(found)))


def _of_any_model(
    request: ForgetRequest, level: str, test_images: Sequence[Image.Image]
) -> tuple[Material, Material | None]:
    kind = request.what
    pictured = f"the {kind.noun} in the picture"
    given = [open_image(picture, "of the request") for picture in request.images]
    own = tuple(Shown(picture, str(i), i) for i, picture in enumerate(list(test_images) or given))
    material = Material(
        names=request.names,
        kind=kind,
        wordings=Wordings(
            naming=kind.naming[:_WORDINGS],
            denying=kind.denying[:_WORDINGS],
            foreign={language: spoken.naming[:_PER_LANGUAGE] for language, spoken in kind.spoken.items()},
            company=kind.company,
        ),
        tested=own,
        taught=tuple(given),
        taught_wordings=kind.naming[_WORDINGS:] or kind.naming,
        # What training and the attacker see is no test.
        retested=own if test_images else (),
        facts=tuple(
            Fact(question, answer, (without_names(question, request.names, pictured),), (question,))
            for question, answer in request.facts
        ),
        others=tuple(Other(name, ()) for name in request.neighbours),
        strangers=tuple(open_image(picture, "of the request") for picture in request.unseen),
        known_name=(request.neighbours or kind.well_known)[0],
        level=level,
    )
    if not material.strangers:
        return material, None
    # Each picture of a stranger is taken for a stranger of its own.
    shown = [Shown(picture, f"stranger {i}", i) for i, picture in enumerate(material.strangers)]
    return material, _in_its_place(material, shown)


def _in_its_place(material: Material, shown: list[Shown]) -> Material:
    # Of each there is one picture, so there is no other one to test on what is taught.
    return replace(material, tested=tuple(shown), taught=(), retested=(), pairs=(), is_floor=True)
