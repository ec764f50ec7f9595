"""The weights averaged with those of the model before (WiSE-FT, arXiv 2109.01903, equation 1)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from unsee.attacks.base import Material, Target, Variant
from unsee.attacks.strength import SHARES
from unsee.attacks.weights import WeightAttack, interpolate, is_unlearned, weights_before
from unsee.models.vlm import VisionLanguageModel


class Averaging(WeightAttack):
    """The weights are W_before + s * (W - W_before) for s = 1/4, 1/2 and 3/4 of the model after unlearning.

    For a low-rank adapter alone this is what `strength` tries, up to rounding; it is for models of which
    all weights were trained.
    """

    name = "averaging"
    version = 1
    title = "Averaged with the model before"
    came_back = "averaged with the model before"
    level = "full"
    source = "2109.01903"

    def on(self, target: Target, material: Material, seed: int) -> Iterator[Variant]:
        for share in SHARES[:-1]:
            change = partial(_average, target, float(share)) if is_unlearned(target) else None
            yield self.variant(f"{share} after", target, material, change)

    def missing(self, target: Target, material: Material) -> str | None:
        reason = super().missing(target, material)
        if reason is None and target.vlm is not None and target.vlm.originals is None:
            if target.vlm.adapted:
                return "for an adapter alone it is the same as the adapter at a part of its strength"
            # A floor that is another model has no before and is asked as it is.
            if target.state != "floor":
                return "the weights before unlearning are not there"
        return reason


def _average(target: Target, share: float, copy: VisionLanguageModel) -> None:
    assert target.vlm is not None
    interpolate(copy, weights_before(target.vlm), share)
