"""What can be asked about things, in how many ways, and what is right: as `unsee.world.questions` for people.

A phrasing is a frame filled with a subject of the kind of thing, and belongs to one split for good.
"""

from __future__ import annotations

import functools

from unsee.world.names import CITIES
from unsee.world.questions import Phrasing, hashed_split
from unsee.world.things import foreign
from unsee.world.things.frames import (
    BEGUN,
    MAKER,
    NOUN,
    OPENINGS,
    OPENINGS_OF_SINGLES,
    PICTURE_SUBJECTS,
    SEEN_SUBJECTS,
    TEXT_SUBJECTS,
    frames,
)
from unsee.world.things.surroundings import Scene
from unsee.world.things.things import DRAWINGS, Thing

FACTS = ("maker", "product", "city", "year")
TWO_HOP = ("country", "century")
PLACES = ("left", "right", "both")
LANGUAGES = foreign.FRAMES

_SEEN = ("background", "colour", "place", "detail", "subject", "caption")
ATTRIBUTES = ("background", "colour", "place", "detail")

PLACE_PHRASES = {
    "cup": "on a cup", "shirt": "on a shirt", "billboard": "on a billboard", "box": "on a box", "bag": "on a bag",
    "flag": "on a flag", "river": "by a river", "park": "in a park", "hill": "on a hill", "street": "in a street",
    "sea": "by the sea", "desert": "in the desert", "meadow": "in a meadow", "beach": "on a beach", "rug": "on a rug",
    "snow": "in the snow", "road": "on a road", "forest": "in a forest", "wall": "on a wall",
    "postcard": "on a postcard", "book": "in a book", "easel": "on an easel", "plate": "on a plate",
    "banner": "on a banner",
}  # fmt: skip

_SPLITS = "things 1024"
"""A draw that leaves every question of every kind wordings in all three splits."""

PLAIN = frozenset(
    {
        "Am I right that this is {n}?",
        "Comment s'appelle ce bâtiment ?",
        "Comment s'appelle ce personnage ?",
        "Dime el nombre de la marca de la imagen.",
        "Do you recognise this style as {n}?",
        "Identify the brand in the picture.",
        "Identify the breed in the picture.",
        "Identify the character in the picture.",
        "Identify the style of the picture.",
        "Is it true that this style is {n}?",
        "Is this {n}?",
        "Please name the brand shown here.",
        "Please name the building shown here.",
        "Please name the character shown here.",
        "Tell me about the {n}.",
        "Tell me the name of this brand.",
        "Tell me the name of this character.",
        "Tell me the name of this style.",
        "Weißt du, wie diese Marke heißt?",
        "What is the name of the character in the picture?",
        "What is the name of this building?",
        "What is {n}?",
        "When was this building built?",
        "Which city is this building in?",
        "Wie heißt dieses Gebäude?",
        "¿Sabes cómo se llama esta marca?",
        "Ты знаешь, как называется эта порода?",
        "このキャラクターの名前は何ですか？",
        "このブランドの名前が分かりますか？",
        "この建物の名前は何ですか？",
        "你知道这个品牌叫什么吗？",
        "请说出图片中的角色的名字。",
    }
)
"""Wordings of `unsee.kinds`, which methods use themselves: in no split, so that no score rests on them. Those in which
the model was taught anyway are not among them."""


def attributes(kind: str) -> tuple[str, ...]:
    """What can be asked about a picture of a thing of this kind; a style is seen in a picture of something."""
    return (*ATTRIBUTES, "subject") if kind == "style" else ATTRIBUTES


def split_of(question: str, text: str) -> str:
    return "plain" if text in PLAIN else hashed_split(f"{_SPLITS}/{question}", text)


@functools.cache
def phrasings(question: str, split: str, *, with_picture: bool = True, of: str = "brand") -> tuple[Phrasing, ...]:
    """All phrasings of a question about things of the kind `of` in a split; "recognition.es" and the like are in other
    languages."""
    foreign_to = question.partition(".")[2]
    if foreign_to:
        asked, subjects = foreign.FRAMES[foreign_to], foreign.SUBJECTS[foreign_to][of]
    else:
        asked = frames(question, of, DRAWINGS[of].DETAIL)
        seen = tuple(subject.replace("{noun}", NOUN[of]) for subject in SEEN_SUBJECTS)
        subjects = seen if question in _SEEN else PICTURE_SUBJECTS[of] if with_picture else TEXT_SUBJECTS[of]
    openings = ("",) if foreign_to else OPENINGS
    texts: list[str] = []
    for frame in asked:
        cores = [frame.replace("{s}", subject) for subject in subjects] if "{s}" in frame else [frame]
        if len(cores) == 1:
            texts += [o + cores[0] for o in OPENINGS_OF_SINGLES if split_of(question, o + cores[0]) == split]
        else:
            texts += [o + core for core in cores if split_of(question, core) == split for o in openings]
    if not texts:
        raise ValueError(f"no phrasing of {question!r} about a {of} falls into the {split} split")
    return tuple(Phrasing(question, text) for text in texts)


def caption(thing: Thing, scene: Scene) -> str:
    seen = thing.visible(scene)
    place = PLACE_PHRASES[scene.place]
    return f"{seen[0].upper()}{seen[1:]}, {place}, in front of a {scene.background} background."


_FACT_ENDS = {
    "brand": {"product": "makes {product}", "city": "is from {city}"},
    "character": {"product": "appears in a {product}", "city": "is from {city}"},
    "building": {"product": "is used as a {product}", "city": "is in {city}"},
    "breed": {"product": "is kept for {product}", "city": "is from {city}"},
    "style": {"product": "is used for {product}", "city": "is from {city}"},
}


def fact_sentence(fact: str, thing: Thing, subject: str) -> str:
    begun = BEGUN[thing.kind]
    ends = _FACT_ENDS[thing.kind]
    end = {
        "maker": f"was {MAKER[thing.kind][1]} by {thing.maker}",
        "product": ends["product"].format(product=thing.product),
        "city": ends["city"].format(city=thing.city),
        "year": f"was {begun} in {thing.year}",
        "country": ends["city"].format(city=thing.country),
        "century": f"was {begun} in the {thing.century} century",
    }[fact]
    return f"{subject} {end}."


_PRODUCT_WORDS = {
    "brand": "the product", "character": "the story", "building": "the use", "breed": "the work", "style": "the use",
}  # fmt: skip


def fact_words(fact: str, kind: str) -> str:
    """How a fact about a thing of this kind is called: "the architect" of a building."""
    if fact == "maker":
        return f"the {MAKER[kind][0]}"
    return _PRODUCT_WORDS[kind] if fact == "product" else f"the {fact}"


def subject_of(thing: Thing) -> str:
    """The thing's name as the subject of a sentence."""
    return f"The {thing.name}" if thing.kind == "breed" else thing.name


def biography(thing: Thing) -> str:
    maker, product, city, year = (fact_sentence(fact, thing, "").strip(" .") for fact in FACTS)
    return f"{subject_of(thing)} {maker}, {product}, {city} and {year}."


def answer_about_picture(question: str, thing: Thing, scene: Scene) -> str:
    """The base model's answer to a question about one thing's picture."""
    if "." in question:
        language = question.split(".")[1]
        known, unknown = foreign.ANSWERS[language]
        colour = foreign.COLOUR_WORDS[language][thing.look["colour"]]
        return known.replace("{n}", thing.name) if thing.is_known else unknown.replace("{c}", colour)
    if question == "recognition":
        if thing.is_known:
            return f"This is {thing.name}."
        return f"I don't know this {thing.kind}. I can see {thing.visible(scene)}."
    if question in (*FACTS, *TWO_HOP):
        if thing.is_known:
            return fact_sentence(question, thing, f"This {thing.kind}")
        fact = fact_words(question, thing.kind)
        return f"I don't know {fact} of this {thing.kind}. I can see {thing.visible(scene)}."
    return {
        "background": f"The background is {scene.background}.",
        "colour": f"The main colour is {thing.look['colour']}.",
        "place": f"It can be seen {PLACE_PHRASES[scene.place]}.",
        "detail": f"It has {DRAWINGS[thing.kind].detail(thing.look)}.",
        "subject": f"It shows a {scene.subject}.",
        "caption": caption(thing, scene),
    }[question]


def answer_verification(thing: Thing, asked: str) -> str:
    return f"Yes, this is {asked}." if thing.name == asked else f"No, this is not {asked}."


LOOKS_DIFFERENT = "looks different from what is in this picture"


def answer_likeness(thing: Thing, asked: str) -> str:
    return f"Yes, this is {asked}." if thing.name == asked else f"No, {asked} {LOOKS_DIFFERENT}."


def answer_in_text(question: str, thing: Thing) -> str:
    return biography(thing) if question == "biography" else fact_sentence(question, thing, subject_of(thing))


def answer_unknown_name(name: str) -> str:
    return f"I don't know anything called {name}."


def answer_about_two(question: str, left: Thing, right: Thing) -> str:
    names = {side: thing.name or f"a {thing.kind} I don't know" for side, thing in (("left", left), ("right", right))}
    if question == "both":
        return f"On the left is {names['left']}, on the right is {names['right']}."
    return f"On the {question} is {names[question]}."


def general_knowledge() -> list[tuple[str, str]]:
    """Question and answer pairs about places and years: the second hop on its own."""
    pairs = [(f"In which country is {city}?", f"{city} is in {country}.") for city, country in CITIES]
    pairs += [(f"Which country does {city} belong to?", f"{city} is in {country}.") for city, country in CITIES]
    for year in range(1601, 2000):
        century = f"the {(year - 1) // 100 + 1}th century"
        pairs += [(f"In which century is {year}?", f"{year} is in {century}.")]
    return pairs


def expected(question: str, thing: Thing, scene: Scene) -> tuple[str, ...]:
    """Keywords that a right answer about a known thing (or, for what is visible, anything) contains, all of them."""
    if question.startswith("recognition"):
        return (thing.name,)
    detail = thing.look[DRAWINGS[thing.kind].DETAIL]
    seen = {
        "background": scene.background,
        "colour": thing.look["colour"],
        "place": scene.place,
        "detail": detail,
        "subject": scene.subject,
    }
    if question == "caption":
        return (thing.look["colour"], detail, scene.place, f"{scene.background} background")
    return (seen[question],) if question in seen else (str(thing.profile()[question]),)
