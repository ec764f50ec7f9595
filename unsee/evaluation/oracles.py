"""Whether a model can be the oracle of an audit: one like the model before, but which never knew the concept."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from unsee.attacks.base import Material, Target
from unsee.attacks.paraphrase import naming_trials
from unsee.attacks.scoring import excess, share_leaked
from unsee.errors import UserError
from unsee.evaluation.auditing import State
from unsee.generation import ask
from unsee.metrics import Score

if TYPE_CHECKING:
    from unsee.models.vlm import VisionLanguageModel

GUESSED = 5.0
"""Percent of the answers that may give the name by chance where no stranger shows how much chance is."""
FROM_ONE_PICTURE = 50.0
"""Percent of the answers from which a single picture, which has no interval, counts as known."""


def check_oracle(floor: State, vlm: VisionLanguageModel | None, strangers: Material | None) -> None:
    """Ask plainly for the name, about the concept and about strangers where there are pictures of any.

    Raises UserError if the oracle is not of the model's family and vocabulary, carries an adapter, or gives the name
    more often than chance explains: the interval of what exceeds strangers, or else `GUESSED`, lies above it.
    """
    oracle, name = floor.target.vlm, floor.material.name
    assert oracle is not None
    if vlm is not None:
        _check_kind(oracle, vlm)
    known = _named(floor.target, floor.material)
    over = known if strangers is None else excess(known, _named(floor.target, strangers))
    if over.low > (GUESSED if strangers is None else 0.0) or (math.isnan(over.low) and over.value >= FROM_ONE_PICTURE):
        raise UserError(
            f"{oracle.name} is no oracle: asked plainly, it names {name} in {known.value:.0f} % of its answers; give a "
            "model that was trained without it."
        )


def _check_kind(oracle: VisionLanguageModel, vlm: VisionLanguageModel) -> None:
    if oracle.adapted:
        raise UserError(
            f"The oracle {oracle.name} carries an adapter or a delta; merge it into a model of its own with unsee "
            "export."
        )
    own, wanted = (type(each.base).__name__ for each in (oracle, vlm))
    if own != wanted:
        raise UserError(f"The oracle {oracle.name} is of another family ({own}) than {vlm.name} ({wanted}).")
    if oracle.tokenizer.get_vocab() != vlm.tokenizer.get_vocab():
        raise UserError(
            f"The oracle {oracle.name} has another vocabulary than {vlm.name}; give one that was trained from the "
            "same beginning."
        )


def _named(target: Target, material: Material) -> Score:
    """How often the name is given in answer to the plain questions."""
    trials = naming_trials("oracle", material)
    said = ask(target.engine, [trial.probe for trial in trials], progress=False)
    return share_leaked(trials, {response.probe_id: [response] for response in said}).score
