"""Metrics over log-probabilities (natural logarithms): C-Dis, Fluency, Min-K%."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence

import numpy as np
import numpy.typing as npt

from unsee.metrics.intervals import Units, mean, ratio_interval
from unsee.metrics.score import Score

Floats = Sequence[float] | npt.NDArray[np.float64]
Flags = Sequence[bool] | npt.NDArray[np.bool_]


def c_dis(reference: Floats, unlearned: Floats) -> Score:
    """C-Dis: mean over test pictures of p_ref(C) · log(p_ref(C) / p(C)), in nats; higher is better.

    `reference` and `unlearned` hold log p(C) per picture before and after unlearning. p(C) is the probability of the
    whole name in the place where an answer gives it, that is the product over its tokens: the paper's p(C) is the
    probability of the name, and a mean per token would be the probability of nothing. The sign is the one of the
    paper's tables (its equation prints the opposite).
    """
    before, after = np.asarray(reference, dtype=np.float64), np.asarray(unlearned, dtype=np.float64)
    if before.shape != after.shape:
        raise ValueError(f"C-Dis needs the same pictures before and after, not {before.shape} and {after.shape}")
    return mean(np.exp(before) * (before - after), higher_is_better=True)


def fluency(
    logprobs: Sequence[Floats], of_concept: Sequence[Flags], vocabulary_size: int, *, units: Units | None = None
) -> Score:
    """Fluency: perplexity of answers where each token of C counts with p = 1 / vocabulary size (lower is better).

    One row per answer: `logprobs[i]` its token log-probabilities, `of_concept[i]` which of them are tokens of C's
    name. The perplexity is that of all answers together, exp(sum of -log p / number of tokens), so that one short odd
    answer does not rule the mean; `units` say what each is about, and the interval is that of the mean log-loss.
    Answers without a token are left out of n; raises `ValueError` when none has one.
    """
    losses: dict[Hashable, float] = {}
    lengths: dict[Hashable, float] = {}
    n = 0
    for unit, row, flags in zip(range(len(logprobs)) if units is None else units, logprobs, of_concept, strict=True):
        values, mask = np.asarray(row, dtype=np.float64), np.asarray(flags, dtype=bool)
        if values.shape != mask.shape:
            raise ValueError(f"{len(values)} log-probabilities but {len(mask)} flags for one answer")
        if len(values):
            loss = -float(np.where(mask, -math.log(vocabulary_size), values).sum())
            losses[unit] = losses.get(unit, 0.0) + loss
            lengths[unit] = lengths.get(unit, 0.0) + len(values)
            n += 1
    found = ratio_interval(np.array(list(losses.values())), np.array(list(lengths.values())), scale=(0.0, math.inf))
    with np.errstate(over="ignore"):
        value, low, high = (float(np.exp(x)) for x in found)
    return Score(value, n, low, high, higher_is_better=False, units=len(losses))


def min_k(logprobs: Floats, k: float = 40.0) -> float:
    """Min-K% probability of one text: the mean log-probability of its k percent least likely tokens.

    At least one token counts; otherwise the number is rounded down. Shi et al. 2023, arXiv 2310.16789; k = 40 as in
    SIU's released code.
    """
    values = np.sort(np.asarray(logprobs, dtype=np.float64))
    if not len(values) or not 0 < k <= 100:
        raise ValueError("Min-K% needs at least one token and 0 < k <= 100")
    # The small term keeps 40 % of 5 at two tokens whatever the rounding of the product.
    return float(values[: max(1, int(len(values) * k / 100 + 1e-9))].mean())


def min_k_mean(logprobs: Sequence[Floats], k: float = 40.0) -> Score:
    """The mean of `min_k` over texts; lower means that the texts look less like ones seen in training."""
    return mean([min_k(row, k) for row in logprobs], higher_is_better=False)
