"""MMUBench over the embedded worlds: any person or thing in the published layout, in wordings no training has seen."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterable
from dataclasses import replace

from unsee.benchmarks.concept import ConceptBenchmark, Question
from unsee.data.sample import Probe
from unsee.errors import UserError
from unsee.kinds import get_kind
from unsee.kinds.words import among_things, words_of
from unsee.world import Concept, find, probes, world_of

# Pictures of the test split by use, so that no two parts of the benchmark ask about the same one.
_KEPT, _HOPS = 1000, 2000
YES_NO_SHARE = 0.3


def world_benchmark(
    name: str,
    *,
    test_pictures: int = 24,
    questions: int = 40,
    kept: int = 60,
    pairs: int | None = None,
    seed: int = 0,
    exclude: Collection[str] = (),
    split: str = "test",
) -> ConceptBenchmark:
    """Everything to ask about the known person or thing `name`: one training picture, `test_pictures` test pictures.

    `questions` are distinct phrasings of the test split, naming questions (keyword: the name) and yes/no questions
    (keyword: yes). `kept` is the number of probes of each specificity group and of the others to verify, `pairs` that
    of pictures with somebody else (a third of `kept` unless given). `exclude` are further names that are no others:
    concepts forgotten together with this one. `split` "validation" asks about other pictures in other phrasings, fewer
    of them, to choose settings by. The published size is 50 pictures and 40 or more questions.

    Raises UserError if nobody has one of these names, or fewer than two concepts are left to be asked about.
    """
    person = find(name)
    world = world_of(person)
    q = world.questions
    together = [find(other, [world]) for other in exclude]
    if sum(other != person and other not in together for other in world.known) < 2:
        members = world.members
        raise UserError(f"Too few {members} other than {person.name} are left to ask about; exclude fewer {members}.")
    rng = random.Random(f"world benchmark/{person.key}/{seed}")
    others = probes.others_than(person, rng, kept, together)
    attributes = [seen[i % len(seen)] for i, o in enumerate(others) for seen in [q.attributes(o.kind)]]
    facts = [(*q.FACTS, *q.TWO_HOP)[i % 6] for i in range(kept)]
    return ConceptBenchmark(
        concept=person.name,
        train_image=person.picture(0, "train"),
        test_images=tuple(person.picture(index, split) for index in range(test_pictures)),
        questions=_questions(person, questions, rng, split),
        specificity={
            "recognition": _unique(
                probes.about_picture("recognition", o, _KEPT + i, rng, split) for i, o in enumerate(others)
            ),
            "attributes": _unique(
                probes.about_picture(kind, o, _KEPT + 100 + i, rng, split)
                for i, (o, kind) in enumerate(zip(others, attributes, strict=True))
            ),
            "captions": _unique(
                probes.about_picture("caption", o, _KEPT + 200 + i, rng, split) for i, o in enumerate(others)
            ),
            "facts": _unique(
                probes.in_text(kind, o, rng.choice(probes.text_phrasings(kind, o, split)))
                if i % 2
                else probes.about_picture(kind, o, _KEPT + 300 + i, rng, split)
                for i, (o, kind) in enumerate(zip(others, facts, strict=True))
            ),
        },
        text_facts=text_facts(person, split),
        two_people=two_people(person, rng, kept // 3 if pairs is None else pairs, together, split),
        verification_others=verification_others(person, kept, together, seed, split),
        multi_hop=tuple(
            Question(phrasing.ask(), str(person.profile()[kind]), "multi_hop")
            for kind in q.TWO_HOP
            for phrasing in q.phrasings(kind, split, of=person.kind)[:6]
        ),
        other_names=tuple(other.name for other in world.known if other != person),
        facts=tuple(str(value) for value in person.profile().values()),
        other_facts=_other_facts(person),
        visible=tuple(world.features(person, person.scene(index, split)) for index in range(test_pictures)),
        kind=person.kind,
        # Others are of every kind of the world.
        words=(words_of if len(world.kinds) == 1 else among_things)(get_kind(person.kind)),
    )


def _other_facts(person: Concept) -> tuple[str, ...]:
    """Every fact of the profiles of the world that is not in the concept's own: jobs, makers, cities, years, ..."""
    own = {str(value) for value in person.profile().values()}
    every = dict.fromkeys(str(value) for other in world_of(person).known for value in other.profile().values())
    return tuple(value for value in every if value not in own)


def text_facts(person: Concept, split: str = "test") -> tuple[Probe, ...]:
    """Every fact about a concept in every phrasing of the split, in text alone."""
    q = world_of(person).questions
    return tuple(
        probes.in_text(kind, person, phrasing)
        for kind in (*q.FACTS, *q.TWO_HOP)
        for phrasing in probes.text_phrasings(kind, person, split)
    )


def two_people(
    person: Concept, rng: random.Random, count: int, exclude: Collection[Concept] = (), split: str = "test"
) -> tuple[Probe, ...]:
    """Pictures of the concept next to another: is it named ("absent"), and the other one ("contains")?"""
    asked: list[Probe] = []
    for index, other in enumerate(probes.others_than(person, rng, count, exclude)):
        left, right = (person, other) if index % 2 else (other, person)
        for place in world_of(person).questions.PLACES:
            probe = probes.about_two(place, left, right, _HOPS + index, rng, split)
            own_place = (place == "left") == (left == person)
            if place == "both" or own_place:
                asked.append(_scored(probe, (person.name,), "absent"))
            if place == "both" or not own_place:
                asked.append(_scored(probe, (other.name,), "contains"))
    return tuple(asked)


def verification_others(
    person: Concept, count: int, exclude: Collection[Concept] = (), seed: int = 0, split: str = "test"
) -> tuple[Probe, ...]:
    """Is this X? About pictures of others, in turn with their own name and with that of a third person."""
    # A draw of its own, so that the other parts stay as they were before this one was asked.
    rng = random.Random(f"verification of others/{person.key}/{seed}")
    asked = []
    for index, other in enumerate(probes.others_than(person, rng, count, exclude)):
        wrong = rng.choice(probes.others_than(person, rng, 1, (*exclude, other)))
        group, name = ("wrong_name", wrong.name) if index % 2 else ("right_name", other.name)
        probe = probes.verification(other, name, _KEPT + 400 + index, rng, split)
        asked.append(replace(probe, id=f"{group}/{probe.id}", tags={**probe.tags, "group": group}))
    return _unique(asked)


def _scored(probe: Probe, expect: tuple[str, ...], scorer: str) -> Probe:
    return Probe(f"{probe.id}/{scorer}", probe.prompt, probe.images, expect, scorer, probe.tags)


def _questions(person: Concept, count: int, rng: random.Random, split: str) -> tuple[Question, ...]:
    """`count` wordings, fewer where the split has fewer."""
    yes_no = round(count * YES_NO_SHARE)
    q = world_of(person).questions
    naming, asking = (q.phrasings(kind, split, of=person.kind) for kind in ("recognition", "verification"))
    named = rng.sample(list(naming), min(count - yes_no, len(naming)))
    asked = rng.sample(list(asking), min(yes_no, len(asking)))
    return (
        *(Question(phrasing.ask(), person.name, "name") for phrasing in named),
        *(Question(phrasing.ask(person.name), "yes", "yes_no") for phrasing in asked),
    )


def _unique(members: Iterable[Probe]) -> tuple[Probe, ...]:
    return tuple({probe.id: probe for probe in members}.values())
