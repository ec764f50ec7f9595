"""What the embedded world fills into requests about its people or things, for methods that need more than a name and
a picture.

Wordings and pictures are of the training split, pictures of strangers of the one kept for steering: nothing of it is in
any benchmark of the world.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unsee.benchmarks.splits import forget_set, packed, pictures_of, retain_set
from unsee.requests import ForgetRequest
from unsee.sources.world import at_home_in_world, is_of_the_world
from unsee.world import PEOPLE, World, find, world_of

if TYPE_CHECKING:
    from unsee.models.vlm import VisionLanguageModel

STRANGERS = 60
OTHERS = 12
FIELDS = ("forget", "retain", "unseen", "others")
"""Fields of a request that can be filled in."""


def filled(requests: Sequence[ForgetRequest], needs: Collection[str], seed: int) -> list[ForgetRequest]:
    """The requests with those of `needs`, which are among `FIELDS`, filled in that are empty.

    What one of them forgets, none retains. Raises UserError if one is about nobody of the world.
    """
    people = [find(request.concept) for request in requests]
    world = world_of(people[0])
    others = [other for other in world.known if other not in people]
    complete = []
    for number, (request, person) in enumerate(zip(requests, people, strict=True)):
        rng = random.Random(f"{seed}/needs of a method/{person.key}")
        made: dict[str, Any] = {
            "forget": lambda p=person, r=rng: forget_set(p, r, times=2),
            "retain": lambda p=person, r=rng: retain_set(p, people, others, r),
            "unseen": lambda n=number: _strangers(world, n),
            "others": lambda r=rng: pictures_of(r.sample(others, OTHERS), r),
        }
        missing: dict[str, Any] = {field: tuple(made[field]()) for field in needs if not getattr(request, field)}
        complete.append(replace(request, **missing))
    return complete


def filled_where_known(
    requests: Sequence[ForgetRequest], vlm: VisionLanguageModel, needs: Collection[str], seed: int
) -> list[ForgetRequest]:
    """The requests as they are, or, if the world made the model and all are about its people, with what it adds.

    Raises UserError if what it adds does not fit a request.
    """
    if not all(is_of_the_world(vlm.name, request.concept) for request in requests):
        return list(requests)
    complete = filled([at_home_in_world(request, vlm, seed) for request in requests], needs, seed)
    for request in complete:
        request.check()
    return complete


def _strangers(world: World, number: int) -> list[bytes]:
    """Pictures of strangers, others for every request."""
    return [packed(world.stranger(STRANGERS * number + i, "steering").picture(0, "steering")) for i in range(STRANGERS)]


def write_strangers(folder: Path, count: int = STRANGERS) -> Path:
    """The folder, made if need be, with a picture each of so many people whom no model of the world has seen: for
    methods that need them and models that are no longer the world's."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, picture in enumerate(_strangers(PEOPLE, 0)[:count]):
        (folder / f"{number}.png").write_bytes(picture)
    return folder
