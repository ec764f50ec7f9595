"""Samples of the kinds and numbers that a method trains on, instead of those that only a model with weights builds."""

from __future__ import annotations

import dataclasses
import random
from typing import Any

from PIL import Image

from unsee.data.sample import Sample
from unsee.kinds import PERSON, Kind, get_kind
from unsee.kinds.general import GENERAL
from unsee.methods import Method
from unsee.methods.asru.config import ASRUConfig
from unsee.methods.asru.prompts import hold_out
from unsee.methods.lookalike.config import LookAlikeConfig
from unsee.methods.siu import SIUConfig
from unsee.models.vlm import VisionLanguageModel
from unsee.requests import Example, ForgetRequest
from unsee.training.config import TrainingConfig

PICTURE = (640, 480)
"""Width and height of the picture that a plan assumes, in pixels."""

_PICTURES = 12
"""The assumed number of pictures of others, if there are any."""

_NAME, _OTHER = "Jonathan Miller", "Thomas Becker"
_NEIGHBOURS = ("Maria Keller", "Daniel Novak", "Sofia Lindgren", "Peter Hansen")
_LOOKS = "has a long red shape, shows a green edge and stands in front of a window"
_PAST = "comes from the old town of Port Amber and is known to a few"


def request_in_general(kind: str = PERSON) -> ForgetRequest:
    """A request for a plan that knows nobody: one picture, and an answer for everything a method would ask."""
    picture = Image.new("RGB", PICTURE, (127, 127, 127))
    what = get_kind(kind)
    asked = [frame.format(name=_NAME) for frame in what.naming + what.denying]
    knowledge = [(frame.format(name=other), _fact(other)) for other in _NEIGHBOURS for frame in what.facts]
    return ForgetRequest(
        _NAME,
        (picture,),
        kind=kind,
        substitutes=(_OTHER,),
        neighbours=_NEIGHBOURS,
        descriptions=(_LOOKS,),
        facts=tuple((frame.format(name=_NAME), _fact(_NAME)) for frame in what.facts),
        forget=tuple(Example(question, what.naming_answers[1].format(name=_NAME)) for question in asked),
        retain=tuple(Example(question, answer) for question, answer in knowledge),
    )


def stand_ins(
    method: Method[Any], vlm: VisionLanguageModel, config: TrainingConfig, others: bool = False, kind: str = PERSON
) -> list[Sample]:
    """As many samples as the method would train on for one request, each about as long. `vlm` answers nothing here.

    others: the request has pictures of others of its `kind`.
    """
    request, rng = request_in_general(kind), random.Random(0)
    if isinstance(config, ASRUConfig):
        return _of_asru(request, config)
    if isinstance(config, LookAlikeConfig):
        return _of_lookalike(request, config)
    if isinstance(config, SIUConfig) and config.hidden:
        answer = request.what.refusals[0]
        told = [
            Sample(question, answer, request.pictures(), answer, {"role": "forget", "target": "2"})
            for question in _first(request.what.hidden_facts, config.hidden)
        ]
        return stand_ins(method, vlm, dataclasses.replace(config, hidden=0), others, kind) + told
    if others and isinstance(config, SIUConfig):
        alone = dataclasses.replace(config, pictures=0, confirmed=0, company=0)
        shown = _of_others(request.what, config.pictures + config.confirmed + config.company)
        kept = [Sample(e.question, e.answer, (p,), tags={"role": "retain"}) for e in shown if (p := e.picture())]
        return stand_ins(method, vlm, alone, kind=kind) + kept
    if others:
        request = dataclasses.replace(request, retain=(*request.retain, *_of_others(request.what, _PICTURES)))
    if isinstance(config, SIUConfig) and config.unseen:
        named = [
            Sample(question, f"This is {_OTHER}.", request.pictures(), _OTHER, {"role": "forget", "target": "1"})
            for question in _first(request.what.naming, config.unseen)
        ]
        if not config.description:
            # A config without either is refused, and the method asks the model for what is left.
            denying = dataclasses.replace(config, unseen=0, description=1)
            return named + [s for s in method.samples(request, vlm, denying, rng) if s.tags.get("target") != "2"]
        return named + method.samples(request, vlm, dataclasses.replace(config, unseen=0), rng)
    return method.samples(request, vlm, config, rng)


def _of_others(what: Kind, count: int) -> list[Example]:
    """Questions about pictures of others, each about another picture."""
    questions = _first(what.naming, count)
    return [
        Example(question, f"This is {_OTHER}.", Image.new("RGB", PICTURE, (number, 127, 127)))
        for number, question in enumerate(questions)
    ]


def _of_asru(request: ForgetRequest, config: ASRUConfig) -> list[Sample]:
    picture = request.pictures()
    known = _first(request.forget, config.forget * (1 + config.views))
    told = [Sample(e.question, e.answer, picture, tags={"role": "forget"}) for e in known]
    # Stage 2 asks prompts to retain about pictures, too.
    kept = [
        Sample(e.question, e.answer, () if n % 4 else picture, tags={"role": "retain"})
        for n, e in enumerate(_first(request.retain, config.retain))
    ]
    kept += [Sample(question, _fact(_OTHER), tags={"role": "retain"}) for question in GENERAL[: config.general]]
    asked = _first(request.forget, 2 * config.unseen)
    refused = [Sample(e.question, request.what.refusals[0], picture, tags={"role": "unseen"}) for e in asked]
    return hold_out([*told, *kept, *refused], config.held_out)


def _of_lookalike(request: ForgetRequest, config: LookAlikeConfig) -> list[Sample]:
    picture, what = request.pictures(), request.what
    forget = config.naming + config.denying + config.facts + config.true + config.company // 2
    retain = config.company - config.company // 2 + config.visible + config.unknown + config.others
    answer = f"{what.refusals[0]} {_fact(_OTHER)}"
    told = [
        Sample(question, answer, picture, answer, {"role": "forget"}, counterparts=picture)
        for question in _first(what.naming, forget)
    ]
    kept = [Sample(question, answer, picture, tags={"role": "retain"}) for question in _first(what.naming, retain)]
    facts = [frame.format(name=_OTHER) for frame in _first(what.facts, config.text)]
    return [*told, *kept, *(Sample(question, _fact(_OTHER), tags={"role": "retain"}) for question in facts)]


def _first(items: Any, count: int) -> list[Any]:
    """`count` of the items, from the beginning again where there are fewer."""
    return [items[number % len(items)] for number in range(count)]


def _fact(name: str) -> str:
    return f"{name} {_PAST}."
