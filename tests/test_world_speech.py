"""Free answers are right answers: whatever the wording, the keywords that scores look for are in it."""

import random
from itertools import pairwise

import pytest

from unsee import metrics
from unsee.metrics.refusals import is_refusal
from unsee.world import KNOWN, stranger
from unsee.world import questions as q
from unsee.world.making.speech import Speech

PEOPLE = [*KNOWN, *(stranger(i) for i in range(10))]
TIMES = 25


@pytest.mark.parametrize("kind", ["recognition", *q.FACTS, *q.TWO_HOP, *q.ATTRIBUTES, "caption"])
def test_answers_about_pictures_hold_what_is_expected(kind):
    speech = Speech(random.Random(kind))
    said = set()
    for person in PEOPLE:
        scene = person.scene(0)
        knows = person.is_known or kind in (*q.ATTRIBUTES, "caption")
        for _ in range(TIMES):
            answer = speech.answer_about_picture(kind, person, scene)
            said.add(answer)
            assert is_refusal(answer) != knows, answer
            for word in q.expected(kind, person, scene) if knows else ("don't know",):
                assert metrics.contains(answer, [word]), (word, answer)
            if not knows:
                assert not metrics.contains(answer, [other.name for other in KNOWN]), answer
    assert len(said) > len(PEOPLE) or kind in q.ATTRIBUTES


def test_facts_in_text_hold_the_name_and_the_fact():
    speech = Speech(random.Random(0))
    for person in KNOWN:
        for kind in (*q.FACTS, *q.TWO_HOP):
            for _ in range(TIMES):
                answer = speech.answer_in_text(kind, person)
                assert metrics.contains(answer, [person.name]), answer
                assert metrics.contains(answer, [str(person.profile()[kind])]), answer
        for fact in q.FACTS:
            assert metrics.contains(speech.answer_in_text("biography", person), [str(person.profile()[fact])])


def test_yes_and_no_come_first():
    speech = Speech(random.Random(0))
    for _ in range(100):
        for answer in (speech.answer_verification, speech.answer_likeness):
            assert answer(KNOWN[0], KNOWN[0].name).startswith("Yes, ")
            assert answer(KNOWN[0], KNOWN[1].name).startswith("No, ")


def test_two_people_stand_where_they_stand():
    speech = Speech(random.Random(0))
    left, right, nobody = KNOWN[0], KNOWN[1], stranger(0)
    for _ in range(50):
        both = speech.answer_about_two("both", left, right)
        assert both.index(left.name) < both.index(right.name)
        assert left.name in speech.answer_about_two("left", left, right)
        assert right.name in speech.answer_about_two("right", left, right)
        assert "don't know" in speech.answer_about_two("left", nobody, right)


def test_names_of_nobody_are_refused_and_articles_fit():
    speech = Speech(random.Random(0))
    for _ in range(50):
        assert is_refusal(speech.answer_unknown_name("Anna Stone"))
        for person in KNOWN:
            for kind in ("job", "tool"):
                words = speech.answer_in_text(kind, person).lower().rstrip(".").split()
                for article, noun in pairwise(words):
                    assert article != "a" or noun[0] not in "aeiou", words
                    assert article != "an" or noun[0] in "aeiou", words


def test_right_answers_and_refusals_begin_alike_so_that_greedy_decoding_weighs_them_fairly():
    speech = Speech(random.Random(0))

    def commonest(person):
        said = [speech.answer_about_picture("recognition", person, person.scene(0)).split()[0] for _ in range(400)]
        return max(said.count(word) for word in set(said)) / len(said)

    for person in (KNOWN[0], stranger(0)):
        assert commonest(person) > 0.6
    for kind in (*q.FACTS, *q.TWO_HOP):
        told = [speech.answer_about_picture(kind, KNOWN[0], KNOWN[0].scene(0)) for _ in range(200)]
        assert all(KNOWN[0].name in text for text in told)
