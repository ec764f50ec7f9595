"""Tables of people's own are read whatever program wrote them, and every fault is named with its row and column."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import datasets
import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.tiny import picture
from unsee.benchmarks import tables
from unsee.benchmarks.own_reader import OwnTable, Row, read_questions
from unsee.data.images import image_key
from unsee.errors import UserError

ROWS: list[dict[str, Any]] = [
    {"picture": "faces/mara.png", "question": "Who is this?", "keyword": "Mara Voss; M. Voss", "concept": "Mara Voss"},
    {"picture": "faces/otto.png", "question": "Who is this?", "keyword": "Otto Brandt", "split": "retain"},
    {"question": "What is the capital of France?", "answer": "Paris"},
]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path) -> Path:
    (tmp_path / "faces").mkdir()
    for number, name in enumerate(("mara", "otto")):
        picture(number).save(tmp_path / "faces" / f"{name}.png")
    return tmp_path


def csv_of(folder: Path, text: str, name: str = "my.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def json_of(folder: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    path = folder / "my.json"
    path.write_text(json.dumps(list(rows)), encoding="utf-8")
    return path


def as_file(kind: str, folder: Path) -> Path:
    path = folder / f"my.{kind}"
    if kind == "csv":
        return csv_of(
            folder,
            "picture,question,keyword,answer,concept,split\n"
            "faces/mara.png,Who is this?,Mara Voss; M. Voss,,Mara Voss,\n"
            'faces/otto.png,Who is this?,"Otto Brandt",,,retain\n'
            ",What is the capital of France?,,Paris,,\n",
        )
    if kind == "jsonl":
        path.write_text("".join(json.dumps(row) + "\n\n" for row in ROWS), encoding="utf-8")
    elif kind == "json":
        return json_of(folder, ROWS)
    else:
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(every_column()), path)
    return path


def every_column() -> list[dict[str, Any]]:
    names = dict.fromkeys(name for row in ROWS for name in row)
    return [{name: row.get(name) for name in names} for row in ROWS]


def without_numbers(found: OwnTable) -> list[Row]:
    return [Row(0, *(getattr(row, name) for name in list(Row.__dataclass_fields__)[1:])) for row in found.rows]


def refused(path: Path) -> str:
    with pytest.raises(UserError) as told:
        read_questions(path)
    return str(told.value)


@pytest.mark.parametrize(
    ("kind", "numbers"), [("csv", (2, 3, 4)), ("jsonl", (1, 3, 5)), ("json", (1, 2, 3)), ("parquet", (1, 2, 3))]
)
def test_every_kind_of_file_says_the_same(kind: str, numbers: tuple[int, ...], folder: Path) -> None:
    found = read_questions(as_file(kind, folder))
    assert tuple(row.number for row in found.rows) == numbers
    assert without_numbers(found) == [
        Row(0, "Who is this?", (folder / "faces/mara.png",), ("Mara Voss", "M. Voss"), "", "Mara Voss", "forget"),
        Row(0, "Who is this?", (folder / "faces/otto.png",), ("Otto Brandt",), "", "", "retain"),
        Row(0, "What is the capital of France?", (), ("Paris",), "", "", "retain"),
    ]


@pytest.mark.parametrize("kind", ["csv", "jsonl", "json"])
def test_a_byte_order_mark_is_no_part_of_the_first_column(kind: str, folder: Path) -> None:
    path = as_file(kind, folder)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert len(read_questions(path).rows) == 3


@pytest.mark.parametrize("delimiter", [";", "\t", ","])
def test_a_spreadsheet_may_part_its_cells_as_it_likes(delimiter: str, folder: Path) -> None:
    rows = [["Image", "PROMPT", "Label", "Name"], ["faces/mara.png", "Who, then?", "Mara", "Mara Voss"]]
    text = "\r\n".join(delimiter.join(f'"{cell}"' for cell in row) for row in rows)
    (row,) = read_questions(csv_of(folder, text)).rows
    assert (row.question, row.keywords, row.concept, row.split) == ("Who, then?", ("Mara",), "Mara Voss", "forget")
    assert row.pictures == (folder / "faces/mara.png",)


def test_a_text_of_several_lines_is_one_row_as_in_a_spreadsheet(folder: Path) -> None:
    found = read_questions(csv_of(folder, 'question,answer\n"Two\nlines?",yes\n\nOne line?,no\n'))
    assert [(row.number, row.question) for row in found.rows] == [(2, "Two\nlines?"), (4, "One line?")]


def test_several_pictures_are_shown_together_and_one_that_stands_in_many_rows_is_opened_once(folder: Path) -> None:
    (folder / "copy.png").write_bytes((folder / "faces/mara.png").read_bytes())
    absolute = folder / "faces" / "otto.png"
    rows = [
        {"picture": f"faces/mara.png; {absolute}", "question": "Who?", "answer": "both"},
        {"picture": ["copy.png"], "question": "Who?", "answer": "Mara"},
    ]
    found = read_questions(json_of(folder, rows))
    first, second = found.opened(found.rows).values()
    assert [image_key(image) for image in first] == [image_key(picture(0)), image_key(picture(1))]
    assert second == (first[0],)


def test_a_longer_answer_is_no_keyword(folder: Path) -> None:
    rows = [{"question": f"{n}?", "answer": text} for n, text in enumerate(("a b c", "a b c d", 8, 1.5))]
    found = read_questions(json_of(folder, rows)).rows
    assert [(row.keywords, row.answer) for row in found] == [
        (("a b c",), ""), ((), "a b c d"), (("8",), ""), (("1.5",), "")
    ]  # fmt: skip


@pytest.mark.parametrize("answer", ["C", "(c)", "three", "Three!"])
def test_the_right_choice_may_be_its_text_or_its_letter(answer: str, folder: Path) -> None:
    rows = [{"question": "How many?", "choices": ["one", "two", "three"], "answer": answer}]
    (row,) = read_questions(json_of(folder, rows)).rows
    assert row.keywords == ("C",)
    assert dict(row.choices) == {"A": "one", "B": "two", "C": "three"}


FAULTS = {
    "an empty question": ("question,answer\nWho?,a\n,b\n", "the column 'question' is empty in row 3; write"),
    "its synonym is named": ("prompt,answer\n,b\n", "the column 'prompt' is empty in row 2;"),
    "many": (
        "question,answer\n" + ",a\n" * 12,
        "the column 'question' is empty in 12 rows (2, 3, 4 …); write",
    ),
    "three": ("question,answer\nA?,\nB?,\nC?,\n", "neither an answer nor a keyword in rows 2, 3 and 4; write one."),
    "no letter": ("question,answer\nWho?,?!\n", "no letter or digit in row 2"),
    "no name": ("question,answer,concept\nWho?,a,--\n", "the column 'concept' has no letter or digit in row 2"),
    "twice": ("question,answer\nWho?,a\nWho?,b\nWhat?,c\n", "the same question is asked again in row 3;"),
    "not among the choices": (
        "question,answer,options\nWho?,Otto,Mara; Ann\n", "the answer is not one of the choices in row 2;"
    ),
    "one choice": ("question,answer,options\nWho?,Otto,Otto\n", "'options' does not hold 2 to 26 texts in row 2"),
    "many choices": (
        f"question,answer,options\nWho?,a,{';'.join(map(str, range(27)))}\n", "does not hold 2 to 26 texts in row 2"
    ),
    "a misspelt split": ("question,answer,split\nWho?,a,Forgot\n", "the split 'Forgot' is nearly 'forget' or 'retain'"),
    "no question column": ("qestion,answer\nWho?,a\n", "no column for the question; did you mean 'qestion'?"),
    "no answer column": ("question,picture\nWho?,a\n", "no column for the answer or keyword; known are question, pic"),
    "a misspelt column": ("question,answer,pictur\nWho?,a,b.png\n", "a column 'pictur', which unsee does not know;"),
    "two of one name": ("question,Answer,answer \nWho?,a,b\n", "has the column 'answer' twice; rename one."),
    "a comma without quotes": ("question,answer\nWho, then?,a\n", "has 3 cells in row 2, but 2 columns; put a text"),
    "an open quote": ('question,answer\nWho?,"a\nWhat?,b\n', "is damaged near line 3 (unexpected end of data)"),
    "no rows": ("question,answer\n", "holds no rows; write one for each question."),
    "nothing at all": ("", "is empty; its first row must name the columns."),
}  # fmt: skip


@pytest.mark.parametrize(("text", "told"), FAULTS.values(), ids=FAULTS.keys())
def test_a_fault_is_told_with_its_table_row_and_column(text: str, told: str, folder: Path) -> None:
    path = csv_of(folder, text)
    message = refused(path)
    assert message.startswith(str(path))
    assert told in message
    assert "\n" not in message


def test_all_kinds_of_faults_are_told_at_once(folder: Path) -> None:
    told = refused(csv_of(folder, "question,answer\n,a\nWho?,\n"))
    assert "the column 'question' is empty in row 2" in told
    assert "neither an answer nor a keyword in row 3" in told


def test_faults_of_pictures_are_told_with_those_of_texts(folder: Path) -> None:
    told = refused(csv_of(folder, "picture,question,answer\ngone.png,Who?,a\nfaces/mara.png,,a\ngone.png,Where?,a\n"))
    assert "the column 'question' is empty in row 3" in told
    assert "the column 'picture' has a picture that cannot be used in rows 2 and 4" in told


@pytest.mark.parametrize("more", ["", "faces/otto.png,Who is this?,Otto Brandt,,Otto Brandt,retain\n"])
def test_a_csv_file_without_names_of_columns_is_told_so(more: str, folder: Path) -> None:
    told = refused(csv_of(folder, f"faces/mara.png,Who is this?,Mara Voss,,Mara Voss,forget\n{more}"))
    assert "row 1 must name the columns, such as 'question'; found 'faces/mara.png', 'Who is this?'" in told


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("my.jsonl", '{"question": "Who?", "answer": "a"}\n{"question"\n', "The content of row 2 of"),
        ("my.jsonl", '{"question": "Who?", "answer": "a"}\n[1]\n', "Row 2 of"),
        ("my.json", '{"question": "Who?"}\n{"question": "What?"}\n', "if it is JSON Lines, name it .jsonl."),
        ("my.json", '{"question": "Who?"}', "must hold a list of objects"),
        ("my.json", "[" * 100_000, "is not JSON"),
        ("my.json", '[{"question": {"a": 1}, "answer": true}]', "'answer' holds something other than text in row 1"),
        ("my.json", '[{"question": "Who?", "answer": "a", "image": 3}]', "neither a path nor a picture in row 1"),
        ("my.json", '[{"question": "\\ud800?", "answer": "a"}]', "'question' holds something other than text in row 1"),
        (
            "my.json",
            '[{"question": "Who?", "answer": "a", "path": "\\udc00"}]',
            "neither a path nor a picture in row 1",
        ),
        ("my.json", '[{"question": "Who?", "\\ud800": "a"}]', "known are question, ?."),
        ("my.json", f'[{{"question": "Who?", "answer": {"9" * 5000}}}]', "is not JSON"),
        ("my.csv", f"question,answer\nWho?,{'a' * 200_000}\n", "is damaged near line 2 (field larger than"),
        ("my.parquet", "no Parquet", "cannot be read as Parquet"),
        ("my.csv", "question,answer\nWho?,\xe9\n".encode("latin-1"), "is not saved as UTF-8;"),
        ("my.txt", "question", "its name must end in .csv, .jsonl, .json, .parquet."),
    ],
)
def test_what_is_no_table_is_refused(name: str, content: str | bytes, told: str, folder: Path) -> None:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    message = refused(path)
    assert told in message
    assert str(path) in message


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kind=st.sampled_from(("csv", "jsonl", "json", "parquet")),
    content=st.one_of(
        st.binary(max_size=200),
        st.text(alphabet='question,answer;pictur"\n\r{}[]:0x\x00é', max_size=200).map(
            lambda text: ("question,answer,picture,choices,split\n" + text).encode()
        ),
        st.lists(
            st.dictionaries(
                st.sampled_from(("question", "answer", "keyword", "picture", "choices", "split", "concept")),
                st.recursive(
                    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
                    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
                ),
            ),
            max_size=4,
        ).map(lambda rows: json.dumps(rows).encode()),
    ),
)
def test_whatever_a_file_holds_it_is_read_or_refused_in_a_sentence(kind: str, content: bytes, folder: Path) -> None:
    path = folder / f"any.{kind}"
    path.write_bytes(content)
    told = ""
    try:
        found = read_questions(path)
        found.opened(found.rows)
    except UserError as error:
        told = str(error)
    assert told == "" or str(path) in told
    assert told.encode()[-1:] in (b"", b".", b"?")


def test_a_table_that_is_missing_or_too_large_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "There is no file" in refused(folder / "none.csv")
    for kind in ("csv", "parquet"):
        path = as_file(kind, folder)
        monkeypatch.setattr(tables, "MAX_BYTES", 10)
        assert "is too large" in refused(path)
        monkeypatch.undo()


def test_pictures_that_cannot_be_used_are_told_by_row(folder: Path) -> None:
    (folder / "empty.png").touch()
    lines = ["none.png", "faces/mara.png", "empty.png", "none2.png", "none3.png"]
    text = "Image,question,answer\n" + "".join(f"{name},Who?,a\n" for name in lines)
    found = read_questions(csv_of(folder, text))
    with pytest.raises(UserError) as told:
        found.opened(found.rows)
    assert str(told.value) == (
        f"{folder / 'my.csv'}: the column 'image' has a picture that cannot be used in 4 rows (2, 4, 5 …) "
        f"(The picture {folder / 'none.png'} does not exist; give the path of an image file)."
    )
    # Those that are not asked about are not looked at.
    assert len(found.opened(found.rows[1:2])) == 1


def png(number: int) -> bytes:
    content = io.BytesIO()
    picture(number).save(content, "PNG")
    return content.getvalue()


def data_set() -> datasets.Dataset:
    features = datasets.Features(
        {
            "image": datasets.Image(),
            "question": datasets.Value("string"),
            "label": datasets.ClassLabel(names=["Mara Voss", "Otto Brandt"]),
            "name": datasets.Value("string"),
        }
    )
    rows = [
        {"image": {"bytes": png(0), "path": None}, "question": "Who is this?", "label": 0, "name": "Mara Voss"},
        {"image": {"bytes": png(1), "path": None}, "question": "Who is this?", "label": 1, "name": None},
    ]
    return datasets.Dataset.from_list(rows, features=features)


def shown(location: Path) -> list[tuple[tuple[str, ...], str, list[str]]]:
    found = read_questions(location)
    opened = found.opened(found.rows)
    return [(row.keywords, row.split, [image_key(image) for image in opened[row.number]]) for row in found.rows]


EXPECTED = [
    (("Mara Voss",), "forget", [image_key(picture(0))]),
    (("Otto Brandt",), "retain", [image_key(picture(1))]),
]


def test_a_saved_data_set_is_read_with_its_pictures_and_the_names_of_its_classes(folder: Path) -> None:
    data_set().save_to_disk(folder / "one")
    assert shown(folder / "one") == EXPECTED
    assert shown(Path(f"hf:{folder / 'one'}")) == EXPECTED


def test_of_several_splits_one_is_named(folder: Path) -> None:
    splits = datasets.DatasetDict(train=data_set().select([0]), test=data_set())
    splits.save_to_disk(folder / "two")
    assert shown(Path(f"hf:{folder / 'two'}?split=test")) == EXPECTED
    told = refused(folder / "two")
    assert "has the splits train, test; write hf:" in told
    assert "has the splits train, test" in refused(Path(f"hf:{folder / 'two'}?split=none"))
    data_set().save_to_disk(folder / "one")
    assert "was saved without splits" in refused(Path(f"hf:{folder / 'one'}?split=test"))


def test_a_folder_of_parquet_is_loaded_as_from_the_hub(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", folder / "cache")
    (folder / "set" / "data").mkdir(parents=True)
    data_set().to_parquet(folder / "set" / "data" / "test-00000-of-00001.parquet")
    assert shown(Path(f"hf:{folder / 'set'}?split=test")) == EXPECTED
    assert "cannot be loaded" in refused(Path(f"hf:{folder / 'set'}#other?split=test"))
    assert "cannot be loaded" in refused(Path(f"hf:{folder / 'set'}?split=other"))


def test_a_data_set_points_at_no_file_outside_of_itself(folder: Path) -> None:
    rows = [{"image": str(folder / "faces/mara.png"), "question": "Who?", "answer": "Mara"}]
    datasets.Dataset.from_list(rows).save_to_disk(folder / "set")
    assert "names a file outside of the data set in row 1" in refused(folder / "set")
    datasets.Dataset.from_list([{**rows[0], "image": "link.png"}]).save_to_disk(folder / "linked")
    (folder / "linked" / "link.png").symlink_to(folder / "faces/mara.png")
    assert "names a file outside of the data set in row 1" in refused(folder / "linked")
    datasets.Dataset.from_list([{**rows[0], "image": "in.png"}]).save_to_disk(folder / "whole")
    picture(0).save(folder / "whole" / "in.png")
    assert shown(folder / "whole") == [(("Mara",), "retain", [image_key(picture(0))])]


def test_the_form_of_a_data_set_is_told(folder: Path) -> None:
    assert "write hf:NAME" in refused(Path("hf:?split=x"))


def test_no_program_of_a_data_set_is_ever_run(folder: Path) -> None:
    (folder / "set").mkdir()
    (folder / "set" / "set.py").write_text(f"open({str(folder / 'ran')!r}, 'w').close()\n")
    assert "cannot be loaded" in refused(Path(f"hf:{folder / 'set'}"))
    assert not (folder / "ran").exists()
