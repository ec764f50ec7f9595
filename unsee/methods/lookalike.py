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
from unsee.methods.likelihood import divergence, log_likelihood, mean
from unsee.methods.lookalike_data import OPENING, LookAlikeData
from unsee.methods.samples import facts_of_others, text_facts
from unsee.requests import ForgetRequest
from unsee.training.config import TrainingConfig, peak_rate
from unsee.training.objective import Objective, TokenBatch, answers

if TYPE_CHECKING:
    from torch import Tensor

    from unsee.models.collation import EncodedSample
    from unsee.models.vlm import VisionLanguageModel


@dataclass(frozen=True)
class LookAlikeConfig(TrainingConfig):
    """Settings of look-alike, chosen on validation people, pictures and phrasings (`docs/lookalike.md`)."""

    steps: int = field(default=40, metadata={"help": "optimiser steps"})
    batch: int = field(default=16, metadata={"help": "samples per step and device"})
    learning_rate: float = peak_rate(1e-3)
    lora_rank: int = field(default=16, metadata={"help": "rank of the adapter"})
    where: Literal["decoder", "vision", "both"] = field(
        default="both", metadata={"help": "what carries the adapter: the decoder, vision tower and projector, or both"}
    )
    gamma: float = field(default=5.0, metadata={"help": "weight of the term on the retained samples"})
    likelihood: float = field(
        default=3.0, metadata={"help": "weight of how likely the words of an answer are, apart from the KL"}
    )
    alike: int = field(default=8, metadata={"help": "look-alikes of each picture, the nearest of the unknown ones"})
    views: int = field(default=15, metadata={"help": "altered views of each picture of C"})
    naming: int = field(default=24, metadata={"help": "samples that ask for C's name"})
    denying: int = field(default=8, metadata={"help": "samples that ask whether it is C"})
    facts: int = field(default=8, metadata={"help": "samples that ask for a fact about C's picture"})
    true: int = field(default=96, metadata={"help": "samples of answers that were true, to become unlikely"})
    company: int = field(default=64, metadata={"help": "samples of C next to another, half of them about the other"})
    visible: int = field(default=16, metadata={"help": "retained samples of what can be seen in C's pictures"})
    unknown: int = field(default=24, metadata={"help": "retained samples of unknown ones"})
    others: int = field(default=80, metadata={"help": "retained samples of others, if the request shows any"})
    text: int = field(default=24, metadata={"help": "retained samples in text, half about C and half about others"})

    def __post_init__(self) -> None:
        super().__post_init__()
        counts = ("naming", "denying", "facts", "true", "company", "visible", "unknown", "others", "text", "views")
        for name in ("gamma", "likelihood", *counts):
            self._require(getattr(self, name) >= 0, name, "at least 0")
        self._require(self.alike >= 1, "alike", "at least 1")
        self._require(self.naming + self.denying + self.facts + self.true > 0, "naming", "at least 1")


class LookAlikeLoss(Objective):
    """L = mean_f (KL(p_s || p) + likelihood * |log p_s(y) - log p(y)|) + gamma * mean_r KL(p_ref || p).

    All means are over positions that predict a token y of an answer.

    f      questions about a picture of C; p_s is the model before unlearning, which is shown a look-alike instead where
           it reads the words that depend on who is shown, and C's own picture where it reads what can be seen
    r      what is to be kept; p_ref is the model before unlearning

    The second term is there because a forward KL hardly notices whether a name has the probability 1e-3 or 1e-6, which
    is where a few steps of retraining begin.
    """

    def __init__(self, config: LookAlikeConfig, modules: Sequence[str] | None) -> None:
        self.config, self.modules = config, modules

    def compares_at(self, sample: EncodedSample, length: int) -> Tensor:
        return answers(sample, length)

    def __call__(self, batch: TokenBatch) -> Tensor:
        counts, kl, forget = batch.counts, divergence(batch), batch.forget[batch.compared]
        rows = batch.compared & batch.forget
        of_reference = batch.reference[forget].gather(1, batch.targets[rows][:, None])[:, 0]
        apart = (log_likelihood(batch, rows) - of_reference).abs()
        unlearnt = kl[forget] + self.config.likelihood * apart
        return mean(unlearnt, counts.forget) + self.config.gamma * mean(kl[~forget], counts.retain)


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
        data = LookAlikeData.of(request, vlm, config.alike, config.views, rng)
        what = request.what
        denying = [frame.format(name=request.concept) for frame in what.denying]
        return [
            *data.unknowing(what.naming, config.naming),
            *data.unknowing(denying, config.denying),
            *data.unknowing(what.hidden[OPENING:], config.facts),
            *data.once_true(config.true),
            *data.in_company(config.company),
            *data.visible(config.visible),
            *data.of_unknown(config.unknown),
            *data.of_others(config.others),
            *text_facts(request, vlm, config.text - config.text // 2, rng),
            *facts_of_others(request, vlm, config.text // 2, rng),
        ]

    def objective(
        self, requests: Sequence[ForgetRequest], vlm: VisionLanguageModel, config: LookAlikeConfig
    ) -> Objective:
        modules = {
            "decoder": None,
            "vision": vlm.layout.vision_linears,
            "both": (*vlm.layout.language_linears, *vlm.layout.vision_linears),
        }
        return LookAlikeLoss(config, modules[config.where])
