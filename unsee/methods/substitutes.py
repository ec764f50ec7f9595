"""The name that a picture is given instead of the forgotten one, invented as such things are named."""

from __future__ import annotations

import random
from collections.abc import Iterable

from unsee.errors import UserError
from unsee.metrics.folding import fold
from unsee.metrics.forms import name_of
from unsee.requests import ForgetRequest


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
    return " ".join(_free(words, taken, rng) for words in request.what.invented)


def words_of(name: str) -> set[str]:
    return set(name_of(name).words)


def _free(names: Iterable[str], taken: set[str], rng: random.Random) -> str:
    return rng.choice([name for name in names if fold(name) not in taken])
