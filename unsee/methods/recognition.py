"""Whom the model sees in the pictures of a request: whether there is anything to forget, and what to keep."""

from __future__ import annotations

import random
from dataclasses import replace

from unsee.errors import UserError
from unsee.methods import phrasings
from unsee.methods.siu_data import ask, draw
from unsee.metrics.naming import contains
from unsee.models.vlm import VisionLanguageModel
from unsee.requests import Example, ForgetRequest
from unsee.terminal import say

QUESTIONS = 6


def check_recognised(request: ForgetRequest, vlm: VisionLanguageModel) -> None:
    """Raises UserError where the model gives none of the concept's names to any of its pictures."""
    wordings = phrasings.NAMING[request.kind][:QUESTIONS]
    answers = ask(vlm, [(wording, picture) for picture in request.pictures() for wording in wordings])
    names = [name.casefold() for name in request.names]
    if not any(name in answer.casefold() for answer in answers for name in names):
        raise UserError(
            f"{vlm.name} does not recognise {request.concept!r} in the picture (it says: {answers[0]!r}), "
            "so there is nothing to forget; check the name and the picture."
        )


def with_others_as_known(request: ForgetRequest, vlm: VisionLanguageModel, seed: int) -> ForgetRequest:
    """The request with what the model says to who is in each of its pictures of others, to be retained.

    Those whom it takes for the concept are left out, and it is said so.
    """
    pictures = request.other_pictures()
    wordings = draw(phrasings.NAMING[request.kind], len(pictures), random.Random(f"{seed}/others"))
    told = ask(vlm, list(zip(wordings, pictures, strict=True)))
    kept = []
    for number, (question, picture, answer) in enumerate(zip(wordings, pictures, told, strict=True), start=1):
        if contains(answer, request.names):
            say(f"Picture {number} of {len(pictures)} of others is not used: the model says {answer!r} of it.")
        elif answer:
            kept.append(Example(question, answer, picture))
    return replace(request, retain=(*request.retain, *kept))
