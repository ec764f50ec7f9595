"""The terms that losses are made of: negative log-likelihood, forward KL divergence, and the mean over a step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from unsee.models.collation import IGNORED
from unsee.training.objective import TokenBatch

if TYPE_CHECKING:
    from torch import Tensor

Role = Literal["forget", "retain"]


def mean(values: Tensor, count: float) -> Tensor:
    """What `values` [n] of a batch add to their mean over the optimiser step, a scalar; 0 if there are none.

    count: how many such values the step has, one of `TokenBatch.counts`. Summed over the batches of the step, and
    averaged over the processes of the run, this is the mean over all values, exactly.
    """
    return values.sum() / count if count else values.sum()


def negative_log_likelihood(batch: TokenBatch, role: Role | None = None) -> Tensor:
    """Mean over answer tokens of -log p(token), in nats; 0 if there are none.

    role: count only answers to forget samples, or only those to all other samples ("retain").
    """
    from torch.nn import functional

    counts, counted = batch.counts, batch.targets != IGNORED
    if role is not None:
        counted = counted & (batch.forget if role == "forget" else ~batch.forget)
    count = {"forget": counts.forget, "retain": counts.retain, None: counts.forget + counts.retain}[role]
    values = functional.cross_entropy(batch.logits[counted].float(), batch.targets[counted], reduction="none")
    return mean(values, count)


def log_likelihood(batch: TokenBatch, rows: Tensor) -> Tensor:
    """[K] log p(token) in nats at the K positions of `rows` [N] bool, all of which predict an answer token."""
    from torch.nn import functional

    return -functional.cross_entropy(batch.logits[rows].float(), batch.targets[rows], reduction="none")


def sequence_sums(values: Tensor, batch: TokenBatch, rows: Tensor) -> Tensor:
    """[S] sums of `values` [K], one per position of `rows` [N] bool, over each of the S sequences that these are in."""
    sequences, number = batch.sample[rows].unique_consecutive(return_inverse=True)
    return values.new_zeros(len(sequences)).index_add(0, number, values)


def divergence(batch: TokenBatch, vocabulary: Tensor | None = None) -> Tensor:
    """[M] forward KL per compared position, in nats: sum over v of K_V(v) * p_ref(v) * log(p_ref(v) / p(v)).

    vocabulary [V]: K_V, 0 for entries left out of the sum, 1 otherwise (None: all count). No renormalisation.
    """
    from torch.nn import functional

    log_p = functional.log_softmax(batch.logits[batch.compared].float(), dim=-1)
    terms = functional.kl_div(log_p, batch.reference, reduction="none", log_target=True)
    return terms.sum(-1) if vocabulary is None else terms.mv(vocabulary)
