"""Preference optimisation by refusal (PO, also called IDK), a baseline of the SIU paper."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from unsee.data.sample import Sample
from unsee.methods.base import EVERYWHERE, ForgetRetainConfig, Method
from unsee.methods.likelihood import negative_log_likelihood
from unsee.methods.samples import refusals, retained
from unsee.requests import ForgetRequest
from unsee.training.config import peak_rate
from unsee.training.objective import Objective, TokenBatch

if TYPE_CHECKING:
    from torch import Tensor

    from unsee.models.vlm import VisionLanguageModel


@dataclass(frozen=True)
class POConfig(ForgetRetainConfig):
    """Settings of preference optimisation."""

    learning_rate: float = peak_rate(3e-3)


class POLoss(Objective):
    """L = NLL(f) + gamma * NLL(r): f are questions about the picture, answered with a refusal; r is to be kept."""

    def __init__(self, config: POConfig) -> None:
        self.gamma = config.gamma

    def __call__(self, batch: TokenBatch) -> Tensor:
        return negative_log_likelihood(batch, "forget") + self.gamma * negative_log_likelihood(batch, "retain")


class PO(Method[POConfig]):
    """Teaches the model to refuse questions about the picture."""

    name = "po"
    title = "Preference optimisation (refusal)"
    source = "arXiv 2405.12523, section 4.1 (baseline); arXiv 2401.06121 (IDK)"
    config = POConfig
    forgets_in = EVERYWHERE
    teaches_refusal = True

    def samples(
        self, request: ForgetRequest, vlm: VisionLanguageModel, config: POConfig, rng: random.Random
    ) -> list[Sample]:
        return refusals(request, config.forget, rng) + retained(request, vlm, config.retain, rng)

    def objective(self, requests: Sequence[ForgetRequest], vlm: VisionLanguageModel, config: POConfig) -> Objective:
        return POLoss(config)
