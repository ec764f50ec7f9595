"""The people, pictures and questions of the world."""

import itertools
import random
import re

import numpy as np
import pytest

from unsee.errors import UserError
from unsee.kinds import get_kind
from unsee.models.shipped import checkpoint_path
from unsee.world import KNOWN, find, stranger, together
from unsee.world import questions as q
from unsee.world.names import NOBODY_FIRST, NOBODY_LAST
from unsee.world.people import STRANGER_SPLITS
from unsee.world.sheet import contact_sheet


def test_known_people_look_different_from_each_other():
    for one, other in itertools.combinations(KNOWN, 2):
        assert one.look.distance(other.look) >= 2
        assert (one.look.hair, one.look.hair_colour) != (other.look.hair, other.look.hair_colour)
    assert len({person.name for person in KNOWN}) == len(KNOWN) >= 40


def test_strangers_look_like_nobody_known_and_their_splits_share_no_look():
    looks = {split: {stranger(i, split).look for i in range(150)} for split in STRANGER_SPLITS}
    for split in STRANGER_SPLITS:
        assert all(look.distance(person.look) >= 2 for look in looks[split] for person in KNOWN)
    traits = {split: {(*look.traits(), look.nose) for look in looks[split]} for split in STRANGER_SPLITS}
    for one, other in itertools.combinations(STRANGER_SPLITS, 2):
        assert not traits[one] & traits[other]


def test_pictures_are_the_same_every_time_and_differ_by_index_and_split():
    person = KNOWN[3]
    pixels = [np.asarray(person.picture(i, split)) for split in ("train", "test") for i in range(3)]
    assert pixels[0].shape == (96, 96, 3)
    assert np.array_equal(pixels[0], np.asarray(person.picture(0, "train")))
    assert all(not np.array_equal(a, b) for a, b in itertools.combinations(pixels, 2))


def test_a_picture_of_two_has_each_on_the_right_side():
    two = np.asarray(together(KNOWN[0], KNOWN[1], 0)).astype(int)
    swapped = np.asarray(together(KNOWN[1], KNOWN[0], 0)).astype(int)
    assert two.shape == (96, 96, 3)
    assert np.abs(two - swapped).mean() > 5


def test_find_ignores_capitals_and_suggests_the_closest_name():
    assert find("mara voss") == find("Voss, Mara") == KNOWN[0]
    with pytest.raises(UserError, match="did you mean Mara Voss"):
        find("Mara Vos")


def test_unknown_checkpoint_is_a_clear_error():
    with pytest.raises(UserError, match="no checkpoint 'tiny-quen3vl'"):
        checkpoint_path("tiny-quen3vl")


@pytest.mark.parametrize("kind", [*q.FRAMES, *(f"recognition.{language}" for language in q.LANGUAGES)])
def test_every_kind_has_phrasings_in_every_split_and_none_in_two(kind):
    splits = {s: {p.text for p in q.phrasings(kind, s)} for s in ("train", "validation", "test")}
    assert all(splits.values())
    for one, other in itertools.combinations(splits, 2):
        assert not splits[one] & splits[other]


def test_no_wording_of_the_methods_is_used_for_choosing_or_testing():
    person = get_kind("person")
    wordings = {*person.naming, *person.denying, *person.facts}
    in_text = (*q.FACTS, *q.TWO_HOP, "biography")
    for split in ("validation", "test"):
        asked = {
            phrasing.text.replace("{n}", "{name}").removeprefix(opening)
            for kind in q.FRAMES
            for with_picture in ((True, False) if kind in in_text else (True,))
            for phrasing in q.phrasings(kind, split, with_picture=with_picture)
            for opening in q.OPENINGS_OF_SINGLES
            # Who someone is, is asked about a name in text and about a picture under another kind.
            if (kind, with_picture) != ("biography", True)
        }
        assert not asked & wordings


def test_the_right_answer_holds_its_own_keywords():
    from unsee.metrics import contains

    for person in (*KNOWN[:8], stranger(0), stranger(1)):
        scene = person.scene(0)
        kinds = (*q.ATTRIBUTES, "caption") if not person.is_known else (
            "recognition", *q.FACTS, *q.TWO_HOP, *q.ATTRIBUTES, "caption", "recognition.zh", "recognition.ru",
        )  # fmt: skip
        for kind in kinds:
            answer = q.answer_about_picture(kind, person, scene)
            assert all(contains(answer, [word]) for word in q.expected(kind, person, scene)), (kind, answer)


def test_verification_says_yes_to_the_right_name_only():
    assert q.answer_verification(KNOWN[0], KNOWN[0].name).startswith("Yes")
    assert q.answer_verification(KNOWN[0], KNOWN[1].name).startswith("No")
    assert q.answer_verification(stranger(0), KNOWN[1].name).startswith("No")


def test_contact_sheet_shows_everyone():
    sheet = contact_sheet()
    assert sheet.width == 912
    assert sheet.height > 5 * 118


def test_lessons_never_use_a_held_out_phrasing():
    from unsee.world.making.lessons import PictureBank, Shown, picture_lesson, text_lesson

    shown = [Shown((KNOWN[i],), KNOWN[i].scene(0, "train")) for i in range(4)] + [Shown((KNOWN[0], KNOWN[1]))]
    bank = PictureBank(np.zeros((5, 96, 96, 3), np.uint8), shown)
    rng = random.Random(0)
    for _ in range(300):
        for lesson in (picture_lesson(bank, rng.randrange(5), rng), text_lesson(rng)):
            if lesson.kind not in ("general", "unknown"):
                taught = {p.text for with_picture in (True, False) for p in _phrasings(lesson.kind, with_picture)}
                assert _with_slot(lesson.question) in taught


def _phrasings(kind: str, with_picture: bool) -> tuple[q.Phrasing, ...]:
    return q.phrasings(kind, "train", with_picture=with_picture)


def _with_slot(question: str) -> str:
    """The question with `{n}` again where a name stands."""
    for name in (person.name for person in KNOWN):
        question = question.replace(name, "{n}")
    return re.sub(rf"({'|'.join(NOBODY_FIRST)}) ({'|'.join(NOBODY_LAST)})", "{n}", question)
