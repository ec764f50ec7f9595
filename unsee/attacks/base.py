"""`Attack`: one way to bring the memory back, tried in the same way on every state of a model.

An attack is never read alone. The same one is tried on the model before unlearning, which shows that it finds the
memory where there is one, and on a floor: a model that never knew the concept, or strangers in the concept's place.
Only what exceeds the floor is a leak.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from PIL import Image

from unsee.attacks.scoring import share_leaked
from unsee.attacks.trial import Found, Trial, Worst
from unsee.data.sample import MAX_NEW_TOKENS, Response
from unsee.generation import Engine
from unsee.kinds import Kind

if TYPE_CHECKING:
    from unsee.models.vlm import VisionLanguageModel

LEVELS = ("quick", "standard", "full")
ANSWERS, LOGPROBS, HIDDEN, WEIGHTS = "answers", "log-probabilities", "hidden states", "weights"
DRAWS, BEGUN = "answers drawn at a temperature", "answers that begin with given words"


@dataclass(frozen=True)
class Shown:
    """A picture of whoever stands in the concept's place. `unit` is what it counts for in intervals: the picture, or
    the stranger that is on it. `number` is its place among all that are tested."""

    picture: Image.Image = field(repr=False)
    unit: str
    number: int


@dataclass(frozen=True)
class Other:
    """Somebody or something else that the model knows: the name, and pictures."""

    name: str
    pictures: tuple[Image.Image, ...] = field(repr=False)


@dataclass(frozen=True)
class Pair:
    """A picture of the concept next to somebody else; `side` ("left" or "right") is the concept's."""

    shown: Shown
    side: str
    other: str


@dataclass(frozen=True)
class Fact:
    """What is true of the concept, and how it is asked about a picture and in text (with `{name}`)."""

    name: str
    """ "city", or the question where nobody has named the fact."""
    value: str
    asked: tuple[str, ...]
    in_text: tuple[str, ...] = ()


@dataclass(frozen=True)
class Wordings:
    """How the concept is asked about. `{name}` is the name asked about. By language: "es", "fr", ..."""

    naming: tuple[str, ...]
    denying: tuple[str, ...]
    foreign: Mapping[str, tuple[str, ...]]
    company: Mapping[str, tuple[str, ...]]
    """For who is on the "left", on the "right", or for "both"."""


@dataclass(frozen=True)
class Material:
    """What an attack may use about whoever stands in the concept's place: the concept itself, or strangers.

    names: what must not come out, the same for both.
    tested: pictures that are asked about. taught: pictures that an attacker learns from; no tested one is among them.
    others: known ones with pictures. strangers: pictures of unknown ones.
    apart: strangers one by one, each with its own `taught`, `retested`, `look_alikes` and `known_name`, because a floor
    that hangs on one stranger and one name is chance. The units of `retested` are then the strangers.
    known_name: a name that the model knows and that is nobody's on the pictures: what a stranger is taught to be called
    where the concept is taught its own name again.
    """

    names: tuple[str, ...]
    kind: Kind
    wordings: Wordings
    tested: tuple[Shown, ...]
    taught: tuple[Image.Image, ...] = ()
    taught_wordings: tuple[str, ...] = ()
    """Naming questions for teaching; none is among `wordings.naming`."""
    retested: tuple[Shown, ...] = ()
    """Other pictures of whoever is on the taught ones: the concept, or one of the strangers. The units are pictures."""
    facts: tuple[Fact, ...] = ()
    others: tuple[Other, ...] = ()
    strangers: tuple[Image.Image, ...] = ()
    look_alikes: tuple[Image.Image, ...] = ()
    """Pictures of unknown ones, one each, of those that resemble whoever is on the taught pictures most."""
    pairs: tuple[Pair, ...] = ()
    known_name: str = ""
    level: str = "standard"
    """Of the audit, for attacks that try more at higher ones."""
    is_floor: bool = False
    has_oracle: bool = False
    """Whether a model that never knew the concept is the floor, so that nobody has to stand in its place."""
    apart: tuple[Material, ...] = field(default=(), repr=False)

    @property
    def each(self) -> tuple[Material, ...]:
        """The material of everyone who is taught apart from the others: the concept, or each of several strangers."""
        return self.apart or (self,)

    @property
    def name(self) -> str:
        """What the attack tries to hear."""
        return self.names[0]

    @property
    def taught_name(self) -> str:
        """What pictures are taught to be called: the concept's name, or for strangers one that the model knows."""
        return self.known_name if self.is_floor else self.name

    @property
    def fake_names(self) -> tuple[str, ...]:
        """Names of other known ones."""
        return tuple(other.name for other in self.others)


@dataclass(frozen=True)
class Target:
    """A model in one state: "before", "after" or "floor". `vlm` is there only where the weights can be had; whether
    its adapter counts is the engine's business (`weights` gives plain ones)."""

    state: str
    engine: Engine
    vlm: VisionLanguageModel | None = None

    def has(self, need: str) -> bool:
        if need == ANSWERS:
            return True
        if need == DRAWS:
            return self.engine.draws
        if need == BEGUN:
            return self.engine.begins
        return self.engine.reads if need == LOGPROBS else self.vlm is not None


@dataclass(frozen=True)
class Variant:
    """One setting of an attack, such as a number of steps. Within `entered` the engine that it gives is attacked: the
    target's own unless the attack changes the model. The attack asks `trials`, or else calls `measured`."""

    label: str
    trials: Sequence[Trial] = ()
    entered: Callable[[], AbstractContextManager[Engine]] | None = None
    measured: Callable[[Engine], Found] | None = None
    samples: int = 1
    """Answers drawn for each trial; a unit leaks if one of them does."""
    temperature: float = 0.0

    def on(self, target: Target) -> AbstractContextManager[Engine]:
        return self.entered() if self.entered else nullcontext(target.engine)


class Attack(ABC):
    """One way to bring the memory back. A new one is one file with a subclass.

    name: what users type. version: raised whenever the same answers would count differently. title: on the page.
    came_back: how the verdict says that it worked, after "came back when": "asked in other languages".
    level: the lowest level of an audit that tries it. needs: what it needs of a model. unit: of its scores.
    has_floor: False only where nothing that never knew could be attacked in the same way.
    """

    name: ClassVar[str]
    version: ClassVar[int]
    title: ClassVar[str]
    came_back: ClassVar[str]
    level: ClassVar[str] = "standard"
    needs: ClassVar[tuple[str, ...]] = (ANSWERS,)
    unit: ClassVar[str] = "%"
    source: ClassVar[str] = ""
    """Where the attack comes from, as an arXiv number."""
    max_new_tokens: ClassVar[int] = MAX_NEW_TOKENS

    @abstractmethod
    def on(self, target: Target, material: Material, seed: int) -> Iterator[Variant]:
        """The settings to try on a target, in order. What needs something that the material lacks is left out."""

    def missing(self, target: Target, material: Material) -> str | None:
        """Why the attack cannot be tried here, as a sentence; None if it can."""
        lacking = [need for need in self.needs if not target.has(need)]
        return f"it needs {' and '.join(lacking)}, which the model does not give" if lacking else None

    def control(self, target: Target, material: Material, seed: int) -> Sequence[Trial]:
        """The same task about known others, which "leak" where the answer is right. An attack is tried only if the
        model can do its task (`scoring.CAN_DO`). Without any it is always tried; a `Trial` that is a control decides on
        its own wording alone.
        """
        return ()

    def found(self, trials: Sequence[Trial], responses: Mapping[str, Sequence[Response]]) -> Found:
        """Score the answers, by the ids of the trials' probes; with several answers each, one that leaks is enough."""
        return share_leaked(trials, responses)

    def beside_floor(self, found: Found, floor: Found) -> Mapping[str, float]:
        """Further figures of what was `found` in a state, by their names, that compare it with the floor."""
        return {}


def trial_id(attack: str, *parts: object) -> str:
    """The id of a trial's probe: unique among all attacks."""
    return "/".join(map(str, (attack, *parts)))


__all__ = [
    "ANSWERS",
    "BEGUN",
    "DRAWS",
    "HIDDEN",
    "LEVELS",
    "LOGPROBS",
    "WEIGHTS",
    "Attack",
    "Fact",
    "Found",
    "Material",
    "Other",
    "Pair",
    "Shown",
    "Target",
    "Trial",
    "Variant",
    "Wordings",
    "Worst",
    "trial_id",
]
