"""The playground without a browser: both states are asked the same, and what cannot be asked is said in a sentence."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from PIL import Image

from tests.engines import told
from tests.tiny import picture
from unsee.attacks.base import Material
from unsee.data.sample import Probe
from unsee.errors import UserError
from unsee.playground import cards
from unsee.playground.gallery import LANGUAGE_NAMES, OF_CONCEPT, OF_OTHERS, UNKNOWN, gallery, questions
from unsee.playground.playing import LONGEST_QUESTION, Playground
from unsee.requests import ForgetRequest
from unsee.sources.attacking import material_of
from unsee.world import find

MODEL, PERSON_NAME = "world:tiny-qwen3vl", "Mara Voss"
REQUEST = ForgetRequest(PERSON_NAME, (find(PERSON_NAME).picture(0, "train"),))


@pytest.fixture(scope="module")
def material() -> Material:
    return material_of(REQUEST, MODEL, "quick")[0]


@pytest.fixture
def asked() -> list[Probe]:
    return []


@pytest.fixture
def playground(material: Material, asked: list[Probe]) -> Playground:
    def before(probe: Probe) -> str:
        asked.append(probe)
        return "This is <b>Mara Voss</b>."

    return Playground(MODEL, told(before), told(lambda probe: "I don't know who this is."), {PERSON_NAME: material})


def test_both_states_answer_and_the_name_is_marked(playground: Playground, asked: list[Probe]) -> None:
    compared = playground.ask("  Who is this? ", picture(3))
    assert (compared.question, asked[0].prompt) == ("Who is this?", "Who is this?")
    assert (compared.before.gives_away, compared.after.gives_away) == (True, False)
    assert asked[0].images[0].tobytes() == picture(3).tobytes()
    shown = cards.pair(compared)
    assert "&lt;b&gt;Mara Voss&lt;/b&gt;" in shown
    assert "<b>" not in shown
    assert shown.index("gives it away") < shown.index("does not give it away")


def test_a_yes_counts_where_the_question_holds_the_name(material: Material) -> None:
    yes = Playground(MODEL, told(lambda p: "Yes."), told(lambda p: "No, it is not Mara Voss."), {PERSON_NAME: material})
    compared = yes.ask("Is this Mara Voss?", picture(3))
    assert (compared.before.gives_away, compared.after.gives_away) == (True, False)
    assert not yes.ask("Is this a woman?", picture(3)).before.gives_away


def test_a_question_in_text_goes_without_a_picture(playground: Playground, asked: list[Probe]) -> None:
    assert "without a picture" in cards.pair(playground.ask("Who is the potter?"))
    assert asked[0].images == ()


@pytest.mark.parametrize(
    ("question", "sentence"), [(" \n ", "There is no question"), ("a" * (LONGEST_QUESTION + 1), "so shorten it")]
)
def test_what_is_no_question_is_said(playground: Playground, question: str, sentence: str, asked: list[Probe]) -> None:
    with pytest.raises(UserError, match=sentence):
        playground.ask(question, picture(3))
    assert asked == []


def test_every_language_can_be_chosen_with_the_question_of_the_attack(material: Material) -> None:
    offered = questions(material)
    for language, name in LANGUAGE_NAMES.items():
        assert [question for what, question in offered if what == name] == [material.wordings.foreign[language][0]]
    assert all("{name}" not in question for _, question in offered)


def test_an_attack_asks_about_the_chosen_picture_alone(playground: Playground, asked: list[Probe]) -> None:
    chosen = picture(5, (64, 64))
    found = playground.attack("languages", PERSON_NAME, chosen)
    assert [one.wording for one in found] == list(LANGUAGE_NAMES)
    assert {probe.images[0].tobytes() for probe in asked} == {chosen.tobytes()}
    shown = cards.attack("Languages", found, chosen, "too few know it")
    assert "<img " not in shown
    assert "given away in 6 of 6 answers before, in 0 of 6 after" in shown
    assert '<span lang="ja">' in shown
    assert "(German)" in shown
    assert "too few know it" in shown


def test_altered_pictures_are_shown(playground: Playground) -> None:
    found = playground.attack("altered", PERSON_NAME, find(PERSON_NAME).picture(1, "test"))
    assert len({one.picture.tobytes() for one in found if one.picture}) == len(found) > 3
    assert cards.attack("Altered", found).count("<img ") == len(found)


def test_the_picture_of_two_people_is_shown_once(playground: Playground, asked: list[Probe]) -> None:
    chosen = find(PERSON_NAME).picture(1, "test")
    found = playground.attack("company", PERSON_NAME, chosen)
    assert len(found) > 1
    shown = cards.attack("In company", found, chosen)
    assert shown.count("<img ") == shown.count('alt="The picture that this attack asks about"') == 1
    assert asked[0].images[0].tobytes() != chosen.tobytes()
    assert cards.attack("In company", found, asked[0].images[0]).count("<img ") == 0


def test_every_button_works(playground: Playground) -> None:
    assert len(playground.attacks) > 10
    for attack in playground.attacks:
        found = playground.attack(attack.name, PERSON_NAME, picture(5, (96, 96)))
        assert found, attack.name
        assert all(one.question for one in found)


def test_no_button_changes_weights_or_needs_more_than_answers(material: Material) -> None:
    def names(**changes: Any) -> set[str]:
        engines = [told(lambda probe: "x"), told(lambda probe: "x")]
        for engine in engines:
            vars(engine).update(changes)
        return {attack.name for attack in Playground(MODEL, *engines, {PERSON_NAME: material}).attacks}

    assert not names() & {"relearning", "pruning", "membership", "likeliest", "sampling", "probe"}
    assert names(begins=True) - names(begins=False) == {"prefix"}


def test_an_attack_without_its_material_says_why(material: Material) -> None:
    engine = told(lambda probe: "x")
    bare = Playground(MODEL, engine, engine, {PERSON_NAME: replace(material, facts=())})
    with pytest.raises(UserError, match="cannot be tried here: "):
        bare.attack("facts", PERSON_NAME, picture(5))


def test_the_gallery_of_a_world_has_new_pictures_others_and_unknown_ones() -> None:
    hung = gallery([REQUEST], MODEL)
    assert [one.title for one in hung[:OF_CONCEPT]] == [PERSON_NAME] * OF_CONCEPT
    assert len(hung) == OF_CONCEPT + OF_OTHERS + UNKNOWN
    assert PERSON_NAME not in {one.title for one in hung[OF_CONCEPT:]}


def test_the_gallery_of_any_other_model_has_the_pictures_of_the_request() -> None:
    request = ForgetRequest("Somebody", (picture(1),), others=(picture(2),))
    hung = gallery([request], "folder/of-a-model")
    assert [one.title for one in hung] == ["Somebody", "Another person"]
    assert isinstance(hung[0].picture, Image.Image)
