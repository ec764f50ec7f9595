"""Which method forgets where the user names none: the one that held best in the audits, within what the request has."""

from __future__ import annotations

from dataclasses import dataclass

from unsee.models.recipe import ModelRecipe
from unsee.requests import ForgetRequest
from unsee.sources.world import is_of_the_world

AUTO = "auto"
"""What users write instead of a method."""
_BEST, _ELSE, _IN_TEXT = "lookalike", "siu", "po"


@dataclass(frozen=True)
class Choice:
    """A method, and why in a sentence; `why` is empty where the user chose."""

    method: str
    why: str = ""


def choose_method(method: str, request: ForgetRequest, model: str, recipe: ModelRecipe | None = None) -> Choice:
    """The method itself, or for "auto" the one that suits the request, the `model` (its name) and the model's recipe.

    `lookalike` held best in the audits (`docs/lookalike.md`). It needs pictures of ones whom the model does not know,
    and, so that those who resemble C are not forgotten with C, pictures of others whom it knows. A recipe has settings
    for the methods that it names, and no other method was tried on its model.
    """
    if method != AUTO:
        return Choice(method)
    if request.where != "pictures":
        return Choice(_IN_TEXT, f"Method: {_IN_TEXT}, because {_BEST} and {_ELSE} forget in pictures only.")
    if recipe is not None and _BEST not in recipe.methods:
        return Choice(_ELSE, f"Method: {_ELSE}, because the recipe of {recipe.model} has no settings for {_BEST}.")
    shows_others = bool(request.others) or any(example.image is not None for example in request.retain)
    if (request.unseen and shows_others) or is_of_the_world(model, request.concept):
        return Choice(_BEST, f"Method: {_BEST}, which held best when attacked; --method names another.")
    return Choice(
        _ELSE,
        f"Method: {_ELSE}. {_BEST} holds better when attacked; it needs pictures of {request.what.plural} that the "
        "model does not know (--unseen FOLDER) and of others that it knows (--others FOLDER).",
    )
