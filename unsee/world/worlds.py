"""The worlds as one kind of object, so that recipes, checks and benchmarks serve people and things alike."""

from __future__ import annotations

import difflib
import random
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from PIL import Image

from unsee.data.visible import Feature
from unsee.errors import UserError
from unsee.metrics.naming import same_name
from unsee.world import looks, people, questions, visible
from unsee.world.things import questions as of_things
from unsee.world.things import things
from unsee.world.things import visible as visible_things


class Concept(Protocol):
    """Someone or something of a world: a `Person` or a `Thing`."""

    @property
    def key(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def is_known(self) -> bool: ...
    def scene(self, index: int, split: str = "test") -> Any: ...
    def picture(self, index: int, split: str = "test") -> Image.Image: ...
    def profile(self) -> dict[str, str | int]: ...


class Answers(Protocol):
    """Who words the answers: a world's module `questions`, one sentence each, or `making.speech.Speech`."""

    def answer_about_picture(self, kind: str, concept: Any, scene: Any, /) -> str: ...
    def answer_verification(self, concept: Any, asked: str, /) -> str: ...
    def answer_likeness(self, concept: Any, asked: str, /) -> str: ...
    def answer_about_two(self, kind: str, left: Any, right: Any, /) -> str: ...
    def answer_in_text(self, kind: str, concept: Any, /) -> str: ...
    def answer_unknown_name(self, name: str, /) -> str: ...


class Questions(Answers, Protocol):
    """What can be asked in a world: its module `questions`."""

    @property
    def FACTS(self) -> tuple[str, ...]: ...  # noqa: N802
    @property
    def TWO_HOP(self) -> tuple[str, ...]: ...  # noqa: N802
    @property
    def PLACES(self) -> tuple[str, ...]: ...  # noqa: N802
    @property
    def LANGUAGES(self) -> Mapping[str, Any]: ...  # noqa: N802
    @property
    def LOOKS_DIFFERENT(self) -> str: ...  # noqa: N802
    def attributes(self, of: str, /) -> tuple[str, ...]: ...
    def phrasings(
        self, kind: str, split: str, /, *, with_picture: bool = True, of: str = ...
    ) -> tuple[questions.Phrasing, ...]: ...
    def expected(self, kind: str, concept: Any, scene: Any, /) -> tuple[str, ...]: ...
    def general_knowledge(self) -> list[tuple[str, str]]: ...


@dataclass(frozen=True)
class World:
    """Whom or what a world's models know, everyone and everything else, and what can be asked."""

    name: str
    known: tuple[Any, ...]
    credit: str
    """What the licences of the drawings ask to be said wherever they are shown."""
    kinds: tuple[str, ...]
    members: str
    """What the known ones are called in a sentence: "people", "things"."""
    strangers: str
    stranger: Callable[[int, str], Any]
    """(number, split): someone or something unknown; numbers go round the kinds."""
    nobody: Callable[[random.Random, str], str]
    """A name of that kind that belongs to nobody."""
    draw_scene: Callable[[random.Random, Any], Any]
    """What might be around someone or something on a picture."""
    together: Callable[[Any, Any, int, str], Image.Image]
    questions: Questions
    features: Callable[[Any, Any], tuple[Feature, ...]]
    """(concept, scene): what is to be seen, for whoever judges a description."""
    trait_values: Mapping[str, Collection[str]]
    traits: Callable[[Any, Any], Mapping[str, str]]
    """(concept, scene or None): which of `trait_values` can be seen; those of the scene are left out without one."""


PEOPLE = World(
    name="people",
    known=people.KNOWN,
    credit="Pictures: remix of “Personas by Draftbit” by Draftbit (draftbit.com), licensed under CC BY 4.0.",
    kinds=("person",),
    members="people",
    strangers="strangers",
    stranger=people.stranger,
    nobody=lambda rng, kind: people.nobody(rng),
    draw_scene=lambda rng, concept: looks.draw_scene(rng),
    together=people.together,
    questions=questions,
    features=visible.features,
    trait_values=visible.TRAITS,
    traits=visible.traits,
)
THINGS = World(
    name="things",
    known=things.KNOWN,
    credit="Pictures: drawn by unsee; characters with “Critters” and “Voxel Bot” by DiceBear (dicebear.com), CC0 1.0.",
    kinds=things.KINDS,
    members="things",
    strangers="unknown things",
    stranger=things.stranger,
    nobody=things.nothing,
    draw_scene=things.draw_scene,
    together=things.together,
    questions=of_things,
    features=visible_things.features,
    trait_values=visible_things.TRAITS,
    traits=visible_things.traits,
)
WORLDS: Sequence[World] = (PEOPLE, THINGS)


def find(name: str, worlds: Sequence[World] = WORLDS) -> Any:
    """The known person or thing of that name, however it is written.

    Raises:
        UserError: none of `worlds` knows this name; names the closest one.
    """
    if not name.strip():
        raise UserError("The name is blank; `unsee world show --json` lists everyone.")
    known = [concept for world in worlds for concept in world.known]
    for concept in known:
        if same_name(name, concept.name):
            return concept
    by_name = {concept.name.casefold(): concept for concept in known}
    close = difflib.get_close_matches(name.casefold(), by_name, n=1, cutoff=0.5)
    hint = f"did you mean {by_name[close[0]].name}?" if close else "`unsee world show --json` lists everyone."
    raise UserError(f"Nobody in the world has the name {name!r}; {hint}")


def world_of(concept: Concept) -> World:
    """The world that someone or something is of."""
    return PEOPLE if concept.kind in PEOPLE.kinds else THINGS


def world_of_model(model: str) -> World:
    """The world that a model knows, by its name or that of its folder; the people's unless it is tiny-things."""
    return THINGS if Path(model.removeprefix("world:")).name == "tiny-things" else PEOPLE
