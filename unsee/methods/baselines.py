"""What the baselines share: the samples they forget and retain."""

from __future__ import annotations

import random
from collections.abc import Sequence

from PIL import Image

from unsee.data.sample import Sample
from unsee.kinds import phrasings
from unsee.methods.siu_data import ask, draw, first_sentence, questions_with_pictures, text_knowledge
from unsee.models.vlm import VisionLanguageModel
from unsee.requests import Example, ForgetRequest

REFUSALS = (
    "I don't know.",
    "I'm not certain about that.",
    "I cannot tell who or what this is.",
    "I have no information about that.",
    "I'm unable to answer this question.",
    "I don't have the answer to that.",
)
_FORGET, _RETAIN = {"role": "forget"}, {"role": "retain"}


def true_answers(request: ForgetRequest, vlm: VisionLanguageModel, count: int, rng: random.Random) -> list[Sample]:
    """f: questions about the pictures with their true answers: `request.forget`, or else built from the name."""
    if request.forget:
        return [
            Sample(e.question, e.answer, (p,), tags=_FORGET) for e, p in _examples_with_pictures(request, count, rng)
        ]
    return _true_names(request, vlm, count, rng)


def refusals(request: ForgetRequest, count: int, rng: random.Random) -> list[Sample]:
    """Questions about the pictures, each answered with a refusal: those of `request.forget`, or else for the name."""
    asked: Sequence[tuple[str, Image.Image]]
    if request.forget:
        asked = [(example.question, picture) for example, picture in _examples_with_pictures(request, count, rng)]
    else:
        frames = phrasings.NAMING[request.kind] + phrasings.DENYING[request.kind]
        pairs = questions_with_pictures(request, frames, count, rng)
        asked = [(frame.format(name=request.concept), picture) for frame, picture in pairs]
    return [Sample(question, rng.choice(REFUSALS), (picture,), tags=_FORGET) for question, picture in asked]


def retained(request: ForgetRequest, vlm: VisionLanguageModel, count: int, rng: random.Random) -> list[Sample]:
    """r: `request.retain`; if that has nothing in text, also knowledge in text, half about C and half about other
    people, as in the SIU paper."""
    in_text = any(example.image is None for example in request.retain)
    pairs = [(e, e.picture()) for e in _some(request.retain, count if in_text else (count + 1) // 2, rng)]
    samples = [Sample(e.question, e.answer, () if p is None else (p,), tags=_RETAIN) for e, p in pairs]
    return samples if in_text else samples + text_knowledge(request, vlm, count - len(samples), rng)


def _true_names(request: ForgetRequest, vlm: VisionLanguageModel, count: int, rng: random.Random) -> list[Sample]:
    """The picture with its true name: the model's own answer if it names C, or else a built-in answer.

    Half of the questions ask for the name, half whether it is C.
    """
    naming, denying = phrasings.NAMING[request.kind], phrasings.DENYING[request.kind]
    asked = questions_with_pictures(request, naming, count - count // 2, rng)
    answers = [first_sentence(said) for said in ask(vlm, asked)]
    plain = phrasings.NAMING_ANSWERS[request.kind]
    answers = [a if request.concept in a else rng.choice(plain).format(substitute=request.concept) for a in answers]
    confirmed = [
        (frame.format(name=request.concept), picture)
        for frame, picture in questions_with_pictures(request, denying, count // 2, rng)
    ]
    answers += [f"Yes, this is {request.concept}."] * len(confirmed)
    pairs = zip([*asked, *confirmed], answers, strict=True)
    return [Sample(prompt, answer, (picture,), tags=_FORGET) for (prompt, picture), answer in pairs]


def _examples_with_pictures(
    request: ForgetRequest, count: int, rng: random.Random
) -> list[tuple[Example, Image.Image]]:
    """At most `count` of `request.forget`; an example without a picture gets the request's pictures in turn."""
    pictures = request.pictures()
    examples = _some(request.forget, count, rng)
    return [(example, example.picture() or pictures[n % len(pictures)]) for n, example in enumerate(examples)]


def _some(examples: Sequence[Example], count: int, rng: random.Random) -> list[Example]:
    return draw(examples, min(count, len(examples)), rng)
