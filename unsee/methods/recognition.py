"""Whom the model recognises in the pictures of a request: is there anything to forget, and what should be kept?"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from unsee.errors import UserError
from unsee.methods.samples import ask, draw
from unsee.metrics.naming import contains
from unsee.metrics.refusals import is_refusal
from unsee.requests import Example, ForgetRequest
from unsee.terminal import say

if TYPE_CHECKING:
    from unsee.models.vlm import VisionLanguageModel

QUESTIONS = 6
MOST_OTHERS = 64
"""Pictures of others to ask about, at most: more than any method trains on by default."""


def check_recognised(request: ForgetRequest, vlm: VisionLanguageModel) -> None:
    """Raises UserError if the model gives none of the concept's names to any of its pictures."""
    wordings = request.what.naming[:QUESTIONS]
    answers = ask(vlm, [(wording, picture) for picture in request.pictures() for wording in wordings])
    if not any(contains(answer, request.names) for answer in answers):
        raise UserError(
            f"{vlm.name} does not recognise {request.concept!r} in the picture (it says: {answers[0]!r}), "
            "so there is nothing to forget; check the name and the picture."
        )


def with_others_as_known(
    request: ForgetRequest, forgotten: Sequence[str], vlm: VisionLanguageModel, seed: int
) -> ForgetRequest:
    """The request, with the model's answers to who or what is in each picture of others added to `retain`.

    Pictures are left out if the model refuses or gives one of the `forgotten` names; of more than `MOST_OTHERS`, that
    many are drawn. Raises UserError if none is left.
    """
    if not request.others:
        return request
    rng, what = random.Random(f"{seed}/others"), request.what
    pictures = rng.sample(request.others, MOST_OTHERS) if len(request.others) > MOST_OTHERS else request.others
    wordings = draw(request.what.naming, len(pictures), rng)
    asked = [Example(question, "", picture) for question, picture in zip(wordings, pictures, strict=True)]
    told = ask(vlm, [(example.question, example.picture()) for example in asked])
    kept = tuple(
        replace(example, answer=answer)
        for example, answer in zip(asked, told, strict=True)
        if answer and not is_refusal(answer) and not contains(answer, forgotten)
    )
    if not kept:
        raise UserError(
            f"{vlm.name} names {what.nobody} in the pictures of other {what.plural} (it says: {told[0]!r}), so there "
            f"is no recognition to keep; give pictures of {what.plural} that it knows."
        )
    if len(kept) < len(told):
        say(
            f"{len(kept)} of {len(told)} pictures of other {what.plural} are used; the model names {what.nobody} else "
            "in the rest."
        )
    return replace(request, retain=(*request.retain, *kept))
