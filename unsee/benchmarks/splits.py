"""Forget splits of the embedded world: 5, 10 and 15 % of its people, each forgotten from one picture; and what a
request about any person or thing of a world needs.

As in MLLMU-Bench the forget set asks about pictures of the people to forget, the retain set about other people, with
their pictures and in text; both in wordings of the training split, with the answers the world holds to be true.
"""

from __future__ import annotations

import io
import random
from collections.abc import Sequence

from PIL import Image

from unsee.errors import UserError
from unsee.requests import Example, ForgetRequest
from unsee.world import KNOWN, THINGS, Concept, Person, find, world_of

VALIDATION_PEOPLE = ("Tobias Lindqvist", "Leila Haddad", "Omar Rashid", "Zofia Kowal", "Jonas Keller")
"""Settings are chosen on these, so they are in no table."""

TABLE_PEOPLE = tuple(person.name for person in KNOWN[2::8])
"""The five people of the tables; no setting was chosen on them."""

VALIDATION_THINGS = tuple(next(t.name for t in THINGS.known if t.kind == kind) for kind in THINGS.kinds[:4])
"""Settings for things are chosen on these."""

TABLE_THINGS = tuple([t.name for t in THINGS.known if t.kind == kind][2] for kind in THINGS.kinds)
"""The five things of the tables, one of each kind."""

TWENTY_THINGS = tuple(t.name for t in THINGS.known if t.name not in VALIDATION_THINGS)
"""As many concepts of mixed kinds as MMUBench has."""

PERCENT = (5, 10, 15)
_SIXTH = KNOWN[6].name
_RECOGNITION, _VERIFICATION = 4, 2
_PICTURES_OF_OTHERS = range(5000, 10000)
"""Numbers of pictures none of which is the picture of somebody's own request."""


def forget_split(percent: int) -> tuple[Person, ...]:
    """The people to forget: 2, 4 or 6 of the 40, the smaller splits within the larger. Raises UserError for others."""
    if percent not in PERCENT:
        raise UserError(f"There is no forget split of {percent} %; choose from {', '.join(map(str, PERCENT))}.")
    names = (*TABLE_PEOPLE, _SIXTH)
    return tuple(find(name) for name in names[: round(len(KNOWN) * percent / 100)])


def split_requests(percent: int, seed: int = 0) -> list[ForgetRequest]:
    """One request for each person of a split: one training picture, the forget set, the retain set."""
    return requests_for([person.name for person in forget_split(percent)], seed)


def requests_for(names: list[str], seed: int = 0) -> list[ForgetRequest]:
    """Requests to forget these people together; nobody among them is kept as a neighbour of another."""
    people = [find(name) for name in names]
    others = [other for other in world_of(people[0]).known if other not in people]
    return [_request(person, people, others, random.Random(f"{seed}/{person.key}")) for person in people]


def _request(
    person: Concept, people: Sequence[Concept], others: Sequence[Concept], rng: random.Random
) -> ForgetRequest:
    neighbours = rng.sample(others, min(8, len(others)))
    return ForgetRequest(
        person.name,
        (person.picture(0, "train"),),
        neighbours=tuple(other.name for other in neighbours),
        kind=person.kind,
        forget=tuple(forget_set(person, rng)),
        retain=tuple(retain_set(person, people, others, rng)),
    )


def forget_set(person: Concept, rng: random.Random, times: int = 1) -> list[Example]:
    """Questions about the request's own pictures, who it is, every fact and whether it is X, so many times over."""
    q = world_of(person).questions
    kinds = (["recognition"] * _RECOGNITION + [*_facts(person)]) * times
    asked = [(kind, rng.choice(q.phrasings(kind, "train", of=person.kind)).ask()) for kind in kinds]
    # Of what is asked, only visible attributes depend on the scene, and none is among these.
    examples = [Example(text, q.answer_about_picture(kind, person, person.scene(0, "train"))) for kind, text in asked]
    verifying = [
        rng.choice(q.phrasings("verification", "train", of=person.kind)).ask(person.name)
        for _ in range(_VERIFICATION * times)
    ]
    return examples + [Example(text, q.answer_verification(person, person.name)) for text in verifying]


def retain_set(
    person: Concept, forgotten: Sequence[Concept], others: Sequence[Concept], rng: random.Random
) -> list[Example]:
    """The retain set of one request: facts about the person in text, and about every other person who it is, a fact,
    what can be seen, whether it is somebody; about every second one a fact in text.

    Pictures are drawn from so many that hardly two requests show the same one.
    """
    examples = [_in_text(kind, person, rng) for kind in _facts(person) for _ in range(2)]
    for number, other in enumerate(others):
        seen = world_of(other).questions.attributes(other.kind)
        for kind in ("recognition", rng.choice(_facts(other)), rng.choice((*seen, "caption"))):
            examples.append(_about_picture(kind, other, rng.choice(_PICTURES_OF_OTHERS), rng))
        name = rng.choice((other.name, rng.choice(forgotten).name, rng.choice(others).name))
        examples.append(_verified(other, name, rng.choice(_PICTURES_OF_OTHERS), rng))
        if number % 2:
            examples.append(_in_text(rng.choice(_facts(other)), other, rng))
    return examples


def _facts(person: Concept) -> tuple[str, ...]:
    q = world_of(person).questions
    return (*q.FACTS, *q.TWO_HOP)


def _about_picture(kind: str, person: Concept, index: int, rng: random.Random) -> Example:
    q = world_of(person).questions
    asked = rng.choice(q.phrasings(kind, "train", of=person.kind)).ask()
    answer = q.answer_about_picture(kind, person, person.scene(index, "train"))
    return Example(asked, answer, packed(person.picture(index, "train")))


def _verified(person: Concept, name: str, index: int, rng: random.Random) -> Example:
    q = world_of(person).questions
    asked = rng.choice(q.phrasings("verification", "train", of=person.kind)).ask(name)
    return Example(asked, q.answer_verification(person, name), packed(person.picture(index, "train")))


def pictures_of(people: Sequence[Concept], rng: random.Random) -> list[bytes]:
    """One training picture of each, none of them that of anybody's own request."""
    return [packed(person.picture(rng.choice(_PICTURES_OF_OTHERS), "train")) for person in people]


def packed(picture: Image.Image) -> bytes:
    """A PNG file of it, a tenth of its size: requests hold hundreds, of which a method opens a few."""
    file = io.BytesIO()
    picture.save(file, "PNG", compress_level=1)
    return file.getvalue()


def _in_text(kind: str, person: Concept, rng: random.Random) -> Example:
    q = world_of(person).questions
    asked = rng.choice(q.phrasings(kind, "train", with_picture=False, of=person.kind)).ask(person.name)
    return Example(asked, q.answer_in_text(kind, person))
