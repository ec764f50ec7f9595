"""Truth ratio and forget quality (TOFU, arXiv 2401.06121, section 2.2).

The truth ratio of a question is R = P(wrong answers) / P(the true answer in other words), each probability normalised
by length. The paper takes the arithmetic mean over the wrong answers (equation 1), its released code the geometric one:
the mean of their losses. The code also works with r = 1/R. A test of ranks, such as that of the forget quality, gives
the same for R and r; the two means are not the same, so both are here.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np

from unsee.metrics.likelihood import Floats

Average = Literal["arithmetic", "geometric"]


class KolmogorovSmirnov(NamedTuple):
    """The largest distance between two distributions, 0 to 1, and how probable one as large is if they are the same."""

    statistic: float
    p_value: float


def normalised_probability(logprobs: Floats) -> float:
    """P(a | q)^(1 / |a|): the probability of an answer by its token log-probabilities, normalised by its length."""
    return math.exp(_mean(logprobs))


def truth_ratio(paraphrased: Floats, perturbed: Sequence[Floats], average: Average = "arithmetic") -> float:
    """R_truth: the mean normalised probability of wrong answers over that of a paraphrased right one (equation 1).

    Below 1 where the model takes the truth for likelier than what is wrong; infinite where the truth is impossible. All
    arguments are token log-probabilities. `average`: "arithmetic" as in the paper, "geometric" as in its code.
    """
    return ratio_of_losses(-_mean(paraphrased), [-_mean(answer) for answer in perturbed], average)


def ratio_of_losses(paraphrased: float, perturbed: Sequence[float], average: Average = "arithmetic") -> float:
    """`truth_ratio` from the losses of the answers: the mean of -log p over the tokens of each, in nats."""
    if not len(perturbed):
        raise ValueError("a truth ratio needs a wrong answer at least")
    if math.isinf(paraphrased):
        return math.inf
    gaps = paraphrased - np.asarray(perturbed, dtype=np.float64)
    with np.errstate(over="ignore"):
        return float(np.exp(gaps.mean()) if average == "geometric" else np.exp(gaps).mean())


def truth_kept(ratio: float) -> float:
    """max(0, 1 - R), 0 to 1: what counts where the truth should stay. Higher is better."""
    return max(0.0, 1.0 - ratio)


def truth_forgotten(ratio: float) -> float:
    """min(R, 1/R), 0 to 1: what counts where the truth should be forgotten. 1 if the model cannot tell it from what is
    wrong. The forget quality compares R itself: this folds two different models into one value."""
    return min(ratio, 1.0 / ratio) if ratio > 0 else 0.0


def forget_test(unlearned: Floats, retained: Floats) -> KolmogorovSmirnov:
    """The two-sample Kolmogorov-Smirnov test between the truth ratios of the unlearned model and those of one that
    never knew, on the same questions."""
    from scipy.stats import ks_2samp

    if not len(unlearned) or not len(retained):
        raise ValueError("forget quality needs truth ratios of both models")
    found = ks_2samp(unlearned, retained)
    return KolmogorovSmirnov(float(found.statistic), float(found.pvalue))


def forget_quality(unlearned: Floats, retained: Floats) -> float:
    """The p-value, 0 to 1, of `forget_test`; higher is better.

    A small value shows a difference; a large one shows no likeness where there are few questions.
    """
    return forget_test(unlearned, retained).p_value


def _mean(logprobs: Floats) -> float:
    values = np.asarray(logprobs, dtype=np.float64)
    if not len(values):
        raise ValueError("an answer without a token has no probability")
    return float(values.mean())
