"""Undo the smallest changes of weights: how few of them hold the memory back."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import torch
from torch import Tensor

from unsee.attacks.base import Material, Target, Variant
from unsee.attacks.weights import WeightAttack, changes, is_unlearned, weights_before
from unsee.models.vlm import VisionLanguageModel

PERCENT = (10, 30, 50, 70, 90)


class Pruning(WeightAttack):
    """In every weight that unlearning changed, the 10, 30, 50, 70 or 90 % of entries that changed least are as they
    were before. A model without a change that counts is asked as it is."""

    name = "pruning"
    version = 1
    title = "With the smallest changes undone"
    came_back = "its smallest changes are undone"
    level = "full"

    def on(self, target: Target, material: Material, seed: int) -> Iterator[Variant]:
        for percent in PERCENT:
            change = partial(_prune, target, percent) if is_unlearned(target) else None
            yield self.variant(f"{percent} %", target, material, change)

    def missing(self, target: Target, material: Material) -> str | None:
        reason = super().missing(target, material)
        # A floor that is another model has no before and is asked as it is.
        if reason is None and target.vlm is not None and target.state != "floor" and not target.vlm.adapted:
            return "the weights before unlearning are not there"
        return reason


@torch.no_grad()
def _prune(target: Target, percent: int, copy: VisionLanguageModel) -> None:
    assert target.vlm is not None
    for weight, before in changes(copy, weights_before(target.vlm)):
        weight.copy_(undone(weight, before, percent))


def undone(after: Tensor, before: Tensor, percent: int) -> Tensor:
    """`after` with the `percent` of its entries (rounded down) that differ least from `before` set to it; of equal
    differences the first entries."""
    count = after.numel() * percent // 100
    smallest = (after.float() - before.float()).abs().flatten().argsort(stable=True)[:count]
    result = after.detach().clone().flatten()
    result[smallest] = before.flatten()[smallest]
    return result.view_as(after)
