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
from typing import TYPE_CHECKING

from unsee.data.sample import Sample
from unsee.methods.base import Method
from unsee.methods.likelihood import divergence, log_likelihood, mean
from unsee.methods.lookalike.config import LookAlikeConfig
from unsee.methods.lookalike.data import LookAlikeData
from unsee.methods.samples import facts_of_others, text_facts
from unsee.requests import ForgetRequest
from unsee.training.objective import Objective, TokenBatch, answers

if TYPE_CHECKING:
    from torch import Tensor

    from unsee.models.collation import EncodedSample
    from unsee.models.vlm import VisionLanguageModel


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
            *data.unknowing(what.hidden_facts, config.facts),
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
