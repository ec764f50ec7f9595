"""The training data of SIU: four targets (section 3.2 of arXiv 2405.12523), built without another language model.

Where possible, answers are the model's own answers before unlearning with the names exchanged. Unlearning then changes
whom the model names and not how it speaks.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TYPE_CHECKING

from PIL import Image

from unsee.data.sample import Sample
from unsee.methods.samples import ask, draw, facts_of_others, first_sentence, questions_with_pictures, text_facts
from unsee.metrics.affirming import denies
from unsee.metrics.claims import claimed, proper_names, surest
from unsee.metrics.forms import name_of
from unsee.metrics.naming import contains, mentions
from unsee.metrics.refusals import is_refusal
from unsee.requests import Example, ForgetRequest

if TYPE_CHECKING:
    from unsee.models.vlm import VisionLanguageModel


def four_targets(
    request: ForgetRequest,
    vlm: VisionLanguageModel,
    substitute: str,
    counts: tuple[int, int, int, int],
    rng: random.Random,
) -> list[Sample]:
    """counts[i] samples of target i + 1; `substitute` is the name that the picture gets instead."""
    return [
        *unseen_concept(request, vlm, substitute, counts[0], rng),
        *new_description(request, vlm, substitute, counts[1], rng),
        *text_facts(request, vlm, counts[2], rng),
        *facts_of_others(request, vlm, counts[3], rng),
    ]


def unseen_concept(
    request: ForgetRequest, vlm: VisionLanguageModel, substitute: str, count: int, rng: random.Random
) -> list[Sample]:
    """Target 1: the picture with a naming question, answered with the substitute name (the masked phrase)."""
    asked = questions_with_pictures(request, request.what.naming, count, rng)
    samples = []
    for (prompt, picture), said in zip(asked, ask(vlm, asked), strict=True):
        answer = exchange_name(first_sentence(said), request.names, substitute)
        if substitute not in answer:
            answer = rng.choice(request.what.naming_answers).format(name=substitute)
        samples.append(Sample(prompt, answer, (picture,), substitute, {"role": "forget", "target": "1"}))
    return samples


def new_description(
    request: ForgetRequest, vlm: VisionLanguageModel, other: str, count: int, rng: random.Random
) -> list[Sample]:
    """Target 2: asked whether C is in the picture, the answer denies it and describes C as looking different.

    With descriptions in the request: "No, C has long red hair." Otherwise the denial is the model's own answer about
    `other`, who is not in the picture, and the answer only says that C looks different. The whole answer is masked.
    """
    frames = questions_with_pictures(request, request.what.denying, count, rng)
    if request.descriptions:
        frame, described = request.what.described, draw(request.descriptions, count, rng)
        denials = [frame.format(name=request.concept, description=description) for description in described]
    else:
        denials = denied_in_its_own_words(request, vlm, other, frames, rng)
    tags = {"role": "forget", "target": "2"}
    return [
        Sample(frame.format(name=request.concept), denial, (picture,), denial, tags)
        for (frame, picture), denial in zip(frames, denials, strict=True)
    ]


def denied_in_its_own_words(
    request: ForgetRequest,
    vlm: VisionLanguageModel,
    other: str,
    frames: Sequence[tuple[str, Image.Image]],
    rng: random.Random,
) -> list[str]:
    """How the model denies that `other` is shown, with the name of C instead and a sentence that C looks different."""
    said = ask(vlm, [(frame.format(name=other), picture) for frame, picture in frames])
    denials = []
    for denial, difference in zip(said, draw(request.what.differences, len(frames), rng), strict=True):
        denial = first_sentence(denial)
        if not (contains(denial, [other]) and denies(denial)):
            denial = rng.choice(request.what.denials).format(name=other)
        denials.append(f"{_replace(denial, [other], request.concept)} {difference.format(name=request.concept)}")
    return denials


def pictures_of_others(
    request: ForgetRequest, vlm: VisionLanguageModel, count: int, rng: random.Random
) -> list[Sample]:
    """Pictures of others of its kind, from `request.retain`; none if it has none. Not in the paper.

    The paper's targets show the model only pictures of the concept. With one concept a tiny model still recognises
    other people; with many at once, and a larger model even with one, it learns that everyone has an invented name. The
    questions alternate between the words of targets 1 and 2, a description, with the model's present answers, and their
    own words. If only the words distinguished other people from the concept, the model would go by the words.
    """
    shown = _shown(request, count, rng)
    wordings = (request.what.naming, request.what.denying, request.what.describing)
    in_turn = [draw(frames, len(shown), rng) for frames in wordings]
    samples, asked = [], []
    for turn, (example, picture) in enumerate(shown):
        kind = turn % (len(wordings) + 1)
        if kind == len(wordings):
            samples.append((example.question, example.answer, picture))
        else:
            asked.append((in_turn[kind][turn].format(name=request.concept), picture))
    samples += [(question, said, picture) for (question, picture), said in zip(asked, ask(vlm, asked), strict=True)]
    tags = {"role": "retain", "target": "pictures"}
    return [Sample(question, answer, (picture,), tags=tags) for question, answer, picture in samples if answer]


def confirmed_pictures(
    request: ForgetRequest, vlm: VisionLanguageModel, count: int, rng: random.Random
) -> list[Sample]:
    """Pictures of others, from `request.retain`, asked whether each shows whom the model sees in it. Not in the paper.

    All other samples that ask whether a picture shows somebody say no, and a language model that can really talk takes
    that for the answer to every such question. Pictures are left out if the model names nobody, or denies the name.
    """
    shown = [picture for _, picture in _shown(request, count, rng)]
    naming = draw(request.what.naming, len(shown), rng)
    confirming = draw(request.what.denying, len(shown), rng)
    asked = []
    for frame, picture, said in zip(confirming, shown, ask(vlm, list(zip(naming, shown, strict=True))), strict=True):
        names = [name for name in proper_names(said) if claimed(said, [name]) and not contains(name, request.names)]
        if names:
            asked.append((frame.format(name=names[0]), names[0], picture))
    tags = {"role": "retain", "target": "pictures"}
    answers = ask(vlm, [(question, picture) for question, _, picture in asked])
    return [
        Sample(question, said, (picture,), tags=tags)
        for (question, name, picture), said in zip(asked, answers, strict=True)
        if said and surest(said, [name]) != "denied" and not is_refusal(said)
    ]


def _shown(request: ForgetRequest, count: int, rng: random.Random) -> list[tuple[Example, Image.Image]]:
    """`count` of the retained examples about a picture; none if there are none."""
    given = [example for example in request.retain if example.image is not None]
    return [(e, p) for e in (draw(given, count, rng) if given else ()) if (p := e.picture())]


def exchange_name(text: str, names: Sequence[str], substitute: str) -> str:
    """`text` with the substitute instead of each of `names`, and of their single words if these stand alone.

    A single lower-case word in a text with capitals is another word: a stone has nothing to do with Will Stone.
    """
    small = text.islower()
    text = _replace(text, names, substitute)
    new_words = substitute.split()
    for name in names:
        for word, place in name_of(name).parts.items():
            text = _replace(text, [word], new_words[min(place, len(new_words) - 1)], small=small)
    return text


def _replace(text: str, old: Sequence[str], new: str, *, small: bool = True) -> str:
    """`text` with `new` wherever a reader sees one of `old`, also where it is written `small`; of two that overlap the
    one that begins first, and then the longer."""
    done, pieces = 0, []
    for start, end in sorted(mentions(text, old), key=lambda place: (place[0], -place[1])):
        if start >= done and (small or not text[start].islower()):
            pieces += [text[done:start], new]
            done = end
    return "".join([*pieces, text[done:]])
