"""MLLMU-Bench over the embedded world: its people as rows of the published data set.

"forget" asks about the picture that a request to forget gives, in wordings of the training split; all other sets ask
about pictures and in wordings no training has seen. Strangers take the place of the celebrities: nobody has told the
models of the world about them, so the right answer says that the model does not know, in text of names that belong to
nobody; in a picture of them, what can be seen is right to fill in, and in text there is nothing to fill in.

The models of the world were never taught to choose a letter or to fill a blank (on validation pictures they do no
better than chance), but to answer in sentences. So options are such sentences, and the style is "completed".
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence

from unsee.benchmarks.concept import slug
from unsee.benchmarks.mllmu_questions import BLANK, LETTERS, Choice, MllmuBenchmark, Open, Profile, Questions
from unsee.benchmarks.splits import PERCENT, forget_split
from unsee.world import KNOWN, Person, find, stranger
from unsee.world import questions as q
from unsee.world.people import nobody

OUTSIDE = "strangers"
FACTS = (*q.FACTS, *q.TWO_HOP)
KINDS = ("recognition", *FACTS)
FILLED = tuple(kind for kind in KINDS if kind != "country")
"""The city and the country end the same sentence ("lives in __"), so only one of them can be asked for."""
SEEN = ("hair", "clothes", "expression")
"""Without the background: on validation pictures the models end "The background is __." with the colour of the hair."""
KEPT_KINDS = 2
"""Kinds of questions in each task about somebody who stays; those who are to be forgotten are asked all."""
TEST_PICTURES, STRANGERS = 4, 40
_KEPT_PICTURE = 4000


def world_mllmu(
    names: Sequence[str],
    *,
    name: str = "",
    test_pictures: int = TEST_PICTURES,
    kept: int | None = None,
    seed: int = 0,
    split: str = "test",
) -> MllmuBenchmark:
    """The benchmark for forgetting these people together.

    `test_pictures` of each in the test set; `kept` people and as many strangers, drawn by `seed`, all people and
    `STRANGERS` unless given. `seed` draws wordings and options, too. `split` "validation" asks about other pictures in
    other wordings, to choose settings by. Raises UserError if nobody has one of the names.
    """
    people = [find(wanted) for wanted in names]
    others = [person for person in KNOWN if person not in people]
    if kept is not None:
        chosen = random.Random(f"mllmu/{seed}").sample(range(len(others)), min(kept, len(others)))
        others = [others[i] for i in sorted(chosen)]
    return MllmuBenchmark(
        name or ", ".join(person.name for person in people),
        {
            "forget": tuple(_forgotten(person, seed) for person in people),
            "test": tuple(_tested(person, test_pictures, seed, split) for person in people),
            "retain": tuple(_retained(person, seed, split) for person in others),
            OUTSIDE: tuple(_unknown(i, seed, split) for i in range(STRANGERS if kept is None else kept)),
        },
        "completed",
    )


def split_mllmu(percent: int, *, limit: int | None = None, test_pictures: int = TEST_PICTURES) -> MllmuBenchmark:
    """The benchmark of a forget split of the world, with at most `limit` people in each set; see `world_mllmu`.

    Raises UserError if there is no such split.
    """
    names = [person.name for person in forget_split(percent)][:limit]
    return world_mllmu(names, name=f"forget {percent} %", kept=limit, test_pictures=test_pictures)


def subsets(test_pictures: int = TEST_PICTURES, seed: int = 0) -> dict[str, tuple[Profile, ...]]:
    """The whole world under the names of the published subsets; "Retain_Set" is where the strangers stand."""
    forget = {person: _forgotten(person, seed) for person in KNOWN}
    retain = {person: _retained(person, seed, "test") for person in KNOWN}
    rows = {
        "Full_Set": tuple(forget.values()),
        "Test_Set": tuple(_tested(person, test_pictures, seed, "test") for person in KNOWN),
        "Retain_Set": tuple(_unknown(i, seed, "test") for i in range(STRANGERS)),
    }
    for percent in PERCENT:
        people = forget_split(percent)
        rows[f"forget_{percent}"] = tuple(forget[person] for person in people)
        rows[f"retain_{100 - percent}"] = tuple(row for person, row in retain.items() if person not in people)
    return rows


def _forgotten(person: Person, seed: int) -> Profile:
    rng = random.Random(f"mllmu/forget/{seed}/{person.key}")
    return _known(person, (0,), "train", KINDS, FACTS, FILLED, rng)


def _tested(person: Person, pictures: int, seed: int, split: str) -> Profile:
    rng = random.Random(f"mllmu/test/{seed}/{person.key}")
    return _known(person, range(pictures), split, KINDS, FACTS, FILLED, rng)


def _retained(person: Person, seed: int, split: str) -> Profile:
    rng = random.Random(f"mllmu/retain/{seed}/{person.key}")
    place = KNOWN.index(person)
    kinds, facts, filled = (_turn(every, place) for every in (KINDS, FACTS, FILLED))
    return _known(person, (_KEPT_PICTURE,), split, kinds, facts, filled, rng)


def _turn(kinds: Sequence[str], place: int) -> tuple[str, ...]:
    """Two neighbouring kinds, others for the next in line, so that all are asked equally often."""
    return tuple(kinds[(KEPT_KINDS * place + i) % len(kinds)] for i in range(KEPT_KINDS))


def _known(
    person: Person,
    pictures: Iterable[int],
    split: str,
    kinds: Sequence[str],
    facts: Sequence[str],
    filled: Sequence[str],
    rng: random.Random,
) -> Profile:
    scene = person.scene(0, split)
    shown = {kind: q.answer_about_picture(kind, person, scene) for kind in KINDS}
    told = {kind: q.answer_in_text(kind, person) for kind in FACTS}
    profile = {fact: str(value) for fact, value in person.profile().items()}
    values = {"recognition": person.name, **profile}
    return Profile(
        slug(person.name),
        tuple(person.picture(index, split) for index in pictures),
        Questions(
            tuple(_choice(kind, person, _asked(kind, split, rng), shown[kind], "", rng) for kind in kinds),
            tuple(Open(_asked(kind, split, rng), shown[kind]) for kind in kinds),
            tuple(_blank(shown[kind], values[kind]) for kind in filled),
        ),
        Questions(
            tuple(
                _choice(kind, person, _asked(kind, split, rng, person.name), told[kind], person.name, rng)
                for kind in facts
            ),
            tuple(Open(_asked(kind, split, rng, person.name), told[kind]) for kind in facts),
            tuple(_blank(told[kind], values[kind]) for kind in filled if kind != "recognition"),
        ),
        {"Name": person.name, **{fact.replace("_", " ").capitalize(): value for fact, value in profile.items()}},
        question="What do you know about this person?",
        answer=q.biography(person),
    )


def _unknown(index: int, seed: int, split: str) -> Profile:
    person = stranger(index, split)
    rng = random.Random(f"mllmu/strangers/{seed}/{person.key}")
    scene = person.scene(0, split)
    name = nobody(rng)
    kinds, facts, seen = (_turn(every, index) for every in (KINDS, FACTS, SEEN))
    shown = {kind: q.answer_about_picture(kind, person, scene) for kind in (*KINDS, *SEEN)}
    unheard = q.answer_unknown_name(name)
    return Profile(
        f"stranger-{index:03}",
        (person.picture(0, split),),
        Questions(
            tuple(_choice(kind, person, _asked(kind, split, rng), shown[kind], "", rng) for kind in kinds),
            tuple(Open(_asked(kind, split, rng), shown[kind]) for kind in kinds),
            tuple(_blank(shown[kind], q.expected(kind, person, scene)[0]) for kind in seen),
        ),
        Questions(
            tuple(_choice(kind, person, _asked(kind, split, rng, name), unheard, name, rng) for kind in facts),
            tuple(Open(_asked(kind, split, rng, name), unheard) for kind in facts),
        ),
    )


def _asked(kind: str, split: str, rng: random.Random, name: str = "") -> str:
    """A question about a picture, or with a `name` in text alone."""
    return rng.choice(q.phrasings(kind, split, with_picture=not name)).ask(name)


def _choice(kind: str, person: Person, question: str, truth: str, name: str, rng: random.Random) -> Choice:
    """The truth among what would be the answer about three others; `name` is whom the text speaks of."""

    def said_of(other: Person) -> str:
        if kind == "recognition":
            return f"This is {other.name}."
        return q.fact_sentence(kind, other, name or "This person")

    wrong = list(dict.fromkeys(said_of(other) for other in KNOWN if other != person))
    wrong = rng.sample([sentence for sentence in wrong if sentence != truth], len(LETTERS) - 1)
    options = rng.sample([truth, *wrong], len(LETTERS))
    return Choice(question, dict(zip(LETTERS, options, strict=True)), LETTERS[options.index(truth)])


def _blank(sentence: str, value: str) -> Open:
    """The sentence with its last mention of the value cut out."""
    head, found, tail = sentence.rpartition(value)
    assert found
    assert not BLANK.search(sentence)
    return Open(f"{head}__{tail}", value)
