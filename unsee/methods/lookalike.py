"""Look-alike: on a picture of C, answer as the model answers about somebody it does not know. A method of our own.

The target is the model's own behaviour towards look-alikes it does not know, picture by picture and question by
question, in company too, with one picture of the person. As of November 2026 we found this in no published method.
Near it: Vgid (arXiv 2606.00105), whose teacher is the frozen model shown the picture under noise and a prompt that asks
it to forget; VKD (2512.11325), which trains the visual side alone; "Can bad teaching induce forgetting" (2205.08096),
with an incompetent teacher; "Who's Harry Potter" (2310.02238), with the predictions of a second model.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from unsee.data.sample import Sample
from unsee.methods.base import Method
from unsee.methods.likelihood import divergence, mean
from unsee.methods.lookalike_data import training_data
from unsee.requests import ForgetRequest
from unsee.training.config import TrainingConfig, peak_rate
from unsee.training.objective import Objective, TokenBatch, answers

if TYPE_CHECKING:
    from torch import Tensor

    from unsee.models.collation import EncodedSample
    from unsee.models.vlm import VisionLanguageModel


@dataclass(frozen=True)
class LookAlikeConfig(TrainingConfig):
    """Settings of look-alike."""

    steps: int = field(default=40, metadata={"help": "optimiser steps"})
    batch: int = field(default=16, metadata={"help": "samples per step and device"})
    learning_rate: float = peak_rate(1e-3)
    lora_rank: int = field(default=16, metadata={"help": "rank of the adapter"})
    where: Literal["decoder", "vision", "both"] = field(
        default="both", metadata={"help": "what carries the adapter: the decoder, the vision tower and projector, both"}
    )
    gamma: float = field(default=5.0, metadata={"help": "weight of what is to be kept"})
    match: float = field(default=3.0, metadata={"help": "weight of the likelihood of answers about C"})
    lookalikes: int = field(default=8, metadata={"help": "unknown ones to answer like, for each picture"})
    views: int = field(default=15, metadata={"help": "altered views of each picture of C"})
    naming: int = field(default=24, metadata={"help": "samples: who is it?"})
    denying: int = field(default=8, metadata={"help": "samples: is it C?"})
    hidden: int = field(default=8, metadata={"help": "samples: a fact that only somebody who knows C can tell"})
    true: int = field(default=96, metadata={"help": "samples: the answers of before, as likely as for a look-alike"})
    company: int = field(default=40, metadata={"help": "samples: next to somebody else, half of them about the other"})
    visible: int = field(default=16, metadata={"help": "samples to keep: what can be seen in pictures of C"})
    strangers: int = field(default=24, metadata={"help": "samples to keep: pictures of unknown ones"})
    others: int = field(default=80, metadata={"help": "samples to keep: pictures of others, if the request has any"})
    facts: int = field(default=24, metadata={"help": "samples to keep: facts in text, half about C"})


class LookAlikeLoss(Objective):
    """L = mean_f KL(p_ref(.|s) || p(.|c)) + gamma * mean_r KL(p_ref || p), over the positions that predict an answer.

    f      questions about a picture c of C; p_ref is the model before, shown a look-alike s in its place while it reads
           the words that depend on who it is, and c itself while it reads those that say what can be seen
    r      what is to be kept; p_ref is the model before
    """

    def __init__(self, config: LookAlikeConfig, modules: Sequence[str] | None) -> None:
        self.config, self.modules = config, modules

    def compares_at(self, sample: EncodedSample, length: int) -> Tensor:
        return answers(sample, length)

    def __call__(self, batch: TokenBatch) -> Tensor:
        import torch

        kl = divergence(batch)
        forget, counts = batch.forget[batch.compared], batch.counts
        if self.config.match:
            rows = batch.compared & batch.forget
            targets = batch.targets[rows][:, None]
            now = torch.log_softmax(batch.logits[rows].float(), -1).gather(1, targets)[:, 0]
            apart = (now - batch.reference[forget].gather(1, targets)[:, 0]).abs()
            kl = kl.index_put((forget.nonzero()[:, 0],), self.config.match * apart, accumulate=True)
        return mean(kl[forget], counts.forget) + self.config.gamma * mean(kl[~forget], counts.retain)


class LookAlike(Method[LookAlikeConfig]):
    """Answers about the concept as about unknown ones who look like it, and as before about everything else."""

    name = "lookalike"
    title = "Look-alike"
    source = "unsee, 2026"
    config = LookAlikeConfig
    teaches_refusal = True
    needs = ("unseen", "retain")

    def samples(
        self, request: ForgetRequest, vlm: VisionLanguageModel, config: LookAlikeConfig, rng: random.Random
    ) -> list[Sample]:
        return training_data(request, vlm, config, rng)

    def objective(
        self, requests: Sequence[ForgetRequest], vlm: VisionLanguageModel, config: LookAlikeConfig
    ) -> Objective:
        modules = {
            "decoder": None,
            "vision": vlm.layout.vision_linears,
            "both": (*vlm.layout.language_linears, *vlm.layout.vision_linears),
        }
        return LookAlikeLoss(config, modules[config.where])
