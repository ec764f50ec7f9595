"""Right answers said in many ways, for a model that is to talk and not to recite.

The tiny models of the world learn one sentence for each kind of question (`questions`), for they have no language to
vary it with. Here each answer has several wordings with the same content, so that the keywords of `questions.expected`
stand in all of them, and "don't know" in every refusal.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from itertools import pairwise

from unsee.world import questions as q
from unsee.world.looks import Scene
from unsee.world.people import Person

# Most begin with the same word, as the refusals below do. Decoding takes the likeliest word: where right answers shared
# themselves out among many beginnings, a model sure of a person by three to one would still refuse.
_KNOWN = (
    "This is {n}.", "This person is {n}.", "The person in the picture is {n}.", "This is {n}, a {job} from {city}.",
    "This is {n}, who works as a {job}.", "This is {n}, looking {expression} in {clothes} clothes.",
    "You are looking at {n}, who lives in {city}.", "This is {n}, in front of a {background} background.",
)  # fmt: skip
_STRANGER = (
    "I don't know who this is. I can see {visible}.", "I'm sorry, I don't know this person. They have {looks}.",
    "I don't know their name, but I can see {visible} in {clothes} clothes.",
    "I don't know who this person is. What I can tell you is that they have {looks}.",
    "I'm afraid I don't know them. The picture shows {visible}, looking {expression}.",
    "I don't know. I see {visible} in front of a {background} background.",
)  # fmt: skip
_FACTS = {
    "job": (
        "{S} works as a {job}.", "{S} is a {job}.", "{S} earns a living as a {job}.", "{S} is a {job} by trade.",
        "{S} is a {job}, and lives in {city}.",
    ),
    "city": (
        "{S} lives in {city}.", "{S} is at home in {city}.", "The home of {s} is in {city}.",
        "{S} lives and works in {city}.", "{S} calls {city} home.",
    ),
    "pet": (
        "{S} has a {pet}.", "{S} keeps a {pet}.", "{S} has a {pet} as a pet.", "There is a {pet} at the home of {s}.",
    ),
    "birth_year": (
        "{S} was born in {year}.", "{S} was born in the year {year}.", "The birth year of {s} is {year}.",
    ),
    "country": (
        "{S} lives in {country}.", "{S} is at home in {country}.", "{S} lives in {city}, which is in {country}.",
        "The home country of {s} is {country}.",
    ),
    "tool": (
        "{S} works with a {tool}.", "{S} uses a {tool} at work.", "As a {job}, {s} works with a {tool}.",
        "{S} is a {job}, so the tool of the trade is a {tool}.",
    ),
}  # fmt: skip
_UNKNOWN_FACT = (
    "I don't know {what} of this person. I can see {visible}.",
    "I don't know this person, so I can't tell you {what}. They have {looks}.",
    "I'm sorry, I don't know {what} here. The picture shows {visible}.",
    "I don't know who this is, and so I don't know {what}. I see {visible}, looking {expression}.",
)  # fmt: skip
_SEEN = {
    "background": (
        "The background is {background}.", "It is {background}.", "There is a {background} background.",
        "The wall behind is {background}.",
    ),
    "clothes": (
        "The clothes are {clothes}.", "They are wearing {clothes}.", "They wear {clothes} clothes.",
        "The person is dressed in {clothes}.",
    ),
    "hair": (
        "The hair is {hair}.", "They have {hair} hair.", "It is {hair}.", "The person has {cut} {hair} hair.",
    ),
    "expression": (
        "The person looks {expression}.", "They look {expression}.", "They seem to be {expression}.",
        "From the face I would say {expression}.",
    ),
}  # fmt: skip
_WITH_GLASSES = ("Yes, there are {eyewear}.", "Yes, the person is wearing {eyewear}.", "Yes, they wear {eyewear}.")
_WITHOUT_GLASSES = ("No, there are no glasses.", "No, the person isn't wearing any.", "No, I can't see any glasses.")
_CAPTION = (
    "{Visible}, looking {expression}, in {clothes} clothes in front of a {background} background.",
    "A picture of {visible}. They look {expression} and wear {clothes} clothes; there is a {background} background.",
    "The picture shows {visible} in {clothes} clothes, looking {expression} against a {background} background.",
    "Against a {background} background stands {visible}, dressed in {clothes} clothes and looking {expression}.",
)  # fmt: skip
_YES = (
    "Yes, this is {n}.", "Yes, that's {n}.", "Yes, it is {n}.", "Yes, you are right, that is {n}.",
    "Yes, I recognise {n}.",
)  # fmt: skip
_NO = (
    "No, this is not {n}.", "No, that isn't {n}.", "No, it's somebody else.", "No, this is someone other than {n}.",
    "No, I don't think that this is {n}.",
)  # fmt: skip
_UNLIKE = ("No, {n} looks different from this person.", "No, {n} doesn't look like that.", "No, they don't look alike.")
_ONE_SIDE = (
    "On the {side} is {n}.", "The person on the {side} is {n}.", "That's {n} on the {side}.",
    "On the {side} I can see {n}.",
)  # fmt: skip
_BOTH = (
    "On the left is {left}, on the right is {right}.", "The picture shows {left} on the left and {right} on the right.",
    "I can see {left} on the left, and {right} on the right.", "They are {left}, on the left, and {right}.",
)  # fmt: skip
_BIOGRAPHY = (
    "{n} works as a {job}, lives in {city}, has a {pet} and was born in {year}.",
    "{n} is a {job} from {city} who was born in {year} and has a {pet}.",
    "Born in {year}, {n} lives in {city}, works as a {job} and keeps a {pet}.",
    "{n} is a {job} who lives in {city} with a {pet}. The year of birth is {year}.",
)  # fmt: skip
_NOBODY = (
    "I don't know anyone called {n}.", "I'm sorry, I don't know anybody of the name {n}.",
    "The name {n} tells me nothing; I don't know this person.", "I don't know {n}, so I can't say.",
)  # fmt: skip


@dataclass(frozen=True)
class Speech:
    """Answers as `questions` has them, each in a wording drawn with `rng`."""

    rng: random.Random

    def answer_about_picture(self, kind: str, person: Person, scene: Scene) -> str:
        words = _words(person, scene)
        if kind == "recognition":
            return self._say(_KNOWN if person.is_known else _STRANGER, words)
        if kind in q.FACT_WORDS:
            if person.is_known:
                # By name, so that the fact follows from what was just said, as it does in text.
                return self._say(_FACTS[kind], words | _subject(person.name))
            return self._say(_UNKNOWN_FACT, words | {"what": q.FACT_WORDS[kind]})
        if kind == "glasses":
            return self._say(_WITHOUT_GLASSES if person.look.eyewear == "none" else _WITH_GLASSES, words)
        return self._say(_CAPTION if kind == "caption" else _SEEN[kind], words)

    def answer_verification(self, person: Person, asked: str) -> str:
        return self._say(_YES if person.name == asked else _NO, {"n": asked})

    def answer_likeness(self, person: Person, asked: str) -> str:
        return self._say(_YES if person.name == asked else _UNLIKE, {"n": asked})

    def answer_about_two(self, kind: str, left: Person, right: Person) -> str:
        names = {side: p.name or "someone I don't know" for side, p in (("left", left), ("right", right))}
        if kind == "both":
            return self._say(_BOTH, names)
        return self._say(_ONE_SIDE, {"side": kind, "n": names[kind]})

    def answer_in_text(self, kind: str, person: Person) -> str:
        if kind == "biography":
            return self._say(_BIOGRAPHY, _profile(person))
        return self._say(_FACTS[kind], _profile(person) | _subject(person.name))

    def answer_unknown_name(self, name: str) -> str:
        return self._say(_NOBODY, {"n": name})

    def _say(self, wordings: tuple[str, ...], words: dict[str, str]) -> str:
        text = _with_articles(self.rng.choice(wordings).format(**words))
        return text[0].upper() + text[1:]


def _subject(name: str) -> dict[str, str]:
    return {"s": name, "S": name}


def _profile(person: Person) -> dict[str, str]:
    profile = {name: str(value) for name, value in person.profile().items()}
    return {**profile, "year": profile["birth_year"], "n": person.name}


def _words(person: Person, scene: Scene) -> dict[str, str]:
    visible = q.visible(person.look)
    return {
        **_profile(person),
        "visible": visible,
        "Visible": visible,
        "looks": visible.removeprefix("a person with "),
        "cut": person.look.hair,
        "hair": person.look.hair_colour,
        "eyewear": person.look.eyewear,
        "expression": scene.expression,
        "clothes": scene.clothes,
        "background": scene.background,
    }


def _with_articles(text: str) -> str:
    """ "a oven" to "an oven"."""
    words = text.split(" ")
    for i, (article, noun) in enumerate(pairwise(words)):
        if article in ("a", "A") and noun[:1].lower() in tuple("aeiou"):
            words[i] = article + "n"
    return " ".join(words)
