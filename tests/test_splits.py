"""The forget splits: nested, disjoint from what settings were chosen on, and nothing forgotten is retained."""

import pytest

from unsee.benchmarks.splits import PERCENT, VALIDATION_PEOPLE, forget_split, split_requests
from unsee.errors import UserError
from unsee.world import KNOWN
from unsee.world import questions as q


def test_splits_are_nested_and_of_the_announced_size():
    sizes = [len(forget_split(percent)) for percent in PERCENT]
    assert sizes == [len(KNOWN) * percent // 100 for percent in PERCENT]
    assert forget_split(15)[:2] == forget_split(5)
    assert not {person.name for person in forget_split(15)} & set(VALIDATION_PEOPLE)
    with pytest.raises(UserError, match="no forget split of 7 %"):
        forget_split(7)


def test_nobody_to_forget_is_retained_and_no_test_wording_is_trained_on():
    names = {person.name for person in forget_split(15)}
    # Biographies are asked for in text only; their "Who is this?" is no wording of theirs.
    kinds = [kind for kind in q.FRAMES if kind != "biography"]
    held_out = {p.text for kind in kinds for split in ("validation", "test") for p in q.phrasings(kind, split)}
    requests = split_requests(15, seed=3)
    assert {request.concept for request in requests} == names
    for request in requests:
        assert not names & set(request.neighbours)
        for example in request.retain:
            named = {name for name in names if name in example.question + example.answer}
            if example.image is None:
                # Whom a name belongs to is kept in text.
                assert named <= {request.concept}
            else:
                assert not named or example.answer.startswith("No")
        assert sum(request.concept in example.answer for example in request.forget) >= 4
        assert not {example.question for example in (*request.forget, *request.retain)} & held_out


def test_the_same_seed_gives_the_same_requests():
    one, other, another = split_requests(5, 0), split_requests(5, 0), split_requests(5, 1)
    assert [r.digest() for r in one] == [r.digest() for r in other] != [r.digest() for r in another]
