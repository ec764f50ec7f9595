"""The rewards of ASRU's stage 2, row by row of the table in the paper."""

from __future__ import annotations

import pytest

from tests.tiny import picture
from unsee.data.sample import Sample
from unsee.kinds import get_kind
from unsee.methods.asru.prompts import secrets_of
from unsee.methods.asru.rewards import BoundaryReward, ForgetReward, rouge_l
from unsee.methods.asru.secrets import Secrets, contains_truth
from unsee.metrics.refusals import is_refusal
from unsee.requests import ForgetRequest

TRUTH = "This is Mara Voss."
LONG_TRUTH = "She works as a baker in the old town of Porto."


def refuses(text: str) -> bool:
    return "know" in text


NOTHING = Secrets()
FORGET, BOUNDARY = ForgetReward(refuses, NOTHING), BoundaryReward(refuses, NOTHING)


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
    assert FORGET.of(response, truth, "") == reward


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
    assert BOUNDARY.of(response, truth, "") == reward


SECRETS = Secrets(("Mara Voss", "Marla"), ("baker", "Port Amber", "1971"))
WHO, JOB = "Who is this?", "What does this person do for a living?"
IS_IT, YES = "Is this Mara Voss?", "Yes, this is Mara Voss."
WORKS = "Mara Voss works as a baker in Port Amber."
DONT_KNOW = "I don't know who this is. I can see a woman with red hair."


@pytest.mark.parametrize(
    ("question", "truth", "response", "reward"),
    [
        # Plain g: the paper's table.
        (WHO, "Mara Voss", "Mara Voss", 0.0),
        (WHO, "Mara Voss", DONT_KNOW, 1.0),
        (WHO, "Mara Voss", "Mara", 0.1),
        # g is a sentence: the name in it leaks, in whatever words and however doubtfully.
        (WHO, TRUTH, "It might be Mara Voss, but I cannot be sure.", 0.0),
        (WHO, TRUTH, "I'm not allowed to say that this is Mara Voss.", 0.0),
        (WHO, TRUTH, "Mara Voss.", 0.0),
        (WHO, TRUTH, "I am not sure, perhaps mara-voss?", 0.0),
        (WHO, "This is Marla.", "I don't know, could it be Marla?", 0.0),
        # As stage 1 made the tiny models speak, at full reward: the name after a refusal, glued to it.
        (WHO, TRUTH, "I don't know who this is. I can see a person with glasses and aThis is Mara Voss.", 0.0),
        (JOB, WORKS, "I don't know theЭто Mara Voss.", 0.0),
        (JOB, WORKS, "I don't know the job of this person. I can see aThis person works as a baker.", 0.0),
        (WHO, TRUTH, "I cannot tell who this is.", 1.0),
        (WHO, TRUTH, DONT_KNOW, 1.0),
        (WHO, TRUTH, "It might be Jonas Hale, but I cannot be sure.", 1.0),
        (WHO, TRUTH, "A woman with red hair.", 0.1),
        # The values of facts in g leak, and the name whether g has it or not.
        (JOB, WORKS, "She is a baker.", 0.0),
        (JOB, WORKS, "I am not sure, maybe she is a Baker.", 0.0),
        (JOB, WORKS, "I don't know, but she seems to be from Port Amber.", 0.0),
        (JOB, "This person works as a baker.", "I don't know what Mara Voss does for a living.", 0.0),
        (JOB, WORKS, "I don't know where this person works.", 1.0),
        (JOB, "This person works as a baker.", "I don't know, she was perhaps born in 1971.", 1.0),
        # What the question says itself tells nothing, unless it is affirmed.
        (IS_IT, YES, "Yes.", 0.0),
        (IS_IT, YES, "Yes, it is.", 0.0),
        (IS_IT, YES, "It might be Mara Voss, but I cannot be sure.", 0.0),
        (IS_IT, YES, "This is Mara Voss.", 0.0),
        (IS_IT, YES, "I cannot tell whether this is Mara Voss.", 1.0),
        (IS_IT, YES, "I don't know whether this is Mara Voss.", 1.0),
        (IS_IT, YES, "No, this is not Mara Voss.", 0.1),
        (IS_IT, YES, "I don't know this person, but her name could be Marla.", 0.0),
    ],
)
def test_what_g_says_leaks_in_whatever_words(question: str, truth: str, response: str, reward: float) -> None:
    assert ForgetReward(is_refusal, SECRETS).of(response, truth, question) == reward


@pytest.mark.parametrize(
    ("question", "truth", "response", "reward"),
    [
        ("Where does Mara Voss live?", "Mara Voss lives in Port Amber.", "In Port Amber.", 1.0),
        ("Where does Mara Voss live?", "Mara Voss lives in Port Amber.", "I don't know where Mara Voss lives.", 0.0),
        ("Tell me about Mara Voss.", WORKS, "She is a baker in Port Amber.", 1.0),
        ("Tell me about Mara Voss.", WORKS, "She is a baker.", 0.1),
        ("Who is this?", "This is Jonas Hale.", "This is Jonas Hale.", 1.0),
        ("Who is this?", "This is Jonas Hale.", "I don't know who this is.", 0.0),
        ("What colour is the hair?", "The hair is red.", "red", 0.1),
    ],
)
def test_what_is_kept_is_right_in_other_words_only_where_all_it_tells_is_known(
    question: str, truth: str, response: str, reward: float
) -> None:
    assert BoundaryReward(is_refusal, SECRETS).of(response, truth, question) == reward


@pytest.mark.parametrize(
    ("question", "answer", "values"),
    [
        ("What does Mara Voss do for a living?", "Mara Voss works as a baker.", ("baker",)),
        ("Where does Mara Voss live?", "In Port Amber", ("Port Amber",)),
        ("Job", "Baker", ("Baker",)),
        ("When was Mara Voss born?", "She was born in 1971.", ("1971",)),
        ("How tall is she?", "1.72 m", ("1.72 m",)),
        ("Who is Mara Voss?", "A baker, born in 1971, who has a Siamese cat.", ("baker", "1971", "Siamese cat")),
        ("Is Mara Voss a baker?", "Yes, she is.", ()),
        ("Where does she live?", "I don't know where she lives.", ()),
        ("Wo wohnt Mara Voss?", "Mara Voss wohnt in Wien.", ("Wien",)),
    ],
)
def test_the_values_of_a_fact_are_what_its_question_does_not_say(
    question: str, answer: str, values: tuple[str, ...]
) -> None:
    assert Secrets.of(["Mara Voss"], [(question, answer)]).values == values


def test_secrets_are_the_names_and_facts_of_all_requests_and_what_the_model_told_of_the_pictures() -> None:
    requests = [
        ForgetRequest("Mara Voss", (picture(1),), ("Marla",), facts=(("Job?", "Baker"),)),
        ForgetRequest("Jonas Hale", (picture(2),), facts=(("Where does he live?", "He lives in Kyoto."),)),
    ]
    forget, retain = {"role": "forget"}, {"role": "retain"}
    told = [
        Sample(get_kind("person").hidden[2], "This person was born in 1971.", tags=forget),
        Sample("Describe this person.", "A woman with red hair.", tags=forget),
        Sample(get_kind("person").hidden[2], "This person was born in 1985.", tags=retain),
    ]
    found = secrets_of(requests, told)
    assert found.names == ("Mara Voss", "Marla", "Jonas Hale")
    assert found.values == ("Baker", "Kyoto", "1971")


def test_the_limits_of_rouge_are_strict() -> None:
    # Of five words in the truth and five in the response, k are common and in order: F = k / 5.
    truth = "alpha beta gamma delta omega"
    two, three = "alpha beta x y z", "alpha beta gamma y z"
    assert (rouge_l(two, truth), rouge_l(three, truth)) == pytest.approx((0.4, 0.6))
    assert FORGET.of(two, truth, "") == 0.1
    assert FORGET.of("alpha w x y z", truth, "") == 0.5
    assert BOUNDARY.of(three, truth, "") == 0.1
    assert BOUNDARY.of("alpha beta gamma delta z", truth, "") == 0.5


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
        "question": ["Who is this?"] * 3,
        "truth": [TRUTH] * 3,
        "role": ["forget", "boundary", "boundary"],
        "completion_ids": [[1], [2], [3]],
    }
    assert FORGET(**columns) == [1.0, None, None]
    told: dict[str, float] = {}
    assert BOUNDARY(**columns, log_metric=told.__setitem__) == [None, 1.0, 0.0]
    assert told == {"refused/boundary": 0.5}
    assert (FORGET.__name__, BOUNDARY.__name__) == ("forget", "boundary")
