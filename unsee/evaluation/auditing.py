"""`audit`: every attack on every state of a model, with what exceeds the floor."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from PIL import Image

from unsee.attacks.base import Attack, Found, Material, Target, Trial, Variant
from unsee.attacks.scoring import CAN_DO, excess, named_controls
from unsee.data.images import image_key
from unsee.data.sample import Response
from unsee.evaluation.saved_attacks import read_saved, saved
from unsee.generation import Engine, ask
from unsee.generation.shared_transcript import open_transcript
from unsee.metrics import Score
from unsee.store.crew import crew
from unsee.store.files import strict_json, write_together
from unsee.store.locking import taking_turns
from unsee.store.text import read_text

BEFORE, AFTER, FLOOR = "before", "after", "floor"
PLAIN = "paraphrase"
"""The attack that asks plainly: it decides whether anything was forgotten at all."""
Progress = Callable[[str], None]
Unable = dict[tuple[str, str], dict[str, float]]
"""By attack and variant: wordings in which the model does the task for too few of the others that it knows, with the
percent. The wording "" stands for the whole attack."""


@dataclass(frozen=True)
class Row:
    """One variant of an attack on every state. `excess` is what exceeds the floor after unlearning, in points.
    `picture` is that of the worst answer after unlearning, as it was shown."""

    attack: str
    variant: str
    states: Mapping[str, Found]
    excess: Score | None = None
    picture: Image.Image | None = field(default=None, repr=False, compare=False)

    @property
    def came_back(self) -> bool:
        """Whether more leaks than from a model that never knew, beyond chance."""
        if self.excess is not None:
            return self.excess.low > 0
        return AFTER in self.states and self.states[AFTER].score.low > 0

    @property
    def adds_up(self) -> bool:
        """Whether `excess` is what the shares after and of the floor give. A row that was read from a file may say
        anything."""
        given = over_floor(self.states)
        if given is None or self.excess is None:
            return given is self.excess
        pairs = ((getattr(self.excess, key), getattr(given, key)) for key in ("value", "low", "high"))
        return all(math.isclose(one, other, abs_tol=1e-6) or (math.isnan(one) and math.isnan(other))
                   for one, other in pairs)  # fmt: skip


@dataclass(frozen=True)
class Audit:
    """What a level of attacks found. `untried` says of each attack that was not tried why. `oracle` is the name of the
    model that is the floor; "" where strangers are, or nobody is."""

    level: str
    seed: int
    rows: tuple[Row, ...]
    untried: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, int] = field(default_factory=dict)
    oracle: str = ""

    @property
    def floor(self) -> str:
        """Who is the floor, in a word; "" without one."""
        if self.oracle:
            return "oracle"
        return "strangers" if any(FLOOR in row.states for row in self.rows) else ""


@dataclass(frozen=True)
class State:
    """A model to attack, and with what: strangers in the concept's place for a floor without an oracle."""

    target: Target
    material: Material

    @property
    def is_oracle(self) -> bool:
        """Whether it is a floor that is attacked with the concept's own material."""
        return self.target.state == FLOOR and not self.material.is_floor


def audit(
    states: Mapping[str, State],
    attacks: Sequence[Attack],
    *,
    level: str,
    seed: int = 0,
    folder: Path | None = None,
    shared: Path | None = None,
    progress: Progress = lambda line: None,
) -> Audit:
    """Try all `attacks` on all `states`: "before", "after" and, where there is one, "floor".

    Questions that leave the model as it is are asked of it all at once, whatever attack they belong to. What `folder`
    already holds of the same attacks on the same models is not asked again. `shared` is where the other states than
    "after" are kept instead, for other audits of models made from the same one: it waits while one of them is at it.

    Raises:
        UserError: `folder` holds answers of another audit.
    """
    found: dict[tuple[str, str], dict[str, Found]] = {}
    untried: dict[str, str] = {}
    pictures: dict[tuple[str, str], Image.Image | None] = {}
    unable: Unable = {}
    tried_after: set[str] = set()
    for name, state in states.items():
        usable = []
        for attack in attacks:
            reason = attack.missing(state.target, state.material)
            if reason is not None:
                untried.setdefault(attack.name, reason)
            # A floor under nothing says nothing.
            elif name != FLOOR or AFTER not in states or attack.name in tried_after:
                usable.append(attack)
        if name == AFTER:
            tried_after = {attack.name for attack in usable}
        tried = [(attack, _variants(attack, state, seed)) for attack in usable]
        alone = shared is None or name == AFTER
        place = _Place(folder, name) if alone else _Place(shared, name, shared=True)
        with place.in_turn():
            for key, result in _on_state(place, state, tried, seed, progress, unable).items():
                found.setdefault(key, {})[name] = result
        if name == AFTER:
            pictures = {
                (attack.name, variant.label): _shown(found[attack.name, variant.label][name], variant.trials)
                for attack, variants in tried
                for variant in variants
                if (attack.name, variant.label) in found
            }
    for attack in attacks:
        for (own, _), by_state in found.items():
            if own == attack.name and FLOOR in by_state:
                by_state |= _beside_floor(attack, by_state)
    order = [attack.name for attack in attacks]
    rows = [
        Row(attack, variant, by_state, over_floor(by_state), pictures.get((attack, variant)))
        for (attack, variant), by_state in sorted(found.items(), key=lambda item: order.index(item[0][0]))
    ]
    there = {row.attack for row in rows}
    for attack in attacks:
        if attack.name not in there:
            named = [share for (own, _), found in unable.items() if own == attack.name for share in found.values()]
            reason = (
                f"asked in this way, the model answers at most {max(named):.0f} % of questions about others it knows"
                if named
                else "the request has nothing that it could use"
            )
            untried.setdefault(attack.name, reason)
    versions = {attack.name: attack.version for attack in attacks}
    oracle = states[FLOOR].target.engine.name if FLOOR in states and states[FLOOR].is_oracle else ""
    return Audit(level, seed, tuple(rows), untried, versions, oracle)


def over_floor(by_state: Mapping[str, Found]) -> Score | None:
    """What exceeds the floor after unlearning, in points; None without a floor, or where nothing was tried."""
    if AFTER not in by_state or FLOOR not in by_state:
        return None
    return excess(by_state[AFTER].score, by_state[FLOOR].score)


def _variants(attack: Attack, state: State, seed: int) -> list[Variant]:
    """The attack's variants; its controls are asked with the first that only asks."""
    variants = list(attack.on(state.target, state.material, seed))
    asked = attack.control(state.target, state.material, seed)
    controls = [replace(trial, control=True, wording="") for trial in asked]
    first = next((place for place, variant in enumerate(variants) if _only_asks(variant)), None)
    if controls and first is not None:
        variants[first] = replace(variants[first], trials=[*variants[first].trials, *controls])
    return variants


def _only_asks(variant: Variant) -> bool:
    return variant.entered is None and variant.measured is None and variant.samples == 1


def _beside_floor(attack: Attack, by_state: Mapping[str, Found]) -> dict[str, Found]:
    """The other states, with what the attack says of them beside the floor."""
    floor = by_state[FLOOR]
    return {
        state: replace(found, further={**found.further, **attack.beside_floor(found, floor)})
        for state, found in by_state.items()
        if state != FLOOR
    }


def _shown(found: Found, trials: Sequence[Trial]) -> Image.Image | None:
    """The picture that the worst answer is about, as the model saw it."""
    worst = found.worst
    if found.picture is not None or worst is None or worst.picture is None:
        return found.picture
    for trial in trials:
        probe = trial.probe
        if probe.images and probe.prompt == worst.question and probe.tags.get("picture") == str(worst.picture):
            return probe.images[0]
    return None


@dataclass(frozen=True)
class _Place:
    """Where the answers of a state are kept, if anywhere. Audits that share it need not ask the same."""

    folder: Path | None
    state: str
    shared: bool = False

    def in_turn(self) -> AbstractContextManager[None]:
        return taking_turns(self.folder) if self.shared and self.folder else nullcontext()

    def transcript(self, digest: str) -> Path | None:
        name = f"{self.state}-{digest[:10]}" if self.shared else self.state
        return self.folder and self.folder / f"{name}.jsonl"

    def attack(self, name: str) -> Path | None:
        return self.folder and self.folder / f"{self.state}-{name}.json"


def _on_state(
    place: _Place,
    state: State,
    tried: Sequence[tuple[Attack, Sequence[Variant]]],
    seed: int,
    progress: Progress,
    unable: Unable,
) -> dict[tuple[str, str], Found]:
    """What every variant finds. Those that only ask are asked together first.

    unable: what does not count, because the model cannot do it. The first state decides, because unlearning may take
    the ability as well.
    """
    target, name = state.target, place.state
    fingerprint = target.engine.fingerprint()
    asking: list[tuple[Attack, Variant]] = []
    others: list[tuple[Attack, list[Variant]]] = []
    for attack, variants in tried:
        plain = [variant for variant in variants if _only_asks(variant)]
        asking += [(attack, variant) for variant in plain if variant.trials]
        rest = [variant for variant in variants if variant not in plain]
        if rest:
            others.append((attack, rest))
    found: dict[tuple[str, str], Found] = {}
    if asking:
        progress(f"{name}: {sum(len(variant.trials) for _, variant in asking)} questions")
        trials = [trial for _, variant in asking for trial in variant.trials]
        limit = max(attack.max_new_tokens for attack, _ in asking)
        digest = _digest(trials)
        header = {
            "engine": target.engine.name,
            "vocabulary_size": target.engine.vocabulary_size,
            "fingerprint": {**fingerprint, "trials": digest, "max_new_tokens": limit},
        }
        with open_transcript(place.transcript(digest), header) as transcript:
            said = ask(target.engine, [trial.probe for trial in trials], transcript, max_new_tokens=limit)
        answers = {response.probe_id: [response] for response in said}
        for attack, variant in asking:
            key = attack.name, variant.label
            controls = named_controls(variant.trials, answers)
            lacking = unable.setdefault(key, {wording: can for wording, can in controls.items() if can < CAN_DO})
            counted = [trial for trial in variant.trials if not trial.control and trial.wording not in lacking]
            if counted and not any("" in own for (name_of, _), own in unable.items() if name_of == attack.name):
                found[key] = replace(attack.found(counted, answers), controls=controls)
    waiting = others
    # Once past what others are at, and then again for what they found, or what they died of.
    for wait in (False, True):
        held = []
        for attack, variants in waiting:
            identity = {"fingerprint": fingerprint, "version": attack.version, "seed": seed}
            file = place.attack(attack.name)
            result = _slow(
                attack, variants, target, file, identity, seed, lambda line: progress(f"{name}: {line}"), wait
            )
            if result is None:
                held.append((attack, variants))
            else:
                found |= {(attack.name, label): entry for label, entry in result.items()}
        waiting = held
    return found


def _slow(
    attack: Attack,
    variants: Sequence[Variant],
    target: Target,
    place: Path | None,
    identity: Mapping[str, Any],
    seed: int,
    progress: Progress,
    wait: bool,
) -> dict[str, Found] | None:
    """Attacks that change the model, draw answers or look inside: each saved when it is finished. None if another
    process is at it and `wait` is False."""
    own = {**identity, "variants": {v.label: _digest(v.trials) for v in variants}}
    own = json.loads(json.dumps(own))
    if place is None:
        return _tried(attack, variants, target, seed, progress)
    for _ in crew().turns([place], _named, lambda path: _saved_of(path, own) is not None, wait=wait):
        found = _tried(attack, variants, target, seed, progress)
        document = {"identity": own, "found": {label: saved(entry) for label, entry in found.items()}}
        write_together(place.parent, {place.name: strict_json(document)})
        return found
    return _saved_of(place, own)


def _named(place: Path) -> str:
    """Alike in every process, wherever it sees the folder."""
    return f"{place.parent.name}/{place.name}"


def _saved_of(place: Path, own: Mapping[str, Any]) -> dict[str, Found] | None:
    """What a finished attack found, if it is this one. A damaged file is as good as none: it is tried again."""
    with suppress(ValueError, KeyError, TypeError, AttributeError, OSError, SyntaxError):
        saved = json.loads(read_text(place))
        if saved["identity"] == own:
            return {label: read_saved(entry) for label, entry in saved["found"].items()}
    return None


def _tried(
    attack: Attack, variants: Sequence[Variant], target: Target, seed: int, progress: Progress
) -> dict[str, Found]:
    found: dict[str, Found] = {}
    for variant in variants:
        progress(f"{attack.title.casefold()} {variant.label}".rstrip())
        with variant.on(target) as engine:
            if variant.measured is not None:
                found[variant.label] = variant.measured(engine)
            else:
                found[variant.label] = attack.found(variant.trials, _answers(engine, attack, variant, seed))
    return found


def _answers(engine: Engine, attack: Attack, variant: Variant, seed: int) -> dict[str, list[Response]]:
    probes = [trial.probe for trial in variant.trials]
    if variant.samples > 1:
        return engine.draw(
            probes,
            count=variant.samples,
            temperature=variant.temperature,
            seed=seed,
            max_new_tokens=attack.max_new_tokens,
        )
    said = ask(engine, probes, max_new_tokens=attack.max_new_tokens, progress=False)
    return {response.probe_id: [response] for response in said}


def _digest(trials: Sequence[Trial]) -> str:
    """Of everything that is asked: ids, words and pictures."""
    keys: dict[int, str] = {}
    digest = hashlib.sha256()
    for trial in trials:
        probe = trial.probe
        for image in probe.images:
            if id(image) not in keys:
                keys[id(image)] = image_key(image)
        shown = [keys[id(image)] for image in probe.images]
        digest.update(json.dumps([probe.id, probe.prompt, probe.begun, shown]).encode())
    return digest.hexdigest()
