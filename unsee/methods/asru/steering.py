"""Stage 1: forget prompts are moved along the knowledge-absence direction, everything else is held in place.

At decoder layer L, with h_L the residual stream after it at the last prompt token (arXiv 2605.15687):

    v = mean h_L(unseen) - mean h_L(forget)

The down-projection of the MLP of layer L, and nothing else, is changed so that forget prompts come to h_L + lambda * v
and retain prompts stay at h_L. Ours: the prompts about unseen people are held too, and so are all of these while their
answers are said (`answers_weight`), because the change acts at every token.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any

from torch import Tensor

from unsee.data.sample import Sample
from unsee.errors import UserError
from unsee.methods.asru.config import ASRUConfig
from unsee.methods.asru.direction import Separation, separation
from unsee.methods.asru.passage import Passage, find_passage
from unsee.methods.asru.prompts import Prompts
from unsee.methods.asru.solvers import GradientSolver, Part, RidgeSolver, Solver, low_rank
from unsee.methods.asru.states import States, read_residuals
from unsee.models.deltas import apply_delta, apply_low_rank, remove_delta
from unsee.models.vision_cache import VisionCache
from unsee.models.vlm import VisionLanguageModel


@dataclass(frozen=True)
class Steering:
    """What stage 1 found for one layer and strength (lambda).

    parameter: name of the weight. change [H, I] float32, of rank `rank` (None: no low-rank form is exact enough), and
    its factors. separation: how well v tells held-out prompts apart; None without any.
    missed: mean over the prompts to forget of |m - u|^2 / |u|^2, with u = lambda * v and m what the residual stream of
    the changed model moves by: 1 where nothing moves, 0 where all is as wanted. drift: mean over all other prompts of
    |m|^2 / |u|^2. Both NaN until measured (`Aim.measured`).
    """

    layer: int
    strength: float
    parameter: str
    change: Tensor
    factors: tuple[Tensor, Tensor] | None
    separation: Separation | None
    missed: float = math.nan
    drift: float = math.nan

    @property
    def rank(self) -> int | None:
        return None if self.factors is None else self.factors[0].shape[1]

    def report(self) -> dict[str, Any]:
        """What the manifest tells of it."""
        named = ("layer", "strength", "rank", "missed", "drift")
        return {name: getattr(self, name) for name in named} | (asdict(self.separation) if self.separation else {})

    def tensors(self) -> dict[str, Tensor]:
        """What `of` needs in addition to the report, to be saved."""
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
        return cls(report["layer"], report["strength"], parameter, change, factors, apart, *numbers)

    def apply(self, vlm: VisionLanguageModel) -> None:
        """Change the model; the weight before is kept as the reference."""
        if self.factors is not None:
            apply_low_rank(vlm, {self.parameter: self.factors})
            return
        weight = vlm.base.get_parameter(self.parameter)
        apply_delta(vlm, {self.parameter: (weight.float() + self.change.to(weight.device)).to(weight.dtype)})


@dataclass(frozen=True)
class Aim:
    """What stage 1 wants of one layer, as far as the model before tells; solved for any strength from one reading.

    direction [H]: v, float64. before, per part: residual streams [prompts, H] at the last token of the prompts in
    `asked`, on the CPU.
    """

    vlm: VisionLanguageModel
    layer: int
    direction: Tensor
    separation: Separation | None
    solver: Solver
    asked: Mapping[Part, Sequence[Sample]]
    before: Mapping[Part, Tensor]
    cache: VisionCache

    def steering(self, strength: float) -> Steering:
        """The change for a strength, not measured yet."""
        change = self.solver.solve(strength * self.direction.float())
        path = f"{self.vlm.layout.decoder_layers}.{self.layer}.{self.vlm.layout.mlp_down}.weight"
        return Steering(self.layer, strength, path, change, low_rank(change), self.separation)

    def measured(self, steering: Steering) -> Steering:
        """The same with what the changed model does to the prompts it was solved with; the model is then as before."""
        shift = steering.strength * self.direction.float()
        steering.apply(self.vlm)
        try:
            moved = {part: self._after(part) - self.before[part] for part in self.asked}
        finally:
            remove_delta(self.vlm)
        missed, drift = (
            float(miss.square().sum(1).mean() / shift.square().sum())
            for miss in (moved["forget"] - shift, moved["retain"])
        )
        return replace(steering, missed=missed, drift=drift)

    def _after(self, part: Part) -> Tensor:
        return read_residuals(self.vlm, self.asked[part], [self.layer], cache=self.cache)[self.layer]


def aim(
    vlm: VisionLanguageModel,
    prompts: Prompts,
    held_out: Prompts,
    config: ASRUConfig,
    layers: Sequence[int],
    seed: int,
    cache: VisionCache | None = None,
) -> dict[int, Aim]:
    """Read the prompts, once for all of `layers`; by layer.

    Raises UserError if prompts of a role are missing, or the model cannot be steered.
    """
    check_steerable(vlm, prompts)
    pictures = cache or VisionCache(vlm)
    passages = {layer: find_passage(vlm, layer, prompts.forget[0], pictures) for layer in layers}
    solvers = {layer: _solver(passages[layer], config, seed) for layer in layers}
    asked: dict[Part, Sequence[Sample]] = {
        "forget": prompts.forget,
        "retain": (*prompts.retain, *prompts.unseen),
    }

    def feed(part: Part, states: dict[int, States]) -> None:
        for layer, at in states.items():
            solvers[layer].add(at.inputs, part)
            solvers[layer].add(at.answering, "answers")

    before: dict[Part, dict[int, Tensor]] = {}
    for part, samples in asked.items():
        answers = part == "retain" and config.answers_weight > 0
        see = partial(feed, part)
        before[part] = read_residuals(vlm, samples, layers, answers=answers, cache=pictures, see=see)
    known, unknown = before["forget"], {layer: rows[-len(prompts.unseen) :] for layer, rows in before["retain"].items()}
    directions = {layer: unknown[layer].double().mean(0) - known[layer].double().mean(0) for layer in layers}
    for layer, direction in directions.items():
        if not direction.isfinite().all():
            raise UserError(
                f"{vlm.name} cannot be steered: its states after layer {layer} are not finite; load it in a wider "
                "dtype (bfloat16, float32)."
            )
    apart = _separations(vlm, directions, held_out, pictures)
    return {
        layer: Aim(
            vlm,
            layer,
            direction,
            apart.get(layer),
            solvers[layer],
            asked,
            {part: rows[layer] for part, rows in before.items()},
            pictures,
        )
        for layer, direction in directions.items()
    }


def steer(
    vlm: VisionLanguageModel,
    prompts: Prompts,
    held_out: Prompts,
    config: ASRUConfig,
    layers: Sequence[int],
    seed: int,
    cache: VisionCache | None = None,
) -> dict[int, list[Steering]]:
    """Solve stage 1 for each of `layers` and each strength of the settings, and measure; the model is then as before.

    By layer; the strengths ascend. Raises UserError as `aim` does.
    """
    aims = aim(vlm, prompts, held_out, config, layers, seed, cache)
    return {layer: [at.measured(at.steering(s)) for s in config.strengths] for layer, at in aims.items()}


def check_steerable(vlm: VisionLanguageModel, prompts: Prompts) -> None:
    """Raise UserError if prompts of a role are missing, or the weights are quantised to 4 bits."""
    if getattr(vlm.base, "is_loaded_in_4bit", False):
        raise UserError(f"{vlm.name} is loaded in 4 bits, whose weights asru cannot change; load it in full precision.")
    for role in ("forget", "retain", "unseen"):
        if not getattr(prompts, role):
            raise UserError(f"Stage 1 of asru has no prompts with the role {role!r}; give at least two.")


def _solver(passage: Passage, config: ASRUConfig, seed: int) -> Solver:
    if config.solver == "ridge":
        return RidgeSolver(passage, config.ridge, config.retain_weight, config.answers_weight)
    return GradientSolver(
        passage,
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
    unseen, forget = (
        read_residuals(vlm, asked, list(directions), cache=cache) for asked in (held_out.unseen, held_out.forget)
    )
    return {layer: separation(v, unseen[layer], forget[layer]) for layer, v in directions.items()}
