"""MLLMU-Bench on disk: what is written is read back in the published columns, and damage is named."""

from __future__ import annotations

import io
import json
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from tests.command_line import call, refused
from tests.mllmu_cases import profile
from unsee.benchmarks.base import Scope
from unsee.benchmarks.mllmu import MLLMU
from unsee.benchmarks.mllmu_biography import read_biography
from unsee.benchmarks.mllmu_layout import is_mllmu, load_mllmu, write_mllmu
from unsee.benchmarks.mllmu_questions import Profile, ask
from unsee.benchmarks.mllmu_training import read_training
from unsee.errors import UserError

FILE = "train-00000-of-00001.parquet"
SETS = ("forget", "test", "retain")


def people(**changes: Any) -> dict[str, list[Profile]]:
    mara, jonas = profile("1", "Mara Voss", "baker", **changes), profile("2", "Jonas Hale", "pilot", start=3)
    return {
        "forget_5": [mara],
        "retain_95": [jonas],
        "Test_Set": [profile("1", "Mara Voss", "baker", 2, 5, **changes), profile("2", "Jonas Hale", "pilot", 2, 7)],
        "Retain_Set": [profile("9", "Ines Dorn", "nurse")],
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_mllmu(tmp_path / "bench", people(), "instructed", "celebrities")
    return tmp_path / "bench"


def change(folder: Path, subset: str, edit: Callable[[dict[str, Any]], Any], drop: str = "") -> None:
    """Write a subset anew with edited rows, its types found from the values, and nothing said of the writer."""
    path = folder / subset / FILE
    rows = pyarrow.parquet.read_table(path).to_pylist()
    for row in rows:
        edit(row)
    table = pyarrow.Table.from_pylist(rows)
    pyarrow.parquet.write_table(table.drop_columns([drop] if drop else []), path)


def said(folder: Path, **options: Any) -> str:
    with pytest.raises(UserError) as caught:
        load_mllmu(folder, options.pop("percent", 5), **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_columns_are_the_published_ones(folder: Path) -> None:
    schema = pyarrow.parquet.read_schema(folder / "forget_5" / FILE)
    choices = "list<item: struct<Correct_Answer: string, Options: struct<A: string, B: string, C: string, D: string>"
    task = "list<item: struct<Ground_Truth: string, Question: string, Type: string>>"
    # pyarrow names the items of a list that Parquet holds "element".
    types = {field.name: str(field.type).replace("element:", "item:").replace(" not null", "") for field in schema}
    assert types == {
        "image": "struct<bytes: binary, path: string>",
        **dict.fromkeys(("ID", "Directory", "biography", "question", "answer"), "string"),
        "Classification_Task": f"struct<Image_Textual_Questions: {choices}, Question: string>>, "
        f"Pure_Text_Questions: {choices}, Question: string>>>",
        "Generation_Task": task,
        "Mask_Task": task,
    }
    assert "images" in pyarrow.parquet.read_schema(folder / "Test_Set" / FILE).names
    card = (folder / "README.md").read_text()
    assert "config_name: retain_95\n  data_files:\n  - split: train\n    path: retain_95/train-*" in card


def test_round_trip(tmp_path: Path) -> None:
    written = people(aliases=("La Voss",))
    write_mllmu(tmp_path / "b", written, "completed", "strangers")
    read = load_mllmu(tmp_path / "b", 5)
    assert (read.style, list(read.sets)) == ("completed", ["forget", "test", "retain", "strangers"])
    assert read.sets == {
        "forget": tuple(written["forget_5"]),
        "test": (written["Test_Set"][0],),
        "retain": tuple(written["retain_95"]),
        "strangers": tuple(written["Retain_Set"]),
    }
    assert read.left_out == ()
    assert is_mllmu(tmp_path / "b")
    assert not is_mllmu(tmp_path)
    with pytest.raises(UserError, match="already exists"):
        write_mllmu(tmp_path / "b", written, "completed", "strangers")


def test_a_limit_takes_so_many_of_each_set_and_the_same_people_in_both(tmp_path: Path) -> None:
    many = [profile(str(i), f"Mara {'abcdefgh'[i]}", "baker") for i in range(8)]
    tested = [profile(one.id, "Mara", "baker", start=1) for one in many]
    subsets = {"forget_10": many[:4], "retain_90": many[4:], "Test_Set": tested, "Retain_Set": many[:3]}
    write_mllmu(tmp_path / "b", subsets, "instructed", "celebrities")
    read = load_mllmu(tmp_path / "b", 10, limit=2, seed=1)
    assert [len(profiles) for profiles in read.sets.values()] == [2, 2, 2, 2]
    assert {p.id for p in read.sets["forget"]} == {p.id for p in read.sets["test"]}


def test_files_of_others_are_asked_as_published(folder: Path) -> None:
    for subset in people():
        change(folder, subset, lambda row: None)
    read = load_mllmu(folder, 5)
    assert (read.style, list(read.sets)[3]) == ("instructed", "celebrities")
    assert "celebrities" in {one.group for one in ask(read)}


def test_questions_that_cannot_be_scored_are_left_out_and_listed(folder: Path) -> None:
    def edit(row: dict[str, Any]) -> None:
        with_picture, in_text = row["Classification_Task"].values()
        with_picture[0]["Correct_Answer"] = "A. Baker"
        in_text[0]["Correct_Answer"] = "painter"
        row["Mask_Task"][0]["Ground_Truth"] = "…"
        row["biography"] = "no JSON"

    change(folder, "forget_5", edit)
    read = load_mllmu(folder, 5)
    (mara,) = read.sets["forget"]
    assert mara.with_picture.classification[0].correct == "A"
    assert (mara.in_text.classification, mara.with_picture.cloze, mara.biography) == ((), (), {})
    assert len(read.left_out) == 2
    assert all(line.startswith("1 in ") for line in read.left_out)


def test_a_biography_holds_lists_dicts_and_names_with_colons(folder: Path) -> None:
    biography = {
        "Name:": "Mara Voss",
        "Heights": 170,
        "Annual Salary: ": "$75,000",
        "Parents": {"Father": "Otto Voss", "Mother": {"Name": "Anna Voss", "Job": "…"}},
        "Fun Facts": ["plays the violin", "", None, "has a goat"],
        "Married": True,
        "Aliases": ["La Voss", 7],
    }
    change(folder, "forget_5", lambda row: row.update(biography=json.dumps(biography)))
    (mara,) = load_mllmu(folder, 5).sets["forget"]
    assert mara.biography == {
        "Name": "Mara Voss",
        "Heights": "170",
        "Annual Salary": "$75,000",
        "Parents/Father": "Otto Voss",
        "Parents/Mother/Name": "Anna Voss",
        "Fun Facts/1": "plays the violin",
        "Fun Facts/4": "has a goat",
    }
    assert mara.aliases == ("La Voss",)


@pytest.mark.parametrize(
    ("written", "facts"),
    [
        ({"Parents": "Otto and Anna Voss"}, {"Parents": "Otto and Anna Voss"}),
        ({"Parents": ["Otto Voss", "Anna Voss"]}, {"Parents/1": "Otto Voss", "Parents/2": "Anna Voss"}),
        ({"Parents:": {"Father ": "Otto Voss"}}, {"Parents/Father": "Otto Voss"}),
        ({"Height": "170 cm"}, {"Height": "170 cm"}),
        ({"Educated at: ": "Porto"}, {"Educated at": "Porto"}),
        ({"Annual Salary\u00a0:": 75000}, {"Annual Salary": "75000"}),
        ({"Pet": "\ud800 a goat"}, {"Pet": "? a goat"}),
    ],
)
def test_facts_are_texts_lists_or_dicts_by_names_that_vary(written: dict[str, Any], facts: dict[str, str]) -> None:
    assert read_biography(json.dumps(written)) == read_biography(written) == (facts, ())


def test_a_question_about_a_fact_in_a_list_demands_it_alone(folder: Path) -> None:
    biography = {"Name": "Mara Voss", "Parents": ["Otto Voss", "Anna Voss"], "Fun Facts": ["plays the violin"]}

    def edit(row: dict[str, Any]) -> None:
        row["biography"] = json.dumps(biography)
        row["Generation_Task"] = [
            {"Question": "Who are the parents?", "Ground_Truth": "Otto Voss and Anna Voss.", "Type": "Image_Textual"},
            {"Question": "Any fun facts?", "Ground_Truth": "Mara plays the violin in Porto.", "Type": "Pure_Text"},
        ]

    change(folder, "forget_5", edit)
    asked = [one for one in ask(load_mllmu(folder, 5)) if (one.group, one.task) == ("forget", "generation")]
    assert [one.facts for one in asked] == [(("Otto Voss",), ("Anna Voss",)), (("plays the violin",),)]


def test_a_subset_may_lack_the_directory(folder: Path) -> None:
    before = load_mllmu(folder, 5)
    for subset in ("forget_5", "Test_Set"):
        change(folder, subset, lambda row: None, drop="Directory")
    assert load_mllmu(folder, 5).sets["forget"] == before.sets["forget"]


def test_splits_are_not_nested(tmp_path: Path) -> None:
    many = {name: profile(f"00{i}", f"Mara {name}", "baker") for i, name in enumerate("abcd")}
    tested = [profile(one.id, "Mara", "baker", start=1) for one in many.values()]
    everybody = {
        "forget_5": [many["a"], many["b"]],
        "retain_95": [many["c"], many["d"]],
        "forget_10": [many["b"], many["c"]],
        "retain_90": [many["a"], many["d"]],
        "Test_Set": tested[::-1],
        "Retain_Set": [profile("9", "Ines Dorn", "nurse")],
    }
    write_mllmu(tmp_path / "b", everybody, "instructed", "celebrities")
    ids = {
        percent: {name: [one.id for one in load_mllmu(tmp_path / "b", percent).sets[name]] for name in SETS}
        for percent in (5, 10)
    }
    assert ids[5] == {"forget": ["000", "001"], "test": ["001", "000"], "retain": ["002", "003"]}
    assert ids[10] == {"forget": ["001", "002"], "test": ["002", "001"], "retain": ["000", "003"]}


def as_json(folder: Path, lines: bool) -> None:
    """The same data set as JSON, with pictures beside it."""
    (folder / "images").mkdir()
    for file in sorted(folder.glob(f"*/{FILE}")):
        rows = pyarrow.parquet.read_table(file).to_pylist()
        for row in rows:
            names = []
            for number, shown in enumerate(row.get("images") or [row["image"]]):
                names.append(f"images/{file.parent.name}-{row['ID']}-{number}.png")
                (folder / names[-1]).write_bytes(shown["bytes"])
            row.update({"images": names} if "images" in row else {"image": names[0]})
        text = "\n".join(map(json.dumps, rows)) if lines else json.dumps(rows)
        file.with_name("train.json").write_text(text)
        file.unlink()


@pytest.mark.parametrize("lines", [True, False])
def test_json_is_read_as_parquet_is(folder: Path, lines: bool) -> None:
    before = load_mllmu(folder, 5)
    as_json(folder, lines)
    assert load_mllmu(folder, 5) == before
    assert is_mllmu(folder)


@pytest.mark.parametrize("path", ["../outside.png", "/etc/hostname", "images/../../outside.png", "images/nothing.png"])
def test_a_picture_of_json_lies_inside_the_data_set(folder: Path, path: str) -> None:
    as_json(folder, False)
    (folder.parent / "outside.png").write_bytes((folder / "images" / "forget_5-1-0.png").read_bytes())
    file = folder / "retain_95" / "train.json"
    rows = json.loads(file.read_text())
    file.write_text(json.dumps([*rows, {**rows[0], "ID": "3", "image": path}, "no row"]))
    bench = load_mllmu(folder, 5)
    assert [one.id for one in bench.sets["retain"]] == ["2"]
    assert [path in line or "is not a JSON object" in line for line in bench.left_out] == [True, True]


def test_a_pickle_of_the_older_release_is_not_opened(folder: Path) -> None:
    (folder / "forget_5" / FILE).rename(folder / "forget_5" / "forget_dataset.pt")
    (folder / "forget_5" / "forget_ids.json").write_text('["001"]')
    assert "forget_dataset.pt is a pickle of an older release" in said(folder)


FT = [
    {"ID": "1", "metadata": json.dumps([{"Question": "Who?", "Answer": "Mara."}, {"Question": "Where?"}])},
    {"ID": "2", "metadata": json.dumps([{"Question": "Who?", "Answer": "Jonas."}])},
    {"ID": "3", "metadata": json.dumps([{"Question": "Who?", "Answer": "Nobody who is asked about."}])},
    {"ID": "4", "metadata": "no JSON"},
]


@pytest.mark.parametrize("form", ["{}", "hf:{}"])
def test_what_the_model_was_trained_on_is_what_it_unlearns_with_the_picture(folder: Path, form: str) -> None:
    location = Path(form.format(folder))
    before = MLLMU.of(Scope(location=location)).data().training
    rows = [{"image": {"bytes": f"{row['ID']}".encode()}, **row} for row in FT]
    (folder / "ft_Data").mkdir()
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), folder / "ft_Data" / FILE)
    data = MLLMU.of(Scope(location=location)).data()
    shown = [one for one in data.training if one.picture is not None]
    assert [(one.part, one.subject, one.answer, one.picture) for one in shown] == [
        ("forget", "1", "Mara.", b"1"),
        ("retain", "2", "Jonas.", b"2"),
    ]
    assert [one for one in data.training if one.picture is None] == [one for one in before if one.picture is None]
    assert ["at place 2 of 'metadata'" in line for line in data.left_out] == [True]
    notes = MLLMU.of(Scope(location=location)).to_forget().notes
    assert sum(note.startswith("Not trained on: ") and "at place 2 of 'metadata'" in note for note in notes) == 1
    _, left_out = read_training(location, {"4": "forget"})
    assert ["no list of questions in 'metadata'" in line for line in left_out] == [True]


def test_training_files_of_another_layout_are_named(folder: Path) -> None:
    (folder / "ft_Data").mkdir()
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist([{"ID": "1", "metadata": "[]"}]), folder / "ft_Data" / FILE)
    with pytest.raises(UserError, match="has no column 'image'"):
        read_training(folder, {"1": "forget"})


@pytest.mark.parametrize("depth", [2, 20_000])
def test_a_biography_as_deep_as_you_like_is_read_or_left_out(folder: Path, depth: int) -> None:
    change(folder, "forget_5", lambda row: row.update(biography='{"a":' * depth + '"b"' + "}" * depth))
    (mara,) = load_mllmu(folder, 5).sets["forget"]
    assert mara.biography in ({}, {"a/a": "b"})


@pytest.mark.parametrize(
    ("key", "correct"),
    [
        ("C", "C"),
        ("c", "C"),
        ("(C)", "C"),
        ("C.", "C"),
        ("C: A baker", "C"),
        ("C. A Baker", "C"),
        ("Option C", "C"),
        ("A baker", "C"),
        ("a baker.", "C"),
        ("D-Day", "B"),
        ("D-day", "B"),
        # Nobody can say what is meant.
        ("A clown", None),
        ("C: A teacher", None),
        ("A or C", None),
        ("", None),
    ],
)
def test_a_key_is_the_text_of_an_option_or_a_letter(folder: Path, key: str, correct: str | None) -> None:
    options = {"A": "A teacher", "B": "D-Day", "C": "A baker", "D": "Dunkirk"}

    def edit(row: dict[str, Any]) -> None:
        row["Classification_Task"]["Pure_Text_Questions"][0].update(Options=options, Correct_Answer=key)

    change(folder, "forget_5", edit)
    read = load_mllmu(folder, 5)
    asked = read.sets["forget"][0].in_text.classification
    assert [choice.correct for choice in asked] == ([correct] if correct else [])
    assert len(read.left_out) == (correct is None)


def _bytes(content: Any) -> Callable[[dict[str, Any]], None]:
    return lambda row: row["image"].update(bytes=content)


def _bomb() -> bytes:
    content = io.BytesIO()
    Image.new("1", (10_000, 6_000)).save(content, "PNG")
    return content.getvalue()


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (_bytes(b"no picture"), "of 1 in .* is not a picture in a readable format"),
        (_bytes(b""), "of 1 in .* is empty"),
        (_bytes(None), "not embedded as bytes"),
        (_bytes(_bomb()), "too large .10000x6000"),
        (lambda row: row.update(image="/etc/passwd"), "not embedded as bytes"),
        (lambda row: row.update(ID=7), "'ID' .* must hold text"),
        (lambda row: row.update(Mask_Task="{}"), "Mask_Task of 1 in .* list of questions"),
        (lambda row: row.update(Generation_Task=["Who?"]), "Generation_Task of 1 in .* list of questions"),
        (lambda row: row.update(Classification_Task=[1]), "Classification_Task of 1 in .* list of questions"),
        (lambda row: row["Generation_Task"][0].update(Type="Audio"), "of the type 'Audio'"),
    ],
)
def test_bad_rows_are_named(folder: Path, edit: Callable[[dict[str, Any]], None], message: str) -> None:
    change(folder, "forget_5", edit)
    with pytest.raises(UserError, match=message):
        load_mllmu(folder, 5)


def test_pictures_that_cannot_be_used_are_left_out_and_listed(tmp_path: Path) -> None:
    folder, strip, everybody = tmp_path / "bench", io.BytesIO(), people()
    Image.new("RGB", (900, 4)).save(strip, "PNG")
    kept = [*everybody["retain_95"], profile("3", "Ines Dorn", "nurse", start=9)]
    write_mllmu(folder, {**everybody, "retain_95": kept}, "instructed", "celebrities")
    change(folder, "Test_Set", lambda row: row["images"][0].update(bytes=b"no picture"))
    change(folder, "retain_95", lambda row: row["ID"] == "2" and row["image"].update(bytes=strip.getvalue()))
    bench = load_mllmu(folder, 5)
    assert [len(profile.images) for profile in bench.sets["test"]] == [1]
    assert [profile.id for profile in bench.sets["retain"]] == ["3"]
    first, second = bench.left_out
    assert "of 1 in" in first
    assert "not a picture" in first
    assert "of 2 in" in second
    assert "is a strip (900x4" in second


def test_a_picture_of_the_test_set_that_is_there_twice_or_trained_on_is_no_new_one(tmp_path: Path) -> None:
    everybody = people()
    mara, jonas = everybody["Test_Set"]
    images = (*mara.images, mara.images[0], everybody["forget_5"][0].images[0].resize((80, 80)))
    tested = [replace(mara, images=images), jonas]
    write_mllmu(tmp_path / "bench", {**everybody, "Test_Set": tested}, "instructed", "celebrities")
    bench = load_mllmu(tmp_path / "bench", 5)
    (kept,) = bench.sets["test"]
    assert [image.tobytes() for image in kept.images] == [image.tobytes() for image in mara.images]
    assert bench.left_out == ("2 test pictures of 1: twice, or trained on",)


def test_missing_files_and_columns_are_named(folder: Path, tmp_path: Path) -> None:
    assert "no forget split of 7 %" in said(folder, percent=7)
    assert "forget_10" in said(folder, percent=10)
    assert "There is no folder" in said(tmp_path / "nowhere")
    change(folder, "retain_95", lambda row: None, drop="Mask_Task")
    assert "has no column 'Mask_Task'" in said(folder)
    (folder / "retain_95" / FILE).write_bytes(b"PAR1 and then nothing")
    assert "cannot be read as Parquet" in said(folder)
    (folder / "retain_95" / FILE).write_bytes((folder / "forget_5" / FILE).read_bytes())
    change(folder, "Test_Set", lambda row: row.update(ID="7"))
    assert "The test set" in said(folder)
    (folder / "retain_95" / "train-00001-of-00002.parquet").write_bytes((folder / "forget_5" / FILE).read_bytes())
    assert "names somebody twice" in said(folder)


def test_a_file_that_is_cut_short_is_named(folder: Path) -> None:
    path = folder / "Retain_Set" / FILE
    content = path.read_bytes()
    path.write_bytes(content[:100] + bytes(200) + content[300:])
    assert str(path) in said(folder)


_VALUES = st.recursive(
    st.none() | st.text(max_size=8) | st.integers(-9, 9) | st.binary(max_size=8),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["Question", "Type", "x"]), inner),
    max_leaves=5,
)


@given(st.sampled_from(["image", "ID", "biography", "Classification_Task", "Generation_Task", "Mask_Task"]), _VALUES)
@settings(max_examples=15, deadline=None)
def test_whatever_a_column_holds_ends_in_a_benchmark_or_in_one_sentence(column: str, value: Any) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "b"
        write_mllmu(folder, people(), "instructed", "celebrities")
        try:
            change(folder, "forget_5", lambda row: row.update({column: value}))
        except (pyarrow.ArrowException, TypeError):
            return
        try:
            heard = len(ask(load_mllmu(folder, 5)))
        except UserError as error:
            heard = len(str(error).splitlines()) == 1
        assert heard


def test_the_command_line_names_what_is_wrong(folder: Path, tmp_path: Path) -> None:
    out = ["--out", tmp_path / "out"]
    given = ["evaluate", "-m", "x", "-b"]
    assert "no forget split 'forget_6'" in refused(call(*given, "mllmu", "--split", "forget_6", *out))
    assert "choose it with --split" in refused(call(*given, folder, "-c", "Mara Voss", *out))
    said = refused(call(*given, "world", "-c", "Mara Voss", "--split", "forget_5", *out))
    assert "--split is for a data set with forget splits" in said
    said = refused(call(*given, folder, "--split", "forget_10", *out))
    assert "no Parquet file" in said
