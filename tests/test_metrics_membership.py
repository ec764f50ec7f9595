"""Membership inference, truth ratio and SIU's membership score, against values by hand and by other libraries."""

from __future__ import annotations

import math
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rouge_score.rouge_scorer import RougeScorer
from scipy.special import log_softmax
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from unsee.metrics.membership import (
    auroc,
    auroc_score,
    false_positive_rate,
    indistinguishable,
    loss,
    min_k_plus_plus,
    privleak,
    reference_ratio,
    true_positive_rate,
    zlib_ratio,
)
from unsee.metrics.siu_membership import is_suspicious, kept_share, siu_membership
from unsee.metrics.truth_ratio import forget_quality, normalised_probability, truth_ratio
from unsee.metrics.wording import rouge_l_recall

VALUES = st.lists(st.integers(-3, 3).map(float), min_size=1, max_size=12)


def test_loss_and_its_ratios_by_hand() -> None:
    row, text = [math.log(0.5), math.log(0.25)], "This is Mara Voss."
    assert loss(row) == pytest.approx(1.5 * math.log(2))
    assert zlib_ratio(row, text) == pytest.approx(1.5 * math.log(2) / len(zlib.compress(text.encode())))
    assert reference_ratio(row, [math.log(0.5)]) == pytest.approx(1.5)
    with pytest.raises(ValueError, match="without a token"):
        loss([])


def test_min_k_plus_plus_by_hand() -> None:
    # Two tokens of a vocabulary of two: μ = .9 ln .9 + .1 ln .1 and σ = √(.9 · .1) · ln 9, as of any two values.
    log_p = np.log([[0.9, 0.1], [0.9, 0.1]])
    mu = 0.9 * math.log(0.9) + 0.1 * math.log(0.1)
    sigma = math.sqrt(0.09) * math.log(9)
    low, high = (math.log(0.1) - mu) / sigma, (math.log(0.9) - mu) / sigma
    assert min_k_plus_plus([math.log(0.9), math.log(0.1)], log_p, 50) == pytest.approx(low)
    assert min_k_plus_plus([math.log(0.9), math.log(0.1)], log_p, 100) == pytest.approx((low + high) / 2)
    # At least one token, whatever k.
    assert min_k_plus_plus([math.log(0.9), math.log(0.1)], log_p, 1) == pytest.approx(low)


def test_min_k_plus_plus_is_the_z_score_over_the_vocabulary() -> None:
    rng = np.random.default_rng(0)
    log_p = log_softmax(rng.normal(0, 2, (7, 30)), axis=1)
    drawn = rng.integers(0, 30, 7)
    row = log_p[range(7), drawn]
    scores = []
    for place in range(7):
        p = np.exp(log_p[place])
        mean = np.average(log_p[place], weights=p)
        scores.append((row[place] - mean) / math.sqrt(np.average((log_p[place] - mean) ** 2, weights=p)))
    # A fifth of seven is one token.
    assert min_k_plus_plus(row, log_p, 20) == pytest.approx(min(scores))


def test_min_k_plus_plus_of_what_is_certain_or_impossible() -> None:
    certain = np.array([[0.0, -np.inf]])
    # The variance is 0 and counts as 1e-6.
    assert min_k_plus_plus([0.0], certain) == 0
    flat = np.log([[0.5, 0.5]])
    assert min_k_plus_plus([math.log(0.5) - 0.001], flat) == pytest.approx(-1)
    with pytest.raises(ValueError, match="2 tokens"):
        min_k_plus_plus([0.0, 0.0], certain)


@given(VALUES, VALUES)
def test_auroc_is_that_of_scikit_learn(members: list[float], others: list[float]) -> None:
    labels = [1] * len(members) + [0] * len(others)
    assert auroc(members, others) == pytest.approx(roc_auc_score(labels, members + others))
    assert auroc(members, others) == pytest.approx(1 - auroc(others, members))


@given(VALUES, VALUES)
def test_rates_are_those_of_the_best_threshold(members: list[float], others: list[float]) -> None:
    thresholds = [math.inf, *members, *others]
    points = [
        (np.mean(np.array(others) >= line), np.mean(np.array(members) >= line)) for line in thresholds
    ]  # fmt: skip
    assert false_positive_rate(members, others) == pytest.approx(min(f for f, t in points if t >= 0.95))
    assert true_positive_rate(members, others) == pytest.approx(max(t for f, t in points if f <= 0.05))


def test_rates_by_hand() -> None:
    members, others = [4.0, 3.0, 2.0, 0.5], [3.5, 1.0, 0.0, 0.0]
    assert auroc(members, others) == 12 / 16
    # All members lie above .4: two of four others too. Above 3.5 there is one member and no other.
    assert false_positive_rate(members, others) == 0.5
    assert true_positive_rate(members, others) == 0.25


def test_privleak_and_what_cannot_be_told() -> None:
    assert privleak(0.5, 0.5) == 0
    assert privleak(0.75, 0.5) == pytest.approx(-50)
    assert privleak(0.2, 0.6) == pytest.approx(100)
    assert math.isnan(privleak(0.5, 1.0))
    assert indistinguishable(0.5) == 1
    assert indistinguishable(0.1) == pytest.approx(indistinguishable(0.9)) == pytest.approx(0.2)


def test_auroc_counts_units() -> None:
    members, others = [3.0, 1.0, 2.0, 2.0], [0.0, 1.0, 5.0]
    score = auroc_score(members, others, units=["a", "a", "b", "b"], other_units=["x", "y", "z"])
    # Both members are 2 on average, above two of three others.
    assert score.value == pytest.approx(100 * 2 / 3)
    assert (score.n, score.units, score.higher_is_better) == (7, 2, False)
    assert score.low < score.value < score.high
    alone = auroc_score([1.0, 2.0], [0.0, 0.0], units=["a", "a"])
    assert alone.value == 100
    assert math.isnan(alone.low)


def test_the_interval_of_an_auroc_is_that_of_newcombe() -> None:
    """The ends solve (θ - A)² = z² V(θ) where V is the model's, and turn with the sides."""
    members, others = np.arange(12.0), np.arange(12.0) - 6.5
    score, turned = auroc_score(members, others), auroc_score(others, members)
    assert (turned.low, turned.high) == pytest.approx((100 - score.high, 100 - score.low), abs=1e-6)
    perfect = auroc_score([1.0] * 12, [0.0] * 12)
    assert perfect.high == 100
    for value, end in ((score.value, score.low), (score.value, score.high), (100, perfect.low)):
        value, end = value / 100, end / 100
        q1, q2 = end / (2 - end), 2 * end**2 / (1 + end)
        # Hanley & McNeil's variance with (m + n) / 2 - 1 in the place of both m - 1 and n - 1.
        variance = (end * (1 - end) + 11 * (q1 - end**2) + 11 * (q2 - end**2)) / 144
        assert (end - value) ** 2 == pytest.approx(1.959964**2 * variance, rel=1e-6)


@pytest.mark.parametrize(("members", "others"), [(12, 12), (12, 32)])
def test_the_interval_of_an_auroc_covers_the_truth(members: int, others: int) -> None:
    """Normal values whose spread is the same, or three times as large on a side, two answers about each unit."""
    rng, draws = np.random.default_rng(others), 100
    covered: dict[tuple[float, float], float] = {}
    for truth in (0.5, 0.7, 0.9, 0.97):
        for spread in (1.0, 1 / 3, 3.0):
            apart = norm.ppf(truth) * math.sqrt(1 + spread**2)
            hits = []
            for _ in range(draws):
                first, second = rng.normal(apart, spread, members), rng.normal(0, 1, others)
                # Answers of a unit differ, their mean is the unit's.
                noise = [rng.normal(0, 1, (count, 2)) for count in (members, others)]
                noise = [(part - part.mean(1, keepdims=True)).ravel() for part in noise]
                score = auroc_score(
                    np.repeat(first, 2) + noise[0],
                    np.repeat(second, 2) + noise[1],
                    units=np.repeat(range(members), 2).tolist(),
                    other_units=np.repeat(range(others), 2).tolist(),
                )
                hits.append(score.low <= 100 * truth <= score.high)
            covered[truth, spread] = float(np.mean(hits))
    # 1,200 samples of a true 95 % lie within 1.3 points of it, and 100 of them within 7 in each of 12 places.
    assert 0.937 < np.mean(list(covered.values())) < 0.97, covered
    assert min(covered.values()) > 0.88, covered


def test_the_truth_ratio_by_hand() -> None:
    right, wrong = [math.log(0.5)] * 4, [[math.log(0.25)] * 2, [math.log(0.5), math.log(0.125)], [0.0]]
    assert normalised_probability(right) == pytest.approx(0.5)
    # Normalised by length, then averaged: (1/4 + 1/4 + 1) / 3 / (1/2).
    assert truth_ratio(right, wrong) == pytest.approx(1.0)
    assert truth_ratio(right, wrong[:2]) == pytest.approx(0.5)
    assert truth_ratio([-math.inf], wrong) == math.inf
    with pytest.raises(ValueError, match="wrong answer"):
        truth_ratio(right, [])


def test_forget_quality_by_hand() -> None:
    # Entirely apart, three against three: 2 of the 20 orders are as extreme.
    assert forget_quality([0.1, 0.2, 0.3], [0.7, 0.8, 0.9]) == pytest.approx(2 / 20)
    assert forget_quality([0.1, 0.2, 0.3], [0.1, 0.2, 0.3]) == 1
    assert forget_quality(np.arange(40) / 40, np.arange(40) / 40 + 0.5) < 0.001
    with pytest.raises(ValueError, match="both models"):
        forget_quality([], [1.0])


@pytest.mark.parametrize(
    ("before", "after", "suspicious"),
    [(-4.0, -4.0, True), (-4.0, -3.5, True), (-4.0, -3.4, False), (-4.0, -4.5, True), (-4.0, -4.7, False),
     # Small values are not left out.
     (-0.05, -0.05, True), (0.0, 0.0, True), (0.0, -1.0, False), (-1.0, 0.0, False)],
)  # fmt: skip
def test_which_prompts_are_suspicious(before: float, after: float, suspicious: bool) -> None:
    assert is_suspicious(before, after) is suspicious


def test_rouge_l_recall_is_that_of_the_library() -> None:
    theirs = RougeScorer(["rougeL"], use_stemmer=True)
    for answer, reference in (("This is Otto Berg, I think.", "This is Mara Voss."), ("Mara", "This is Mara Voss.")):
        assert rouge_l_recall(answer, reference) == theirs.score(reference, answer)["rougeL"].recall
    assert rouge_l_recall("Mara", "This is Mara Voss.") == 0.25


NAMES, OTHERS = ("Mara Voss", "Voss"), ("Otto Berg", "Lena Kurz")


@pytest.mark.parametrize(
    ("before", "after", "kept"),
    [
        ("This is Mara Voss.", "This is Mara Voss.", 1),
        ("This is Mara Voss.", "This is Jan Hall.", 0),
        ("This is Mara Voss.", "I cannot tell.", 0),
        # r = 3/4, r₀ = 1/2.
        ("This is Mara Voss.", "This is Mara Hall.", 0.5),
        # r = 1/2, r₀ = (1 + 1/2) / 2: another's name is no memory.
        ("This is Mara Voss.", "This is Otto Berg.", 0),
        # Nobody was named before.
        ("I cannot tell.", "I cannot tell.", 0),
    ],
)
def test_what_is_kept_beyond_what_any_name_would_share(before: str, after: str, kept: float) -> None:
    assert kept_share(before, after, NAMES, OTHERS) == pytest.approx(kept)


def test_the_membership_score_of_siu() -> None:
    answers = [("This is Mara Voss.", after) for after in ("This is Mara Voss.", "This is Jan Hall.", "This is Mara.")]
    found = siu_membership([(-4, -4), (-4, -4), (-4, -8)], answers, NAMES, OTHERS, units=["a", "b", "c"])
    assert found.suspicious.value == pytest.approx(200 / 3)
    # The third prompt does not look familiar any more.
    assert found.overlap is not None
    assert found.overlap.value == pytest.approx((100 + 50) / 2)
    assert found.kept.value == pytest.approx(100 / 3)
    assert (found.kept.n, found.kept.units, found.overlap.units) == (3, 3, 2)
    assert siu_membership([(-4, -8)], answers[:1], NAMES, OTHERS).overlap is None
    with pytest.raises(ValueError, match="another one"):
        kept_share(*answers[0], NAMES, ())
