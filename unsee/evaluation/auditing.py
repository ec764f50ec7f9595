"""`audit`: every attack on every state of a model, with what exceeds the floor."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from unsee.attacks.base import Attack, Found, Material, Target, Trial, Variant, Worst
from unsee.attacks.scoring import excess
from unsee.data.images import image_key
from unsee.data.sample import Response
from unsee.generation import Engine, Transcript, ask
from unsee.metrics import Score
from unsee.store.files import strict_json, write_together
from unsee.store.text import read_text

BEFORE, AFTER, FLOOR = "before", "after", "floor"
Progress = Callable[[str], None]


@dataclass(frozen=True)
class Row:
    """One variant of an attack on every state. `excess` is what exceeds the floor after unlearning, in points."""

    attack: str
    variant: str
    states: Mapping[str, Found]
    excess: Score | None = None

    @property
    def came_back(self) -> bool:
        """Whether more leaks than from a model that never knew, beyond chance."""
        if self.excess is not None:
            return self.excess.low > 0
        return AFTER in self.states and self.states[AFTER].score.low > 0


@dataclass(frozen=True)
class Audit:
    """What a level of attacks found. `untried` says of each attack that was not tried why."""

    level: str
    seed: int
    rows: tuple[Row, ...]
    untried: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class State:
    """A model to attack, and with what: strangers in the concept's place for a floor without an oracle."""

    target: Target
    material: Material


def audit(
    states: Mapping[str, State],
    attacks: Sequence[Attack],
    *,
    level: str,
    seed: int = 0,
    folder: Path | None = None,
    progress: Progress = lambda line: None,
) -> Audit:
    """Try all `attacks` on all `states`: "before", "after" and, where there is one, "floor".

    Questions that leave the model as it is are asked of it all at once, whatever attack they belong to. What `folder`
    already holds of the same attacks on the same models is not asked again.

    Raises:
        UserError: `folder` holds answers of another audit.
    """
    found: dict[tuple[str, str], dict[str, Found]] = {}
    untried: dict[str, str] = {}
    for name, state in states.items():
        usable = []
        for attack in attacks:
            reason = attack.missing(state.target, state.material)
            if reason is None:
                usable.append(attack)
            else:
                untried.setdefault(attack.name, reason)
        for key, result in _on_state(name, state, usable, seed, folder, progress).items():
            found.setdefault(key, {})[name] = result
    order = [attack.name for attack in attacks]
    rows = [
        Row(attack, variant, by_state, _excess(by_state))
        for (attack, variant), by_state in sorted(found.items(), key=lambda item: order.index(item[0][0]))
    ]
    tried = {row.attack for row in rows}
    for attack in attacks:
        if attack.name not in tried:
            untried.setdefault(attack.name, "the request has nothing that it could use")
    return Audit(level, seed, tuple(rows), untried, {attack.name: attack.version for attack in attacks})


def _excess(by_state: Mapping[str, Found]) -> Score | None:
    if AFTER not in by_state or FLOOR not in by_state:
        return None
    return excess(by_state[AFTER].score, by_state[FLOOR].score)


def _on_state(
    name: str, state: State, attacks: Sequence[Attack], seed: int, folder: Path | None, progress: Progress
) -> dict[tuple[str, str], Found]:
    """What every variant finds. Those that only ask are asked together first."""
    target, material = state.target, state.material
    fingerprint = target.engine.fingerprint()
    asking: list[tuple[Attack, Variant]] = []
    others: list[tuple[Attack, list[Variant]]] = []
    for attack in attacks:
        variants = list(attack.on(target, material, seed))
        plain = [v for v in variants if v.entered is None and v.measured is None and v.samples == 1]
        asking += [(attack, variant) for variant in plain if variant.trials]
        rest = [variant for variant in variants if variant not in plain]
        if rest:
            others.append((attack, rest))
    found: dict[tuple[str, str], Found] = {}
    if asking:
        progress(f"{name}: {sum(len(variant.trials) for _, variant in asking)} questions")
        trials = [trial for _, variant in asking for trial in variant.trials]
        limit = max(attack.max_new_tokens for attack, _ in asking)
        header = {
            "engine": target.engine.name,
            "vocabulary_size": target.engine.vocabulary_size,
            "fingerprint": {**fingerprint, "trials": _digest(trials), "max_new_tokens": limit},
        }
        path = folder / f"{name}.jsonl" if folder else None
        with Transcript(path, header) as transcript:
            said = ask(target.engine, [trial.probe for trial in trials], transcript, max_new_tokens=limit)
        answers = {response.probe_id: [response] for response in said}
        for attack, variant in asking:
            found[attack.name, variant.label] = attack.found(variant.trials, answers)
    for attack, variants in others:
        identity = {"fingerprint": fingerprint, "version": attack.version, "seed": seed}
        place = folder / f"{name}-{attack.name}.json" if folder else None
        found |= _slow(attack, variants, target, place, identity, seed, lambda line: progress(f"{name}: {line}"))
    return found


def _slow(
    attack: Attack,
    variants: Sequence[Variant],
    target: Target,
    place: Path | None,
    identity: Mapping[str, Any],
    seed: int,
    progress: Progress,
) -> dict[tuple[str, str], Found]:
    """Attacks that change the model, draw answers or look inside: each saved when it is finished."""
    own = {**identity, "variants": {v.label: _digest(v.trials) for v in variants}}
    own = json.loads(json.dumps(own))
    if place is not None and place.is_file():
        saved = json.loads(read_text(place))
        if saved["identity"] == own:
            return {(attack.name, label): found_from(entry) for label, entry in saved["found"].items()}
    found: dict[str, Found] = {}
    for variant in variants:
        progress(f"{attack.title.casefold()} {variant.label}".rstrip())
        with variant.on(target) as engine:
            if variant.measured is not None:
                found[variant.label] = variant.measured(engine)
            else:
                found[variant.label] = attack.found(variant.trials, _answers(engine, attack, variant, seed))
    if place is not None:
        document = {"identity": own, "found": {label: to_plain(entry) for label, entry in found.items()}}
        write_together(place.parent, {place.name: strict_json(document)})
    return {(attack.name, label): entry for label, entry in found.items()}


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


def to_plain(found: Found) -> dict[str, Any]:
    """As JSON can hold it."""
    return {
        "score": found.score.to_dict(),
        "wordings": dict(found.wordings),
        "worst": None if found.worst is None else asdict(found.worst),
        "further": dict(found.further),
    }


def found_from(entry: Mapping[str, Any]) -> Found:
    """From the result of `to_plain`. Raises what a wrong document raises."""
    worst = entry["worst"]
    return Found(
        Score.read(entry["score"]),
        dict(entry["wordings"]),
        None if worst is None else Worst(**worst),
        dict(entry["further"]),
    )
