"""The embedded worlds: fictional people and things, their pictures, what can be asked, and what is true of them."""

from __future__ import annotations

from unsee.world.people import KNOWN, Person, nobody, stranger, together
from unsee.world.things.things import Thing
from unsee.world.worlds import PEOPLE, THINGS, WORLDS, Concept, World, find, world_of, world_of_model

__all__ = [
    "KNOWN",
    "PEOPLE",
    "THINGS",
    "WORLDS",
    "Concept",
    "Person",
    "Thing",
    "World",
    "find",
    "nobody",
    "stranger",
    "together",
    "world_of",
    "world_of_model",
]
