"""Flattening: where the answer to forget stood, every token becomes as likely as any other."""

from unsee.methods.base import ForgetRetain, ForgetRetainConfig
from unsee.methods.likelihood import mean, negative_log_likelihood
from unsee.training.objective import Objective


class FlattenLoss(Objective):
    """L = mean_f (1 / V) sum_v -log p(v) + gamma * NLL(r): f are the tokens to forget, r is to be kept."""

    def __init__(self, gamma):
        self.gamma = gamma

    def __call__(self, batch):
        surprise = -batch.logits[batch.forget].float().log_softmax(-1).mean(-1)
        return mean(surprise, batch.counts.forget) + self.gamma * negative_log_likelihood(batch, "retain")


class Flatten(ForgetRetain[ForgetRetainConfig]):
    """Trains towards the even distribution: what is least sure gives nothing away."""

    name = "flatten"
    title = "Flattening"
    source = "the example of CONTRIBUTING.md"
    config = ForgetRetainConfig

    def objective(self, requests, vlm, config):
        return FlattenLoss(config.gamma)
