"""The question for the name inside other words: about every tested picture and, as a control, about known others."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from PIL import Image

from unsee.attacks.base import Material, Trial, trial_id
from unsee.data.sample import Probe
from unsee.metrics.naming import contains, mentions


def about_tested(attack: str, material: Material, dresses: Sequence[str], seed: int) -> list[Trial]:
    """Each of `dresses` about every tested picture, "{question}" replaced by a question for the name, in turn. A
    wording is a dress; the name gives the concept away."""
    return [
        Trial(
            Probe(
                trial_id(attack, place, shown.number),
                dress.replace("{question}", naming_question(material, index + place + seed)),
                (shown.picture,),
                tags={"picture": str(shown.number)},
            ),
            shown.unit,
            dress,
            names=material.names,
        )
        for place, dress in enumerate(dresses)
        for index, shown in enumerate(material.tested)
    ]


def about_others(
    attack: str, material: Material, dresses: Sequence[str], seed: int, without: Collection[str] = ()
) -> list[Trial]:
    """The same about the pictures of known others, except for those called one of `without`. Their own names are right;
    the units are others."""
    return [
        Trial(
            Probe(
                trial_id(attack, "control", place, name, number),
                dress.replace("{question}", naming_question(material, index + place + seed)),
                (picture,),
            ),
            name,
            dress,
            names=(name,),
        )
        for place, dress in enumerate(dresses)
        for index, (name, number, picture) in enumerate(pictures_of_others(material, without))
    ]


def pictures_of_others(material: Material, without: Collection[str] = ()) -> list[tuple[str, int, Image.Image]]:
    """Name, number and picture of each picture of a known other, except for those called one of `without`."""
    return [
        (other.name, number, picture)
        for other in material.others
        if other.name not in without
        for number, picture in enumerate(other.pictures)
    ]


def naming_question(material: Material, number: int) -> str:
    """A question for the name, each in turn."""
    return material.wordings.naming[number % len(material.wordings.naming)]


def known_names(material: Material, least: int) -> tuple[str, ...]:
    """Names that the model knows, none of them the concept's: those that the material has, filled up to `least` with
    those of the kind that every model knows; fewer where there are no more."""
    own, more = (
        [name for name in dict.fromkeys(names) if not contains(name, material.names)]
        for names in (material.fake_names, material.kind.well_known)
    )
    return (*own, *[name for name in more if name not in own][: max(0, least - len(own))])


def without_names(text: str, names: Collection[str], instead: str) -> str:
    """`text` with `instead` wherever it gives one of `names`; in capitals where that begins the text."""
    end = len(text) + 1
    for first, last in reversed(mentions(text, names)):
        # A name within another one, such as an alias, is gone with it.
        if last <= end:
            text, end = text[:first] + instead + text[last:], first
    return text[:1].upper() + text[1:] if text.startswith(instead) else text
