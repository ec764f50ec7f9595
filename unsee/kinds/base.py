"""`Kind`: everything that is said about one kind of concept, in its own words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

LANGUAGES = ("es", "fr", "zh", "de", "ja", "ru")
"""Languages other than English in which every kind is asked about."""


@dataclass(frozen=True)
class Pronouns:
    """How a sentence refers to one: "they are known", "it is known"."""

    they: str
    them: str
    their: str
    are: str


THEY = Pronouns("they", "them", "their", "are")
IT = Pronouns("it", "it", "its", "is")


@dataclass(frozen=True)
class Spoken:
    """Questions in a language other than English. `{name}` is the concept's name, undeclined.

    naming: about a picture, for the name; at least four. denying: about a picture, whether it is {name}; at least
    three. facts: in text, about {name}. likeness: in text, how {name} looks.
    """

    naming: tuple[str, ...]
    denying: tuple[str, ...]
    facts: tuple[str, ...]
    likeness: tuple[str, ...]


@dataclass(frozen=True)
class Kind:
    """One kind of concept. `{name}` stands for a name: of the concept, or of another one of its kind."""

    name: str
    """What users call it: `--kind brand`."""
    noun: str
    """One of them, without an article: "brand"."""
    plural: str
    """Several of them: "brands"."""
    summary: str
    """A line for the list of kinds."""
    pronouns: Pronouns
    who: str
    """ "who" or "what", as in "Asking who this is"."""
    nobody: str
    """ "nobody" or "nothing", as in "names nobody in the pictures"."""
    naming: tuple[str, ...]
    """Questions about a picture, for the name. The first six are those that look for the concept in a model."""
    denying: tuple[str, ...]
    """Questions about a picture, whether it is {name}."""
    likeness: tuple[str, ...]
    """Questions in text, how {name} looks."""
    facts: tuple[str, ...]
    """Questions in text about {name}, from what {name} is to single facts."""
    company: Mapping[str, tuple[str, ...]]
    """Questions about a picture with two of them: for the name on the "left", on the "right", or for "both"."""
    describing: tuple[str, ...]
    """Questions for a description of a picture, which can be answered without any name."""
    hidden: tuple[str, ...]
    """Questions about a picture that can be answered only by somebody who knows the concept. The first two ask for the
    name, the others for facts."""
    visible: tuple[str, ...]
    """Questions about a picture that can be answered by anybody; none of them is also `hidden`."""
    naming_answers: tuple[str, ...]
    """Answers that give the name."""
    denials: tuple[str, ...]
    """Answers that the picture does not show {name}."""
    differences: tuple[str, ...]
    """Sentences that {name} looks different from the picture. The last says in what."""
    mentions: str
    """What training data of this kind speaks of, for an error: "a face, hair and a place to live"."""
    signs: tuple[str, ...]
    """Words of an answer that speak for this kind, where a model says what the concept or its picture is."""
    parts: tuple[str, ...]
    """Nouns of what can be seen of one: an answer that says something about them describes the picture."""
    well_known: tuple[str, ...]
    """Names of those that every model knows, to be kept where a request names no neighbours."""
    unknown: tuple[str, ...]
    """What pictures of those that no model knows could show; for advice."""
    invented: tuple[tuple[str, ...], ...]
    """Words to invent a name from, which a picture gets instead: one choice for each word of the name."""
    spoken: Mapping[str, Spoken]
    """The questions in each of `LANGUAGES`."""
    confirmation: str = "Yes, this is {name}."
    """The answer that the picture shows {name}."""
    described: str = "No, {name} {description}."
    """A denial with a description that the request brings, such as "has another logo"."""
    refusals: tuple[str, ...] = (
        "I don't know.",
        "I'm not certain about that.",
        "I cannot tell what this is.",
        "I have no information about that.",
        "I'm unable to answer this question.",
        "I don't have the answer to that.",
    )
    """Answers of a model that knows neither the concept nor the picture."""
    _signs: re.Pattern[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        words = "|".join(map(re.escape, self.signs))
        object.__setattr__(self, "_signs", re.compile(rf"\b(?:{words})\b", re.IGNORECASE))

    @property
    def one(self) -> str:
        """One of them, with its article: "a brand", "an object"."""
        return f"{'an' if self.noun[0] in 'aeiou' else 'a'} {self.noun}"

    @property
    def hidden_facts(self) -> tuple[str, ...]:
        """Those of `hidden` that ask for facts."""
        return self.hidden[2:]

    def spoken_of(self, answer: str) -> int:
        """How many words of an answer speak for this kind."""
        return len(self._signs.findall(answer))


def coined(starts: Iterable[str], ends: Iterable[str]) -> tuple[str, ...]:
    """Invented words: every start with every end."""
    ends = tuple(ends)
    return tuple(start + end for start in starts for end in ends)


def company(of_one: Iterable[str], of_both: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Questions about a picture with two. of_one: with "{side}", which becomes "left" and "right"."""
    of_one = tuple(of_one)
    sides = {side: tuple(text.replace("{side}", side) for text in of_one) for side in ("left", "right")}
    return {**sides, "both": tuple(of_both)}
