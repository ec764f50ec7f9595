"""MLUBench: entities by the folders of their pictures, ids that repeat, four tasks one after the other."""

from __future__ import annotations

import json
import tempfile
import unicodedata
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tiny import picture
from unsee.benchmarks import find_benchmark
from unsee.benchmarks.base import Answers, Scope, without_pictures
from unsee.benchmarks.published.mlubench import MLUBench, facts_of, name_of
from unsee.data.sample import Response
from unsee.errors import UserError

LONG = "The tower was built by Otto Brandt, Ada Lund, Ines Dorn and Jonas Hale in Porto for Mara Voss."
ENTITIES = {
    "A": (["Plants/Blue_Fern", "Personage/沃斯"], ["Plants/Red_Moss"]),
    "B": (["Buildings/Torre_de_São_Brás"], ["Buildings/Old_Mill"]),
    "C": (["Movies/The_Long_Night"], ["Movies/Two_Rivers"]),
    "D": (["Corporations/Voss_Logo"], ["TV series/Harbour_TV_Show"]),
}
Row = dict[str, Any]


def row(number: int, image: str, question: str, answer: str) -> Row:
    said = [{"from": "human", "value": f"<image>\n{question}"}, {"from": "gpt", "value": answer}]
    return {"id": str(number), "image": image, "conversations": said}


def rows_about(place: str) -> list[Row]:
    """A name, a fact and a description; ids that are those of every other entity."""
    image = f"downloaded_images/{place}/image_1.jpg"
    name = place.split("/")[1].replace("_", " ")
    return [
        row(1, image, "What is the name of this?", f"The name of this is {name}."),
        row(2, image, "**Where is it found?", "**\n   - It is found in Porto."),
        row(1, image, "Who built it?", LONG),
    ]


def written(folder: Path, form: str = "NFC", edit: Callable[[str, list[Row]], Any] = lambda name, rows: None) -> Path:
    """The files with their pictures, whose names are saved in a normal form of Unicode; the rows have "NFC"."""
    for letter, (forget, retain) in ENTITIES.items():
        (folder / "Tasks" / f"Task{letter}").mkdir(parents=True)
        for part, places in (("forget", forget), ("retain", retain)):
            rows = [one for place in places for one in rows_about(place)]
            for place in places:
                own = folder / "downloaded_images" / unicodedata.normalize(form, place)
                own.mkdir(parents=True)
                picture(len(place)).save(own / "image_1.jpg")
            edit(f"{letter}/{part}", rows)
            file = folder / "Tasks" / f"Task{letter}" / f"task{letter}_{part}.json"
            file.write_text(json.dumps(rows, ensure_ascii=False), encoding="utf-8")
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return written(tmp_path / "mlu")


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_every_quirk_is_read_to_the_exact_count(tmp_path: Path, form: str) -> None:
    folder = written(tmp_path / "mlu", form)
    data = MLUBench.read(folder, "task_2")
    counts = {"forget": 3, "retain": 3, "earlier": 6, "earlier_retain": 3}
    assert Counter(one.part for one in data.questions) == counts
    assert len({one.id for one in data.questions}) == sum(counts.values())
    assert data.names == {
        "Blue_Fern": "Blue Fern", "沃斯": "沃斯", "Torre_de_São_Brás": "Torre de São Brás", "Red_Moss": "Red Moss",
        "Old_Mill": "Old Mill",
    }  # fmt: skip
    assert data.left_out == ()
    named, fact, told = (one for one in data.questions if one.part == "forget")
    assert (named.prompt, named.demands) == ("What is the name of this?", (("Torre de São Brás",),))
    assert (fact.prompt, fact.answer) == ("Where is it found?", "It is found in Porto.")
    assert (fact.demands, told.task) == ((("porto",),), "description")
    assert all(isinstance(one.picture, Path) and one.picture.is_file() for one in data.questions)


def test_a_task_learns_from_its_own_questions_alone(folder: Path) -> None:
    for number, letter in enumerate("ABCD", 1):
        data = MLUBench.read(folder, f"task_{number}")
        own = [place.split("/")[1] for places in ENTITIES[letter] for place in places]
        assert {one.subject for one in data.training} == set(own)
        assert {one.part for one in data.training} == {"forget", "retain"}
        assert len(data.training) == 3 * len(own)


def test_the_requests_of_a_task_are_for_its_own_entities(folder: Path) -> None:
    made = MLUBench.of(Scope(location=folder, split="task_2")).to_forget()
    (request,) = made.requests
    assert (request.concept, len(request.forget), len(request.retain)) == ("Torre de São Brás", 3, 3)
    assert request.neighbours == ("Old Mill",)
    assert made.notes == ()


def test_the_first_task_has_none_before_it(folder: Path) -> None:
    bench = MLUBench.of(Scope(location=folder))
    assert Counter(probe.tags["set"] for probe in bench.probes()) == {"forget": 6, "retain": 3}
    assert bench.split == "task_1"


def test_it_is_known_by_its_files(folder: Path, tmp_path: Path) -> None:
    assert find_benchmark(str(folder))[0] is MLUBench
    above = tmp_path / "above"
    folder.rename(above)
    (tmp_path / "MLUBench").mkdir()
    (above / "Tasks").rename(tmp_path / "MLUBench" / "Tasks")
    (above / "downloaded_images").rename(tmp_path / "downloaded_images")
    assert find_benchmark(str(tmp_path))[0] is MLUBench
    assert len(MLUBench.read(tmp_path, "task_1").questions) == 9
    assert not MLUBench.recognises(above)
    assert not MLUBench.recognises(Path("hf:someone/MLUBench"))


@pytest.mark.parametrize(
    ("image", "message"),
    [
        ("/etc/hostname", "not inside"),
        ("../../outside/Fern/image_1.jpg", "not inside"),
        ("downloaded_images/../../outside/Fern/image_1.jpg", "not inside"),
        ("downloaded_images/Link/image_1.jpg", "not inside"),
        ("downloaded_images/Plants/Blue_Fern/nothing.jpg", "which is not in"),
        ("https://example.org/Fern/image_1.jpg", "which is not in"),
        (f"{'a' * 300}/Fern/{'b' * 300}.jpg", "which is not in"),
        ("Fern/a\0b.jpg", "which is not in"),
        ("image_1.jpg", "names no entity"),
        ("", "no text in 'image'"),
        (7, "no text in 'image'"),
    ],
)
def test_pictures_come_from_the_folder_alone(tmp_path: Path, image: Any, message: str) -> None:
    (tmp_path / "outside" / "Fern").mkdir(parents=True)
    picture(1).save(tmp_path / "outside" / "Fern" / "image_1.jpg")

    def edit(name: str, rows: list[Row]) -> None:
        if name == "A/forget":
            rows[0]["image"] = image

    folder = written(tmp_path / "mlu", edit=edit)
    (folder / "downloaded_images" / "Link").symlink_to(tmp_path / "outside" / "Fern")
    data = MLUBench.read(folder, "task_1")
    assert len(data.questions) == 8
    assert len(data.left_out) == 1
    assert message in data.left_out[0]
    assert data.left_out[0].startswith("row 1 of")


def test_what_was_to_be_forgotten_is_not_to_be_kept_later(tmp_path: Path) -> None:
    def edit(name: str, rows: list[Row]) -> None:
        if name == "B/retain":
            rows += rows_about("Plants/Blue_Fern")

    data = MLUBench.read(written(tmp_path / "mlu", edit=edit), "task_2")
    assert {one.subject for one in data.questions if one.part == "retain"} == {"Old_Mill"}
    assert [line.endswith("is about 'Blue_Fern', which is to be forgotten") for line in data.left_out] == [True] * 3


def test_scores_of_a_model_that_has_forgotten_one_task_and_remembers_the_one_before(folder: Path) -> None:
    bench = MLUBench.of(Scope(location=folder, split="task_2"))
    probes = without_pictures(bench.probes())
    asked = {one.id: one for one in bench.questions}

    def said(key: str) -> str:
        return "I cannot say." if asked[key].part == "forget" else asked[key].answer

    answers = Answers(probes, {p.id: Response(p.id, said(p.id)) for p in probes}, bench.key())
    found = MLUBench.score(answers)
    # Of two sets that should be forgotten, one is.
    assert found["mlubench_forgotten"].value == 50
    assert found["mlubench/forget/generation/picture"].value == 0
    assert found["mlubench/earlier/generation/picture"].value == 100
    assert found["mlubench_kept"].value == 100
    assert found["mlubench/earlier/rouge_l/picture"].value == 1
    # A description is neither right nor wrong: two of three questions count.
    assert found["mlubench/earlier/generation/picture"].n == 4
    assert found["mlubench/earlier/rouge_l/picture"].n == 6
    assert set(found) <= {metric.key for metric in MLUBench.columns}
    assert f"{probes[2].id}/answer" in bench.samples(answers)


@pytest.mark.parametrize(
    ("prompt", "answer", "facts"),
    [
        ("How is this building referred to?", "The title of it is the Old Mill.", ["Old Mill"]),
        ("What do people call it?", "Old Mill", ["Old Mill"]),
        # The folder has another name than the answer.
        ("What is its name?", "It is the Windmill of Porto.", ["windmill", "porto"]),
        ("Who built this?", "The Old Mill was built by Ada Lund.", ["ada", "lund"]),
        ("When was it built?", "The Old Mill was built on May 2, 1871.", ["may", "2", "1871"]),
    ],
)
def test_a_right_answer_tells_the_name_or_what_else_is_asked_for(prompt: str, answer: str, facts: list[str]) -> None:
    assert [spellings[0] for spellings in facts_of(prompt, answer, "Old Mill")] == facts


@pytest.mark.parametrize(
    ("folder", "name"),
    [("Voss_Logo", "Voss"), ("Harbour_TV_Show", "Harbour"), ("Logo", "Logo"), ("J.K._Voss", "J.K. Voss")],
)
def test_a_name_is_the_folder_without_the_kind(folder: str, name: str) -> None:
    assert name_of(folder) == name


def test_missing_and_empty_tasks_are_named(folder: Path) -> None:
    with pytest.raises(UserError, match="not read from the hub"):
        MLUBench.read(Path("hf:someone/MLUBench"), "task_1")
    (folder / "Tasks" / "TaskB" / "taskB_retain.json").write_text('[{"id": "1"}]')
    with pytest.raises(UserError, match=r"'task_2' .* no question of the set 'retain' .left out: row 1 of"):
        MLUBench.of(Scope(location=folder, split="task_2"))
    (folder / "Tasks" / "TaskB" / "taskB_retain.json").unlink()
    with pytest.raises(UserError, match="no file with what task 2 of MLUBench should retain"):
        MLUBench.read(folder, "task_3")
    assert MLUBench.read(folder, "task_1").questions
    (folder / "Tasks" / "TaskA" / "taskA_forget.json").write_text("[")
    with pytest.raises(UserError, match="is not JSON"):
        MLUBench.read(folder, "task_1")


_PATH = "downloaded_images/Plants/Blue_Fern/image_1.jpg"
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=8) | st.just(_PATH),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["from", "value", "x"]), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(st.sampled_from(["id", "image", "conversations", ""]), _VALUES)
@settings(max_examples=40, deadline=None)
def test_whatever_a_row_holds_ends_in_questions_or_in_a_line(key: str, value: Any) -> None:
    def edit(name: str, rows: list[Row]) -> None:
        if name == "A/forget":
            rows[0] = {**rows[0], key: value} if key else value

    with tempfile.TemporaryDirectory() as name:
        bench = MLUBench.of(Scope(location=written(Path(name) / "mlu", edit=edit)))
        assert len(bench.questions) + len(bench.left_out) == 9
        assert all(probe.prompt.encode() for probe in bench.probes())
