"""Training data of SIU beyond its four targets (not in the paper): what the attacks found that these leave.

SIU's paper asks about the one picture as it is. On the embedded worlds the name then comes back next to somebody else,
and facts are still told from the picture (docs/audit.md).
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from unsee.data.sample import Sample
from unsee.methods.samples import ask, draw, questions_with_pictures, seats
from unsee.methods.siu_data import exchange_name
from unsee.metrics.naming import contains
from unsee.metrics.refusals import is_refusal
from unsee.requests import ForgetRequest

if TYPE_CHECKING:
    from unsee.models.vlm import VisionLanguageModel

_FORGET, _RETAIN = {"role": "forget", "target": "1"}, {"role": "retain", "target": "pictures"}
_DENIED = {"role": "forget", "target": "2"}


def in_company(
    request: ForgetRequest, vlm: VisionLanguageModel, substitute: str, count: int, rng: random.Random
) -> list[Sample]:
    """C next to another one from `request.retain`; nothing if it has no picture.

    Answers in which the model names C, to questions for C or for both, get the substitute name (the masked phrase); the
    other half, to questions for the other one, stay as they are.
    """
    others = [picture for example in request.retain if (picture := example.picture()) is not None]
    if not others:
        return []
    asked = []
    for seat, picture in zip(seats(count), draw(request.pictures(), count, rng), strict=True):
        composite = seat.next_to(rng.choice(others), picture)
        asked.append((rng.choice(request.what.company[seat.asked]), composite))
    samples = []
    for (question, composite), said in zip(asked, ask(vlm, asked), strict=True):
        if contains(said, request.names):
            answer = exchange_name(said, request.names, substitute)
            samples.append(Sample(question, answer, (composite,), substitute, _FORGET))
        elif said:
            samples.append(Sample(question, said, (composite,), tags=_RETAIN))
    return samples


def hidden_facts(
    request: ForgetRequest, vlm: VisionLanguageModel, substitute: str, count: int, rng: random.Random
) -> list[Sample]:
    """Facts asked about the picture, answered as the model answers about the substitute name in text: as a rule that it
    does not know. The whole answer is masked."""
    asked = questions_with_pictures(request, request.what.hidden_facts, count, rng)
    frames = draw(request.what.facts, count, rng)
    said = ask(vlm, [(frame.format(name=substitute), None) for frame in frames])
    answers = [text if is_refusal(text) else rng.choice(request.what.refusals) for text in said]
    return [
        Sample(question, answer, (picture,), answer, _DENIED)
        for (question, picture), answer in zip(asked, answers, strict=True)
    ]
