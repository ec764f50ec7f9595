"""The knowledge-absence direction, and how well it separates what is known from what is not."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Separation:
    """How far apart two sets of prompts lie along a direction.

    auc: probability that an unseen prompt lies further along than a forget prompt, ties counted half; 0.5 is chance.
    fisher: squared distance of the means over the sum of the variances.
    """

    auc: float
    fisher: float


def separation(direction: Tensor, unseen: Tensor, forget: Tensor) -> Separation:
    """How well `direction` [H] separates the states of unseen [n, H] from those of forget prompts [m, H].

    The states must not be those that the direction was computed from.
    """
    # Means are on the CPU, states are on the model's device.
    along = (direction.double() / direction.double().norm()).to(unseen.device)
    far, near = unseen.double() @ along, forget.double() @ along
    ahead = (far[:, None] > near[None]).double() + 0.5 * (far[:, None] == near[None]).double()
    spread = far.var(correction=0) + near.var(correction=0)
    return Separation(float(ahead.mean()), float((far.mean() - near.mean()).square() / spread.clamp(min=1e-12)))
