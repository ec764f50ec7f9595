"""Direct preference optimisation (DPO), arXiv 2305.18290, of a refusal over the truth, as in arXiv 2404.05868."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from unsee.data.sample import Sample
from unsee.errors import UserError
from unsee.methods.base import EVERYWHERE, ForgetRetainConfig, Method
from unsee.methods.likelihood import log_likelihood, mean, negative_log_likelihood, sequence_sums
from unsee.methods.samples import retained, true_answers
from unsee.requests import ForgetRequest
from unsee.training.config import peak_rate
from unsee.training.objective import Objective, TokenBatch, answers, is_forget

if TYPE_CHECKING:
    from torch import Tensor

    from unsee.models.collation import EncodedSample
    from unsee.models.vlm import VisionLanguageModel


@dataclass(frozen=True)
class DPOConfig(ForgetRetainConfig):
    """Settings of DPO."""

    learning_rate: float = peak_rate(2e-3)
    beta: float = field(default=0.1, metadata={"help": "inverse temperature: how near to the model before"})

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require(self.beta > 0, "beta", "above 0")


class DPOLoss(Objective):
    """L = (2 / beta) * mean_f softplus(-beta * (R(w) - R(l))) + gamma * NLL(r) (equation 7 of the paper).

    f    questions about the picture: w is a refusal, l the true answer
    R    log p(answer) - log p_ref(answer), summed over the tokens of the answer; p_ref is the model before unlearning
    r    what is to be kept

    The factor 2 / beta is that of NPO, which is this loss without w; so gamma means the same in both.
    """

    reads = "targets"

    def __init__(self, config: DPOConfig) -> None:
        self.config = config

    def __call__(self, batch: TokenBatch) -> Tensor:
        from torch.nn.functional import softplus

        gamma, beta = self.config.gamma, self.config.beta
        ratios = log_likelihood(batch, batch.compared) - batch.reference
        loser = batch.rejected[batch.compared]
        wins = sequence_sums(ratios[~loser], batch, batch.compared & ~batch.rejected)
        losses = sequence_sums(ratios[loser], batch, batch.compared & batch.rejected)
        if len(wins) != len(losses):
            raise UserError("dpo needs an answer under 'rejected' in every sample with the role forget; add it.")
        preferred = 2 / beta * mean(softplus(-beta * (wins - losses)), batch.counts.pairs)
        return preferred + gamma * negative_log_likelihood(batch, "retain")

    def compares_at(self, sample: EncodedSample, length: int) -> Tensor:
        return answers(sample, length) & is_forget(sample)


class DPO(Method[DPOConfig]):
    """Teaches the model to prefer a refusal over the true answer about the picture."""

    name = "dpo"
    title = "Direct preference optimisation"
    source = "arXiv 2305.18290; arXiv 2404.05868 (with refusals, a baseline)"
    config = DPOConfig
    forgets_in = EVERYWHERE
    teaches_refusal = True

    def samples(
        self, request: ForgetRequest, vlm: VisionLanguageModel, config: DPOConfig, rng: random.Random
    ) -> list[Sample]:
        pairs = [
            replace(sample, answer=rng.choice(request.what.refusals), rejected=sample.answer)
            for sample in true_answers(request, vlm, config.forget, rng)
        ]
        return pairs + retained(request, vlm, config.retain, rng)

    def objective(self, requests: Sequence[ForgetRequest], vlm: VisionLanguageModel, config: DPOConfig) -> Objective:
        return DPOLoss(config)
