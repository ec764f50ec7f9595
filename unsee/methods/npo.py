"""Negative preference optimisation (NPO), arXiv 2404.05868."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from unsee.methods.base import ForgetRetain, ForgetRetainConfig
from unsee.methods.likelihood import log_likelihood, mean, negative_log_likelihood, sequence_sums
from unsee.requests import ForgetRequest
from unsee.training.config import peak_rate
from unsee.training.objective import Objective, TokenBatch, answers, is_forget

if TYPE_CHECKING:
    from torch import Tensor

    from unsee.models.collation import EncodedSample
    from unsee.models.vlm import VisionLanguageModel


@dataclass(frozen=True)
class NPOConfig(ForgetRetainConfig):
    """Settings of NPO."""

    learning_rate: float = peak_rate(1.3e-3)
    beta: float = field(default=0.1, metadata={"help": "inverse temperature: towards 0 the loss becomes that of GA"})

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require(self.beta > 0, "beta", "above 0")


class NPOLoss(Objective):
    """L = (2 / beta) * mean_f softplus(beta * (log p(f) - log p_ref(f))) + gamma * NLL(r) (equation 3 of the paper).

    f      questions about the picture with their true answers; log p(f) sums over the tokens of an answer
    r      what is to be kept
    p_ref  the model before unlearning

    The gradient is that of gradient ascent, weighted per answer by 2 p^beta / (p^beta + p_ref^beta): it fades as the
    answer is forgotten.
    """

    reads = "targets"

    def __init__(self, config: NPOConfig) -> None:
        self.config = config

    def __call__(self, batch: TokenBatch) -> Tensor:
        from torch.nn.functional import softplus

        gamma, beta = self.config.gamma, self.config.beta
        ratios = sequence_sums(log_likelihood(batch, batch.compared) - batch.reference, batch, batch.compared)
        forgotten = 2 / beta * mean(softplus(beta * ratios), batch.counts.answers)
        return forgotten + gamma * negative_log_likelihood(batch, "retain")

    def compares_at(self, sample: EncodedSample, length: int) -> Tensor:
        return answers(sample, length) & is_forget(sample)


class NPO(ForgetRetain[NPOConfig]):
    """Treats the true answers as those that must lose, and stops pushing once they are forgotten."""

    name = "npo"
    title = "Negative preference optimisation"
    source = "arXiv 2404.05868"
    config = NPOConfig

    def objective(self, requests: Sequence[ForgetRequest], vlm: VisionLanguageModel, config: NPOConfig) -> Objective:
        return NPOLoss(config)
