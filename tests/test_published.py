"""What all published data sets share, on an invented one."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from PIL import Image

from unsee.benchmarks.base import Answers, Scope, without_pictures
from unsee.benchmarks.mllmu_questions import Choice
from unsee.benchmarks.published.base import Published
from unsee.benchmarks.published.question import DataSet, Question, drawn, opened
from unsee.benchmarks.published.rows import read_rows
from unsee.data.sample import Likelihood, Response
from unsee.errors import UserError

OPTIONS = Choice("What does she do?", {"A": "A baker", "B": "A pilot", "C": "A judge", "D": "A vet"}, "B")


class Invented(Published):
    name, title, version, splits = "invented", "Invented", 1, ("one", "two")
    parts = ("forget", "retain")
    figures: Mapping[str, str] = {"length": "length of the answer"}

    @classmethod
    def recognises(cls, location: Path) -> bool:
        return location.name == "invented"

    @classmethod
    def read(cls, location: Path, split: str) -> DataSet:
        return DataSet(split, QUESTIONS, {"7": "Mara Voss"})

    @classmethod
    def published(cls, question: Question, answer: str) -> Mapping[str, float]:
        return {"length": min(len(answer) / 100, 1)}


def picture(shade: int) -> Image.Image:
    return Image.new("RGB", (8, 8), (shade, 0, 0))


QUESTIONS = (
    Question("a", "forget", "7", "generation", "Where does she live?", "She lives in Porto.", picture(1)),
    Question("b", "forget", "7", "classification", OPTIONS.question, "B", choice=OPTIONS),
    Question("c", "retain", "8", "generation", "What is her job?", "She is a judge.", picture(2), paraphrase="A judge.",
             perturbed=("A vet.", "A pilot.")),
    Question("d", "retain", "9", "cloze", "He lives in __.", "Rome"),
)  # fmt: skip


def answered(texts: Mapping[str, str], likelihoods: Mapping[str, Likelihood] | None = None) -> Answers:
    bench = Invented.of(Scope(location=Path("invented")))
    probes = without_pictures(bench.probes())
    key = json.loads(json.dumps(bench.key()))
    return Answers(probes, {k: Response(k, text) for k, text in texts.items()}, key, likelihoods or {})


def test_what_is_right_by_unsees_rules_and_what_the_data_set_itself_counts() -> None:
    scores = Invented.score(answered({"a": "In Lisbon.", "b": "B: A pilot", "c": "She works as a judge.", "d": "Rome"}))
    assert scores["invented_forgotten"].value == 50
    assert scores["invented_forgotten/picture"].value == 100
    assert scores["invented_forgotten/text"].value == 0
    assert scores["invented_kept"].value == 100
    assert scores["invented/forget/classification/text"].value == 100
    assert scores["invented/retain/length/picture"].value == pytest.approx(len("She works as a judge.") / 100)
    assert scores["invented_unreadable"].value == 0


def test_an_unreadable_choice_is_not_forgotten() -> None:
    scores = Invented.score(answered({"a": "", "b": "Who knows what to say.", "c": "A judge.", "d": "Rome"}))
    assert scores["invented_forgotten"].value == 0
    assert scores["invented_unreadable"].value == 50


def test_probability_and_truth_ratio_are_those_of_the_equations() -> None:
    read = {
        "c/answer": Likelihood((-1.0, -3.0), (1, 2)),
        "c/paraphrase": Likelihood((-0.5,), (1,)),
        "c/perturbed/0": Likelihood((-2.0,), (1,)),
        "c/perturbed/1": Likelihood((-1.0, -1.0), (1, 2)),
    }
    scores = Invented.score(answered(dict.fromkeys("abcd", "Rome"), read))
    assert scores["invented/retain/probability/picture"].value == pytest.approx(0.1353352832)
    # (exp(-2) + exp(-1)) / 2 / exp(-0.5)
    assert scores["invented/retain/truth_ratio/picture"].value == pytest.approx(0.4148303993)


def test_every_score_has_a_column() -> None:
    keys = {metric.key for metric in Invented.columns}
    assert set(Invented.score(answered(dict.fromkeys("abcd", "Rome")))) <= keys


def test_texts_whose_probability_is_read_are_those_answered_freely() -> None:
    bench = Invented.of(Scope(location=Path("invented")))
    samples = bench.samples(answered(dict.fromkeys("abcd", "")))
    assert list(samples) == ["a/answer", "c/answer", "c/paraphrase", "c/perturbed/0", "c/perturbed/1"]
    assert len(samples["c/answer"].images) == 1


@pytest.mark.parametrize("part", ["forget", "retain"])
def test_a_data_set_without_anything_to_forget_or_to_retain_is_an_error(part: str) -> None:
    rest = tuple(one for one in QUESTIONS if one.part != part)
    with pytest.raises(UserError, match=f"'one' of Invented has no question of the set '{part}' .left out: row 3"):
        Invented(DataSet("one", rest, left_out=("row 3",)))


def test_an_unknown_split_is_named() -> None:
    with pytest.raises(UserError, match=r"no forget split 'onee'.*one"):
        Invented.of(Scope(location=Path("invented"), split="onee"))


def test_a_limit_draws_the_same_subjects_for_every_part() -> None:
    several = [
        Question(f"{part}{i}", part, str(i), "generation", "Who?", "Nobody.")
        for part in ("forget", "test")
        for i in range(20)
    ]
    chosen = drawn(several, 5, seed=0)
    by_part = [{one.subject for one in chosen if one.part == part} for part in ("forget", "test")]
    assert by_part[0] == by_part[1]
    assert len(by_part[0]) == 5


def test_a_picture_that_cannot_be_used_is_left_out_and_listed() -> None:
    kept, left_out = opened([Question("a", "forget", "1", "generation", "Who?", "Mara.", b"no picture"), QUESTIONS[3]])
    assert [one.id for one in kept] == ["d"]
    assert len(left_out) == 1
    assert "of a" in left_out[0]


@pytest.mark.parametrize(
    ("text", "rows", "left_out"),
    [
        ('[{"Q": 1}, 5]', [{"q": 1}], ["row 2"]),
        ('{"Q": 1}\n\nbroken\n{"Q": 2}\n', [{"q": 1}, {"q": 2}], ["row 3"]),
    ],
)
def test_a_json_file_may_hold_json_lines(
    tmp_path: Path, text: str, rows: Sequence[Mapping[str, int]], left_out: Sequence[str]
) -> None:
    path = tmp_path / "full.json"
    path.write_text(text, encoding="utf-8")
    found = read_rows(path)
    assert [row.values for row in found.rows] == rows
    assert all(line.startswith(start) for line, start in zip(found.left_out, left_out, strict=True))
