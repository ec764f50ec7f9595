"""What should be forgotten must not be given, and all else must: answers written by hand get the right shares."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.command_line import call, forget_arguments, printed
from tests.saying import Saying
from tests.tiny import picture, tiny_vlm
from unsee.benchmarks import Scope
from unsee.benchmarks.base import Scored
from unsee.benchmarks.own import OwnQuestions
from unsee.errors import UserError
from unsee.evaluation import Evaluation, Measured, Saved
from unsee.models.saving import save_model
from unsee.requests import ForgetRequest


def table(folder: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    for name in ("mara", "mara2", "otto", "ann"):
        picture(len(name) + ord(name[0])).save(folder / f"{name}.png")
    path = folder / "my.json"
    path.write_text(json.dumps(list(rows)), encoding="utf-8")
    return path


def measured(bench: OwnQuestions, texts: Sequence[str], folder: Path | None = None) -> Measured:
    """The scores of answers to its questions in turn."""
    engine = Saying({probe.id: text for probe, text in zip(bench.probes(), texts, strict=True)})
    return Evaluation([bench], progress=False).of(engine, "after", folder=folder)


def values(bench: OwnQuestions, texts: Sequence[str]) -> dict[str, float]:
    return {key: score.value for key, score in measured(bench, texts).scores.items()}


def only(folder: Path, row: Mapping[str, Any]) -> OwnQuestions:
    return OwnQuestions.of(Scope(location=table(folder, [row])))


WHO = {"picture": "mara.png", "question": "Who is this?", "keyword": "Mara Voss", "concept": "Mara Voss"}
IS_IT = {**WHO, "question": "Is this Mara Voss?", "keyword": "yes"}
JOB = {"question": "What does Mara Voss do?", "keyword": "baker", "concept": "Mara Voss"}
TOLD = {"question": "How does she live?", "answer": "She bakes bread in a village by the sea.", "concept": "Mara Voss"}
CHOICE = {"question": "Her job?", "choices": ["baker", "pilot"], "answer": "baker", "concept": "Mara Voss"}


@pytest.mark.parametrize(
    ("row", "answer", "forgotten", "not_given_away"),
    [
        (WHO, "This is Mara Voss.", 0, 0),
        (WHO, "This is Jane Doe.", 100, 100),
        (IS_IT, "Yes.", 0, 0),
        (IS_IT, "That is correct.", 100, 0),
        (IS_IT, "No, this is not Mara Voss.", 100, 100),
        (JOB, "Mara Voss is a baker.", 0, 0),
        # The question gives the name, so an answer may.
        (JOB, "Mara Voss is a pilot.", 100, 100),
        ({**JOB, "question": "Her job?"}, "Mara Voss is a pilot.", 100, 0),
        (TOLD, "She bakes her bread in a small village.", 0, 0),
        (TOLD, "She flies planes.", 100, 100),
        (CHOICE, "A", 0, 0),
        (CHOICE, "B: pilot", 100, 100),
    ],
)
def test_forgotten_is_what_is_not_given(
    row: Mapping[str, Any], answer: str, forgotten: float, not_given_away: float, tmp_path: Path
) -> None:
    found = values(only(tmp_path, row), [answer])
    assert (found["own_forgotten"], found["own_forgotten/not_given_away"]) == (forgotten, not_given_away)
    assert "own_kept" not in found


@pytest.mark.parametrize(
    ("row", "answer", "right"),
    [
        (WHO, "This is Mara Voss.", True),
        (WHO, "I do not know.", False),
        (IS_IT, "That is correct.", True),
        (IS_IT, "Not at all, yes or no.", False),
        ({**IS_IT, "keyword": "No"}, "This is somebody else, no doubt.", False),
        ({**IS_IT, "keyword": "No"}, "No, this is somebody else.", True),
        ({**IS_IT, "keyword": "No"}, "I have no idea.", False),
        (TOLD, "She bakes her bread in a small village.", True),
        (TOLD, "She bakes.", False),
        (CHOICE, "The answer is A.", True),
        (CHOICE, "pilot", False),
    ],
)
def test_kept_is_what_is_still_answered(row: Mapping[str, Any], answer: str, right: bool, tmp_path: Path) -> None:
    found = values(only(tmp_path, {**row, "split": "retain"}), [answer])
    assert found["own_kept"] == 100 * right
    assert "own_forgotten" not in found


MANY = [
    WHO,
    {**WHO, "picture": "mara2.png"},
    {**WHO, "question": "Who can be seen?", "keyword": "Mara Voss; M. Voss"},
    {**WHO, "picture": "otto.png", "keyword": "Otto Brandt", "concept": "Otto Brandt"},
    {**JOB, "split": "retain"},
    {"picture": "ann.png", "question": "Who is this?", "keyword": "Ann Lee", "split": "Others"},
    {"picture": "ann.png", "question": "Her hair?", "keyword": "red", "split": "others"},
]
SAID = ["Mara Voss", "I cannot say.", "M. Voss", "", "A baker.", "Ann Lee", "I don't know."]


def test_groups_weigh_the_same_and_concepts_are_scored_apart(tmp_path: Path) -> None:
    found = measured(OwnQuestions.of(Scope(location=table(tmp_path, MANY))), SAID)
    assert {key: round(score.value, 1) for key, score in found.scores.items()} == {
        "own_forgotten": 50, "own_forgotten/not_given_away": 50, "own_refusals": 25,
        "own_kept": 75, "own_kept/retain": 100, "own_kept/others": 50, "own_over_refusal": 33.3, "own_empty": 14.3,
    }  # fmt: skip
    assert set(found.by_concept) == {"Mara Voss", "Otto Brandt"}
    mara, otto = found.by_concept.values()
    assert round(mara["own_forgotten"].value, 1) == 33.3
    assert mara["own_kept"].value == 100
    assert (otto["own_forgotten"].value, otto["own_empty"].value) == (100, 100)
    assert not found.scores["own_over_refusal"].higher_is_better


def test_saved_answers_are_scored_again_without_the_table_and_its_pictures(tmp_path: Path) -> None:
    location = table(tmp_path, [*MANY, TOLD, CHOICE])
    found = measured(OwnQuestions.of(Scope(location=location)), [*SAID, TOLD["answer"], "B"], tmp_path / "run")
    for file in (location, *tmp_path.glob("*.png")):
        file.unlink()
    again = OwnQuestions.score(Saved.open(tmp_path / "run" / "own").answers["after"])
    # As text, because NaN, the interval of a single unit, is equal to nothing.
    assert repr(again) == repr(Scored(found.scores, found.by_concept))


def test_intervals_count_concepts_or_else_pictures_or_else_questions(tmp_path: Path) -> None:
    bench = OwnQuestions.of(Scope(location=table(tmp_path, MANY)))
    found = measured(bench, SAID)
    whole, mara = found.scores, found.by_concept["Mara Voss"]
    assert (whole["own_forgotten"].n, whole["own_forgotten"].units) == (4, 2)
    assert (mara["own_forgotten"].n, mara["own_forgotten"].units) == (3, 2)
    # The question about Mara Voss, and the one picture of Ann Lee, of whom the table says no concept.
    assert (whole["own_kept"].n, whole["own_kept"].units) == (3, 2)
    assert math.isnan(found.by_concept["Otto Brandt"]["own_forgotten"].low)
    text = [{"question": f"{n}?", "answer": "a"} for n in range(3)]
    assert measured(OwnQuestions.of(Scope(location=table(tmp_path, text))), ["a"] * 3).scores["own_kept"].units == 3


def test_every_score_has_a_column(tmp_path: Path) -> None:
    described = {metric.key: metric for metric in OwnQuestions.columns}
    found = measured(OwnQuestions.of(Scope(location=table(tmp_path, MANY))), SAID).scores
    assert set(found) - {"own_kept/retain", "own_kept/others"} == set(described)
    for key, metric in described.items():
        assert metric.higher_is_better == found[key].higher_is_better
        assert metric.meaning
        assert metric.unit == "%"


def test_options_are_listed_and_several_pictures_are_shown(tmp_path: Path) -> None:
    (probe,) = only(tmp_path, {**CHOICE, "picture": "mara.png;otto.png"}).probes()
    assert probe.prompt == "Her job?\nA: baker\nB: pilot\nAnswer with the letter."
    assert len(probe.images) == 2
    assert (probe.id, probe.expect, probe.scorer) == ("own/1", ("A",), "absent")


def test_a_limit_draws_the_same_rows_of_every_split_again(tmp_path: Path) -> None:
    location = table(tmp_path, MANY)

    def ids(seed: int) -> list[str]:
        return [probe.id for probe in OwnQuestions.of(Scope(location=location, limit=1, seed=seed)).probes()]

    assert len(ids(0)) == 3
    assert ids(0) == ids(0)
    assert len({tuple(ids(seed)) for seed in range(9)}) > 1


def test_of_what_nobody_asked_to_forget_nothing_is_asked(tmp_path: Path) -> None:
    picture(1).save(tmp_path / "request.png")
    location = table(tmp_path, MANY)

    def about(name: str, *aliases: str) -> Scope:
        return Scope((ForgetRequest(name, (tmp_path / "request.png",), aliases),), location=location)

    bench = OwnQuestions.of(about("otto brandt", "Ottokar"))
    assert [probe.id for probe in bench.probes()] == ["own/4", "own/5", "own/6", "own/7"]
    # The further name counts as the concept's.
    found = values(bench, ["Ottokar", "a baker", "Ann Lee", "red"])
    assert (found["own_forgotten"], found["own_forgotten/not_given_away"]) == (100, 0)
    with pytest.raises(UserError, match="nothing to forget about 'Ann Lee'; it asks about Mara Voss, Otto Brandt"):
        OwnQuestions.of(about("Ann Lee"))


def test_a_table_for_several_people_is_asked_what_it_has_about_each(tmp_path: Path) -> None:
    location = table(tmp_path, MANY)
    requests = (ForgetRequest("Ann Lee", ()),)
    bench = OwnQuestions.of(Scope(requests, location=location, shared=True))
    assert [probe.id for probe in bench.probes()] == ["own/5", "own/6", "own/7"]
    found = values(bench, ["a baker", "Ann Lee", "red"])
    assert found["own_kept"] == 100
    assert not [key for key in found if key.startswith("own_forgotten")]
    only_mara = OwnQuestions.of(Scope(requests, location=table(tmp_path, [WHO]), shared=True))
    assert measured(only_mara, []).scores == {}


def test_what_was_not_answered_before_unlearning_either_is_told(tmp_path: Path) -> None:
    wrong = {**WHO, "question": "Name?", "keyword": "Mara Vos-Typo"}
    bench = OwnQuestions.of(Scope(location=table(tmp_path, [WHO, wrong, MANY[5]])))
    evaluation = Evaluation([bench], progress=False)
    asked = [probe.id for probe in bench.probes()]
    known = Saying(dict(zip(asked, ("Mara Voss", "Mara Voss", "Ann"), strict=True)))
    (note,) = evaluation.of(known, "model").notes
    assert "does not answer 1 of 2 questions about what to forget (row 2 of the table)" in note
    unlearned = Saying(dict.fromkeys(asked, "Jane Doe"))
    (note,) = evaluation.of(unlearned, "after", evaluation.basis(known)).notes
    assert "Before unlearning the model did not answer 1 of 2 questions about what to forget (row 2" in note
    right = Evaluation([only(tmp_path, WHO)], progress=False)
    before = right.of(Saying({"Who is this?": "Mara Voss"}), "before")
    assert before.notes == right.of(Saying({"Who is this?": "Jane"}), "after", before).notes == ()


def test_a_command_shows_the_note(tmp_path: Path) -> None:
    model = save_model(tiny_vlm("qwen3_vl"), tmp_path / "model")
    location = table(tmp_path, [WHO])
    (tmp_path / "more").mkdir()
    given = ("evaluate", "-m", model, "-b", location, "--max-new-tokens", 2, "--out", tmp_path / "out")
    assert "does not answer 1 of 1 questions" in call(*given).stderr
    (note,) = printed(call(*given, "--overwrite", "--json"))["notes"]
    assert "(row 1 of the table)" in note
    few = ("--force", "--limit", 1, "--max-new-tokens", 2, "--json", "--also", location)
    report = printed(call(*forget_arguments(model, tmp_path / "more", *few)))
    assert [line for line in report["notes"] if "(row 1 of the table) either, so they count as forgotten" in line]
    assert not [line for line in report["notes"] if "Not described" in line]


def test_without_a_table_there_is_nothing_to_ask() -> None:
    with pytest.raises(UserError, match="needs a table"):
        OwnQuestions.of(Scope())
