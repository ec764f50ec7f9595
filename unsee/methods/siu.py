"""Single Image Unlearning (SIU), arXiv 2405.12523, NeurIPS 2024."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from unsee.data.sample import Sample
from unsee.methods.base import Method
from unsee.methods.likelihood import divergence, mean, negative_log_likelihood
from unsee.methods.masks import name_token_ids, vocabulary_mask
from unsee.methods.siu_beyond import hidden_facts, in_company
from unsee.methods.siu_data import confirmed_pictures, four_targets, pictures_of_others
from unsee.methods.substitutes import substitute_name
from unsee.models.collation import IGNORED
from unsee.requests import ForgetRequest
from unsee.training.config import TrainingConfig
from unsee.training.objective import Objective, TokenBatch

if TYPE_CHECKING:
    from torch import Tensor

    from unsee.models.collation import EncodedSample
    from unsee.models.vlm import VisionLanguageModel


@dataclass(frozen=True)
class SIUConfig(TrainingConfig):
    """Settings of SIU. The released code trains on 9, 2, 7 and 7 samples of the four targets."""

    alpha: float = field(default=0.9, metadata={"help": "weight of the cross-entropy (paper variant)"})
    beta: float = field(default=0.75, metadata={"help": "weight of the dual masked KL (paper variant)"})
    variant: Literal["paper", "released"] = field(
        default="paper", metadata={"help": "the loss as the paper states it, or as the released code computes it"}
    )
    token_mask: bool = field(default=True, metadata={"help": "K_S: leave the masked phrase out of the KL"})
    vocabulary_mask: bool = field(default=True, metadata={"help": "K_V: leave the name's tokens out of the KL"})
    unseen: int = field(default=4, metadata={"help": "samples of target 1: the picture gets a substitute name"})
    description: int = field(default=4, metadata={"help": "samples of target 2: denies that C is in the picture"})
    facts: int = field(default=6, metadata={"help": "samples of target 3: facts about C, in text"})
    others: int = field(default=6, metadata={"help": "samples of target 4: facts about others, in text"})
    pictures: int = field(default=6, metadata={"help": "samples with pictures of others, if the request has any"})
    confirmed: int = field(
        default=0, metadata={"help": 'more samples with such pictures, asking "is this X?" about whom the model sees'}
    )
    company: int = field(
        default=8, metadata={"help": "samples with C next to another, if the request has pictures of others"}
    )
    hidden: int = field(
        default=0, metadata={"help": "samples that ask for facts about the picture; the answer knows none"}
    )
    learnt: float = field(
        default=0.8,
        metadata={
            "help": "probability that each token of targets 1 and 2 must reach; until then training continues in "
            "rounds of a third of the steps, for at most as many steps again (0: training ends after the steps)"
        },
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require(0 <= self.learnt < 1, "learnt", "at least 0 and below 1")
        parts = ("unseen", "description", "facts", "others", "pictures", "confirmed", "company", "hidden")
        for name in ("alpha", "beta", *parts):
            self._require(getattr(self, name) >= 0, name, "at least 0")
        self._require(self.unseen + self.description > 0, "unseen", "at least 1 if description is 0")


class SIULoss(Objective):
    """L = alpha * CE + beta * DMK (equations 3 to 6 of the paper).

    CE    mean over answer tokens of -log p(token)
    DMK = sum_t K_S(t) * sum_v K_V(v) * p_ref(v|t) * log(p_ref(v|t) / p(v|t)), divided by the number of t with K_S = 1
    K_S   0 if the answer token belongs to the sample's masked phrase, else 1; such t are never computed
    K_V   0 if v is a token of the name of C, else 1
    t     answer tokens, each at the position that predicts it

    variant="released": L = CE + DMK without weights; t runs over all positions of the padded batch, prompt and padding
    included; K_S covers the phrase at its own positions, not one before; divided by positions * V. Because
    padding counts, only this variant depends on how a step is cut into batches.
    """

    def __init__(self, config: SIUConfig, k_v: Tensor | None) -> None:
        self.config, self.k_v, self.learnt = config, k_v, config.learnt

    def __call__(self, batch: TokenBatch) -> Tensor:
        k_v = None if self.k_v is None else self.k_v.to(batch.logits.device)
        ce = negative_log_likelihood(batch)
        kl = divergence(batch, k_v)
        if self.config.variant == "released":
            return ce + mean(kl, batch.counts.positions) / batch.logits.shape[1]
        return self.config.alpha * ce + self.config.beta * mean(kl, batch.counts.compared)

    def looks_at(self, sample: EncodedSample, length: int) -> Tensor:
        import torch

        if self.config.variant == "released":
            return torch.ones(length, dtype=torch.bool)
        return super().looks_at(sample, length)

    def compares_at(self, sample: EncodedSample, length: int) -> Tensor:
        import torch

        answer = torch.zeros(length, dtype=torch.bool)
        answer[: len(sample.labels)] = torch.tensor(sample.labels) != IGNORED
        phrase = answer.clone()
        phrase[: len(sample.labels)] &= torch.tensor(sample.token_mask) == 0
        if not self.config.token_mask:
            phrase[:] = False
        if self.config.variant == "released":
            return ~phrase
        return (answer & ~phrase).roll(-1)


class SIU(Method[SIUConfig]):
    """Gradient descent on four targets that reflect forgetting, with a dual masked KL to the model before."""

    name = "siu"
    title = "Single Image Unlearning"
    source = "arXiv 2405.12523, NeurIPS 2024"
    config = SIUConfig

    def samples(
        self, request: ForgetRequest, vlm: VisionLanguageModel, config: SIUConfig, rng: random.Random
    ) -> list[Sample]:
        counts = config.unseen, config.description, config.facts, config.others
        substitute = substitute_name(request, rng)
        return [
            *four_targets(request, vlm, substitute, counts, rng),
            *pictures_of_others(request, vlm, config.pictures, rng),
            *confirmed_pictures(request, vlm, config.confirmed, rng),
            *in_company(request, vlm, substitute, config.company, rng),
            *hidden_facts(request, vlm, substitute, config.hidden, rng),
        ]

    def objective(self, requests: Sequence[ForgetRequest], vlm: VisionLanguageModel, config: SIUConfig) -> Objective:
        ids = name_token_ids(vlm.tokenizer, [name for request in requests for name in request.names])
        size = vlm.base.get_output_embeddings().weight.shape[0]
        return SIULoss(config, vocabulary_mask(ids, size) if config.vocabulary_mask else None)
