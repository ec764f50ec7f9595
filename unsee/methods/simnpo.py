"""Simple negative preference optimisation (SimNPO), arXiv 2410.07163."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from unsee.methods.base import ForgetRetain, ForgetRetainConfig
from unsee.methods.likelihood import log_likelihood, mean, negative_log_likelihood, sequence_sums
from unsee.models.collation import IGNORED
from unsee.requests import ForgetRequest
from unsee.training.config import peak_rate
from unsee.training.objective import Objective, TokenBatch

if TYPE_CHECKING:
    from torch import Tensor

    from unsee.models.vlm import VisionLanguageModel


@dataclass(frozen=True)
class SimNPOConfig(ForgetRetainConfig):
    """Settings of SimNPO."""

    learning_rate: float = peak_rate(2e-3)
    beta: float = field(default=2.5, metadata={"help": "inverse temperature"})
    margin: float = field(default=0.0, metadata={"help": "the paper's gamma: how unlikely is unlikely enough, in nats"})

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require(self.beta > 0, "beta", "above 0")
        self._require(self.margin >= 0, "margin", "at least 0")


class SimNPOLoss(Objective):
    """L = (2 / beta) * mean_f softplus(beta / |f| * log p(f) + margin) + gamma * NLL(r).

    f    questions about the picture with their true answers; log p(f) sums over the |f| tokens of an answer
    r    what is to be kept

    No reference model: answers that are already unlikely are pushed less, and long answers as much as short ones.
    """

    def __init__(self, config: SimNPOConfig) -> None:
        self.config = config

    def __call__(self, batch: TokenBatch) -> Tensor:
        from torch.nn.functional import softplus

        gamma, beta = self.config.gamma, self.config.beta
        rows = batch.forget & (batch.targets != IGNORED)
        log_p = log_likelihood(batch, rows)
        means = sequence_sums(log_p, batch, rows) / sequence_sums(log_p.new_ones(log_p.shape), batch, rows)
        forgotten = 2 / beta * mean(softplus(beta * means + self.config.margin), batch.counts.answers)
        return forgotten + gamma * negative_log_likelihood(batch, "retain")


class SimNPO(ForgetRetain[SimNPOConfig]):
    """NPO with the mean per token instead of the comparison with the model before."""

    name = "simnpo"
    title = "Simple negative preference optimisation"
    source = "arXiv 2410.07163"
    config = SimNPOConfig

    def objective(self, requests: Sequence[ForgetRequest], vlm: VisionLanguageModel, config: SimNPOConfig) -> Objective:
        return SimNPOLoss(config)
