"""Flattening: an answer to forget becomes unlikely, and is pushed no further, so that the model stays fluent."""

from unsee.methods.base import ForgetRetain, ForgetRetainConfig
from unsee.methods.likelihood import log_likelihood, mean, negative_log_likelihood, sequence_sums
from unsee.training.objective import Objective


class FlattenLoss(Objective):
    """L = mean_f max(0, log p(f) + 5) + gamma * NLL(r): f are the answers to forget, in nats; r is to be kept."""

    def __init__(self, gamma):
        self.gamma = gamma

    def __call__(self, batch):
        known = sequence_sums(log_likelihood(batch, batch.forget), batch, batch.forget)
        return mean((known + 5).relu(), batch.counts.answers) + self.gamma * negative_log_likelihood(batch, "retain")


class Flatten(ForgetRetain[ForgetRetainConfig]):
    """Makes the true answers less likely than 1 in 148 (e^5), and then stops."""

    name = "flatten"
    title = "Flattening"
    source = "the example of CONTRIBUTING.md"
    config = ForgetRetainConfig

    def objective(self, requests, vlm, config):
        return FlattenLoss(config.gamma)
