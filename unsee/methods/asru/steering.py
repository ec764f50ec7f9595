"""Stage 1: forget prompts are moved along the knowledge-absence direction, everything else is held in place.

At decoder layer L, with h_L the residual stream after it at the last prompt token (arXiv 2605.15687):

    v = mean h_L(unseen) - mean h_L(forget)

The down-projection of the MLP of layer L, and nothing else, is changed so that forget prompts come to h_L + lambda * v
and retain prompts stay at h_L. Ours: the prompts about unseen people are held too, and so are all of these while their
answers are said (`answers_weight`), because the change acts at every token.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor

from unsee.data.sample import Sample
from unsee.errors import UserError
from unsee.methods.asru.config import ASRUConfig
from unsee.methods.asru.direction import RunningMean, Separation, separation
from unsee.methods.asru.prompts import Prompts
from unsee.methods.asru.solvers import GradientSolver, RidgeSolver, Solver, low_rank
from unsee.methods.asru.states import read_states
from unsee.models.deltas import apply_delta, apply_low_rank
from unsee.models.vision_cache import VisionCache
from unsee.models.vlm import VisionLanguageModel


@dataclass(frozen=True)
class Steering:
    """What stage 1 found for one layer and strength (lambda).

    parameter: name of the weight. change [H, I] float32, of rank `rank` (None: no low-rank form is exact enough), and
    its factors. missed, drift: see `Solution`. separation: how well v tells held-out prompts apart; None without any.
    """

    layer: int
    strength: float
    parameter: str
    change: Tensor
    factors: tuple[Tensor, Tensor] | None
    missed: float
    drift: float
    separation: Separation | None

    @property
    def rank(self) -> int | None:
        return None if self.factors is None else self.factors[0].shape[1]

    def report(self) -> dict[str, Any]:
        """What the manifest tells of it."""
        named = ("layer", "strength", "rank", "missed", "drift")
        return {name: getattr(self, name) for name in named} | (asdict(self.separation) if self.separation else {})

    def tensors(self) -> dict[str, Tensor]:
        """What `of` needs besides the report, to be saved."""
        if self.factors is None:
            return {"change": self.change}
        return {"left": self.factors[0].contiguous(), "right": self.factors[1].contiguous()}

    @classmethod
    def of(cls, tensors: Mapping[str, Tensor], parameter: str, report: Mapping[str, Any]) -> Steering:
        """Put together again what `tensors` and `report` gave."""
        factors = (tensors["left"], tensors["right"]) if "left" in tensors else None
        change = tensors["change"] if factors is None else factors[0] @ factors[1]
        apart = Separation(report["auc"], report["fisher"]) if "auc" in report else None
        numbers = (report["missed"], report["drift"])
        return cls(report["layer"], report["strength"], parameter, change, factors, *numbers, apart)

    def apply(self, vlm: VisionLanguageModel) -> None:
        """Change the model; the weight before is kept as the reference."""
        if self.factors is not None:
            apply_low_rank(vlm, {self.parameter: self.factors})
            return
        weight = vlm.base.get_parameter(self.parameter)
        apply_delta(vlm, {self.parameter: (weight.float() + self.change.to(weight.device)).to(weight.dtype)})


def steer(
    vlm: VisionLanguageModel,
    prompts: Prompts,
    held_out: Prompts,
    config: ASRUConfig,
    layers: Sequence[int],
    seed: int,
    cache: VisionCache | None = None,
) -> dict[int, list[Steering]]:
    """Solve stage 1 for each of `layers` and each strength of the settings, without changing the model.

    Prompts are read once for all of them. By layer; the strengths ascend.

    Raises UserError where prompts of a role are missing, or the model's weights cannot be changed.
    """
    check_steerable(vlm, prompts)
    solvers = {layer: _solver(config, seed) for layer in layers}
    known, unknown = ({layer: RunningMean() for layer in layers} for _ in range(2))
    pictures = cache or VisionCache(vlm)
    for _, states in read_states(vlm, prompts.forget, layers, cache=pictures):
        for layer, at in states.items():
            solvers[layer].add(at.inputs, "forget")
            known[layer].add(at.residual)
    for held, means in ((prompts.retain, None), (prompts.unseen, unknown)):
        for _, states in read_states(vlm, held, layers, answers=config.answers_weight > 0, cache=pictures):
            for layer, at in states.items():
                solvers[layer].add(at.inputs, "retain")
                solvers[layer].add(at.answering, "answers")
                if means is not None:
                    means[layer].add(at.residual)
    directions = {layer: unknown[layer].value - known[layer].value for layer in layers}
    apart = _separations(vlm, directions, held_out, pictures)
    found: dict[int, list[Steering]] = {layer: [] for layer in layers}
    for layer, direction in directions.items():
        path = f"{vlm.layout.decoder_layers}.{layer}.{vlm.layout.mlp_down}.weight"
        for strength in config.strengths:
            solved = solvers[layer].solve(strength * direction.float())
            factors, fit = low_rank(solved.change), (solved.missed, solved.drift)
            found[layer].append(Steering(layer, strength, path, solved.change, factors, *fit, apart.get(layer)))
    return found


def check_steerable(vlm: VisionLanguageModel, prompts: Prompts) -> None:
    """Raise UserError where prompts of a role are missing, or the weights are quantised to 4 bits."""
    if getattr(vlm.base, "is_loaded_in_4bit", False):
        raise UserError(f"{vlm.name} is loaded in 4 bits, whose weights asru cannot change; load it without.")
    for role in ("forget", "retain", "unseen"):
        if not getattr(prompts, role):
            raise UserError(f"Stage 1 of asru has no prompts with the role {role!r}; give at least two.")


def _solver(config: ASRUConfig, seed: int) -> Solver:
    if config.solver == "ridge":
        return RidgeSolver(config.ridge, config.retain_weight, config.answers_weight)
    return GradientSolver(
        config.retain_weight,
        config.answers_weight,
        config.steering_rate,
        config.steering_batch,
        config.steering_epochs,
        seed,
    )


def _separations(
    vlm: VisionLanguageModel, directions: dict[int, Tensor], held_out: Prompts, cache: VisionCache
) -> dict[int, Separation]:
    """By layer; nothing where no prompts are held out."""
    if not held_out.forget or not held_out.unseen:
        return {}
    unseen, forget = (_residuals(vlm, asked, list(directions), cache) for asked in (held_out.unseen, held_out.forget))
    return {layer: separation(v, unseen[layer], forget[layer]) for layer, v in directions.items()}


def _residuals(
    vlm: VisionLanguageModel, samples: Sequence[Sample], layers: Sequence[int], cache: VisionCache
) -> dict[int, Tensor]:
    """[samples, H] by layer, in no order."""
    parts = [states for _, states in read_states(vlm, samples, layers, cache=cache)]
    return {layer: torch.cat([at[layer].residual for at in parts]) for layer in layers}
