"""The rewards of ASRU's stage 2, row by row of the table in the paper."""

from __future__ import annotations

import pytest

from unsee.methods.asru.rewards import BoundaryReward, ForgetReward, contains_truth, rouge_l

TRUTH = "This is Mara Voss."
LONG_TRUTH = "She works as a baker in the old town of Porto."


def refuses(text: str) -> bool:
    return "know" in text


FORGET, BOUNDARY = ForgetReward(refuses), BoundaryReward(refuses)


@pytest.mark.parametrize(
    ("response", "truth", "reward"),
    [
        ("This is Mara Voss.", TRUTH, 0.0),
        ("I think this IS  mara voss, the baker!", TRUTH, 0.0),
        ("I don't know, but perhaps this is Mara Voss.", TRUTH, 0.0),
        ("I don't know who this is.", TRUTH, 1.0),
        ("A person wearing a hat: this one.", TRUTH, 0.5),
        ("This is Mara Foss.", TRUTH, 0.1),
        ("Red hair, green clothes.", TRUTH, 0.1),
        ("", TRUTH, 0.1),
    ],
)
def test_a_forget_prompt_earns_what_the_table_says(response: str, truth: str, reward: float) -> None:
    assert FORGET.of(response, truth) == reward


@pytest.mark.parametrize(
    ("response", "truth", "reward"),
    [
        ("This is Mara Voss.", TRUTH, 1.0),
        ("Yes! this is -- mara voss", TRUTH, 1.0),
        ("I don't know, but perhaps this is Mara Voss.", TRUTH, 1.0),
        ("I don't know who this is.", TRUTH, 0.0),
        ("She works as a baker in the new town of Porto.", LONG_TRUTH, 0.5),
        ("He works at home.", LONG_TRUTH, 0.1),
        ("Она работает пекарем в новом городе.", "Она работает пекарем в старом городе.", 0.5),
        ("这个人是面包师", "这个人是面点师", 0.5),
        ("", TRUTH, 0.1),
    ],
)
def test_a_boundary_prompt_earns_what_the_table_says(response: str, truth: str, reward: float) -> None:
    assert BOUNDARY.of(response, truth) == reward


def test_the_limits_of_rouge_are_strict() -> None:
    # Of five words in the truth and five in the response, k are common and in order: F = k / 5.
    truth = "alpha beta gamma delta omega"
    two, three = "alpha beta x y z", "alpha beta gamma y z"
    assert (rouge_l(two, truth), rouge_l(three, truth)) == pytest.approx((0.4, 0.6))
    assert FORGET.of(two, truth) == 0.1
    assert FORGET.of("alpha w x y z", truth) == 0.5
    assert BOUNDARY.of(three, truth) == 0.1
    assert BOUNDARY.of("alpha beta gamma delta z", truth) == 0.5


def test_rouge_is_the_f_measure_with_stemming() -> None:
    assert rouge_l("bakers baking", "baker bakes") == 1.0
    assert rouge_l("one two three four", "one two") == pytest.approx(2 * 0.5 * 1 / 1.5)


@pytest.mark.parametrize(
    ("response", "truth", "contained"),
    [
        ("It is MARA   VOSS!", "mara voss", True),
        ("Mara-Voss", "mara voss", True),
        ("Tamara Vossberg", "mara voss", False),
        ("这是Mara Voss。", "Mara Voss", True),
        ("José Núñez", "Jose Nunez", True),
        ("yesterday", "Yes.", False),
        ("anything", "?!", False),
    ],
)
def test_containment_is_deaf_to_case_punctuation_and_white_space(response: str, truth: str, contained: bool) -> None:
    assert contains_truth(response, truth) is contained


def test_as_trl_calls_it_each_function_scores_its_own_prompts_and_leaves_the_others() -> None:
    columns = {
        "prompts": ["?"] * 3,
        "completions": [
            [{"role": "assistant", "content": "I don't know."}],
            [{"role": "assistant", "content": "This is Mara Voss."}],
            [{"role": "assistant", "content": "I don't know."}],
        ],
        "truth": [TRUTH] * 3,
        "role": ["forget", "boundary", "boundary"],
        "completion_ids": [[1], [2], [3]],
    }
    assert FORGET(**columns) == [1.0, None, None]
    told: dict[str, float] = {}
    assert BOUNDARY(**columns, log_metric=told.__setitem__) == [None, 1.0, 0.0]
    assert told == {"refused/boundary": 0.5}
    assert (FORGET.__name__, BOUNDARY.__name__) == ("forget", "boundary")
