"""The prompts of ASRU: built from a request, or filled in by the world, and refused where they cannot work."""

from __future__ import annotations

import dataclasses
import random
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
from PIL import Image

from tests.asru_cases import samples
from tests.tiny import picture, tiny_vlm
from unsee.benchmarks.general import QUESTIONS
from unsee.data.sample import Sample
from unsee.errors import UserError
from unsee.kinds import get_kind
from unsee.kinds.general import GENERAL
from unsee.methods.asru import ASRU, ASRUConfig
from unsee.methods.asru import prompts as asru_prompts
from unsee.methods.asru.prompts import (
    HINT,
    Prompts,
    check_apart,
    hold_out,
    in_views,
    own_words,
    retained_in_views,
    unseen_prompts,
)
from unsee.models.vlm import VisionLanguageModel
from unsee.requests import Example, ForgetRequest
from unsee.sources.filling import OTHERS, STRANGERS, filled
from unsee.world import KNOWN, find, stranger
from unsee.world import questions as q

UNSEEN = tuple(picture(n) for n in range(20, 25))


def request(**changes: object) -> ForgetRequest:
    given = {"concept": "Mara Voss", "images": (picture(1),), "neighbours": ("Jonas Hale",), "unseen": UNSEEN}
    return ForgetRequest(**{**given, **changes})  # type: ignore[arg-type]


def always(text: str) -> bool:
    return True


def test_prompts_are_built_from_a_name_a_picture_and_unseen_pictures() -> None:
    vlm, method = tiny_vlm("llava"), ASRU(always)
    config = ASRUConfig(forget=9, retain=12, unseen=4, held_out=0.25, views=0)
    built = method.build([request()], vlm, config, seed=0)
    train, held_out = Prompts.of(built, held_out=False), Prompts.of(built, held_out=True)
    counts = {role: len(asked) for role, asked in vars(train).items()}
    assert {role: len(asked) for role, asked in vars(held_out).items()} == {
        "forget": 2,
        "retain": 3,
        "unseen": 2,
        "altered": 0,
    }
    # Four pictures, asked with the hint and without.
    assert counts == {"forget": 7, "retain": 9, "unseen": 6, "altered": 0}
    assert all(sample.images[0] is built[0].images[0] for sample in train.forget)
    assert {sample.prompt.removesuffix(f" {HINT}") for sample in train.unseen} <= set(get_kind("person").hidden)
    assert method.build([request()], vlm, config, seed=0) == built


def test_stage_1_has_the_same_prompts_with_and_without_stage_2(monkeypatch: pytest.MonkeyPatch) -> None:
    def ask(vlm: VisionLanguageModel, questions: Sequence[tuple[str, Image.Image | None]]) -> list[str]:
        return [f"It is a stone, like {question}" for question, _ in questions]

    monkeypatch.setattr(asru_prompts, "ask", ask)
    retain = tuple(Example(f"What is number {n}?", "A stone.", picture(n)) for n in range(10, 16))
    requests, vlm = [request(retain=retain), request(concept="Ines Roth", retain=retain)], tiny_vlm("llava")
    config = ASRUConfig(forget=3, retain=6, unseen=2, views=1)
    both = ASRU(always).build(requests, vlm, config, seed=0)
    alone = ASRU(always).build(requests, vlm, dataclasses.replace(config, stages="steering"), seed=0)
    altered = [sample for sample in both if sample.tags["role"] == "altered"]
    assert altered
    assert [sample for sample in both if sample not in altered] == alone


def test_the_requests_own_examples_are_used() -> None:
    config = ASRUConfig(forget=4, retain=8, unseen=2, views=0)
    forget = tuple(Example(f"Question {n}?", f"Answer {n}.") for n in range(6))
    retain = (Example("Where is Oslo?", "Oslo is in Norway."), Example("What is this?", "A stone.", picture(7)))
    built = ASRU(always).build([request(forget=forget, retain=retain)], tiny_vlm("llava"), config, seed=0)
    by_role = {role: [s for s in built if s.tags["role"] == role] for role in ("forget", "retain")}
    assert {s.answer for s in by_role["forget"]} < {example.answer for example in forget}
    assert len(by_role["forget"]) == 4
    assert {"Oslo is in Norway.", "A stone."} < {s.answer for s in by_role["retain"]}


@pytest.mark.parametrize("alike", [40, 15])
def test_answers_to_retain_are_the_models_where_it_speaks_otherwise(
    alike: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = [Sample(f"Question {n}?", f"This is {n}.", tags={"role": "retain"}) for n in range(40)]
    asked: list[str] = []

    def says(vlm: object, questions: list[tuple[str, object]]) -> list[str]:
        asked.extend(question for question, _ in questions)
        numbers = [int(question.split()[1][:-1]) for question, _ in questions]
        answers = [f"This is {n}." if n < alike else f"It's {n}, I see. And so on." for n in numbers]
        return ["I don't know." if n == 33 else answer for n, answer in zip(numbers, answers, strict=True)]

    monkeypatch.setattr(asru_prompts, "ask", says)
    kept = own_words(given, tiny_vlm("llava"), lambda text: "know" in text)
    if alike == 40:
        assert kept == given
        assert len(asked) == 32
    else:
        left = [n for n in range(40) if n != 33]
        assert [s.answer for s in kept] == [f"This is {n}." if n < 15 else f"It's {n}, I see." for n in left]
        assert asked == [s.prompt for s in given]
        assert {s.tags["role"] for s in kept} == {"retain"}


def test_what_is_to_be_forgotten_is_asked_about_views_in_which_it_is_recognised(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shown: list[bytes] = []

    def ask(vlm: VisionLanguageModel, questions: Sequence[tuple[str, Image.Image]]) -> list[str]:
        shown.extend(view.tobytes() for _, view in questions)
        return ["This is Mara Voss." if n % 10 == 0 else "I don't know who this is." for n in range(len(questions))]

    monkeypatch.setattr(asru_prompts, "ask", ask)
    prompts = [Sample(f"Who is number {n}?", "Mara Voss.", (picture(1),), tags={"role": "forget"}) for n in range(5)]
    other = [Sample("Who?", "Jonas Hale.", (picture(2),), tags={"role": "retain"}), Sample("Where?", "There.")]
    other[1].tags["role"] = "forget"
    vlm = tiny_vlm("llava")
    seen = in_views([*prompts, *other], 2, request(), vlm, random.Random(0))
    assert [s.prompt for s in seen] == [*(s.prompt for s in prompts for _ in range(3)), "Who?", "Where?"]
    assert seen[-2:] == other
    assert all(s.answer == "Mara Voss." for s in seen[:15])
    assert [s.images[0].tobytes() for s in seen[:15:3]] == [picture(1).tobytes()] * 5
    views = {s.images[0].tobytes() for n, s in enumerate(seen[:15]) if n % 3}
    # The picture is altered once for all prompts, and so many times that there is something to choose from.
    assert views <= set(shown[::10])
    assert len(set(shown)) == len(shown) == 60
    assert in_views(prompts, 0, request(), vlm, random.Random(0)) == prompts


def test_where_no_view_is_recognised_the_prompts_stay_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    # The random words of an untrained model may hold the name by chance.
    monkeypatch.setattr(asru_prompts, "ask", lambda vlm, questions: ["This is Jonas Hale."] * len(questions))
    prompts = [Sample("Who is this?", "Mara Voss.", (picture(1),), tags={"role": "forget"})]
    assert in_views(prompts, 2, request(), tiny_vlm("llava"), random.Random(0)) == prompts


def test_what_is_retained_is_asked_about_views_where_the_truth_is_still_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def ask(vlm: VisionLanguageModel, questions: Sequence[tuple[str, Image.Image]]) -> list[str]:
        return [f"Well, it is {question.split()[3][:-1]}." if n % 2 else "No idea." for n, (question, _) in
                enumerate(questions)]  # fmt: skip

    monkeypatch.setattr(asru_prompts, "ask", ask)
    given = hold_out(samples(validate=False), 0.5)
    vlm = tiny_vlm("llava")
    views = retained_in_views(given, 2, vlm, random.Random(0))
    pictured = [s for s in given if s.tags["role"] == "retain" and s.images]
    assert [s.prompt for s in views] == [s.prompt for s in pictured]
    assert [s.tags.get("held_out") for s in views] == [s.tags.get("held_out") for s in pictured]
    assert {s.tags["role"] for s in views} == {"altered"}
    shown = {s.images[0].tobytes() for s in views}
    assert len(shown) == len(views)
    assert not shown & {s.images[0].tobytes() for s in pictured}
    assert Prompts.of([*given, *views], held_out=True).altered == tuple(s for s in views if "held_out" in s.tags)
    assert retained_in_views(given, 0, vlm, random.Random(0)) == []


def test_without_unseen_pictures_it_is_said_how_to_give_some() -> None:
    with pytest.raises(UserError, match="--unseen"):
        ASRU(always).build([request(unseen=())], tiny_vlm("llava"), ASRUConfig(), seed=0)
    # Stage 2 alone steers nowhere.
    alone = ASRUConfig(stages="reinforcement", forget=3, retain=4, views=0)
    built = ASRU(always).build([request(unseen=())], tiny_vlm("llava"), alone, seed=0)
    assert Counter(sample.tags["role"] for sample in built) == {"forget": 3, "retain": 4}


def test_only_refused_questions_about_unseen_pictures_count_and_none_is_an_error() -> None:
    vlm = tiny_vlm("llava")
    everything = unseen_prompts(request(), vlm, 5, always, random.Random(0))
    assert len(everything) == 10
    one = everything[3].answer
    some = unseen_prompts(request(), vlm, 5, lambda text: text == one, random.Random(0))
    assert 0 < len(some) < 10
    assert {sample.answer for sample in some} == {one}
    with pytest.raises(UserError, match="pictures that it does not know"):
        unseen_prompts(request(), vlm, 5, lambda text: False, random.Random(0))


def test_a_picture_to_forget_among_the_unseen_ones_is_refused(tmp_path: Path) -> None:
    picture(1).save(tmp_path / "same.png")
    with pytest.raises(UserError, match="also among the unseen"):
        request(unseen=(*UNSEEN, tmp_path / "same.png")).check()
    with pytest.raises(UserError, match="does not exist"):
        request(unseen=(tmp_path / "nosuch.png",)).check()


def test_unseen_pictures_are_read_from_the_request_file_and_belong_to_its_digest(tmp_path: Path) -> None:
    for name, number in (("her", 1), ("one", 20), ("two", 21)):
        picture(number).save(tmp_path / f"{name}.png")
    (tmp_path / "request.yaml").write_text("concept: Mara Voss\nimages: her.png\nunseen: [one.png, two.png]\n")
    read = ForgetRequest.from_yaml(tmp_path / "request.yaml")
    assert len(read.unseen_pictures()) == 2
    assert read.digest() != dataclasses.replace(read, unseen=read.unseen[:1]).digest()


def test_what_is_to_be_forgotten_must_not_be_retained_too() -> None:
    check_apart(samples())
    clash = Sample("who is this PERSON?", "A baker.", (picture(1).copy(),), tags={"role": "retain"})
    with pytest.raises(UserError, match="both to be forgotten and to be retained"):
        check_apart([*samples(), clash])
    both = (Example("Who is this?", "This is Mara Voss."),)
    kept = (Example("Who is this?", "This is Mara Voss.", picture(1)),)
    with pytest.raises(UserError, match="its answer names Mara Voss"):
        ASRU(always).build([request(forget=both, retain=kept)], tiny_vlm("llava"), ASRUConfig(), seed=0)


def test_every_role_is_held_out_in_the_same_share() -> None:
    marked = hold_out(samples(validate=False), 0.25)
    held = Counter(sample.tags["role"] for sample in marked if sample.tags.get("held_out") == "yes")
    assert held == {"forget": 1, "retain": 2, "unseen": 1}
    assert [(s.prompt, s.answer) for s in marked] == [(s.prompt, s.answer) for s in samples()]
    for count, held_out in ((1, 0), (2, 1), (3, 1)):
        few = hold_out(samples(validate=False)[:count], 0.1)
        assert sum(sample.tags.get("held_out") == "yes" for sample in few) == held_out


def test_the_world_fills_in_what_a_method_needs_and_nothing_else() -> None:
    mara, tobias = find("Mara Voss"), find("Tobias Lindqvist")
    given = (Example("Where is Oslo?", "Oslo is in Norway."),)
    asked = [
        ForgetRequest(mara.name, (mara.picture(0, "train"),)),
        ForgetRequest(tobias.name, (tobias.picture(0, "train"),), retain=given),
    ]
    assert filled(asked, (), 0) == asked
    first, second = filled(asked, ASRU.needs, 0)
    for complete in (first, second):
        complete.check()
        assert len(complete.forget) == 24
        assert all(example.image is None for example in complete.forget)
        assert len(complete.unseen) == STRANGERS
    assert second.retain == given
    assert not first.others
    (shown,) = filled(asked[:1], ("others",), 0)
    shown.check()
    assert len(set(shown.others)) == OTHERS
    assert (shown.forget, shown.retain, shown.unseen) == ((), (), ())
    # Nobody who is forgotten is retained, but in text about the person alone.
    pictured = [example for example in first.retain if example.image is not None]
    names = {person.name for person in KNOWN}
    told = {name for example in pictured for name in names if f"is {name}" in example.answer}
    assert len(told) > 30
    assert not any(f"this is {name}" in e.answer.replace("This", "this") for e in pictured for name in (mara.name,))
    assert {e.question for e in pictured} <= {
        phrasing.ask(name)
        for kind in ("recognition", "verification", "caption", *q.FACTS, *q.TWO_HOP, *q.ATTRIBUTES)
        for phrasing in q.phrasings(kind, "train")
        for name in names
    }
    strangers = [stranger(i, "steering").picture(0, "steering").tobytes() for i in range(2 * STRANGERS)]
    assert [p.tobytes() for p in (*first.unseen_pictures(), *second.unseen_pictures())] == strangers


def test_general_questions_are_retained_besides_and_are_none_of_those_that_measure() -> None:
    built = ASRU(always).build([request()], tiny_vlm("llava"), ASRUConfig(retain=8, general=5, unseen=2), seed=0)
    general = [sample for sample in built if sample.prompt in GENERAL]
    assert len(general) == 5
    assert all(sample.tags["role"] == "retain" and not sample.images for sample in general)
    assert not {asked for asked, _ in QUESTIONS} & {*GENERAL}
