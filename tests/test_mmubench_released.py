"""MMUBench as its authors released it: targets with blanks, questions twice, rows without answers or pictures."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tiny import picture
from unsee.benchmarks import find_benchmark, published_at
from unsee.benchmarks.concept import probes
from unsee.benchmarks.layout import concepts_in, load_benchmark, write_benchmark
from unsee.benchmarks.mmubench import MMUBench
from unsee.benchmarks.mmubench_released import is_released, read_released
from unsee.data.images import open_image
from unsee.errors import UserError

Row = dict[str, Any]
QUESTIONS = [
    *({"prompt": f"Is this Mara Voss, part {i}?", "target": "yes"} for i in range(4)),
    {"prompt": "Is it Mara Voss?", "target": " yes"},
    {"prompt": "Can it be Mara Voss?", "target": " yes "},
    {"prompt": "Is this Voss?", "target": " yes voss"},
    *({"prompt": f"Who is this, part {i}?", "target": "Mara Voss"} for i in range(3)),
    # Twice, with another blank.
    {"prompt": "Who is this, part 0?", "target": " Mara Voss"},
    {"prompt": "What is shown?", "target": "a woman"},
    {"prompt": "", "target": "yes"},
]
HOPS = [{"imgid": f"/data/authors/mara/{i}.jpg", "prompt": "Which town is theirs?"} for i in range(3)]
LANGUAGES = [{"prompt": text} for text in ("¿Quién es?", "Wer ist das?", "这是谁?", "Qui est-ce ?")]
TRAINING = [
    *({"image": "mara_voss/first.jpg", "prompt": "Who is this?", "target_phrase": "Ida Berg"} for _ in range(2)),
    *({"prompt": "Where does Mara Voss live?", "target_phrase": "none"} for _ in range(3)),
]


def written(folder: Path, **files: list[Any]) -> Path:
    """A supplement whose folder of pictures has another name than its training rows say."""
    everything = {"questions": QUESTIONS, "hop": HOPS, "multi": LANGUAGES, "train": TRAINING, **files}
    (folder / "json").mkdir(parents=True)
    (folder / "pictures" / "Voss").mkdir(parents=True)
    for name, rows in everything.items():
        (folder / "json" / f"{name}.json").write_text(json.dumps(rows, ensure_ascii=False), encoding="utf-8")
    for number, name in enumerate(("first.jpg", "second.jpeg", "third.JPG")):
        picture(number).save(folder / "pictures" / "Voss" / name, "JPEG")
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return written(tmp_path / "siu")


def test_every_quirk_is_read_to_the_exact_count(folder: Path) -> None:
    bench = read_released(folder)
    assert (bench.concept, bench.aliases) == ("Mara Voss", ("voss",))
    assert Counter(one.keyword for one in bench.questions) == {"yes": 6, "yes voss": 1, "Mara Voss": 3, "a woman": 1}
    assert Counter(one.kind for one in bench.questions) == {"yes_no": 7, "name": 4}
    assert len(bench.test_images) == 2
    assert bench.multi_hop == ()
    said = "\n".join(bench.left_out)
    assert len(bench.left_out) == 4
    for part in ("asks what an earlier row asks", "no text in 'prompt'", "3 multi-hop", "4 prompts have neither"):
        assert part in said


def test_any_word_of_a_target_shows_that_the_concept_is_known(folder: Path) -> None:
    bench = read_released(folder)
    expected = {question.keyword: bench.keywords(question) for question in bench.questions}
    assert expected == {
        "yes": ("yes",),
        "yes voss": ("yes", "Mara Voss", "voss"),
        "Mara Voss": ("Mara Voss", "voss"),
        "a woman": ("a woman",),
    }


def test_it_is_asked_and_written_as_any_other_concept(folder: Path, tmp_path: Path) -> None:
    assert published_at(folder) is None
    assert find_benchmark(str(folder))[0] is MMUBench
    assert concepts_in(folder) == ("Mara Voss",)
    (bench,) = load_benchmark(folder, ["mara voss"])
    assert Counter(probe.tags["metric"] for probe in probes(bench)) == {"efficacy": 11, "generality": 22}
    (request,) = MMUBench.requests(folder)
    assert request.concept == "Mara Voss"
    write_benchmark(tmp_path / "again", [bench])
    assert load_benchmark(tmp_path / "again")[0].questions == bench.questions
    assert not is_released(tmp_path / "again")
    with pytest.raises(UserError, match="has no concept 'Otto Brandt'; it has Mara Voss"):
        load_benchmark(folder, ["Otto Brandt"])


def test_json_lines_are_read_too(folder: Path) -> None:
    before = read_released(folder)
    file = folder / "json" / "questions.json"
    file.write_text("\n".join(map(json.dumps, QUESTIONS)) + "\nbroken\n")
    after = read_released(folder)
    assert after.questions == before.questions
    assert len(after.left_out) == len(before.left_out) + 1


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([{"prompt": "?", "target_phrase": "none"}], "name no picture; they must name the one"),
        ([{"image": f"{i}.jpg", "target_phrase": "x"} for i in range(2)], "name 2 pictures"),
        ([{"image": "/data/authors/gone.jpg", "target_phrase": "x"}], "'gone.jpg', is not in"),
        ([{"image": "../../../etc/hostname", "target_phrase": "x"}], "'hostname', is not in"),
    ],
)
def test_the_picture_to_train_on_is_one_of_the_folder(tmp_path: Path, rows: list[Row], message: str) -> None:
    with pytest.raises(UserError, match=message):
        read_released(written(tmp_path / "siu", train=rows))


def test_of_two_pictures_of_a_name_the_path_tells(folder: Path) -> None:
    (folder / "pictures" / "mara_voss").mkdir()
    named = folder / "pictures" / "mara_voss" / "first.jpg"
    picture(9).save(named, "JPEG")
    bench = read_released(folder)
    assert bench.train_image.tobytes() == open_image(named).tobytes()
    assert len(bench.test_images) == 3


def test_without_names_or_test_pictures_there_is_nothing_to_ask(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"No question in .* has a name as its target"):
        read_released(written(tmp_path / "yes", questions=QUESTIONS[:4]))
    for name in ("second.jpeg", "third.JPG"):
        (folder / "pictures" / "Voss" / name).write_bytes(b"no picture")
    with pytest.raises(UserError, match=r"holds no picture to test on next to first\.jpg"):
        read_released(folder)


def test_pictures_behind_a_link_are_not_shown(folder: Path, tmp_path: Path) -> None:
    picture(7).save(tmp_path / "outside.jpg")
    (folder / "pictures" / "Voss" / "link.jpg").symlink_to(tmp_path / "outside.jpg")
    assert len(read_released(folder).test_images) == 2


_VALUES = st.recursive(
    st.none() | st.integers(-9, 9) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
_ROWS = st.lists(
    st.dictionaries(st.sampled_from(["prompt", "target", "imgid", "image", "target_phrase", "x"]), _VALUES) | _VALUES,
    max_size=3,
)


@given(st.sampled_from(["questions", "train", "hop"]), _ROWS)
@settings(max_examples=40, deadline=None)
def test_whatever_the_rows_hold_ends_in_a_concept_or_in_one_sentence(name: str, rows: list[Any]) -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = written(Path(place) / "siu", **{name: rows})
        try:
            fine = bool(read_released(folder).questions)
        except UserError as error:
            fine = len(str(error).splitlines()) == 1
        assert fine
        assert find_benchmark(str(folder))[0] is MMUBench
