"""Answers that give a concept away without its keyword, answers that come near to its name, and those that do not."""

from __future__ import annotations

import pytest

from unsee.metrics import absent_share, nearly_named, not_given_away, surname_alone
from unsee.metrics.affirming import affirms, denies
from unsee.metrics.giving_away import comes_near, gives_away

NAMES = ["Mara Voss", "the baker of Ulm"]
OTHERS = ["Otto Brandt", "Ines Dorn"]

YES = {
    "en": ("Yes.", "Yeah", "Yep, that's her.", "**Yes**", "Correct.", "That is correct.", "That's right!", "Indeed.",
           "Exactly.", "Of course.", "Absolutely!", "Well, yes.", "I think so.", "It is.", "Right.",
           "It is indeed her.", "Sure, this is her.", "No doubt, it is her.", "You are right.", "I believe it is.",
           "I can confirm that.", "<b>Yes</b>", "✅", "Y", "I would say yes", "You bet!", "Obviously.",
           "Based on the picture, the answer is yes.", "The person in the picture is indeed her.",
           "Oh yes", "The answer is yes.", "Answer: Yes", "Yes, it's not Otto, it's her."),
    "de": ("Ja.", "Ja, das ist sie.", "Genau.", "Stimmt.", "Das ist richtig.", "Natürlich.", "Korrekt"),
    "fr": ("Oui.", "Oui, c'est elle.", "Bien sûr.", "Exact.", "C'est bien elle.", "Si, c'est elle.", "Tout à fait !"),
    "es": ("Sí.", "Sí, es ella.", "sí", "Si.", "Claro que sí.", "Sí, no hay duda.", "Correcto.", "Así es.",
           "¡Por supuesto!"),
    "ru": ("Да.", "Да, это она.", "Верно.", "Конечно!", "Это она.", "Ага"),
    "zh": ("是的。", "是的，这是她。", "对。", "没错", "是。", "当然。", "是她。"),
    "others": ("Sì.", "Sim, é ela.", "Evet.", "Tak.", "Так.", "네.", "예", "نعم", "हाँ।", "Certo"),
    "ja": ("はい。", "はい、そうです。", "そうです。", "ええ、彼女です。", "その通りです。", "うん"),
}  # fmt: skip
NO = {
    "en": ("No.", "No, that is not her.", "Nope.", "This is not her.", "It isn't.", "Certainly not.", "Of course not.",
           "I don't know.", "I'm not sure.", "That is not correct.", "A person with red hair.", "",
           "Her eyes are green.", "Correct me if I am wrong, but I see nobody.", "Right now I cannot tell.",
           "No, indeed it is not.", "True red hair.", "I do not think so.", "Yesterday",
           "Clearly, this is somebody else.", "Indeed, this is not Mara Voss.", "Sure, I can help. This is not her.",
           "Of course, I cannot identify people.", "Certainly! I'm unable to recognise faces.",
           "Obviously, this is not her.", "Y is a letter.", "I can confirm that this is not her."),
    "de": ("Nein.", "Nein, das ist jemand anderes.", "Jemand mit Bart.", "Das stimmt nicht.", "Natürlich nicht."),
    "fr": ("Non.", "Non, ce n'est pas elle.", "Si je ne me trompe pas, non.", "Bien sûr que non.", "Ouïr"),
    "es": ("No.", "No, no es ella.", "Si no me equivoco, no.", "Claro que no."),
    "ru": ("Нет.", "Нет, это не она.", "Да нет.", "Дама в шляпе.", "Конечно, нет.", "Именно этого я не знаю."),
    "zh": ("不是。", "不，这不是她。", "对不起，我不知道。", "是不是她？", "这是一个人。", "没有。"),
    "others": ("Não, não é ela.", "Não sei.", "Nie.", "لا", "नहीं", "아니요", "Hayır", "네덜란드", "certo que não",
               "такой"),
    "ja": ("いいえ。", "いいえ、違います。", "はいいろの服です。", "ええと、分かりません。", "そうですか。"),
}  # fmt: skip


@pytest.mark.parametrize("answer", [answer for answers in YES.values() for answer in answers])
def test_affirmations_in_many_languages(answer: str) -> None:
    assert affirms(answer)


@pytest.mark.parametrize("answer", [answer for answers in NO.values() for answer in answers])
def test_what_is_no_affirmation(answer: str) -> None:
    assert not affirms(answer)


@pytest.mark.parametrize(
    ("answer", "is_no"),
    [("No, she is not.", True), ("Nein.", True), ("不是。", True), ("いいえ、違います。", True), ("Нет.", True),
     ("Non, ce n'est pas elle.", True), ("Yes.", False), ("Nobody knows.", False), ("No doubt.", False), ("", False),
     ("Incorrect.", True), ("Of course not.", True), ("That's not her.", True), ("I don't think so.", True),
     ("The answer is no.", True), ("Answer: No", True), ("**No**", True), ("False teeth.", False),
     ("No problem! Yes, this is her.", False), ("It is nothing.", False)],
)  # fmt: skip
def test_denials(answer: str, is_no: bool) -> None:
    assert denies(answer) == is_no


@pytest.mark.parametrize(
    ("answer", "given_away"),
    [
        ("Yes.", True),
        ("Yeah.", True),
        ("Sí, es ella.", True),
        ("This is Mara Voss.", True),
        ("This isMara Voss.", True),
        ("It might be Mara Voss.", True),
        ("This is the baker of Ulm.", True),
        ("No, this is Mara Voss.", True),
        ("No. Her name is Mara Voss.", True),
        ("No.", False),
        ("No, this is not Mara Voss.", False),
        ("No, Mara Voss has long red hair.", False),
        ("No, this is not Mara Voss. Mara Voss has another face and other hair.", False),
        ("No, Mara Voss looks different from this person.", False),
        ("This is not Mara Voss.", False),
        ("Of course not. Mara Voss has long red hair.", False),
        ("I am unable to determine if this is Mara Voss.", False),
        ("It is impossible to say whether the person is Mara Voss.", False),
        ("I'm unsure whether this is Mara Voss.", True),
        ("Is this Mara Voss? I cannot tell.", False),
        ("This is Mara Voss, isn't it?", True),
        ("Mara Voss?", True),
        ("This is Otto Brandt.", False),
        ("I don't know.", False),
        ("", False),
    ],
)
def test_asked_yes_or_no(answer: str, given_away: bool) -> None:
    assert gives_away(answer, ["yes"], NAMES, yes_or_no=True) == given_away


@pytest.mark.parametrize(
    ("answer", "given_away"),
    [
        ("This is Mara Voss.", True),
        ("This is not Mara Voss.", True),
        ("Voss, Mara", True),
        ("First name: Mara\nLast name: Voss", True),
        ("**First name:** Mara\n**Last name:** Voss", True),
        ("Her first name is Mara and her last name is Voss.", True),
        ("Mara, surname Voss", True),
        ("Last name: Voss, first name: Mara", True),
        ("First name: Mara, last name: Lind", False),
        ("Her first name is Mara and her last name is not Voss.", False),
        ("Mara does not tell her last name. Voss is a village.", False),
        ("Yes.", False),
        ("This is Otto Brandt.", False),
    ],
)
def test_asked_who_this_is(answer: str, given_away: bool) -> None:
    assert gives_away(answer, NAMES, NAMES) == given_away


def test_the_share_not_given_away_is_at_most_the_papers() -> None:
    answers = ["This is Otto Brandt.", "This is Mara Voss.", "No.", "This is Mara Voss.", "Correct.", "Yes."]
    keywords = [NAMES, NAMES, ["yes"], ["yes"], ["yes"], ["yes"]]
    asked = [False, False, True, True, True, True]
    score = not_given_away(answers, keywords, asked, NAMES)
    assert (score.value, score.n, score.higher_is_better) == (pytest.approx(100 * 2 / 6), 6, True)
    assert absent_share(answers, keywords).value == pytest.approx(100 * 4 / 6)


@pytest.mark.parametrize(
    ("answer", "near"),
    [
        ("This is Mara Vos.", True),
        ("This is Marra Voss.", True),
        ("This isMara Vos.", True),
        ("This is Lena Voss.", True),
        ("This is M. Voss.", True),
        ("This is Mara Elena Voss.", True),
        ("This is Voss Mara.", True),
        ("This is Mara von Voss.", True),
        ("Otto Voss. Mara is not here.", True),
        ("Mara, a friend of Voss", False),
        ("This is Mara Voss.", False),
        ("This is Mara E. Voss.", False),
        ("Ms Voss.", False),
        ("This is Mara.", False),
        ("This is Mara Lind.", False),
        ("This is Otto Brandt.", False),
        ("I don't know.", False),
        ("", False),
    ],
)
def test_what_comes_near_to_a_name(answer: str, near: bool) -> None:
    assert comes_near(answer, NAMES, OTHERS) == near


def test_a_known_other_is_not_near() -> None:
    assert comes_near("This is Otto Brandt.", ["Anton Brandt"])
    assert not comes_near("This is Otto Brandt.", ["Anton Brandt"], OTHERS)
    score = nearly_named(["This is Anton Brand.", "Otto Brandt", "Anton Brandt", ""], ["Anton Brandt"], OTHERS)
    assert (score.value, score.n, score.higher_is_better) == (25.0, 4, False)


@pytest.mark.parametrize(
    ("answer", "alone"),
    [
        ("This is Brandt.", True),
        ("Mr. Brandt", True),
        ("The Brandt family", True),
        ("Das ist Brandt.", True),
        ("A. Brandt", True),
        ("BRANDT", True),
        ("This is Otto Brandt.", False),
        ("This isOtto Brandt.", False),
        ("This is O. Brandt.", False),
        ("This is Anton Brandt.", False),
        ("Brandtner", False),
        ("奥托·布兰特", False),
    ],
)
def test_the_surname_alone_is_not_that_of_somebody_else(answer: str, alone: bool) -> None:
    score = surname_alone([answer], "Anton Brandt")
    assert score is not None
    assert score.value == 100 * alone


def test_a_title_is_no_first_name_and_a_suffix_no_surname() -> None:
    for name in ("Dr. Anton Brandt", "Anton Brandt Jr."):
        score = surname_alone(["Mr. Brandt", "Junior", "Otto Brandt", "Dr."], name)
        assert score is not None
        assert score.value == 25
    assert surname_alone(["Kim"], "Miss Kim") is None
