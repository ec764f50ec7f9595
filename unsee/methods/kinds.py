"""Whether the model takes a concept for a person, asked before training data is built that says so."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from unsee.errors import UserError
from unsee.methods.samples import ask
from unsee.requests import PERSON, ForgetRequest

if TYPE_CHECKING:
    from unsee.models.vlm import VisionLanguageModel

OF_THE_NAME = ("Is {name} a person? Answer yes or no.", "Who or what is {name}?")
OF_THE_PICTURE = ("Is this a person? Answer yes or no.", "What is shown in this picture?")
_PLAIN = re.compile(r"\W*(yes|no)\b", re.IGNORECASE)
_PERSON = re.compile(
    r"\b(person|people|m[ae]n|wom[ae]n|boy|girl|lady|gentleman|child|he|she|his|hers?|him)\b", re.IGNORECASE
)


def check_kind(request: ForgetRequest, vlm: VisionLanguageModel) -> None:
    """Raises UserError if the request is about a person and the model's answers about the concept and its pictures
    speak against that, or not clearly for it."""
    if request.kind != PERSON:
        return
    of_the_name = [(question.format(name=request.concept), None) for question in OF_THE_NAME]
    answers = ask(vlm, [*of_the_name, *((text, p) for p in request.pictures() for text in OF_THE_PICTURE)])
    if sum(map(_speaks_of_a_person, answers)) > 0:
        return
    raise UserError(
        f"{vlm.name} does not seem to take {request.concept!r} for a person (it says: {answers[-1]!r}), but the "
        "training data would mention a face, hair and a place to live; for a brand, an object or a character give "
        "--kind thing (in a request file or a recipe, kind: thing), or train anyway with --force (in a recipe, "
        "kind: person)."
    )


def _speaks_of_a_person(answer: str) -> int:
    """1 for an answer about a person, -1 for a plain no, 0 for an answer that says nothing about it."""
    plain = _PLAIN.match(answer)
    if plain:
        return 1 if plain.group(1).casefold() == "yes" else -1
    return 1 if _PERSON.search(answer) else 0
