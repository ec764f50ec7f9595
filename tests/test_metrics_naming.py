"""What counts as naming a concept, and the shares built on it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unsee.metrics import absent_share, contains, mentions, normalise, right_share, same_name, surname_alone

WORDS = st.lists(st.text("abcdefghijklm", min_size=1, max_size=5), min_size=1, max_size=8)


@pytest.mark.parametrize(
    "text",
    [
        "This is Mara Voss.",
        "this is MARA   VOSS",
        "That's Mara Voss's dog",
        "**Mara\nVoss**",
        "mara-voss",
        "Das ist Mára Voß!",
        "这是Mara Voss。",
        "マラではなくMara Vossです",
        "Ｍａｒａ Ｖｏｓｓ",
        "mara_voss",
    ],
)
def test_name_is_found_whatever_its_dress(text: str) -> None:
    assert contains(text, ["Mara Voss"])


@pytest.mark.parametrize("text", ["", "Mara", "Voss", "Voss Mara", "Mara Vossler", "Samara Voss"])
def test_parts_and_longer_words_are_not_the_name(text: str) -> None:
    assert not contains(text, ["Mara Voss"])


def test_aliases_count() -> None:
    assert contains("It is The Baker of Ulm.", ["Mara Voss", "the baker of Ulm"])
    assert not contains("A baker.", ["Mara Voss", "the baker of Ulm"])


def test_yes_is_a_word_not_a_part_of_one() -> None:
    assert contains("Yes, it is.", ["yes"])
    assert not contains("Her eyes. Yesterday.", ["yes"])


def test_unspaced_scripts_match_by_character() -> None:
    assert contains("他叫玛拉·沃斯。", ["玛拉 沃斯"])
    assert not contains("玛沃", ["玛拉沃斯"])


def test_mentions_give_places_in_the_raw_text() -> None:
    text = "No: *Mara  Voss*, or MARA VOSS"
    assert [text[a:b] for a, b in mentions(text, ["mara voss"])] == ["Mara  Voss", "MARA VOSS"]


def test_phrase_without_a_letter_is_refused() -> None:
    with pytest.raises(ValueError, match="no letter or digit"):
        contains("anything", ["?!"])


def test_efficacy_by_hand() -> None:
    answers = ["This is Mara Voss.", "This is Otto Brandt.", "Yes.", "No, this is not."]
    keywords = [("Mara Voss",), ("Mara Voss",), ("yes",), ("yes",)]
    score = absent_share(answers, keywords)
    assert (score.value, score.n, score.higher_is_better) == (50.0, 4, True)
    # Mid-P, 2 of 4 independent answers: P(3 or 4) + P(2) / 2 is 2.5 % at 9.43 % and 97.5 % at 90.57 %.
    p = score.low / 100
    assert 4 * p**3 * (1 - p) + p**4 + 3 * p**2 * (1 - p) ** 2 == pytest.approx(0.025)
    assert (score.low, score.high) == pytest.approx((9.43, 90.57), abs=0.01)
    assert right_share(answers, keywords).value == 50.0


def test_surname_alone_is_apart_from_the_whole_name() -> None:
    answers = ["Ms Voss.", "Mara Voss", "Nobody", "Lena Voss and Mara Voss"]
    score = surname_alone(answers, "Mara Voss")
    assert score is not None
    assert (score.value, score.n, score.higher_is_better) == (25.0, 4, False)
    assert surname_alone(answers, "Schnauzer") is None


@given(WORDS, WORDS, WORDS)
def test_a_phrase_put_between_words_is_found(before: list[str], phrase: list[str], after: list[str]) -> None:
    text = ", ".join([*before, " ".join(phrase).upper(), *after])
    assert contains(text, [" ".join(phrase)])
    assert normalise(normalise(text)) == normalise(text)


@given(st.text(max_size=40), st.text("abc ", min_size=1, max_size=6).filter(str.strip))
def test_mentions_are_ranges_of_the_text(text: str, phrase: str) -> None:
    for start, end in mentions(text, [phrase]):
        assert 0 <= start < end <= len(text)
        assert same_name(text[start:end], phrase)


@given(st.text("abAB ñßéłम ाकَ·-.'\u200b\u0301", max_size=24), st.text("abAB ñßéłम ाकَ'.\u0301", max_size=8))
def test_in_any_script_a_place_holds_the_name_and_nothing_more(text: str, phrase: str) -> None:
    if not normalise(phrase):
        return
    assert same_name(phrase, phrase)
    assert contains(f"{text}, {phrase}, {text}", [phrase])
    for start, end in mentions(text, [phrase]):
        assert 0 <= start < end <= len(text)
        assert same_name(text[start:end], phrase)


@given(st.lists(st.booleans(), min_size=1, max_size=30), st.randoms())
def test_absent_and_right_are_complements_in_any_order(flags: list[bool], random: object) -> None:
    answers = ["Mara Voss" if flag else "nobody" for flag in flags]
    keywords = [("Mara Voss",)] * len(flags)
    absent, right = absent_share(answers, keywords), right_share(answers, keywords)
    assert absent.value + right.value == pytest.approx(100)
    random.shuffle(answers)  # type: ignore[attr-defined]
    again = absent_share(answers, keywords)
    assert (again.value, again.n) == (absent.value, absent.n)
    assert (again.low, again.high) == pytest.approx((absent.low, absent.high), nan_ok=True)
