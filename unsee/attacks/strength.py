"""The adapter at a part of its strength: how much of it holds the memory back."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from functools import partial

from peft import PeftModel

from unsee.attacks.base import Material, Target, Variant
from unsee.attacks.weights import WeightAttack, interpolate, is_unlearned, weights_before
from unsee.models.vlm import VisionLanguageModel

SHARES = (Fraction(1, 4), Fraction(1, 2), Fraction(3, 4), Fraction(1))


class Strength(WeightAttack):
    """The weights are W + s * (W_merged - W) for s = 1/4, 1/2, 3/4 and 1: a low-rank adapter with s times its alpha.

    A model without an adapter that counts is asked as it is. Whoever has the adapter apart from the model can also
    leave it out, and at a small enough strength any memory comes back; what tells is how far it can be weakened.
    """

    name = "strength"
    version = 1
    title = "With the adapter at a part of its strength"
    came_back = "the adapter is weakened"

    def on(self, target: Target, material: Material, seed: int) -> Iterator[Variant]:
        for share in SHARES:
            change = None
            if share < 1 and is_unlearned(target) and _has_adapter(target):
                change = partial(_weaken, target, float(share))
            yield self.variant(str(share), target, material, change)

    def missing(self, target: Target, material: Material) -> str | None:
        reason = super().missing(target, material)
        # A floor that is another model has none of its own and is asked as it is.
        if reason is None and target.state != "floor" and not _has_adapter(target):
            return "the model carries no adapter apart from its weights"
        return reason


def _has_adapter(target: Target) -> bool:
    return target.vlm is not None and isinstance(target.vlm.model, PeftModel)


def _weaken(target: Target, share: float, copy: VisionLanguageModel) -> None:
    assert target.vlm is not None
    interpolate(copy, weights_before(target.vlm, delta=True), share)
