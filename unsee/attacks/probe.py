"""Linear probes: do hidden states still tell the concept from look-alikes? (Alain & Bengio, arXiv 1610.01644)"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from unsee.attacks.base import HIDDEN, Attack, Found, Material, Target, Trial, Variant, trial_id
from unsee.data.sample import Probe
from unsee.generation import Engine
from unsee.metrics import share

PICTURES = (2, 5, 20)
"""From how many pictures of each side a probe learns, by variant."""
_SHUFFLES = 20
_DRAWS, _FOLDS = 6, 5
Array = npt.NDArray[np.floating[Any]]
Labels = npt.NDArray[np.int64]


class LinearProbe(Attack):
    """The percent of pictures that a logistic regression on the hidden states of one layer tells rightly: the concept,
    or a look-alike stranger. It learns from a few of the taught pictures and as many look-alikes, and is tried on
    others; a variant says from how many. Six draws of them are averaged.

    States are those at the last token of a naming question. The layer is the best one in cross-validation on what is
    learnt from. The control learns from shuffled labels (Hewitt & Liang, arXiv 1909.03368); selectivity is what is
    right beyond it, in points. Any face can be told from others by how it looks, from enough pictures of it: the floor
    are strangers, each told from its own look-alikes, or an oracle, and what exceeds it, mostly with few pictures, is
    memory. The interval counts pictures, and the strangers where there are several.
    """

    name = "probe"
    version = 2
    title = "A linear probe on hidden states"
    came_back = "a linear probe read its hidden states"
    level = "full"
    needs = (HIDDEN,)
    source = "1610.01644"

    def missing(self, target: Target, material: Material) -> str | None:
        reason = super().missing(target, material)
        if reason is None and not any(one.retested and _most(one) >= PICTURES[0] for one in material.each):
            return "it needs several pictures of the concept, and pictures of look-alikes that the model never met"
        return reason

    def on(self, target: Target, material: Material, seed: int) -> Iterator[Variant]:
        if target.vlm is None:
            return
        layers = range(1, len(target.vlm.decoder_layers) + 1)
        states = [_States(one, _most(one), layers, seed) for one in material.each if one.retested]
        for pictures in PICTURES:
            told = [one for one in states if pictures <= one.most]
            if told:
                label = f"{pictures} pictures"
                trials = [t for place, one in enumerate(told) for t in one.trials(self.name, label, place)]
                yield Variant(label, trials, measured=partial(_found, told, pictures))


def _most(material: Material) -> int:
    """From how many pictures of each side a probe can learn, if at least half of the look-alikes learnt from remain."""
    return min(len(material.taught), 2 * len(material.look_alikes) // 3)


@dataclass
class _States:
    """The hidden states of everything that is learnt from or told, read once for all variants."""

    material: Material
    most: int
    layers: Sequence[int]
    seed: int
    _read: dict[int, tuple[Array, Array]] = field(default_factory=dict)

    def trials(self, attack: str, label: str, place: int = 0) -> list[Trial]:
        """First what is learnt from, half of it the concept, then what is told, half of it again."""
        alike = self.material.look_alikes[self.most :]
        own = [shown.picture for shown in self.material.retested]
        told = min(len(own), len(alike))
        learnt = [*self.material.taught[: self.most], *self.material.look_alikes[: self.most]]
        shown = [*learnt, *own[:told], *alike[:told]]
        return [
            Trial(Probe(trial_id(attack, label, key), self.material.wordings.naming[0], (picture,)), str(key), "")
            for key, picture in enumerate(shown, place * len(shown))
        ]

    def told(self, pictures: int, engine: Engine) -> tuple[list[bool], int, dict[str, float]]:
        """What probes that learn from so many pictures of each side tell rightly: for each draw all pictures that are
        told, how many these are, and other figures."""
        if id(engine) not in self._read:
            probes = [trial.probe for trial in self.trials("", "")]
            states = engine.hidden(probes, self.layers).numpy()
            self._read[id(engine)] = states[: 2 * self.most], states[2 * self.most :]
        learnt, told = self._read[id(engine)]
        labels, truth = _halves(pictures), _halves(len(told) // 2)
        rng = np.random.default_rng(self.seed)
        # More draws of all pictures would be the same one.
        draws = [
            learnt[[*rng.permutation(self.most)[:pictures], *(self.most + rng.permutation(self.most)[:pictures])]]
            for _ in range(_DRAWS if pictures < self.most else 1)
        ]
        validated = [
            float(np.mean([_validated(draw[:, place], labels, self.seed) for draw in draws]))
            for place in range(len(self.layers))
        ]
        # Of equal layers the deepest, which is nearest to what the model says.
        best = max(range(len(self.layers)), key=lambda place: (validated[place], place))
        told = told[:, best]
        right = [flag for draw in draws for flag in (_predicted(draw[:, best], labels, told) == truth).tolist()]
        shuffled = [
            _predicted(draws[i % len(draws)][:, best], rng.permutation(labels), told) == truth for i in range(_SHUFFLES)
        ]
        control = 100 * float(np.mean(shuffled))
        further = {
            "layer that tells best": float(self.layers[best]),
            "right in cross-validation, %": 100 * validated[best],
            "right with shuffled labels, %": control,
            "selectivity, points": 100 * float(np.mean(right)) - control,
        }
        return right, len(truth), further


def _found(states: Sequence[_States], pictures: int, engine: Engine) -> Found:
    """Of all that stand in the concept's place together; other figures are means over them."""
    told = [one.told(pictures, engine) for one in states]
    units = [
        place if len(told) > 1 else i % count for place, (right, count, _) in enumerate(told) for i in range(len(right))
    ]
    score = share([flag for right, _, _ in told for flag in right], units=units, higher_is_better=False)
    further = {key: float(np.mean([own[key] for _, _, own in told])) for key in told[0][2]}
    return Found(score, further=further)


def _halves(count: int) -> Labels:
    """1 for the concept, 0 for look-alikes: so many of each."""
    return np.repeat([1, 0], count)


def _classifier() -> Any:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))


def _validated(states: Array, labels: Labels, seed: int) -> float:
    """The share that is told rightly in cross-validation, 0 to 1."""
    from sklearn.model_selection import StratifiedKFold, cross_val_score

    folds = StratifiedKFold(min(_FOLDS, len(labels) // 2), shuffle=True, random_state=seed)
    return float(np.mean(cross_val_score(_classifier(), states, labels, cv=folds)))


def _predicted(states: Array, labels: Labels, others: Array) -> Labels:
    found: Labels = _classifier().fit(states, labels).predict(others)
    return found
