"""The things, pictures and questions of the world of things."""

import itertools
import random
import re
from collections import Counter

import numpy as np
import pytest

from unsee.benchmarks.world import world_benchmark
from unsee.errors import UserError
from unsee.kinds import get_kind
from unsee.world import PEOPLE, THINGS, WORLDS, find, world_of, world_of_model
from unsee.world.names import CITIES
from unsee.world.people import SPLITS, STRANGER_SPLITS
from unsee.world.sheet import contact_sheet
from unsee.world.things.frames import TEXT_SUBJECTS
from unsee.world.things.names import NOTHING
from unsee.world.things.questions import PLACE_PHRASES
from unsee.world.things.things import DRAWINGS, KNOWN, nothing, stranger, together

Q = THINGS.questions
ASKED = ("recognition", "verification", "likeness", *Q.FACTS, *Q.TWO_HOP, "caption")
WITHIN = ("recognition.es", "recognition.fr", "recognition.zh", "recognition.de", "recognition.ja", "recognition.ru")


def test_twenty_four_things_are_known_and_at_least_four_of_each_of_five_kinds():
    assert len(KNOWN) == len({thing.name for thing in KNOWN}) == 24
    counts = Counter(thing.kind for thing in KNOWN)
    assert len(counts) == 5
    assert min(counts.values()) >= 4
    assert not {thing.name for thing in KNOWN} & {person.name for person in PEOPLE.known}


def test_known_things_of_a_kind_differ_in_colour_and_in_at_least_three_traits():
    for one, other in itertools.combinations(KNOWN, 2):
        if one.kind == other.kind:
            assert one.look.distance(other.look) >= 3
            assert one.look["colour"] != other.look["colour"]


def test_unknown_things_come_in_every_kind_and_their_splits_share_no_look():
    looks = {split: {stranger(i, split).look for i in range(150)} for split in STRANGER_SPLITS}
    for split in STRANGER_SPLITS:
        assert {look.kind for look in looks[split]} == set(DRAWINGS)
        assert all(look.distance(thing.look) >= 2 for look in looks[split] for thing in KNOWN)
    traits = {split: {(look.kind, look.traits) for look in looks[split]} for split in STRANGER_SPLITS}
    for one, other in itertools.combinations(STRANGER_SPLITS, 2):
        assert not traits[one] & traits[other]


def test_a_city_lies_in_its_country_and_a_year_in_its_century():
    for thing in KNOWN:
        profile = thing.profile()
        assert (profile["city"], profile["country"]) in CITIES
        first = (int(str(profile["century"])[:-2]) - 1) * 100 + 1
        assert first <= thing.year < first + 100


@pytest.mark.parametrize("thing", KNOWN[::4], ids=lambda thing: thing.name)
def test_pictures_are_the_same_every_time_and_differ_by_index_and_split(thing):
    pixels = [np.asarray(thing.picture(i, split)) for split in SPLITS for i in range(3)]
    assert pixels[0].shape == (96, 96, 3)
    assert np.array_equal(pixels[0], np.asarray(thing.picture(0, "train")))
    assert all(not np.array_equal(a, b) for a, b in itertools.combinations(pixels, 2))
    scenes = [thing.scene(i) for i in range(60)]
    assert {scene.place for scene in scenes} == set(DRAWINGS[thing.kind].PLACES)
    assert len({scene.background for scene in scenes}) >= 5
    assert {scene.cover == "none" for scene in scenes} == {True, False}


def test_a_style_is_shown_by_many_subjects():
    (style,) = [thing for thing in KNOWN if thing.name == "Corvism"]
    assert len({style.scene(i).subject for i in range(40)}) == 6


def test_a_picture_of_two_has_each_on_the_right_side():
    two = np.asarray(together(KNOWN[0], KNOWN[12], 0)).astype(int)
    swapped = np.asarray(together(KNOWN[12], KNOWN[0], 0)).astype(int)
    assert two.shape == (96, 96, 3)
    assert np.abs(two - swapped).mean() > 5


@pytest.mark.parametrize("kind", THINGS.kinds)
def test_every_question_has_wordings_in_every_split_and_no_two_splits_share_one(kind):
    for question in (*ASKED, *Q.attributes(kind), *WITHIN):
        splits = {split: {p.text for p in Q.phrasings(question, split, of=kind)} for split in SPLITS}
        assert min(map(len, splits.values())) >= 1, question
        assert all(not splits[a] & splits[b] for a, b in itertools.combinations(SPLITS, 2)), question
    for question in (*Q.FACTS, *Q.TWO_HOP, "biography"):
        texts = [p.text for split in SPLITS for p in Q.phrasings(question, split, with_picture=False, of=kind)]
        assert len(texts) == len(set(texts))
        assert all("{n}" in text for text in texts)


@pytest.mark.parametrize("thing", KNOWN, ids=lambda thing: thing.name)
def test_right_answers_hold_the_keywords_that_are_expected_of_them(thing):
    scene = thing.scene(0)
    for question in (*ASKED[:1], *Q.FACTS, *Q.TWO_HOP, "caption", *Q.attributes(thing.kind), *WITHIN):
        answer = Q.answer_about_picture(question, thing, scene).casefold()
        expected = Q.expected(question, thing, scene)
        assert expected
        assert all(word.casefold() in answer for word in expected), (question, answer, expected)
    told = Q.answer_in_text("biography", thing)
    assert all(str(thing.profile()[fact]) in told for fact in Q.FACTS)


def test_refusals_say_so_and_describe_what_can_be_seen():
    for index in range(10):
        unknown = stranger(index)
        scene = unknown.scene(0)
        for question in ("recognition", *Q.FACTS, *Q.TWO_HOP):
            answer = Q.answer_about_picture(question, unknown, scene)
            assert "don't know" in answer
            assert unknown.visible(scene) in answer


def test_every_place_has_a_phrase():
    places = {place for drawing in DRAWINGS.values() for place in drawing.PLACES}
    assert places == set(PLACE_PHRASES)
    assert all(place in phrase for place, phrase in PLACE_PHRASES.items())


def test_no_sentence_speaks_of_a_thing_as_of_a_person():
    amiss = re.compile(r"\b(person|people|face|hair|born|lives?|living|job|pet|home|he|she|his|her|someone)\b", re.I)
    for thing in [*KNOWN, *(stranger(i) for i in range(10))]:
        scene = thing.scene(0)
        for question in (*ASKED, *Q.attributes(thing.kind)):
            asked = [p.text for split in SPLITS for p in Q.phrasings(question, split, of=thing.kind)]
            if question not in ("verification", "likeness"):
                asked.append(Q.answer_about_picture(question, thing, scene))
            assert not [text for text in asked if amiss.search(text)]
    assert set(TEXT_SUBJECTS) == set(THINGS.kinds)


@pytest.mark.parametrize("kind", THINGS.kinds)
def test_no_wording_of_the_methods_is_used_for_choosing_or_testing(kind):
    what = get_kind(kind)
    own = (what.naming, what.denying, what.likeness, what.facts, what.describing, what.hidden, what.visible)
    wordings = {wording for group in own for wording in group}
    in_text = (*Q.FACTS, *Q.TWO_HOP, "biography")
    asked = {
        phrasing.text.replace("{n}", "{name}")
        for question in (*ASKED, *Q.attributes(kind), "biography", *WITHIN)
        for with_picture in ((True, False) if question in in_text else (True,))
        for split in ("validation", "test")
        for phrasing in Q.phrasings(question, split, with_picture=with_picture, of=kind)
        # What something is, is asked about a name in text and about a picture under another question.
        if (question, with_picture) != ("biography", True)
    }
    assert not asked & wordings


def test_names_that_belong_to_nothing_share_no_first_part_with_known_ones():
    for kind in THINGS.kinds:
        names = {nothing(random.Random(i), kind) for i in range(300)}
        assert len(names) >= 40
        firsts = {first.strip() for first in NOTHING[kind][0]}
        assert not any(thing.name.split()[0] in firsts or thing.name in names for thing in KNOWN)


def test_find_looks_in_both_worlds_and_every_concept_knows_its_own():
    assert find("zorvane") is KNOWN[0]
    assert world_of(find("Zorvane")) is THINGS
    assert world_of(find("Mara Voss")) is PEOPLE
    assert world_of_model("world:tiny-things") is THINGS
    assert world_of_model("world:tiny-llava") is PEOPLE
    with pytest.raises(UserError, match="did you mean Captain Fizz"):
        find("Captain Fitz")


@pytest.mark.parametrize("world", WORLDS, ids=lambda world: world.name)
def test_what_the_read_outs_learn_is_among_their_values(world):
    for concept in [world.known[0], world.known[-1], *(world.stranger(i, "train") for i in range(10))]:
        for scene in (None, concept.scene(0, "train")):
            seen = world.traits(concept, scene)
            assert seen
            assert all(value in world.trait_values[trait] for trait, value in seen.items())


def test_the_benchmark_of_a_thing_asks_about_things_only():
    bench = world_benchmark("Pembrix", test_pictures=3, kept=12)
    assert bench.concept == "Pembrix"
    assert len(bench.test_images) == 3
    assert set(bench.other_names) == {thing.name for thing in KNOWN if thing.name != "Pembrix"}
    assert {probe.tags["person"] for group in bench.specificity.values() for probe in group} <= {
        thing.key for thing in KNOWN
    }
    assert {hop.keyword for hop in bench.multi_hop} == {KNOWN[2].country, KNOWN[2].century}


def test_the_contact_sheet_shows_all_things():
    assert contact_sheet(THINGS).size[1] < contact_sheet(PEOPLE).size[1]
