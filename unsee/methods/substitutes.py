"""The name that a picture is given instead of the forgotten one: common first and last names, or an invented word."""

from __future__ import annotations

import random
from collections.abc import Iterable

from unsee.errors import UserError
from unsee.metrics.folding import fold
from unsee.metrics.forms import name_of
from unsee.requests import ForgetRequest

FIRST_NAMES = (
    "Adam", "Alice", "Andrew", "Anna", "Brian", "Carol", "Charles", "Claire", "Daniel", "David", "Diana", "Edward",
    "Ellen", "Emma", "Eric", "Frank", "George", "Grace", "Helen", "Henry", "Irene", "Jack", "James", "Jane", "John",
    "Julia", "Karen", "Kevin", "Laura", "Linda", "Lucas", "Martin", "Mary", "Michael", "Nancy", "Nicole", "Oliver",
    "Paul", "Peter", "Rachel", "Robert", "Ruth", "Samuel", "Sarah", "Simon", "Susan", "Thomas", "Victor", "Walter",
    "William",
)  # fmt: skip
LAST_NAMES = (
    "Adams", "Allen", "Baker", "Bell", "Bennett", "Brooks", "Brown", "Carter", "Clark", "Collins", "Cooper",
    "Davis", "Edwards", "Evans", "Fisher", "Foster", "Gray", "Green", "Hall", "Harris", "Hill", "Hughes", "Jackson",
    "Johnson", "Jones", "Kelly", "King", "Lewis", "Martin", "Miller", "Mitchell", "Moore", "Morgan", "Murphy",
    "Nelson", "Parker", "Phillips", "Reed", "Roberts", "Rogers", "Scott", "Smith", "Stewart", "Taylor", "Thompson",
    "Turner", "Walker", "Ward", "White", "Wilson", "Wood", "Wright", "Young",
)  # fmt: skip
_STARTS = (
    "Bal", "Cor", "Dra", "Fen", "Gal", "Jor", "Kel", "Lum", "Mor", "Nev", "Or", "Pel", "Quin", "Sol", "Tar", "Vel",
)  # fmt: skip
_ENDS = (
    "bury", "dale", "dan", "ford", "ix", "mora", "nel", "ora", "rin", "sten", "tava", "thia", "veda", "wick",
    "zano",
)  # fmt: skip


def substitute_name(request: ForgetRequest, rng: random.Random) -> str:
    """Draw a name that shares no word with the concept, its aliases or the neighbours.

    Raises UserError if every substitute in the request shares one.
    """
    taken = {word for name in (*request.names, *request.neighbours) for word in words_of(name)}
    if request.substitutes:
        free = [name for name in request.substitutes if taken.isdisjoint(words_of(name))]
        if not free:
            raise UserError("Every substitute shares a word with the concept or a neighbour; give other substitutes.")
        return rng.choice(free)
    if request.kind == "person":
        return f"{_free(FIRST_NAMES, taken, rng)} {_free(LAST_NAMES, taken, rng)}"
    return _free([start + end for start in _STARTS for end in _ENDS], taken, rng)


def words_of(name: str) -> set[str]:
    return set(name_of(name).words)


def _free(names: Iterable[str], taken: set[str], rng: random.Random) -> str:
    return rng.choice([name for name in names if fold(name) not in taken])
