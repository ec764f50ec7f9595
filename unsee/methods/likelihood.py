"""The two terms that losses are made of: negative log-likelihood and forward KL divergence."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from unsee.data.collation import IGNORED
from unsee.training.objective import TokenBatch


def negative_log_likelihood(batch: TokenBatch, rows: Tensor | None = None) -> Tensor:
    """Mean over answer tokens of -log p(token), in nats; 0 where there is none.

    rows [N] bool: count only these positions (for example `batch.forget`).
    """
    counted = batch.targets != IGNORED
    if rows is not None:
        counted = counted & rows
    total = functional.cross_entropy(batch.logits[counted].float(), batch.targets[counted], reduction="sum")
    return total / counted.sum().clamp(min=1)


def divergence(batch: TokenBatch, vocabulary: Tensor | None = None) -> Tensor:
    """[M] forward KL per compared position, in nats: sum over v of K_V(v) * p_ref(v) * log(p_ref(v) / p(v)).

    vocabulary [V]: K_V, 0 for entries left out of the sum, else 1 (None: all count). No renormalisation.
    """
    log_p = functional.log_softmax(batch.logits[batch.compared].float(), dim=-1)
    terms = functional.kl_div(log_p, batch.reference, reduction="none", log_target=True)
    return terms.sum(-1) if vocabulary is None else torch.mv(terms, vocabulary)
