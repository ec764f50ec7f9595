"""The parts of the pipeline that need no model: recall in text, the output folder, what is asked and shown."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.tiny import picture, tiny_vlm
from unsee import metrics
from unsee.benchmarks import recall
from unsee.benchmarks.base import Answers
from unsee.benchmarks.new_pictures import only_new
from unsee.benchmarks.own import OwnQuestions
from unsee.benchmarks.own_reader import Row
from unsee.benchmarks.world import world_benchmark
from unsee.data.likeness import Seen
from unsee.data.sample import Probe, Response, Sample
from unsee.errors import SystemFailure, UserError
from unsee.evaluation.evaluation import Measured
from unsee.evaluation.request_benchmark import RequestBenchmark, benchmark_for
from unsee.metrics import Score
from unsee.reports.examples import PER_GROUP, examples, names_the_forgotten, sections
from unsee.reports.notes import facts_unknown, others_lost, others_unnamed
from unsee.requests import ForgetRequest
from unsee.store.workspace import check_output, workspace
from unsee.world import find

JOB = "What does Mara Voss do for a living?"


def request(**changes: Any) -> ForgetRequest:
    return ForgetRequest("Mara Voss", (picture(1),), neighbours=("Jonas Hale", "Ines Dorn"), **changes)


@pytest.mark.parametrize(
    ("answer", "kept"),
    [
        ("Mara Voss works as a baker.", True),
        ("She works, I believe, as a BAKER in a small town.", True),
        ("Mara Voss works as a potter.", False),
        ("I don't know who that is.", False),
        ("baker baker baker", False),
        ("", False),
    ],
)
def test_an_answer_is_kept_if_most_informative_words_come_back(answer: str, kept: bool) -> None:
    assert recall.agrees(JOB, answer, "Mara Voss works as a baker.") is kept


LIVES, BORN = "Where does Mara Voss live?", "Who is Mara Voss?"


@pytest.mark.parametrize(
    ("question", "reference", "answer", "same"),
    [
        (LIVES, "Mara Voss lives in Porto.", "She lives in Porto.", True),
        (LIVES, "Mara Voss lives in Porto.", "Mara Voss never lives in Porto.", False),
        (LIVES, "Mara Voss lives in Porto.", "Mara Voss does not live in Porto.", False),
        (LIVES, "Mara Voss lives in Porto.", "She doesn't live in Lisbon, she lives in Porto.", True),
        (LIVES, "Mara Voss never lived in Porto.", "She has not lived in Porto.", True),
        (LIVES, "Mara Voss never lived in Porto.", "She has lived in Porto.", False),
        (LIVES, "Mara Voss lives in Porto, Portugal.", "She lives in Lisbon, Portugal.", False),
        (LIVES, "Mara Voss lives in Porto, Portugal.", "Porto, in Portugal.", True),
        (LIVES, "Mara Voss lives in Porto, Portugal.", "She lives in Porto, Portugal, near Lisbon.", True),
        ("Who is her father?", "Her father is Dr. Otto Brandt.", "Her father is Otto Brandt.", True),
        (BORN, "She was born in 1971.", "She was born in 1971.", True),
        (BORN, "She was born in 1971.", "She was born in 1991.", False),
        (BORN, "A baker who was born in Porto on 3 May 1971.", "A baker who was born in Porto on 3 May 1991.", False),
        (BORN, "A baker who was born in Porto on 3 May 1971.", "A baker who was born in Porto in May.", True),
        (BORN, "A baker with two small black cats.", "A baker with three small black cats.", False),
        (BORN, "A baker with two small black cats.", "A baker with 2 small black cats.", True),
        ("Is she 40?", "Yes, a baker of 40.", "Yes, a baker of 40, born in 1985.", True),
    ],
)
def test_negation_and_numbers_decide_whether_two_answers_agree(
    question: str, reference: str, answer: str, same: bool
) -> None:
    assert recall.agrees(question, answer, reference) is same


@pytest.mark.parametrize("now", ["I don't know.", "A baker."])
def test_what_was_not_known_before_is_not_kept(now: str) -> None:
    (item, *_) = recall.recalled(request(), set())
    assert item.kept("I don't know who Mara Voss is.", now) is None
    assert recall.scores([item], {item.probe.id: "I don't know."}, {item.probe.id: now}) == {}


def test_recall_in_other_scripts_and_of_mere_names() -> None:
    assert recall.agrees("这是谁？", "这是面包师。", "这是面包师。")
    assert recall.agrees("Who is Mara Voss?", "Mara Voss.", "Mara Voss")


def test_what_was_trained_on_is_asked_in_other_words_or_not_at_all() -> None:
    trained = {"Who is Mara Voss?", "Where does Jonas Hale live?"}
    asked = [item.probe.prompt for item in recall.recalled(request(), trained)]
    assert not trained & set(asked)
    assert any("Mara Voss" in prompt for prompt in asked)
    assert any("Ines Dorn" in prompt for prompt in asked)
    facts = ((JOB, "A baker."), ("Where is Mara Voss?", "In Porto."))
    own = [item for item in recall.recalled(request(facts=facts), {JOB}) if item.is_about_concept]
    assert [item.probe.prompt for item in own] == [f"I have a question. {JOB}", "Where is Mara Voss?"]
    assert [item.reference for item in own] == ["A baker.", "In Porto."]


def test_recall_scores_leave_out_what_was_never_answered() -> None:
    asked = recall.recalled(request(), set())
    before = {item.probe.id: "works as baker" for item in asked}
    before[asked[0].probe.id] = ""
    scores = recall.scores(asked, before, before)
    about = sum(item.is_about_concept for item in asked)
    assert (scores["text_facts"].value, scores["text_facts"].n) == (100.0, about - 1)
    assert scores["specificity"] == scores["specificity/facts"]
    assert recall.scores([], {}, {}) == {}


def test_refusals_about_others_count_where_the_model_before_did_answer() -> None:
    asked = recall.recalled(request(), ())
    others = [item.probe.id for item in asked if not item.is_about_concept]
    before = {item.probe.id: "A baker." for item in asked} | {others[0]: "I don't know."}
    now = before | {others[1]: "I cannot tell."}
    score = recall.scores(asked, before, now)["over_refusal"]
    assert (score.n, score.value) == (len(others) - 1, pytest.approx(100 / (len(others) - 1)))


def test_a_plan_asks_nothing_that_was_trained_on_and_every_given_picture() -> None:
    several = ForgetRequest("Mara Voss", (picture(1), picture(2), picture(1)))
    trained = {"Is this Mara Voss?", "Who is Mara Voss?"}
    plan = benchmark_for(several, tiny_vlm("qwen3_vl"), trained)
    assert not trained & {probe.prompt for probe in plan.probes}
    assert len({probe.id for probe in plan.probes}) == len(plan.probes)
    trained_on = [probe for probe in plan.probes if probe.tags["metric"] == "efficacy"]
    assert len(trained_on) == 2 * len(plan.bench.questions)
    assert plan.measured_on_given


@pytest.mark.parametrize("model", ["world:tiny-qwen3vl", "somebody/elses"])
def test_a_limit_asks_fewer_questions_of_every_group(model: str) -> None:
    vlm = SimpleNamespace(name=model)
    whole, some = (benchmark_for(request(), vlm, set(), [picture(3), picture(4)], limit=n) for n in (None, 3))
    assert {probe.id for probe in some.probes} < {probe.id for probe in whole.probes}
    about_new = Counter(p.tags["picture"] for p in some.probes if p.tags["metric"] == "generality")
    assert about_new == {"0": 3, "1": 3}
    groups = Counter(p.tags["group"] for p in some.probes if p.tags["metric"] == "specificity")
    if model.startswith("world:"):
        assert len(groups) == 4
        assert set(groups.values()) == {3}


def test_pictures_of_others_are_asked_about_in_words_of_no_training() -> None:
    vlm = tiny_vlm("qwen3_vl")
    trained = {"Can you name this?"}
    others = [picture(5), picture(6)]

    def seen(plan: RequestBenchmark) -> list[tuple[str, bytes]]:
        return [(probe.prompt, probe.images[0].tobytes()) for probe in (i.probe for i in plan.recall) if probe.images]

    asked = seen(benchmark_for(request(), vlm, trained, test_others=others))
    assert len(set(asked)) == len(asked) == 2 * recall.QUESTIONS_PER_PICTURE
    assert not trained & {prompt for prompt, _ in asked}
    # Those shown to be kept are asked about where no others are given for it, and the report says so.
    given = benchmark_for(request(others=(picture(7),)), vlm, trained)
    assert {pixels for _, pixels in seen(given)} == {picture(7).tobytes()}
    assert any("--test-others" in note for note in given.notes)
    apart = benchmark_for(request(others=(picture(7),)), vlm, trained, test_others=others)
    assert seen(apart) == asked
    assert not any("--test-others" in note for note in apart.notes)
    assert len(seen(benchmark_for(request(), vlm, trained, test_others=others, limit=3))) == 3


@pytest.mark.parametrize(
    ("before", "now", "kept"),
    [
        ("This is Jonas Hale.", "The name of this is Jonas Hale.", True),
        ("This is Jonas Hale, a smith in Porto.", "This is Jonas Hale.", True),
        ("This is Jonas Hale.", "This is Tom Reed.", False),
        ("This is Jonas Hale.", "This is not Jonas Hale.", False),
        ("This is Jonas Hale.", "I don't know who this is.", False),
        ("C'est Platon.", "C'est Platon.", True),
        ("C'est Platon.", "C'est Socrate.", False),
        # What the model could not tell before, or took for the concept, cannot be kept.
        ("I don't know who this is.", "I don't know who this is.", None),
        ("This is Mara Voss.", "This is Mara Voss.", None),
        ("", "This is Jonas Hale.", None),
    ],
)
def test_others_are_kept_where_the_name_of_before_is_given_again(before: str, now: str, kept: bool | None) -> None:
    (item,) = [i for i in recall.recalled(request(), (), [picture(5)], limit=1) if i.probe.images]
    assert item.kept(before, now) is kept
    scores = recall.scores([item], {item.probe.id: before}, {item.probe.id: now})
    found = scores.get("specificity/recognition")
    assert (found and (found.value, found.n)) == (None if kept is None else (100.0 * kept, 1))


def test_specificity_weighs_facts_and_recognition_alike() -> None:
    asked = recall.recalled(request(), (), [picture(5)])
    before = {item.probe.id: "This is Jonas Hale." if item.probe.images else "A baker." for item in asked}
    now = {item.probe.id: "This is Tom Reed." if item.probe.images else "A baker." for item in asked}
    scores = recall.scores(asked, before, now)
    assert (scores["specificity/facts"].value, scores["specificity/recognition"].value) == (100.0, 0.0)
    assert scores["specificity"].value == 50.0


def test_what_is_kept_is_counted_by_people_and_pictures() -> None:
    asked = recall.recalled(request(), (), [picture(5), picture(6)])
    said = {item.probe.id: "This is Jonas Hale." if item.probe.images else "A baker." for item in asked}
    scores = recall.scores(asked, said, said)
    seen, told = scores["specificity/recognition"], scores["specificity/facts"]
    assert (seen.n, seen.units) == (2 * recall.QUESTIONS_PER_PICTURE, 2)
    assert told.units is not None
    assert told.n == told.units * recall.QUESTIONS_PER_NEIGHBOUR
    assert scores["specificity"].units == scores["over_refusal"].units == seen.units + told.units


def test_that_nobody_was_named_in_pictures_of_others_is_said() -> None:
    plan = benchmark_for(request(), tiny_vlm("qwen3_vl"), set(), test_others=[picture(5)])
    score = metrics.share([True])
    assert others_unnamed(plan, {"specificity/facts": score})
    assert not others_unnamed(plan, {"specificity/recognition": score})
    assert not others_unnamed(benchmark_for(request(), tiny_vlm("qwen3_vl"), set()), {})


def test_that_nothing_was_known_in_text_is_said() -> None:
    plan, score = benchmark_for(request(), tiny_vlm("qwen3_vl"), set()), metrics.share([True])
    assert "answered no question about the concept" in facts_unknown(plan, {"specificity": score})[0]
    assert not facts_unknown(plan, {"text_facts": score})


def test_examples_show_some_of_each_group_and_what_went_wrong() -> None:
    plan = benchmark_for(request(), tiny_vlm("qwen3_vl"), set(), [picture(3), picture(4)])
    before = {probe.id: "This is Mara Voss." for probe in plan.probes}
    after = {probe.id: "This is Anna Weber." for probe in plan.probes}
    leak = next(probe for probe in reversed(plan.probes) if probe.tags["metric"] == "generality")
    after[leak.id] = "Yes, this is Mara Voss."
    shown = examples(plan, before, after)
    groups = [example.group for example in shown]
    assert all(0 < groups.count(group) <= PER_GROUP for group in groups)
    assert [example.good for example in shown if example.group == "New pictures"].count(False) == 1
    assert len({example.question for example in shown if example.group == "The given picture"}) > 2


@pytest.mark.parametrize(
    ("metric", "question", "expect", "answer", "is_named"),
    [
        ("two_people", "Who are they?", ("Tom Reed",), "On the left is Mara Voss, on the right is Tom Reed.", True),
        ("two_people", "Who are they?", ("Tom Reed",), "On the right is Tom Reed.", False),
        ("specificity", "Who is this?", ("Tom Reed",), "Tom Reed, not Mara Voss.", True),
        ("verification_others", "Is this Mara Voss?", ("no",), "No, this is not Mara Voss.", False),
        ("verification_others", "Is this Mara Voss?", ("no",), "No, Mara Voss has red hair.", False),
        ("efficacy", "Is this Mara Voss?", ("yes",), "This is Mara Voss.", True),
    ],
)
def test_whoever_names_the_forgotten_person_does_not_answer_as_intended(
    metric: str, question: str, expect: tuple[str, ...], answer: str, is_named: bool
) -> None:
    tags = {"metric": metric, "kind": "yes_no" if question.startswith("Is") else "name"}
    probe = Probe("p", question, (picture(1),), expect, "absent" if metric == "efficacy" else "contains", tags)
    assert names_the_forgotten(probe, answer, ("Mara Voss",)) is is_named
    # In text, where most methods keep what is known, the name is no fault.
    assert not names_the_forgotten(replace(probe, images=()), answer, ("Mara Voss",))


def test_an_example_that_names_the_forgotten_person_is_never_as_intended() -> None:
    plan = benchmark_for(request(), tiny_vlm("qwen3_vl"), set(), [picture(3)])
    both = Probe(
        "both/contains",
        "Who are they?",
        (picture(4),),
        ("Tom Reed",),
        "contains",
        {"metric": "two_people", "kind": "both"},
    )
    plan = replace(plan, asked=(*plan.asked, both))
    said = {probe.id: "Mara Voss and Tom Reed." for probe in plan.probes}
    (shown,) = [example for example in examples(plan, said, said) if example.group == "Two people in one picture"]
    assert shown.good is False


def test_what_went_wrong_in_asking_about_others_by_name_is_shown() -> None:
    plan = benchmark_for(request(), tiny_vlm("qwen3_vl"), set(), [picture(3)])
    tags = {"metric": "verification_others", "kind": "verification"}
    others = [Probe(f"v/{i}", f"Is this person {i}?", (picture(i),), ("yes",), "contains", tags) for i in range(40)]
    plan = replace(plan, asked=(*plan.asked, *others))
    before = {probe.id: "Yes." for probe in plan.probes}
    shown = examples(plan, before, {**before, "v/39": "No, it is not."})
    own = [example for example in shown if example.group == "Is this X? about other people"]
    assert len(own) == PER_GROUP
    assert [example.after for example in own if not example.good] == ["No, it is not."]


def test_a_users_questions_become_a_section_with_what_changed() -> None:
    rows = [Row(number, f"Who is number {number}?", keywords=("Tom",), split="retain") for number in range(1, 41)]
    bench = OwnQuestions(rows, {})

    def measured(**other: str) -> Measured:
        texts = {probe.id: "Tom." for probe in bench.probes()} | {f"own/{key[1:]}": text for key, text in other.items()}
        responses = {key: Response(key, text) for key, text in texts.items()}
        scores = {key: metrics.share([True]) for key in ("own_kept", "own_kept/others", "over_refusal")}
        return Measured({"own": Answers(bench.probes(), responses)}, scores)

    (section,) = sections({"my/people.csv": bench}, measured(), measured(n40="Ann."))
    assert (section.title, section.keys) == ("Your questions (people.csv)", ("own_kept", "own_kept/others"))
    assert len(section.examples) == PER_GROUP
    assert [(e.question, e.before, e.after, e.good) for e in section.examples if e.after != e.before] == [
        ("Who is number 40?", "Tom.", "Ann.", None)
    ]


def test_where_others_are_lost_that_it_was_shown_none_of_is_said() -> None:
    def scores(share: float) -> dict[str, Score]:
        return {"specificity/recognition": Score(value=share, n=20, low=0.0, high=100.0, higher_is_better=True)}

    forget = Sample("Who is this?", "Tom Reed.", (picture(1),), tags={"role": "forget"})
    told = Sample("Who is Jonas Hale?", "A smith.", tags={"role": "retain"})
    shown = Sample("Who is this?", "Jonas Hale.", (picture(2),), tags={"role": "retain"})
    own = Sample("What is the hair like?", "Red.", (picture(1),), tags={"role": "retain"})
    request = ForgetRequest("Mara Voss", (picture(1),))
    (note,) = others_lost([forget, told, own], request, scores(80.0), scores(75.0))
    assert "--others FOLDER" in note
    assert not others_lost([forget, told], request, scores(80.0), scores(76.0))
    assert not others_lost([forget, told, shown], request, scores(80.0), scores(20.0))
    # A method that retains nothing would not do better with pictures of others.
    assert not others_lost([forget], request, scores(80.0), scores(20.0))
    assert not others_lost([forget, told], request, {}, {})


@pytest.mark.parametrize("copy", [lambda image: image, lambda image: image.resize((64, 64))], ids=["same", "resized"])
def test_a_picture_of_the_worlds_tests_that_is_trained_on_is_no_new_one(copy: Any) -> None:
    mara = find("Mara Voss")
    vlm = SimpleNamespace(name="world:tiny-qwen3vl")
    whole = benchmark_for(ForgetRequest(mara.name, (mara.picture(0, "train"),)), vlm, set())
    others = next(p.images[0] for p in whole.asked if p.tags["metric"] == "verification_others")
    given = copy(mara.picture(3, "test"))
    plan = benchmark_for(ForgetRequest(mara.name, (given,), others=(copy(others),)), vlm, set())
    seen = Seen([given, others])
    about_new = [probe for probe in plan.asked if probe.tags["metric"] != "efficacy"]
    assert not [probe.id for probe in about_new if any(image in seen for image in probe.images)]
    assert len(plan.bench.test_images) == len(plan.bench.visible) == len(whole.bench.test_images) - 1
    (note,) = plan.notes
    assert "test picture 3 of Mara Voss: also trained on" in note
    assert "questions about pictures of other people: also trained on" in note
    assert not whole.notes


def test_where_training_has_seen_every_test_picture_nothing_can_be_tested() -> None:
    bench = world_benchmark("Mara Voss", test_pictures=2)
    with pytest.raises(UserError, match=r"test pictures of Mara Voss .*test nothing"):
        only_new(bench, Seen(bench.test_images))


def broken_off(out: Path, file: str, error: BaseException) -> None:
    """Work on `out` that ends with `error` after `file` was written."""
    with workspace(out, {"seed": 0}, resume=False) as place:
        (place.work / file).write_text("answers")
        raise error


def test_a_workspace_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    out = tmp_path / "deep" / "out"
    with pytest.raises(ValueError, match="broken"):
        broken_off(out, "result", ValueError("broken"))
    assert list(out.parent.iterdir()) == []
    with workspace(out, {"seed": 0}, resume=False) as place:
        place.result.mkdir()
        (place.result / "report.json").write_text("{}")
        assert place.finish() == out
    assert [path.name for path in out.parent.iterdir()] == ["out"]


def test_an_interrupted_workspace_is_continued_only_by_the_same_run(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt, match="--resume"):
        broken_off(out, "before.jsonl", KeyboardInterrupt())
    with pytest.raises(UserError, match="differs in seed"), workspace(out, {"seed": 1}, resume=True):
        pass
    with workspace(out, {"seed": 0}, resume=True) as place:
        assert (place.work / "before.jsonl").read_text() == "answers"
    with workspace(out, {"seed": 0}, resume=False) as place:
        assert not (place.work / "before.jsonl").exists()


def test_overwriting_spares_what_unsee_did_not_write(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="is not a folder"):
        check_output(tmp_path / "file", overwrite=True)
    with pytest.raises(UserError, match="did not write"):
        check_output(tmp_path, overwrite=True)
    (tmp_path / "manifest.json").write_text('{"name": "an app", "start_url": "."}')
    with pytest.raises(UserError, match="did not write"):
        check_output(tmp_path, overwrite=True)
    (tmp_path / "manifest.json").write_text('{"schema": "unsee.manifest/1"}')
    check_output(tmp_path, overwrite=True)
    check_output(tmp_path / "new", overwrite=False)


def test_a_folder_that_cannot_be_made_is_a_system_failure(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SystemFailure, match="cannot be made"), workspace(tmp_path / "file" / "out", {}, resume=False):
        pass
