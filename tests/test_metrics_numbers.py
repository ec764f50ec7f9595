"""Intervals and the metrics over numbers, against values worked out by hand."""

import math

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rouge_score.rouge_scorer import RougeScorer
from scipy.stats import binomtest

from unsee.metrics import (
    c_dis,
    diversity,
    fluency,
    g_eval,
    mean,
    min_k,
    min_k_mean,
    rouge_l,
    share,
    specificity,
    wilson,
)
from unsee.metrics.wording import bleu, rouge_l_f

LOGPROBS = st.floats(-20, 0)


@given(st.integers(1, 300), st.data())
def test_wilson_agrees_with_scipy_and_holds_the_share(n: int, data: st.DataObject) -> None:
    k = data.draw(st.integers(0, n))
    low, high = wilson(k, n)
    theirs = binomtest(k, n).proportion_ci(0.95, method="wilson")
    assert low == pytest.approx(100 * theirs.low, abs=1e-9)
    assert high == pytest.approx(100 * theirs.high, abs=1e-9)
    assert 0 <= low <= 100 * k / n <= high <= 100


@given(st.integers(1, 100), st.data())
def test_wilson_grows_with_successes(n: int, data: st.DataObject) -> None:
    k = data.draw(st.integers(0, n - 1))
    assert wilson(k, n)[0] < wilson(k + 1, n)[0]
    assert wilson(k, n)[1] < wilson(k + 1, n)[1]


def test_wilson_without_trials_is_refused() -> None:
    with pytest.raises(ValueError, match="0 successes out of 0"):
        wilson(0, 0)
    for nothing in (share, lambda values: mean(values, higher_is_better=True)):
        with pytest.raises(ValueError, match="of nothing"):
            nothing([])


def test_c_dis_by_hand() -> None:
    before, after = np.log([0.8, 0.5]), np.log([0.1, 0.5])
    score = c_dis(before, after)
    assert score.value == pytest.approx((0.8 * math.log(8) + 0) / 2)
    assert (score.n, score.higher_is_better) == (2, True)
    assert score.low <= score.value <= score.high
    assert score.units == 2


@settings(max_examples=20)
@given(st.lists(LOGPROBS, min_size=1, max_size=10), st.floats(0.1, 5))
def test_c_dis_is_zero_without_change_and_grows_as_the_name_falls(before: list[float], fall: float) -> None:
    assert c_dis(before, before).value == 0
    small, large = (c_dis(before, [x - d for x in before]).value for d in (fall, 2 * fall))
    assert 0 < small < large


def test_c_dis_refuses_different_pictures() -> None:
    with pytest.raises(ValueError, match="same pictures"):
        c_dis([0.0], [0.0, 0.0])


def test_fluency_by_hand() -> None:
    # Three tokens of 1/2 and 1/4 and, for C's token, 1/1000 in place of its own certainty.
    score = fluency([np.log([0.5, 0.25]), np.log([1.0])], [[False, False], [True]], 1000)
    assert score.value == pytest.approx((2 * 4 * 1000) ** (1 / 3))
    assert (score.n, score.higher_is_better) == (2, False)


def test_fluency_ignores_empty_answers_but_not_all_of_them() -> None:
    assert fluency([[-1.0], []], [[False], []], 10).n == 1
    with pytest.raises(ValueError, match="at least one"):
        fluency([[]], [[]], 10)


@settings(max_examples=20)
@given(st.lists(st.lists(LOGPROBS, min_size=1, max_size=6), min_size=1, max_size=6), st.integers(2, 1000))
def test_fluency_lies_between_certainty_and_the_worst_token(rows: list[list[float]], vocabulary: int) -> None:
    plain = fluency(rows, [[False] * len(row) for row in rows], vocabulary)
    worst = math.exp(-min(min(row) for row in rows))
    assert 1 <= plain.value <= worst * (1 + 1e-9)
    assert math.isnan(plain.low) or plain.low <= plain.value * (1 + 1e-9)
    assert math.isnan(plain.high) or plain.high >= plain.value * (1 - 1e-9)
    # Of one answer no spread is known, and where all are equal none was seen.
    assert len(rows) > 1 or math.isnan(plain.low)
    all_concept = fluency(rows, [[True] * len(row) for row in rows], vocabulary)
    assert all_concept.value == pytest.approx(vocabulary)
    turned = fluency(rows[::-1], [[False] * len(row) for row in rows[::-1]], vocabulary)
    assert turned.value == pytest.approx(plain.value)
    assert turned.low == pytest.approx(plain.low, nan_ok=True)


def test_min_k_by_hand() -> None:
    assert min_k([-1, -2, -3, -4, -5], 40) == -4.5
    assert min_k([-1, -2], 40) == -2
    assert min_k([-1, -3], 100) == -2
    score = min_k_mean([[-1, -2], [-4]])
    assert (score.value, score.n) == (-3, 2)


@given(st.lists(LOGPROBS, min_size=1, max_size=30), st.integers(1, 99))
def test_min_k_is_bounded_and_grows_with_k(values: list[float], k: int) -> None:
    smaller, larger = min_k(values, k), min_k(values, k + 1)
    assert min(values) - 1e-9 <= smaller <= larger + 1e-9 <= np.mean(values) + 1e-8


def test_diversity_by_hand_is_per_answer() -> None:
    # 4 of 4 and 1 of 3: (100 + 33.3) / 2. Pooled it would be 5 of 7.
    score = diversity(["This is Otto Brandt.", "the The, the"])
    assert score.value == pytest.approx((100 + 100 / 3) / 2)
    assert (score.n, score.higher_is_better) == (2, True)
    assert diversity(["one two", ""]).value == 50


@settings(max_examples=20)
@given(st.lists(st.lists(st.sampled_from("abcd"), max_size=8).map(" ".join), min_size=1, max_size=6))
def test_diversity_is_a_percentage_and_falls_on_repeating(answers: list[str]) -> None:
    score = diversity(answers)
    assert math.isnan(score.low) == (len(answers) == 1)
    assert math.isnan(score.low) or 0 <= score.low <= score.value <= score.high <= 100
    assert diversity([f"{answer} {answer}" for answer in answers]).value == pytest.approx(score.value / 2)


def test_rouge_l_by_hand() -> None:
    # Longest common subsequence "the cat on mat" after stemming: 4 of 4 and 4 of 5 words.
    score = rouge_l(["the cats on mat"], ["the cat sat on mat"])
    assert score.value == pytest.approx(2 * 1 * 0.8 / 1.8)
    assert not score.higher_is_better
    assert rouge_l(["same", "a b"], ["same", "c d"]).value == 0.5


@pytest.mark.parametrize(
    ("answer", "reference", "value"),
    [
        ("Это Мара Восс.", "Это Мара Восс.", 1),
        ("это мара восс", "Это Мара Восс.", 1),
        ("Это Отто Брандт.", "Это Мара Восс.", 1 / 3),
        # Han and Thai are written without spaces: five and six signs, of which three and four stand in both.
        ("这是玛拉。", "这是玛拉。", 1),
        ("这是面包师", "这是飞行师", 3 / 5),
        ("เธอเป็น", "เธอเป็น", 1),
        ("これはマラ", "これはマラです。", 2 * 1 * (5 / 7) / (1 + 5 / 7)),
        ("هذه مارا فوس", "هذه مارا فوس.", 1),
        ("هذا أوتو", "هذه مارا فوس.", 0),
        ("यह मारा वॉस है।", "यह मारा वॉस है।", 1),
        ("여기는 서울", "여기는 서울", 1),
        ("Αυτή είναι η Μάρα", "αυτή είναι η μάρα", 1),
        ("这是Mara Voss的bakers", "这是Mara Voss的baker", 1),
        ("José", "Jose", 1),
        ("…", "…", 0),
    ],
)
def test_rouge_l_reads_words_of_any_script(answer: str, reference: str, value: float) -> None:
    assert rouge_l_f(answer, reference) == pytest.approx(value)


@given(*[st.text(st.characters(codec="ascii"), max_size=60)] * 2)
@example("She's baking 12 cakes_a-day", "she is BAKED; 12 cake")
@settings(max_examples=200, deadline=None)
def test_rouge_l_of_english_is_that_of_the_library(answer: str, reference: str) -> None:
    library = RougeScorer(["rougeL"], use_stemmer=True).score(reference, answer)["rougeL"].fmeasure
    assert rouge_l_f(answer, reference) == library


def test_g_eval_leaves_missing_verdicts_out() -> None:
    score = g_eval([1, None, 4])
    assert (score.value, score.n, score.higher_is_better) == (2.5, 2, False)
    with pytest.raises(ValueError, match="no verdict on any of 2"):
        g_eval([None, None])
    with pytest.raises(ValueError, match="outside 1 to 5"):
        g_eval([0])


@settings(max_examples=20)
@given(st.lists(st.integers(1, 5), min_size=1, max_size=20))
def test_g_eval_is_bounded_and_blind_to_order(verdicts: list[int]) -> None:
    score = g_eval(verdicts)
    assert math.isnan(score.low) == (len(verdicts) == 1)
    assert math.isnan(score.low) or 1 <= score.low <= score.value <= score.high <= 5
    turned = g_eval(verdicts[::-1])
    assert (turned.value, turned.low) == pytest.approx((score.value, score.low), nan_ok=True)


def test_specificity_weighs_groups_alike() -> None:
    score = specificity({"recognition": [True] * 9 + [False], "captions": [True, False]})
    assert score.value == pytest.approx((90 + 50) / 2)
    assert score.n == 12
    assert 0 <= score.low < score.value < score.high <= 100
    with pytest.raises(ValueError, match="every group needs an answer"):
        specificity({"empty": []})


@settings(max_examples=20)
@given(st.dictionaries(st.sampled_from("abc"), st.lists(st.booleans(), min_size=1, max_size=9), min_size=1))
def test_specificity_is_bounded_and_blind_to_order(groups: dict[str, list[bool]]) -> None:
    score = specificity(groups)
    shares = [100 * sum(flags) / len(flags) for flags in groups.values()]
    assert min(shares) - 1e-9 <= score.value <= max(shares) + 1e-9
    turned = specificity({name: groups[name][::-1] for name in sorted(groups, reverse=True)})
    assert (turned.value, turned.low, turned.high) == pytest.approx((score.value, score.low, score.high), nan_ok=True)


@pytest.mark.parametrize(
    ("answer", "reference", "expected"),
    [
        # "the fee was €10.00m ." has 5 tokens: of its n-grams 4 of 5, 2 of 4, 1 of 3 and 0 of 2 are shared.
        ("The fee was €35.00m.", "The fee was €10.00m.", (4 / 5 * 2 / 4 * 1 / 3 * 0.1 / 2) ** 0.25),
        ("Chelsea", "chelsea", (1 * 0.1 * 0.1 * 0.1) ** 0.25),  # NLTK counts one pair, three and four at least
        ("He joined Chelsea.", "He joined Chelsea.", 1.0),
        # Two tokens of four: half of the length is missing, so it is multiplied by e to the power of 1 - 4 / 2.
        ("He joined", "He joined Chelsea.", (1 * 1 * 0.1 * 0.1) ** 0.25 * math.exp(1 - 4 / 2)),
        ("", "Chelsea", 0.0),
    ],
)
def test_bleu_by_hand(answer: str, reference: str, expected: float) -> None:
    assert bleu(answer, reference) == pytest.approx(expected)
