"""Reading which option an answer chooses: one table of right ways, wrong ones and unreadable ones."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unsee.metrics.options import letter_of

JOBS = {"A": "baker", "B": "pilot", "C": "nurse", "D": "potter"}

CHOOSES_B = [
    "B\n\nExplanation: A is wrong, because the hat is a pilot's.", "The answer is: B) pilot", "Probably B", "Likely B.",
    "Eliminating A, C and D leaves B.", "Not A but B", "(B) pilot",
    "B", "b.", " (B)", "[B]", "**B**", "`B`", '"B"', "“B”", "'B'", "$B$", "Ｂ", "（Ｂ）", "Ⓑ",
    "B: pilot", "B：pilot", "B) pilot", "B.pilot", "B Pilot.", "B - pilot", "(b) a pilot",
    "B) because of the cap", "B because of the cap", "The answer is B", "The correct answer is B.",
    "The correct answer is: **B**", "The answer is (B) pilot.", "Answer: B", "answer: b",
    "ANSWER - B", "Answer:\nB", "**Answer:** B", "Final answer: B.", "Option B", "Option B: pilot",
    "The correct option is B.", "The right choice would be B.", "My choice is B.", "I choose B.",
    "I'd go with B", "I would pick option B.", "It's B.", "It is B: pilot.", "That must be B.",
    "B is correct.", "B is the right answer, I think.", "B seems right", r"\boxed{B}",
    r"$\boxed{\text{B}}$", r"It flies, so \boxed{B. pilot}", "<answer>B</answer>",
    "She flies. <answer> B </answer>", "<answer>B", "<answer>The answer is B.</answer>",
    "<|begin_of_box|>B<|end_of_box|>", "D'accord, B", "D’accord : B.", "C'est B.",
    "La réponse est B.", "Die Antwort ist B.", "Respuesta: B", "答案是B。", "答案：B", "答えはBです。", "选B",
    "Ответ: B", "Sure, B.", "Well — B!", "pilot", "Pilot.", "A pilot", "a pilot.", "The pilot",
    "She is a pilot.", "This person works as a pilot, I think.", "Not A but rather: B",
    "The answer is A. No, the answer is B.", "A is wrong. B is right.",
    "Option A is wrong. Option B", "It's not A, it's B.", "Of A, C and D none; answer: B",
    "A: baker\nB: pilot\nC: nurse\nD: potter\nAnswer: B", "The answer is B, not A.",
    "A. No, B.", "A... no, B", "I am sure: A. Wait, B.", "I think it's C? No, B.",
    "B. No, a baker would not wear this.",
    "not A, so B", "我选择B", "<B>", "<b>B</b>", "<p>B</p>", "B&nbsp;", "B - no, C would need an apron",
    "B. A person who flies.", "I don't know, but I would say B.", "A pilot, not a baker.",
]  # fmt: skip

CHOOSES_NOTHING = [
    "", "…", "()", "E", "F. pilotage", "A person.", "A person who flies", "An aviator", "A, B or C",
    "A or B", "(A) or (B)", "A and B", "A, B", "a, b, c", "A/B", "Both A and B.",
    "The answer is A or B.", "Neither A nor B.", "A & B", "The answer is not B.", "It is not B.",
    "Not B", "B is wrong.", "B is not the answer.", "B can be ruled out.", "I would not choose B.",
    "D'accord.", "D-Day", "B-52", "U.S.A.", "A+", "C++", "I", "B: nurse", "The answer is B: nurse.",
    "B. Nurse", "A: baker\nB: pilot\nC: nurse\nD: potter", "A baker or a pilot",
    "She is not a pilot.", "I don't know who this is.", "This is Mara Voss.", "Abcd",
    "B is unlikely", "The answer is: B) nurse",
    "Paula Baker", "The answer is a secret.", "Answer:", "Option", r"\boxed{}", "<answer></answer>",
]  # fmt: skip


@pytest.mark.parametrize("answer", CHOOSES_B)
def test_ways_to_choose_b(answer: str) -> None:
    assert letter_of(answer, JOBS) == "B"


@pytest.mark.parametrize("answer", CHOOSES_NOTHING)
def test_what_chooses_nothing(answer: str) -> None:
    assert letter_of(answer, JOBS) is None


@pytest.mark.parametrize(
    ("answer", "options", "letter"),
    [
        ("A baker", {"A": "baker", "B": "pilot"}, "A"),
        ("A baker", {"A": "A teacher", "B": "A pilot", "C": "A baker"}, "C"),
        ("Baker", {"A": "A teacher", "B": "A pilot", "C": "A baker"}, "C"),
        ("D-Day", {"A": "VE Day", "B": "D-Day", "C": "Pearl Harbor", "D": "Dunkirk"}, "B"),
        ("B", {"A": "O", "B": "A", "C": "B", "D": "AB"}, "B"),
        ("B: A", {"A": "O", "B": "A", "C": "B", "D": "AB"}, "B"),
        ("AB", {"A": "O", "B": "A", "C": "B", "D": "AB"}, "D"),
        ("The baker's assistant", {"A": "baker", "B": "baker's assistant"}, "B"),
        ("She is a baker's assistant.", {"A": "baker", "B": "baker's assistant"}, "B"),
        ("1971", {"A": "1970", "B": "1971"}, "B"),
        ("In 1971.", {"A": "1970", "B": "1971"}, "B"),
        ("In 1991.", {"A": "1970", "B": "1971"}, None),
        ("same", {"A": "same", "B": "same"}, None),
        ("This is Mara Voss.", {"A": "This is Otto Brandt.", "B": "This is Mara Voss."}, "B"),
        ("Answer: pilot", {"A": "A teacher", "B": "A pilot"}, "B"),
        ("She works as pilot.", {"A": "A teacher", "B": "A pilot"}, "B"),
        ("Paula Baker", {"A": "A baker", "B": "A pilot"}, None),
        ("面包师", {"A": "护士", "B": "面包师"}, "B"),
    ],
)
def test_the_text_of_an_option_before_a_letter(answer: str, options: dict[str, str], letter: str | None) -> None:
    assert letter_of(answer, options) == letter


@pytest.mark.parametrize(
    "piece", [".", " ", "\n", "(", "A, ", "answer ", "answer is ", "is. ", "a.", "B\n", "<answer>", "_'"]
)
def test_a_model_that_repeats_itself_is_read_in_no_time(piece: str) -> None:
    assert letter_of(piece * 1000 + "who knows", JOBS) in (None, "A", "B")


@given(st.text(max_size=40))
@settings(max_examples=100, deadline=None)
def test_any_answer_chooses_one_option_or_none(answer: str) -> None:
    assert letter_of(answer, JOBS) in (*JOBS, None)
