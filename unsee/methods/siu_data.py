"""The training data of SIU: four targets (section 3.2 of arXiv 2405.12523), built without another language model.

Where possible, answers are the model's own answers before unlearning with the names exchanged. Unlearning then changes
whom the model names and not how it speaks.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from typing import TypeVar

from PIL import Image

from unsee.data.sample import Probe, Sample
from unsee.kinds import phrasings
from unsee.methods.substitutes import substitute_name
from unsee.metrics.affirming import denies
from unsee.metrics.claims import claimed, proper_names, surest
from unsee.metrics.forms import name_of
from unsee.metrics.naming import contains, mentions
from unsee.metrics.refusals import is_refusal
from unsee.models.vlm import VisionLanguageModel
from unsee.requests import Example, ForgetRequest

Item = TypeVar("Item")
_SENTENCE_END = re.compile(r"[.!?。！？]")


def four_targets(
    request: ForgetRequest, vlm: VisionLanguageModel, counts: tuple[int, int, int, int], rng: random.Random
) -> list[Sample]:
    """counts[i] samples of target i + 1. Raises UserError if the request cannot be used."""
    substitute = substitute_name(request, rng)
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
    asked = questions_with_pictures(request, phrasings.NAMING[request.kind], count, rng)
    samples = []
    for (prompt, picture), said in zip(asked, ask(vlm, asked), strict=True):
        answer = exchange_name(first_sentence(said), request.names, substitute)
        if substitute not in answer:
            answer = rng.choice(phrasings.NAMING_ANSWERS[request.kind]).format(substitute=substitute)
        samples.append(Sample(prompt, answer, (picture,), substitute, {"role": "forget", "target": "1"}))
    return samples


def new_description(
    request: ForgetRequest, vlm: VisionLanguageModel, other: str, count: int, rng: random.Random
) -> list[Sample]:
    """Target 2: asked whether C is in the picture, the answer denies it and describes C as looking different.

    With descriptions in the request: "No, C has long red hair." Otherwise the denial is the model's own answer about
    `other`, who is not in the picture, and the answer only says that C looks different. The whole answer is masked.
    """
    frames = questions_with_pictures(request, phrasings.DENYING[request.kind], count, rng)
    if request.descriptions:
        denials = [f"No, {request.concept} {description}." for description in draw(request.descriptions, count, rng)]
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
    for denial, difference in zip(said, draw(phrasings.DIFFERENCES[request.kind], len(frames), rng), strict=True):
        denial = first_sentence(denial)
        if not (contains(denial, [other]) and denies(denial)):
            denial = rng.choice(phrasings.DENIALS).format(name=other)
        denials.append(f"{_replace(denial, [other], request.concept)} {difference.format(name=request.concept)}")
    return denials


def text_facts(request: ForgetRequest, vlm: VisionLanguageModel, count: int, rng: random.Random) -> list[Sample]:
    """Target 3: questions about C in text; the answers are the request's facts, or else the model's own."""
    tags = {"role": "retain", "target": "3"}
    if request.facts:
        return [Sample(question, answer, tags=tags) for question, answer in draw(request.facts, count, rng)]
    frames = draw(phrasings.KNOWLEDGE[request.kind], count, rng)
    return _answered([frame.format(name=request.concept) for frame in frames], vlm, tags)


def facts_of_others(request: ForgetRequest, vlm: VisionLanguageModel, count: int, rng: random.Random) -> list[Sample]:
    """Target 4: questions about other people in text: those of `request.retain`, or else with the model's own
    answers."""
    tags = {"role": "retain", "target": "4"}
    given = [
        (example.question, example.answer)
        for example in request.retain
        if example.image is None and not contains(example.question, request.names)
    ]
    if given:
        return [Sample(question, answer, tags=tags) for question, answer in draw(given, count, rng)]
    others = draw(request.neighbours or phrasings.WELL_KNOWN[request.kind], count, rng)
    frames = draw(phrasings.KNOWLEDGE[request.kind], count, rng)
    questions = [frame.format(name=other) for frame, other in zip(frames, others, strict=True)]
    return _answered(questions, vlm, tags)


def pictures_of_others(
    request: ForgetRequest, vlm: VisionLanguageModel, count: int, rng: random.Random
) -> list[Sample]:
    """Pictures of other people, from `request.retain`; none if it has none. Not in the paper.

    The paper's targets show the model only pictures of the concept. With one concept a tiny model still recognises
    other people; with many at once, and a larger model even with one, it learns that everyone has an invented name. The
    questions alternate between the words of targets 1 and 2, a description, with the model's present answers, and their
    own words. If only the words distinguished other people from the concept, the model would go by the words.
    """
    shown = _shown(request, count, rng)
    wordings = (phrasings.NAMING[request.kind], phrasings.DENYING[request.kind], phrasings.DESCRIBING)
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
    naming = draw(phrasings.NAMING[request.kind], len(shown), rng)
    confirming = draw(phrasings.DENYING[request.kind], len(shown), rng)
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


def text_knowledge(request: ForgetRequest, vlm: VisionLanguageModel, count: int, rng: random.Random) -> list[Sample]:
    """`count` samples of targets 3 and 4, half of each: what the baselines retain."""
    return text_facts(request, vlm, count - count // 2, rng) + facts_of_others(request, vlm, count // 2, rng)


def ask(vlm: VisionLanguageModel, questions: Sequence[tuple[str, Image.Image | None]]) -> list[str]:
    """What the model says to each question, with its picture if there is one; of a cut answer only its whole sentences.

    Training on an answer that ends within a sentence would teach the model to end there.
    """
    from unsee.generation import generate

    probes = [
        Probe(str(number), prompt, () if picture is None else (picture,))
        for number, (prompt, picture) in enumerate(questions)
    ]
    said = generate(vlm, probes, max_new_tokens=64, progress=False)
    return [whole_sentences(response.text) if response.cut else response.text for response in said]


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


def whole_sentences(text: str) -> str:
    """The text up to the last mark that ends a sentence; all of it if there is none."""
    ends = [match.end() for match in _SENTENCE_END.finditer(text)]
    return text[: ends[-1]] if ends else text


def first_sentence(text: str) -> str:
    """Up to the first full stop that ends a sentence, because the rest of a long answer would state facts about C."""
    return re.split(rf"(?<={_SENTENCE_END.pattern})\s", " ".join(text.split()), maxsplit=1)[0]


def _replace(text: str, old: Sequence[str], new: str, *, small: bool = True) -> str:
    """`text` with `new` wherever a reader sees one of `old`, also where it is written `small`; of two that overlap the
    one that begins first, and then the longer."""
    done, pieces = 0, []
    for start, end in sorted(mentions(text, old), key=lambda place: (place[0], -place[1])):
        if start >= done and (small or not text[start].islower()):
            pieces += [text[done:start], new]
            done = end
    return "".join([*pieces, text[done:]])


def questions_with_pictures(
    request: ForgetRequest, wordings: Sequence[str], count: int, rng: random.Random
) -> list[tuple[str, Image.Image]]:
    """`count` wordings, the request's pictures in turn."""
    pictures = request.pictures()
    return [(wording, pictures[n % len(pictures)]) for n, wording in enumerate(draw(wordings, count, rng))]


def _answered(questions: list[str], vlm: VisionLanguageModel, tags: dict[str, str]) -> list[Sample]:
    """Text questions with the model's own answers, without those to which it says nothing."""
    said = ask(vlm, [(question, None) for question in questions])
    return [Sample(question, answer, tags=tags) for question, answer in zip(questions, said, strict=True) if answer]


def draw(items: Sequence[Item], count: int, rng: random.Random) -> list[Item]:
    """`count` of the items in random order, each used once before any is used again."""
    drawn: list[Item] = []
    while len(drawn) < count:
        drawn += rng.sample(list(items), min(len(items), count - len(drawn)))
    return drawn
