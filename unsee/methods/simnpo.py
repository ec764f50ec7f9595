"""Simple negative preference optimisation (SimNPO), arXiv 2410.07163."""

from __future__ import annotations

import random
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import softplus

from unsee.data.sample import Sample
from unsee.methods.base import Method
from unsee.methods.baselines import retained, true_answers
from unsee.methods.likelihood import log_likelihood, mean, negative_log_likelihood, sequence_sums
from unsee.methods.settings import SimNPOConfig
from unsee.models.collation import IGNORED
from unsee.models.vlm import VisionLanguageModel
from unsee.requests import ForgetRequest
from unsee.training.objective import Objective, TokenBatch


class SimNPOLoss(Objective):
    """L = (2 / beta) * mean_f softplus(beta / |f| * log p(f) + margin) + gamma * NLL(r).

    f    questions about the picture with their true answers; log p(f) sums over the |f| tokens of an answer
    r    what is to be kept

    No reference model: answers that are already unlikely are pushed less, and long answers as much as short ones.
    """

    def __init__(self, config: SimNPOConfig) -> None:
        self.config = config

    def __call__(self, batch: TokenBatch) -> Tensor:
        gamma, beta = self.config.gamma, self.config.beta
        rows = batch.forget & (batch.targets != IGNORED)
        log_p = log_likelihood(batch, rows)
        means = sequence_sums(log_p, batch, rows) / sequence_sums(torch.ones_like(log_p), batch, rows)
        forgotten = 2 / beta * mean(softplus(beta * means + self.config.margin), batch.counts.answers)
        return forgotten + gamma * negative_log_likelihood(batch, "retain")


class SimNPO(Method[SimNPOConfig]):
    """NPO with the mean per token instead of the comparison with the model before."""

    name = "simnpo"
    title = "Simple negative preference optimisation"
    source = "arXiv 2410.07163"
    config = SimNPOConfig

    def samples(
        self, request: ForgetRequest, vlm: VisionLanguageModel, config: SimNPOConfig, rng: random.Random
    ) -> list[Sample]:
        return true_answers(request, vlm, config.forget, rng) + retained(request, vlm, config.retain, rng)

    def objective(self, requests: Sequence[ForgetRequest], vlm: VisionLanguageModel, config: SimNPOConfig) -> Objective:
        return SimNPOLoss(config)
