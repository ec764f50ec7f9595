"""UMU-Bench: cells that are Python literals, key sets that differ, pairs of a picture and text."""

from __future__ import annotations

import io
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from tests.tiny import picture
from unsee.benchmarks import find_benchmark
from unsee.benchmarks.base import Answers, Scope, without_pictures
from unsee.benchmarks.published.umu import UMUBench, first_sentence, forgotten, retained
from unsee.data.sample import Likelihood, Response
from unsee.errors import UserError

OPTIONS = {"A": "A baker", "B": "A pilot", "C": "A judge", "D": "A vet"}
TURNED = {"A": "A pilot", "B": "A baker", "C": "A judge", "D": "A vet"}


def png(shade: int) -> dict[str, Any]:
    content = io.BytesIO()
    picture(shade).save(content, "PNG")
    return {"bytes": content.getvalue(), "path": f"{shade}.png"}


def row(who: str, name: str, shade: int) -> dict[str, Any]:
    """Two choices, a cloze and two free questions in each modality, and what they are trained on."""
    cells = {
        "Biography": {"Name:": name, "Job": "pilot", "Parents": ["Otto", "Anna"]},
        "MM_QA": {"question": {"q1": "Who is this?", "q2": "What is the job?"}, "answer": {"q1": f"This is {name}."}},
        "UM_QA": {"question": {1: f"What does {name} do?"}, "answer": {1: "A pilot.", 2: "Nothing."}},
        "Classify": {
            "unimodal": {"a": {"question": f"What is {name}'s job?", "options": OPTIONS, "answer": "B. A pilot"}},
            "muitimodal": {"a": {"question": "What is the job?", "options": TURNED, "answer": "C. A judge"}},
        },
        "Cloze": {
            "unimodal": {"a": {"question": f"{name} works as a __.", "answer": "pilot. It is a job."}},
            "muitimodal": {"a": {"question": "This person works as a __.", "answer": "pilot"}},
        },
        "Generation": {
            "unimodal": {
                "a": {"question": f"What is {name}'s job?", "answer": f"{name} is a pilot."},
                "only text": {"question": f"Where does {name} live?", "answer": f"{name} lives in Porto."},
            },
            "muitimodal": {"a": {"question": "What is the job?", "answer": "This person is a pilot."}},
        },
    }
    return {"ID": who, "image": png(shade), **{key: repr(cell) for key, cell in cells.items()}}


ROWS = {
    "forget_5": [row("001", "Mara Voss", 1)],
    "retain_95": [row("002", "Jonas Hale", 2), row("003", "Ines Dorn", 3)],
    "Real_Person_Set": [row("r1", "Otto Brandt", 4)],
}


def written(folder: Path, rows: Mapping[str, list[dict[str, Any]]]) -> Path:
    card = "configs:\n"
    for name, own in rows.items():
        (folder / name).mkdir(parents=True)
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(own), folder / name / "train-00000-of-00001.parquet")
        card += f"- config_name: {name}\n  data_files:\n  - split: train\n    path: {name}/train-*\n"
    (folder / "README.md").write_text(f"---\n{card}---\n")
    return folder


def changed(edit: Callable[[dict[str, Any]], Any]) -> dict[str, list[dict[str, Any]]]:
    rows = {name: [dict(one) for one in own] for name, own in ROWS.items()}
    edit(rows["forget_5"][0])
    return rows


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return written(tmp_path / "umu", ROWS)


def scores(folder: Path, said: Callable[[str], str], split: str | None = None) -> Mapping[str, Any]:
    bench = UMUBench.of(Scope(location=folder, split=split))
    probes = without_pictures(bench.probes())
    return UMUBench.score(Answers(probes, {p.id: Response(p.id, said(p.id)) for p in probes}, bench.key()))


@pytest.mark.parametrize("form", ["{}", "hf:{}"])
def test_every_quirk_is_read_to_the_exact_count(folder: Path, form: str) -> None:
    data = UMUBench.read(Path(form.format(folder)), "forget_5")
    assert Counter(one.part for one in data.questions) == {"forget": 7, "retain": 14, "real": 7}
    forget = {one.id.removeprefix("forget/001/"): one for one in data.questions if one.part == "forget"}
    assert list(forget) == [
        "classification/a/picture", "classification/a/text", "cloze/a/picture", "cloze/a/text",
        "generation/a/picture", "generation/a/text", "generation/only text/text",
    ]  # fmt: skip
    # The options are turned: what is right is the text that is right in text, not the letter.
    assert [forget[f"classification/a/{m}"].answer for m in ("picture", "text")] == ["A", "B"]
    assert forget["cloze/a/text"].answer == "pilot"
    assert forget["generation/a/picture"].demands == (("pilot",),)
    assert data.names == {"001": "Mara Voss", "002": "Jonas Hale", "003": "Ines Dorn", "r1": "Otto Brandt"}
    trained = [(one.part, one.modality, one.prompt, one.answer) for one in data.training]
    assert trained[:2] == [
        ("forget", "picture", "Who is this?", "This is Mara Voss."),
        ("forget", "text", "What does Mara Voss do?", "A pilot."),
    ]
    assert len(trained) == 6
    # "q2" has no answer and 2 no question, of each of three people.
    assert len(data.left_out) == 6
    assert data.left_out[0].endswith("lacks the question or the answer 'q2' of 'mm_qa'")


def test_it_is_known_by_its_columns(folder: Path, tmp_path: Path) -> None:
    assert find_benchmark(str(folder))[0] is UMUBench
    assert UMUBench.recognises(Path("hf:linbojunzi/UMU-bench"))
    assert not UMUBench.recognises(Path("hf:MLLMMU/MLLMU-Bench"))
    assert not UMUBench.recognises(written(tmp_path / "other", {"forget_5": [{"ID": "1", "Mask_Task": "[]"}]}))
    assert not UMUBench.recognises(tmp_path)


PILOT = {"classification/a/picture": "A", "classification/a/text": "B"}


def test_pairs_are_right_or_forgotten_together(folder: Path) -> None:
    def said(probe: str) -> str:
        part, who, path = probe.split("/", 2)
        if part == "forget":
            return "Just a baker." if path.endswith("picture") else PILOT.get(path, "A pilot.")
        # Of two people who stay, one is known in text alone.
        return PILOT.get(path, "A pilot.") if who != "003" or path.endswith("text") else "A vet."

    found = scores(folder, said)
    # With the picture all is wrong, in text all is right: no pair is forgotten.
    for task in ("classification", "cloze", "generation"):
        assert found[f"umu/forget/acc_f/{task}"].value == 0
        assert found[f"umu/retain/acc_r/{task}"].value == 50
        assert found[f"umu/real/acc_r/{task}"].value == 100
    assert found["umu/forget/acc_f_published/cloze"].value == 0
    assert found["umu/retain/acc_r_published/classification"].value == 50
    # "A pilot." shares two words of "Mara Voss is a pilot.": 2/2 and 2/5, F = 4/7. "Just a baker." shares "a" of "This
    # person is a pilot.": 1/3 and 1/5, F = 1/4.
    a, b = 1 / 4, 4 / 7
    assert found["umu/forget/rl_f/generation"].value == pytest.approx((a**2 + b**2) / (a + b))
    assert not found["umu/forget/rl_f/generation"].higher_is_better
    # "A pilot." against "This person is a pilot." and "Otto Brandt is a pilot.": 4/7 each.
    assert found["umu/real/rl_r/generation"].value == pytest.approx(4 / 7)
    assert found["umu/forget/acc_f/cloze"].n == 1
    assert {metric.key for metric in UMUBench.columns} >= set(found)


def test_a_model_that_completes_chooses_the_likeliest_option_of_a_pair(folder: Path) -> None:
    (folder / "unsee.style").write_text("completed")
    bench = UMUBench.of(Scope(location=folder))
    probes = without_pictures(bench.probes())
    likely = {
        f"{one.id}/{letter}": Likelihood((0.0 if text == "A pilot" else -9.0,), (1,))
        for one in bench.questions
        if one.choice
        for letter, text in one.choice.options.items()
    }
    answers = Answers(probes, {p.id: Response(p.id, "Hm") for p in probes}, bench.key(), likely)
    found = UMUBench.score(answers)
    assert found["umu/retain/acc_r/classification"].value == 100
    assert found["umu/retain/acc_r_published/classification"].value == 100
    assert found["umu/forget/acc_f/classification"].value == 0


@pytest.mark.parametrize(
    ("a", "b", "f", "r"), [(0, 0, 0, 0), (1, 1, 1, 1), (0, 0.5, 0.5, 0), (0.25, 0.75, 0.625, 0.375)]
)
def test_the_equations_of_pairs(a: float, b: float, f: float, r: float) -> None:
    assert forgotten(a, b) == f
    assert retained(a, b) == r


def test_silence_is_forgotten_by_the_published_rule_alone(folder: Path) -> None:
    found = scores(folder, lambda probe: "")
    assert found["umu/forget/acc_f/cloze"].value == 0
    assert found["umu/forget/acc_f_published/cloze"].value == 100
    assert found["umu_unreadable"].value == 100


def test_a_sentence_is_a_choice_by_the_published_rule_for_celebrities_alone(folder: Path) -> None:
    found = scores(folder, lambda probe: "The answer is a pilot")
    for part, figure in (("retain", "acc_r"), ("real", "acc_r")):
        assert found[f"umu/{part}/{figure}/classification"].value == 100
    assert found["umu/retain/acc_r_published/classification"].value == 0
    assert found["umu/real/acc_r_published/classification"].value == 100
    assert found["umu/forget/acc_f/classification"].value == 0
    assert found["umu/forget/acc_f_published/classification"].value == 100


@pytest.mark.parametrize(
    ("text", "truth"),
    [
        ("pilot", "pilot"),
        ("pilot.", "pilot"),
        ("pilot. It is a job.", "pilot"),
        ("St. Louis. It is a city.", "St. Louis"),
        ("J. K. Voss", "J. K. Voss"),
        ("3.5 million", "3.5 million"),
        ("at 5 p.m.", "at 5 p.m"),
        (".5", ".5"),
    ],
)
def test_a_truth_ends_with_its_first_sentence(text: str, truth: str) -> None:
    assert first_sentence(text) == truth


@pytest.mark.parametrize(
    ("column", "cell", "message"),
    [
        ("Classify", {"unimodal": {}, "multimodaal": {}}, "no question of the task 'classification'"),
        ("Cloze", "no literal at all", "no question of the task 'cloze'.*no Python literal in 'cloze'"),
        ("image", None, "no question of the task.*no picture embedded in 'image'"),
        ("ID", None, "has no 'ID'"),
    ],
)
def test_a_set_without_questions_of_a_task_is_an_error(tmp_path: Path, column: str, cell: Any, message: str) -> None:
    rows = changed(lambda row: row.update({column: cell if column in ("image", "ID") else repr(cell)}))
    if cell == "no literal at all":
        rows["forget_5"][0][column] = cell
    with pytest.raises(UserError, match=message):
        UMUBench.read(written(tmp_path / "umu", rows), "forget_5")


def test_keys_that_a_loader_does_not_know_leave_no_modality_empty(tmp_path: Path) -> None:
    def misspell(row: dict[str, Any]) -> None:
        for column in ("Classify", "Cloze", "Generation"):
            row[column] = row[column].replace("'muitimodal'", "'image_text'")

    with pytest.raises(UserError, match="no question with 'picture'"):
        UMUBench.read(written(tmp_path / "umu", changed(misspell)), "forget_5")


def test_celebrities_may_be_missing_and_somebody_may_be_there_twice(tmp_path: Path) -> None:
    rows = {**ROWS, "forget_5": [*ROWS["forget_5"], ROWS["forget_5"][0]]}
    rows.pop("Real_Person_Set")
    data = UMUBench.read(written(tmp_path / "umu", rows), "forget_5")
    assert Counter(one.part for one in data.questions) == {"forget": 7, "retain": 14}
    assert "Real_Person_Set" in data.left_out[0]
    assert "about '001', as an earlier row is" in data.left_out[3]


@pytest.mark.parametrize("name", [None, "{'Job': 'pilot'}", "not a literal", '{"Name": "Mara Voss", "Married": true}'])
def test_a_biography_may_hold_anything(tmp_path: Path, name: str | None) -> None:
    data = UMUBench.read(written(tmp_path / "umu", changed(lambda row: row.update(Biography=name))), "forget_5")
    known = name is not None and "Voss" in name
    assert ("001" in data.names) == known
    assert any("no 'Name'" in line for line in data.left_out) != known


_LITERALS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6) | st.binary(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["unimodal", "muitimodal", "a", "question", "answer", "options", "A", "B", 1, "1", None]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(st.sampled_from(["Biography", "MM_QA", "Classify", "Cloze", "Generation"]), _LITERALS, st.booleans())
@settings(max_examples=40, deadline=None)
def test_whatever_a_cell_holds_ends_in_questions_or_in_one_sentence(column: str, value: Any, literal: bool) -> None:
    with tempfile.TemporaryDirectory() as name:
        rows = changed(lambda row: row.update({column: repr(value) if literal else str(value)}))
        try:
            folder = written(Path(name) / "umu", rows)
        except UnicodeEncodeError:
            return
        try:
            ids = [probe.id for probe in UMUBench.of(Scope(location=folder)).probes() if probe.prompt.encode()]
            fine = bool(ids) and len(set(ids)) == len(ids)
        except UserError as error:
            fine = len(str(error).splitlines()) == 1
        assert fine


def test_files_that_are_missing_or_damaged_are_named(folder: Path) -> None:
    with pytest.raises(UserError, match=r"no Parquet file in .*forget_10"):
        UMUBench.read(folder, "forget_10")
    (folder / "retain_95" / "train-00000-of-00001.parquet").write_bytes(b"PAR1 and nothing")
    with pytest.raises(UserError, match="cannot be read as Parquet"):
        UMUBench.read(folder, "forget_5")


def test_pictures_are_opened_and_damaged_ones_listed(tmp_path: Path) -> None:
    rows = {**ROWS, "retain_95": [*ROWS["retain_95"], {**row("004", "Ada Lund", 5), "image": {"bytes": b"no picture"}}]}
    for own in rows["retain_95"]:
        own["image"] = {"bytes": own["image"]["bytes"]}
    bench = UMUBench.of(Scope(location=written(tmp_path / "umu", rows)))
    assert any("retain/004" in line for line in bench.left_out)
    shown = [probe for probe in bench.probes() if probe.images]
    assert all(isinstance(probe.images[0], Image.Image) for probe in shown)
