"""Linear probes: do hidden states still tell the concept from look-alikes? (Alain & Bengio, arXiv 1610.01644)"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from unsee.attacks.base import HIDDEN, Attack, Found, Material, Target, Trial, Variant, trial_id
from unsee.data.sample import Probe
from unsee.generation import Engine
from unsee.metrics import share

_SHUFFLES = 20
_FOLDS = 5
Array = npt.NDArray[np.floating[Any]]


class LinearProbe(Attack):
    """The percent of pictures that a logistic regression on the hidden states of one layer tells rightly: the concept,
    or a look-alike stranger. It learns from the taught pictures and as many look-alikes, and is tried on others.

    States are those at the last token of a naming question. The layer is the best one in cross-validation on what is
    learnt from. The control learns from shuffled labels (Hewitt & Liang, arXiv 1909.03368); selectivity is what is
    right beyond it, in points. Any face can be told from others by how it looks: the floor is a stranger that is told
    from its own look-alikes, and only what exceeds it is memory.
    """

    name = "probe"
    version = 1
    title = "A linear probe on hidden states"
    came_back = "a linear probe read its hidden states"
    level = "full"
    needs = (HIDDEN,)
    source = "1610.01644"

    def missing(self, target: Target, material: Material) -> str | None:
        reason = super().missing(target, material)
        if reason is None and (len(material.taught) < _FOLDS or len(material.look_alikes) < 2 * _FOLDS):
            return "it needs several pictures of the concept, and pictures of look-alikes that nobody knows"
        return reason

    def on(self, target: Target, material: Material, seed: int) -> Iterator[Variant]:
        alike = material.look_alikes
        learnt = min(len(material.taught), len(alike) // 2)
        known = [shown.picture for shown in material.retested]
        count = min(len(known), len(alike) - learnt)
        if not count or target.vlm is None:
            return
        pictures = [*material.taught[:learnt], *alike[:learnt], *known[:count], *alike[learnt : learnt + count]]
        trials = [
            Trial(Probe(trial_id(self.name, i), material.wordings.naming[0], (picture,)), str(i), "")
            for i, picture in enumerate(pictures)
        ]
        layers = range(1, len(target.vlm.decoder_layers) + 1)
        yield Variant("", trials, measured=partial(_measured, pictures, trials, learnt, layers, seed))


def _measured(
    pictures: Sequence[Image.Image], trials: Sequence[Trial], learnt: int, layers: Sequence[int], seed: int, engine: Engine
) -> Found:
    states = engine.hidden([trial.probe for trial in trials], layers).numpy()
    count = (len(pictures) - 2 * learnt) // 2
    labels = np.array([1] * learnt + [0] * learnt)
    truth = np.array([1] * count + [0] * count)
    train, test = states[: 2 * learnt], states[2 * learnt :]
    validated = [_validated(train[:, place], labels, seed) for place in range(len(layers))]
    # Of equal layers the deepest, which is nearest to what the model says.
    best = max(range(len(layers)), key=lambda place: (validated[place], place))
    right = _predicted(train[:, best], labels, test[:, best]) == truth
    rng = np.random.default_rng(seed)
    shuffled = [_predicted(train[:, best], rng.permutation(labels), test[:, best]) == truth for _ in range(_SHUFFLES)]
    control = 100 * float(np.mean(shuffled))
    score = share(right.tolist(), units=[trial.unit for trial in trials[2 * learnt :]], higher_is_better=False)
    further = {
        "layer": float(layers[best]),
        "right in cross-validation, %": 100 * validated[best],
        "right with shuffled labels, %": control,
        "selectivity, points": score.value - control,
    }
    return Found(score, {}, further=further)


def _classifier() -> Any:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))


def _validated(states: Array, labels: npt.NDArray[np.int64], seed: int) -> float:
    """The share that is told rightly in cross-validation, 0 to 1."""
    from sklearn.model_selection import StratifiedKFold, cross_val_score

    folds = StratifiedKFold(_FOLDS, shuffle=True, random_state=seed)
    return float(np.mean(cross_val_score(_classifier(), states, labels, cv=folds)))


def _predicted(states: Array, labels: npt.NDArray[np.int64], others: Array) -> npt.NDArray[np.int64]:
    found: npt.NDArray[np.int64] = _classifier().fit(states, labels).predict(others)
    return found
