"""What an audit needs of a model and a request: the attacks, the states, and a place for the answers."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from unsee.attacks import LEVELS, attacks_of, get_attack
from unsee.attacks.base import Attack, Target
from unsee.benchmarks.concept import slug
from unsee.data.images import image_key
from unsee.errors import UserError, did_you_mean
from unsee.evaluation.auditing import AFTER, BEFORE, FLOOR, PLAIN, Audit, State, audit
from unsee.evaluation.oracles import check_oracle
from unsee.generation import Engine
from unsee.requests import ForgetRequest
from unsee.sources.attacking import material_of
from unsee.sources.world import is_of_the_world
from unsee.store.plugins import code_digest
from unsee.world import find

if TYPE_CHECKING:
    from unsee.models.vlm import VisionLanguageModel

ANSWERS = "answers"


def chosen_attacks(level: str, names: Sequence[str] = ()) -> list[Attack]:
    """The attacks of a level, or those of `names` after the plain questions. Raises UserError for an unknown one."""
    if level not in LEVELS:
        raise UserError(f"There is no level {level!r}{did_you_mean(level, LEVELS)}")
    if not names:
        return attacks_of(level)
    return list({attack.name: attack for attack in map(get_attack, (PLAIN, *names))}.values())


def states_of(
    request: ForgetRequest,
    engine: Engine,
    before: Engine | None,
    vlm: VisionLanguageModel | None,
    *,
    model: str,
    level: str,
    seed: int,
    test_images: Sequence[Image.Image] = (),
    exclude: Sequence[str] = (),
    vlm_before: VisionLanguageModel | None = None,
    oracle: VisionLanguageModel | None = None,
) -> dict[str, State]:
    """What to attack: `engine` after unlearning, the engine `before` where there is one, and a floor: the `oracle`,
    which never knew the concept, with the concept's own material; or else the model before unlearning with strangers,
    whom it never knew, in the concept's place. `model` is its name.

    Raises UserError if `oracle` is none: another kind of model, or one that names the concept.
    """
    if is_of_the_world(model, request.concept):
        concept = find(request.concept)
        request = replace(request, concept=concept.name, kind=concept.kind)
    material, strangers = material_of(request, model, level, seed, test_images, exclude)
    material = replace(material, has_oracle=oracle is not None)
    states = {AFTER: State(Target(AFTER, engine, vlm), material)}
    if before is not None:
        states = {BEFORE: State(Target(BEFORE, before, vlm_before or vlm), material), **states}
    if oracle is not None:
        # Here, because reports and the list of attacks do without torch.
        from unsee.generation import TransformersEngine

        floor = State(Target(FLOOR, TransformersEngine(oracle), oracle), material)
        check_oracle(floor, vlm, strangers)
        states[FLOOR] = floor
    elif strangers is not None:
        # Not the model after unlearning: one that calls everybody by the name has not forgotten it.
        never_knew = Target(FLOOR, before, vlm_before or vlm) if before is not None else Target(FLOOR, engine, vlm)
        states[FLOOR] = State(never_knew, strangers)
    return states


def attacked(
    request: ForgetRequest,
    states: Mapping[str, State],
    attacks: Sequence[Attack],
    folder: Path,
    *,
    level: str,
    seed: int,
    names: Sequence[str] = (),
    shared: Path | None = None,
    tell: Callable[[str], None] = lambda line: None,
) -> Audit:
    """Try the attacks; their answers are in a folder of their own below `folder`, which other attacks, pictures or
    seeds do not share. `names` are those that the user gave. Below `shared` are the answers of the states that audits
    of other models made from the same one have too."""
    material = states[AFTER].material
    identity: Mapping[str, Any] = {
        "attacks": {attack.name: attack.version for attack in attacks},
        "code": [code_digest(name) for name in names],
        "request": request.digest(),
        "tested": [image_key(shown.picture) for shown in material.tested],
        "seed": seed,
    }
    if FLOOR in states and states[FLOOR].is_oracle:
        identity = {**identity, "oracle": states[FLOOR].target.engine.fingerprint()}
    digest = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:10]
    name = f"{slug(request.concept)}-{level}-{digest}"
    place, kept = folder / ANSWERS / name, shared and shared / name
    return audit(states, attacks, level=level, seed=seed, folder=place, shared=kept, progress=tell)
