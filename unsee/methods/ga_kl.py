"""Gradient ascent with a KL term (GA+KL, also called KL-Min), a baseline of the SIU paper."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from unsee.methods.base import ForgetRetain, ForgetRetainConfig
from unsee.methods.likelihood import divergence, mean, negative_log_likelihood
from unsee.requests import ForgetRequest
from unsee.training.objective import Objective, TokenBatch, answers, is_forget

if TYPE_CHECKING:
    from torch import Tensor

    from unsee.models.collation import EncodedSample
    from unsee.models.vlm import VisionLanguageModel


class GAKLLoss(Objective):
    """L = -NLL(f) + gamma * KL(p_ref || p)(r), the KL averaged over the answer tokens of r.

    f: questions about the picture with their true answers; r: what is to be kept.
    """

    def __init__(self, config: ForgetRetainConfig) -> None:
        self.gamma = config.gamma

    def __call__(self, batch: TokenBatch) -> Tensor:
        kept = mean(divergence(batch), batch.counts.compared)
        return -negative_log_likelihood(batch, "forget") + self.gamma * kept

    def compares_at(self, sample: EncodedSample, length: int) -> Tensor:
        return answers(sample, length) & (not is_forget(sample))


class GAKL(ForgetRetain[ForgetRetainConfig]):
    """Raises the loss of what is to be forgotten and holds the rest near the model before."""

    name = "ga_kl"
    title = "Gradient ascent with KL (KL-Min)"
    source = "arXiv 2405.12523, section 4.1 (baseline); arXiv 2401.06121 (KL minimisation)"
    config = ForgetRetainConfig

    def objective(
        self, requests: Sequence[ForgetRequest], vlm: VisionLanguageModel, config: ForgetRetainConfig
    ) -> Objective:
        return GAKLLoss(config)
