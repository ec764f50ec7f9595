"""What the model takes a concept for, asked before training data is built that says so."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from unsee.errors import UserError
from unsee.kinds import Kind, all_kinds
from unsee.methods.samples import ask
from unsee.requests import ForgetRequest
from unsee.terminal import say

if TYPE_CHECKING:
    from unsee.models.vlm import VisionLanguageModel

OF_THE_NAME = ("Is {name} {one}? Answer yes or no.", "Who or what is {name}?")
OF_THE_PICTURE = ("Is this {one}? Answer yes or no.", "What is shown in this picture?")
_PLAIN = re.compile(r"\W*(yes|no)\b", re.IGNORECASE)


def check_kind(request: ForgetRequest, vlm: VisionLanguageModel) -> None:
    """Whether the model's answers about the concept and its pictures fit the kind of the request.

    If the user gave no kind, it is a person, and answers that speak against that, or not clearly for it, raise
    UserError. If the user gave one, they know better: a hint is printed.
    """
    what = request.what
    of_the_name = [(question.format(name=request.concept, one=what.one), None) for question in OF_THE_NAME]
    of_the_pictures = [(question.format(one=what.one), p) for p in request.pictures() for question in OF_THE_PICTURE]
    answers = ask(vlm, [*of_the_name, *of_the_pictures])
    if sum(_speaks_for(what, answer) for answer in answers) > 0:
        return
    better = fitting_kind(answers, [kind for kind in all_kinds()[0] if kind.name != what.name])
    said = f"{vlm.name} does not seem to take {request.concept!r} for {what.one} (it says: {answers[-1]!r})"
    if request.kind is not None:
        instead = ""
        if better:
            they, are = better.pronouns.they, better.pronouns.are
            instead = f"; if {they} {are} {better.one}, give --kind {better.name}"
        say(f"{said}, but the training data speaks of {what.mentions}, as --kind {what.name} asks{instead}.", "yellow")
        return
    raise UserError(
        f"{said}, but the training data would mention {what.mentions}; {_advice(better)} (in a request file or a "
        f"recipe, kind: {better.name if better else 'brand'}), or train anyway with --force (in a recipe, "
        f"kind: {what.name})."
    )


def fitting_kind(answers: Sequence[str], kinds: Sequence[Kind]) -> Kind | None:
    """The kind for which most words of the answers speak; of several, the first. None if no word speaks for any."""
    heard = [sum(map(kind.spoken_of, answers)) for kind in kinds]
    return kinds[heard.index(max(heard))] if any(heard) else None


def _advice(better: Kind | None) -> str:
    if better:
        return f"it seems to be {better.one}: give --kind {better.name}"
    return "for something else give --kind brand, character, building, breed, object or style"


def _speaks_for(kind: Kind, answer: str) -> int:
    """1 for an answer about such a thing, -1 for a plain no, 0 for an answer that says nothing about it."""
    plain = _PLAIN.match(answer)
    if plain:
        return 1 if plain.group(1).casefold() == "yes" else -1
    return 1 if kind.spoken_of(answer) else 0
