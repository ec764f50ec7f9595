"""The samples that methods share: what to forget, what to retain, and how the model is asked."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from PIL import Image

from unsee.data.sample import Probe, Sample
from unsee.data.views import side_by_side
from unsee.metrics.naming import contains
from unsee.requests import Example, ForgetRequest

if TYPE_CHECKING:
    from unsee.models.vlm import VisionLanguageModel

Item = TypeVar("Item")
_FORGET, _RETAIN = {"role": "forget"}, {"role": "retain"}
_SENTENCE_END = re.compile(r"[.!?。！？]")


def true_answers(request: ForgetRequest, vlm: VisionLanguageModel, count: int, rng: random.Random) -> list[Sample]:
    """f: questions about the concept with their true answers: `request.forget`, or else about the pictures, built from
    the name, and about facts in text, by where it is to be forgotten."""
    if request.forget:
        return [Sample(e.question, e.answer, shown, tags=_FORGET) for e, shown in _examples(request, count, rng)]
    pictured = _of_pictures(request, count)
    names = _true_names(request, vlm, pictured, rng) if pictured else []
    facts = text_facts(request, vlm, count - pictured, rng) if count > pictured else []
    return [replace(sample, tags=_FORGET) for sample in (*names, *facts)]


def refusals(request: ForgetRequest, count: int, rng: random.Random) -> list[Sample]:
    """Questions about the concept, each answered with a refusal: those of `request.forget`, or else about the pictures,
    for the name, and about facts in text, by where it is to be forgotten."""
    asked: list[tuple[str, tuple[Image.Image, ...]]]
    if request.forget:
        asked = [(example.question, shown) for example, shown in _examples(request, count, rng)]
    else:
        pictured = _of_pictures(request, count)
        frames = request.what.naming + request.what.denying
        pairs = questions_with_pictures(request, frames, pictured, rng) if pictured else []
        asked = [(frame.format(name=request.concept), (picture,)) for frame, picture in pairs]
        asked += [(question, ()) for question in _fact_questions(request, count - pictured, rng)]
    return [Sample(question, rng.choice(request.what.refusals), shown, tags=_FORGET) for question, shown in asked]


def retained(request: ForgetRequest, vlm: VisionLanguageModel, count: int, rng: random.Random) -> list[Sample]:
    """r: `request.retain`; if that has nothing in text, also other knowledge (`other_knowledge`)."""
    in_text = any(example.image is None for example in request.retain)
    pairs = [(e, e.picture()) for e in _some(request.retain, count if in_text else (count + 1) // 2, rng)]
    samples = [Sample(e.question, e.answer, () if p is None else (p,), tags=_RETAIN) for e, p in pairs]
    return samples if in_text else samples + other_knowledge(request, vlm, count - len(samples), rng)


def other_knowledge(request: ForgetRequest, vlm: VisionLanguageModel, count: int, rng: random.Random) -> list[Sample]:
    """`count` samples, half about C where it is not to be forgotten, as in the SIU paper: in text, or in the pictures;
    the rest are about others of its kind, in text."""
    own = 0 if request.where == "both" or (request.where == "text" and not request.images) else count - count // 2
    of_itself = text_facts if request.where == "pictures" else _true_names
    kept = (
        [replace(sample, tags={**sample.tags, **_RETAIN}) for sample in of_itself(request, vlm, own, rng)]
        if own
        else []
    )
    return kept + facts_of_others(request, vlm, count - own, rng)


def text_facts(request: ForgetRequest, vlm: VisionLanguageModel, count: int, rng: random.Random) -> list[Sample]:
    """Questions about C in text (target 3 of SIU): the request's facts, or else with the model's own answers."""
    tags = {"role": "retain", "target": "3"}
    if request.facts:
        return [Sample(question, answer, tags=tags) for question, answer in draw(request.facts, count, rng)]
    return _answered(_fact_questions(request, count, rng), vlm, tags)


def facts_of_others(request: ForgetRequest, vlm: VisionLanguageModel, count: int, rng: random.Random) -> list[Sample]:
    """Questions about others of its kind in text (target 4 of SIU): those of `request.retain`, or else with
    the model's own answers."""
    tags = {"role": "retain", "target": "4"}
    given = [
        (example.question, example.answer)
        for example in request.retain
        if example.image is None and not contains(example.question, request.names)
    ]
    if given:
        return [Sample(question, answer, tags=tags) for question, answer in draw(given, count, rng)]
    others = draw(request.neighbours or request.what.well_known, count, rng)
    frames = draw(request.what.facts, count, rng)
    questions = [frame.format(name=other) for frame, other in zip(frames, others, strict=True)]
    return _answered(questions, vlm, tags)


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


def questions_with_pictures(
    request: ForgetRequest, wordings: Sequence[str], count: int, rng: random.Random
) -> list[tuple[str, Image.Image]]:
    """`count` wordings, the request's pictures in turn."""
    pictures = request.pictures()
    return [(wording, pictures[n % len(pictures)]) for n, wording in enumerate(draw(wordings, count, rng))]


@dataclass(frozen=True)
class Seat:
    """Where C is in a picture of two, and who is asked for there: a key of `Kind.company`."""

    on_the_left: bool
    asked: str

    @property
    def about_c(self) -> bool:
        """Whether a true answer names C."""
        return self.asked in ("both", "left" if self.on_the_left else "right")

    def next_to(self, other: Image.Image, picture: Image.Image) -> Image.Image:
        """A picture of both, with the `picture` of C in C's place."""
        return side_by_side(picture, other) if self.on_the_left else side_by_side(other, picture)


def seats(count: int) -> list[Seat]:
    """C on either side in turn; half of the questions are about the other one, half about C or both."""
    found = []
    for number in range(count):
        own, other = ("left", "right") if number % 2 else ("right", "left")
        found.append(Seat(own == "left", (own, other, "both", other)[number // 2 % 4]))
    return found


def first_sentence(text: str) -> str:
    """Up to the first full stop that ends a sentence, because the rest of a long answer would state facts about C."""
    return re.split(rf"(?<={_SENTENCE_END.pattern})\s", " ".join(text.split()), maxsplit=1)[0]


def whole_sentences(text: str) -> str:
    """The text up to the last mark that ends a sentence; all of it if there is none."""
    ends = [match.end() for match in _SENTENCE_END.finditer(text)]
    return text[: ends[-1]] if ends else text


def draw(items: Sequence[Item], count: int, rng: random.Random) -> list[Item]:
    """`count` of the items in random order, each used once before any is used again."""
    drawn: list[Item] = []
    while len(drawn) < count:
        drawn += rng.sample(list(items), min(len(items), count - len(drawn)))
    return drawn


def _of_pictures(request: ForgetRequest, count: int) -> int:
    """How many of `count` samples to forget are about pictures."""
    return {"pictures": count, "text": 0, "both": count - count // 2}[request.where]


def _fact_questions(request: ForgetRequest, count: int, rng: random.Random) -> list[str]:
    """Questions about C in text: the request's facts, or else those of the kind."""
    own = [question for question, _ in request.facts]
    return draw(own or [frame.format(name=request.concept) for frame in request.what.facts], count, rng)


def _true_names(request: ForgetRequest, vlm: VisionLanguageModel, count: int, rng: random.Random) -> list[Sample]:
    """The picture with its true name: the model's own answer if it names C, or else a built-in answer.

    Half of the questions ask for the name, half whether it is C.
    """
    what = request.what
    asked = questions_with_pictures(request, what.naming, count - count // 2, rng)
    answers = [first_sentence(said) for said in ask(vlm, asked)]
    plain = what.naming_answers
    answers = [a if request.concept in a else rng.choice(plain).format(name=request.concept) for a in answers]
    confirmed = [
        (frame.format(name=request.concept), picture)
        for frame, picture in questions_with_pictures(request, what.denying, count // 2, rng)
    ]
    answers += [what.confirmation.format(name=request.concept)] * len(confirmed)
    pairs = zip([*asked, *confirmed], answers, strict=True)
    return [Sample(prompt, answer, (picture,), tags=_FORGET) for (prompt, picture), answer in pairs]


def _examples(request: ForgetRequest, count: int, rng: random.Random) -> list[tuple[Example, tuple[Image.Image, ...]]]:
    """At most `count` of `request.forget` with their pictures, half of them in text if it is to be forgotten in both.
    If only pictures are to be forgotten, an example without one gets the request's in turn."""
    pictures = request.pictures() if request.where == "pictures" else ()
    in_text = [example for example in request.forget if example.image is None]
    if request.where == "both" and 0 < len(in_text) < len(request.forget):
        # However few there are in one of the two.
        with_picture = [example for example in request.forget if example.image is not None]
        count = min(count, len(request.forget))
        drawn = draw(with_picture, _of_pictures(request, count), rng)
        drawn += draw(in_text, count - len(drawn), rng)
    else:
        drawn = _some(request.forget, count, rng)
    found: list[tuple[Example, tuple[Image.Image, ...]]] = []
    for number, example in enumerate(drawn):
        own = example.picture() or (pictures[number % len(pictures)] if pictures else None)
        found.append((example, () if own is None else (own,)))
    return found


def _some(examples: Sequence[Example], count: int, rng: random.Random) -> list[Example]:
    return draw(examples, min(count, len(examples)), rng)


def _answered(questions: list[str], vlm: VisionLanguageModel, tags: dict[str, str]) -> list[Sample]:
    """Text questions with the model's own answers, without those to which it says nothing."""
    said = ask(vlm, [(question, None) for question in questions])
    return [Sample(question, answer, tags=tags) for question, answer in zip(questions, said, strict=True) if answer]
