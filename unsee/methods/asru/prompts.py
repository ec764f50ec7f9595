"""The prompts of ASRU: what to forget, what to retain, and what the model has never seen.

They are samples with the tags `role` ("forget", "retain", "unseen", or "altered": to retain about an altered view)
and, for validation, `held_out` ("yes"). A sample's answer is the ground truth: what stage 2 rewards or punishes, and
what stage 1 holds in place.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from PIL import Image

from unsee.data.images import image_key
from unsee.data.sample import Sample
from unsee.data.views import view
from unsee.errors import UserError
from unsee.kinds.general import GENERAL
from unsee.methods.asru.rewards import RefusalDetector
from unsee.methods.asru.secrets import Secrets, contains_truth
from unsee.methods.samples import ask, draw, first_sentence, retained, true_answers
from unsee.metrics.naming import contains
from unsee.requests import ForgetRequest

if TYPE_CHECKING:
    from unsee.models.vlm import VisionLanguageModel

ROLES = ("forget", "retain", "unseen", "altered")
_VIEWS = 60
"""Altered views of a picture among which those are looked for in which the model still knows who it is."""
_ALTERED = {"role": "altered"}
_TRIED = 32
"""Prompts to retain by which it is told whether the model speaks as their answers do."""

HINT = "If you don't know, describe the picture."


@dataclass(frozen=True)
class Prompts:
    """Prompts by role."""

    forget: tuple[Sample, ...]
    retain: tuple[Sample, ...]
    unseen: tuple[Sample, ...]
    altered: tuple[Sample, ...] = ()

    @classmethod
    def of(cls, samples: Sequence[Sample], *, held_out: bool) -> Prompts:
        """The held-out prompts among `samples`, or the others. Other roles are ignored."""
        chosen = [sample for sample in samples if (sample.tags.get("held_out") == "yes") is held_out]
        return cls(*(tuple(s for s in chosen if s.tags.get("role") == role) for role in ROLES))


def forget_prompts(request: ForgetRequest, vlm: VisionLanguageModel, count: int, rng: random.Random) -> list[Sample]:
    """Questions about the pictures with the true answers: those of the request, or else built ones.

    The built questions ask, in equal parts, for the name, whether it is C, and for what only somebody who knows C can
    tell, with the model's own answers.
    """
    if request.forget:
        return true_answers(request, vlm, count, rng)
    personal = _about_pictures(request, request.what.hidden, -(-count // 3), vlm, rng, role="forget")
    return [*true_answers(request, vlm, count - len(personal), rng), *personal]


def retain_prompts(request: ForgetRequest, vlm: VisionLanguageModel, count: int, rng: random.Random) -> list[Sample]:
    """What to keep: the request's own examples (or else knowledge in text), and what is visible in the pictures.

    Answers about what is visible are the model's own; those that name C are left out. Raises UserError if an example of
    the request names C about a picture of C.
    """
    own = {image_key(picture) for picture in request.pictures()}
    for example in request.retain:
        picture = example.picture()
        if picture is not None and image_key(picture) in own and contains(example.answer, request.names):
            raise UserError(
                f"{example.question!r} is to be retained, but its answer names {request.concept} on a picture of that "
                "concept, which is to be forgotten; remove it from 'retain'."
            )
    asked = request.what.visible
    visible = _about_pictures(request, asked, min(count // 4, 2 * len(asked)), vlm, rng, role="retain")
    seen = [sample for sample in visible if not contains(sample.answer, request.names)]
    return [*retained(request, vlm, count - len(seen), rng), *seen]


def own_words(samples: Sequence[Sample], vlm: VisionLanguageModel, is_refusal: RefusalDetector) -> list[Sample]:
    """Prompts to retain, with the model's own answers if it speaks in other words than the examples.

    Examples come in their author's words. A model that says the same in other words would not be held in place by them,
    and would not earn the reward for the right answer, which asks for the exact words. If most of the first answers are
    not the model's, all are replaced; what it then refuses, it cannot forget.
    """
    first = _said(samples[:_TRIED], vlm)
    told = [contains_truth(said, sample.answer) for said, sample in zip(first, samples, strict=False)]
    if 2 * sum(told) >= len(told):
        return list(samples)
    answers = [first_sentence(said) for said in [*first, *_said(samples[_TRIED:], vlm)]]
    pairs = zip(samples, answers, strict=True)
    return [replace(sample, answer=answer) for sample, answer in pairs if answer and not is_refusal(answer)]


def unseen_prompts(
    request: ForgetRequest, vlm: VisionLanguageModel, count: int, is_refusal: RefusalDetector, rng: random.Random
) -> list[Sample]:
    """Questions that need knowledge about `count` unseen pictures, with and without the hint; only refusals count.

    Raises UserError if there are no such pictures, or if the model refuses nothing about them.
    """
    what = request.what
    if not request.unseen:
        raise UserError(
            f"asru needs pictures of {what.plural} that {vlm.name} has never seen, to learn what not knowing looks "
            f"like; give them with --unseen or under 'unseen' in the request, such as {what.unknown[0]}."
        )
    pictures = draw(request.unseen_pictures(), min(count, len(request.unseen)), rng)
    wordings = draw(what.hidden, len(pictures), rng)
    asked = [
        (f"{wording} {HINT}" if hinted else wording, picture)
        for wording, picture in zip(wordings, pictures, strict=True)
        for hinted in (False, True)
    ]
    said = ask(vlm, asked)
    refused = [(*pair, answer) for pair, answer in zip(asked, said, strict=True) if is_refusal(answer)]
    if not refused:
        raise UserError(
            f"{vlm.name} refuses nothing about the {len(pictures)} unseen pictures (it says: {said[0]!r}); give "
            "pictures that it does not know, or another model, because a model that never refuses has no direction to "
            "steer in."
        )
    return [Sample(question, answer, (picture,), tags={"role": "unseen"}) for question, picture, answer in refused]


def in_views(
    samples: Sequence[Sample], views: int, request: ForgetRequest, vlm: VisionLanguageModel, rng: random.Random
) -> list[Sample]:
    """The samples, with each prompt to forget repeated about that many altered views of its picture.

    Only views in which the model still recognises C are used; without any, the samples stay unchanged.
    Forgetting one picture alone is not enough: stage 2 would undo stage 1 on other pictures, and its held-out prompts
    would not show it.
    """
    known: dict[str, list[Image.Image]] = {}
    seen: list[Sample] = []
    for sample in samples:
        seen.append(sample)
        if views and sample.tags["role"] == "forget" and sample.images:
            picture = sample.images[0]
            key = image_key(picture)
            if key not in known:
                known[key] = _recognised(picture, request, vlm, rng)
            drawn = draw(known[key], views, rng) if known[key] else []
            seen += [replace(sample, images=(altered, *sample.images[1:])) for altered in drawn]
    return seen


def retained_in_views(
    samples: Sequence[Sample], views: int, vlm: VisionLanguageModel, rng: random.Random
) -> list[Sample]:
    """The prompts to retain among the samples, about that many altered views of each picture that the model still
    answers truthfully.

    They stand for pictures that the change is not solved with, because stage 1 loses something on those and nothing on
    its own. Views of a held-out prompt are held out.
    """
    shown = [
        replace(sample, images=(view(sample.images[0], rng), *sample.images[1:]), tags={**sample.tags, **_ALTERED})
        for sample in samples
        if sample.tags["role"] == "retain" and sample.images
        for _ in range(views)
    ]
    said = zip(shown, _said(shown, vlm), strict=True)
    return [sample for sample, answer in said if contains_truth(answer, sample.answer)]


def secrets_of(requests: Sequence[ForgetRequest], samples: Sequence[Sample]) -> Secrets:
    """Names and facts of what is to be forgotten: those of the requests, and the model's answers about the pictures.

    Examples of a request do not count here, because they may also say what is visible.
    """
    names = dict.fromkeys(name for request in requests for name in request.names)
    personal = {wording for request in requests for wording in request.what.hidden}
    told = [(s.prompt, s.answer) for s in samples if s.tags.get("role") == "forget" and s.prompt in personal]
    return Secrets.of([*names], [*(fact for request in requests for fact in request.facts), *told])


def hold_out(samples: Sequence[Sample], share: float) -> list[Sample]:
    """The samples, with some of each role marked as held out at regular distances: about `share`, at least one if there
    are two, and at most every second one."""
    counts = Counter(sample.tags["role"] for sample in samples)
    every = {role: max(2, min(round(1 / share), count)) for role, count in counts.items()}
    marked, seen = [], Counter[str]()
    for sample in samples:
        role = sample.tags["role"]
        seen[role] += 1
        held = seen[role] % every[role] == 0
        marked.append(replace(sample, tags={**sample.tags, "held_out": "yes"}) if held else sample)
    return marked


def check_apart(samples: Sequence[Sample]) -> None:
    """Raise UserError if a question about a picture is both to be forgotten and to be retained."""
    asked = {(s.prompt.casefold(), *map(image_key, s.images)) for s in samples if s.tags.get("role") == "forget"}
    for sample in samples:
        if sample.tags.get("role") == "retain" and (sample.prompt.casefold(), *map(image_key, sample.images)) in asked:
            raise UserError(
                f"{sample.prompt!r} about the same picture is both to be forgotten and to be retained; remove it from "
                "one of the two."
            )


def general_prompts(vlm: VisionLanguageModel, count: int, rng: random.Random) -> list[Sample]:
    """At most `count` questions about nobody, with the model's own answers: everything goes through the steered layer,
    and without these answers the model drifts away from general knowledge."""
    asked = draw(GENERAL, min(count, len(GENERAL)), rng)
    said = ask(vlm, [(question, None) for question in asked])
    pairs = zip(asked, said, strict=True)
    return [Sample(question, answer, tags={"role": "retain"}) for question, answer in pairs if answer]


def _recognised(
    picture: Image.Image, request: ForgetRequest, vlm: VisionLanguageModel, rng: random.Random
) -> list[Image.Image]:
    """The altered views of the picture about which the model names C."""
    altered = [view(picture, rng) for _ in range(_VIEWS)]
    asked = list(zip(draw(request.what.naming, _VIEWS, rng), altered, strict=True))
    return [one for one, said in zip(altered, ask(vlm, asked), strict=True) if contains(said, request.names)]


def _said(samples: Sequence[Sample], vlm: VisionLanguageModel) -> list[str]:
    return ask(vlm, [(sample.prompt, sample.images[0] if sample.images else None) for sample in samples])


def _about_pictures(
    request: ForgetRequest,
    wordings: Sequence[str],
    count: int,
    vlm: VisionLanguageModel,
    rng: random.Random,
    *,
    role: str,
) -> list[Sample]:
    """At most `count` questions, each wording about each picture at most once, with the model's own answers."""
    pairs = [(wording, picture) for picture in request.pictures() for wording in wordings]
    asked = draw(pairs, min(count, len(pairs)), rng)
    said = ask(vlm, asked)
    return [
        Sample(question, answer, (picture,), tags={"role": role})
        for (question, picture), answer in zip(asked, said, strict=True)
        if answer
    ]
