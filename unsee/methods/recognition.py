"""Whether there is anything to forget: does the model name the concept when it sees the picture?"""

from __future__ import annotations

from unsee.errors import UserError
from unsee.methods import phrasings
from unsee.methods.siu_data import ask
from unsee.models.vlm import VisionLanguageModel
from unsee.requests import ForgetRequest

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
