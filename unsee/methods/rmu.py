"""Representation misdirection for unlearning (RMU), from the WMDP paper, arXiv 2403.03218."""

from __future__ import annotations

import random
from collections.abc import Sequence

import torch
from torch import Tensor

from unsee.data.sample import Sample
from unsee.methods.base import Method
from unsee.methods.baselines import retained, true_answers
from unsee.methods.likelihood import mean
from unsee.methods.settings import RMUConfig
from unsee.models.collation import EncodedSample
from unsee.models.vlm import VisionLanguageModel
from unsee.requests import ForgetRequest
from unsee.training.objective import Objective, TokenBatch, answers, is_forget
from unsee.training.reference import TrainingSet

LAYERS = 3
"""How many layers are trained, the steered one and those before it, as in the released code."""


class RMULoss(Objective):
    """L = mean_f |h - c * u|^2 / H + alpha * mean_r |h - h_ref|^2 / H.

    h      residual stream after the steered layer, of width H, at the positions that predict the tokens of an answer
    f      questions about the picture with their true answers; r is what is to be kept
    u      a random unit vector, drawn once: entries uniform in [0, 1), then normalised (released code)
    h_ref  that of the model before unlearning

    Only the MLP's down-projections of the steered layer and of the two before it are trained (released code).
    """

    reads = "hidden"

    def __init__(self, config: RMUConfig, vlm: VisionLanguageModel) -> None:
        self.config = config
        self.layer = config.layer_of(len(vlm.decoder_layers))
        path, down = vlm.layout.decoder_layers, vlm.layout.mlp_down
        self.modules = [f"{path}.{number}.{down}" for number in range(self.layer + 1)][-LAYERS:]

    def prepare(self, vlm: VisionLanguageModel, training_set: TrainingSet, seed: int) -> None:
        direction = torch.rand(vlm.layout.hidden_size, generator=torch.Generator().manual_seed(seed))
        self.target = self.config.steering * direction / direction.norm()

    def __call__(self, batch: TokenBatch) -> Tensor:
        assert batch.hidden is not None
        hidden = batch.hidden.float()
        away = (hidden[batch.forget] - self.target.to(hidden.device)).square().mean(-1)
        kept = (hidden[batch.compared] - batch.reference).square().mean(-1)
        return mean(away, batch.counts.forget) + self.config.alpha * mean(kept, batch.counts.compared)

    def compares_at(self, sample: EncodedSample, length: int) -> Tensor:
        return answers(sample, length) & (not is_forget(sample))


class RMU(Method[RMUConfig]):
    """Steers the hidden states of what is to be forgotten in a random direction and holds all others in place."""

    name = "rmu"
    title = "Representation misdirection"
    source = "arXiv 2403.03218 and its released code"
    config = RMUConfig

    def samples(
        self, request: ForgetRequest, vlm: VisionLanguageModel, config: RMUConfig, rng: random.Random
    ) -> list[Sample]:
        return true_answers(request, vlm, config.forget, rng) + retained(request, vlm, config.retain, rng)

    def objective(self, requests: Sequence[ForgetRequest], vlm: VisionLanguageModel, config: RMUConfig) -> Objective:
        return RMULoss(config, vlm)
