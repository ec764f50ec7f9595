"""MMUBench on disk: what is written is read back, and damage is named."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.tiny import picture
from unsee.benchmarks.concept import ConceptBenchmark, Question, probes
from unsee.benchmarks.layout import StoredModel, load_benchmark, write_benchmark
from unsee.benchmarks.mmubench import MMUBench
from unsee.data.sample import Probe
from unsee.errors import SystemFailure, UserError
from unsee.store.new_folder import new_folder
from unsee.world import KNOWN


def concept(name: str, number: int, tests: int = 7) -> ConceptBenchmark:
    return ConceptBenchmark(
        concept=name,
        aliases=(f"{name} the Great",),
        train_image=picture(number),
        test_images=tuple(picture(number + i) for i in range(1, tests + 1)),
        questions=(Question(f"Is this {name}?", "yes", "yes_no"), Question("Who is this?", name, "name")),
        text_facts=(Probe("job", f"What does {name} do?", (), ("baker", "bakes")),),
        multi_hop=(Question("Which tool does this person use?", "whisk", "multi_hop"),),
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    out = tmp_path / "bench"
    write_benchmark(out, [concept("Mara Voss", 0), concept("Otto Brandt", 20)], StoredModel("some/model", "abc"))
    return out


def test_a_folder_to_be_replaced_stays_until_the_new_one_is_whole(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "old").write_text("")
    with pytest.raises(ValueError, match="broken"), new_folder(out, replace=True):
        raise ValueError("broken")
    assert [path.name for path in out.iterdir()] == ["old"]
    with new_folder(out, replace=True) as work:
        (work / "new").write_text("")
    assert [path.name for path in out.iterdir()] == ["new"]
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_benchmark_brings_the_requests_to_forget_its_concepts(tmp_path: Path) -> None:
    bench = ConceptBenchmark("Mara Voss", picture(0), (picture(1),), (Question("Who?", "Mara Voss"),), ("M. Voss",))
    write_benchmark(tmp_path / "bench", [bench])
    (request,) = MMUBench.requests(tmp_path / "bench")
    assert (request.concept, request.aliases) == ("Mara Voss", ("M. Voss",))
    assert [image.tobytes() for image in request.pictures()] == [picture(0).tobytes()]
    assert [request.concept for request in MMUBench.requests()] == [person.name for person in KNOWN]


def test_layout_on_disk(folder: Path) -> None:
    assert json.loads((folder / "benchmark.json").read_text()) == {
        "schema": "unsee.mmubench",
        "version": 1,
        "model": {"name": "some/model", "revision": "abc"},
        "concepts": ["mara-voss", "otto-brandt"],
    }
    own = folder / "concepts" / "mara-voss"
    assert sorted(path.name for path in own.iterdir()) == ["concept.json", "test", "train"]
    assert len(list((own / "train").glob("*.png"))) == 1
    assert len(list((own / "test").glob("*.png"))) == 7
    stored = json.loads((own / "concept.json").read_text())
    assert set(stored) == {"name", "aliases", "questions", "multi_hop", "facts"}
    assert stored["questions"][0] == {"prompt": "Is this Mara Voss?", "keyword": "yes", "kind": "yes_no"}
    assert list(folder.parent.iterdir()) == [folder]


def test_round_trip_asks_the_others_what_must_be_kept(folder: Path) -> None:
    written = concept("Mara Voss", 0)
    mara, otto = load_benchmark(folder)
    assert (mara.concept, mara.aliases) == (written.concept, written.aliases)
    assert (mara.questions, mara.multi_hop) == (written.questions, written.multi_hop)
    assert mara.train_image.tobytes() == written.train_image.tobytes()
    assert [i.tobytes() for i in mara.test_images] == [i.tobytes() for i in written.test_images]
    assert [(p.prompt, p.expect, p.images) for p in mara.text_facts] == [
        ("What does Mara Voss do?", ("baker", "bakes"), ())
    ]
    assert mara.other_names == ("Otto Brandt", "Otto Brandt the Great")
    recognition = mara.specificity["recognition"]
    assert [(p.prompt, p.expect) for p in recognition] == [
        ("Who is this?", ("Otto Brandt", "Otto Brandt the Great"))
    ] * 5
    assert recognition[0].images[0] is otto.test_images[0]
    assert [p.prompt for p in mara.specificity["facts"]] == ["What does Otto Brandt do?"]
    assert len({p.id for p in probes(mara)}) == 2 + 14 + 5 + 1 + 1


def test_only_one_concept_opens_but_the_others_are_still_asked(folder: Path) -> None:
    (otto,) = load_benchmark(folder, only=["otto brandt"])
    assert otto.concept == "Otto Brandt"
    assert len(otto.specificity["recognition"]) == 5
    with pytest.raises(UserError, match="has no concept 'Nobody'; it has Mara Voss, Otto Brandt"):
        load_benchmark(folder, only=["Nobody"])


def edit(file: str, change: Callable[[Any], Any]) -> Callable[[Path], None]:
    def apply(folder: Path) -> None:
        path = folder / file
        path.write_text(json.dumps(change(json.loads(path.read_text()))))

    return apply


CONCEPT = "concepts/mara-voss/concept.json"


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda f: (f / "benchmark.json").unlink(), "There is no .*benchmark.json"),
        (lambda f: (f / "benchmark.json").write_text("{"), "benchmark.json cannot be read"),
        (lambda f: (f / "benchmark.json").write_bytes(b"\xff"), "benchmark.json cannot be read"),
        (lambda f: (f / "benchmark.json").write_text("[]"), "must hold a JSON object"),
        (edit("benchmark.json", lambda d: d | {"schema": "x"}), "not a benchmark of unsee"),
        (edit("benchmark.json", lambda d: d | {"version": 2}), "version 2, but this unsee reads version 1"),
        (edit("benchmark.json", lambda d: d | {"concepts": ["../mara-voss"]}), "plain name, without a path"),
        (edit("benchmark.json", lambda d: d | {"concepts": []}), "at least one folder"),
        (edit("benchmark.json", lambda d: d | {"concepts": "mara-voss"}), '"concepts" in .* is missing or holds'),
        (edit("benchmark.json", lambda d: d | {"concepts": ["mara-voss", "gone"]}), "There is no .*gone"),
        (edit(CONCEPT, lambda d: d | {"name": "Otto  BRANDT"}), "two concepts called"),
        (edit(CONCEPT, lambda d: d | {"name": "?!"}), '"name" in .*concept.json'),
        (edit(CONCEPT, lambda d: d | {"aliases": [3]}), '"aliases" in .*concept.json'),
        (edit(CONCEPT, lambda d: d | {"questions": []}), "has no questions"),
        (edit(CONCEPT, lambda d: d | {"questions": ["Who?"]}), '"questions" in .* must be a list of objects'),
        (edit(CONCEPT, lambda d: d | {"questions": [{"prompt": "Who?", "kind": "name"}]}), '"keyword" in'),
        (edit(CONCEPT, lambda d: d | {"facts": [{"prompt": "Who?", "keywords": ["?"]}]}), '"keywords" in'),
        (lambda f: (f / "concepts/mara-voss/train/0000.png").unlink(), "exactly one picture, not 0"),
        (
            lambda f: [p.unlink() for p in (f / "concepts/mara-voss/test").iterdir()],
            "test holds no picture to test on; add",
        ),
        (lambda f: (f / "concepts/mara-voss/train/0000.png").write_bytes(b"no"), "not 0 .0000.png: The file .*train"),
    ],
)
def test_damage_is_named(folder: Path, damage: Callable[[Path], None], message: str) -> None:
    damage(folder)
    with pytest.raises(UserError, match=message):
        load_benchmark(folder)


def test_every_picture_of_a_concept_is_read_whatever_its_file_is_called(folder: Path) -> None:
    tests = folder / "concepts/mara-voss/test"
    for number, ending in enumerate(("PNG", "JPG", "jpeg", "webp", "bmp"), 40):
        picture(number).save(tests / f"{number}.{ending}")
    (tests / "0000.png").rename(tests / "0000.PNG")
    (folder / "concepts/mara-voss/train/0000.png").rename(folder / "concepts/mara-voss/train/a.PNG")
    mara, _ = load_benchmark(folder)
    assert len(mara.test_images) == 7 + 5
    assert mara.left_out == ()


def test_what_is_no_new_picture_is_left_out_and_listed(folder: Path) -> None:
    tests = folder / "concepts/mara-voss/test"
    (tests / "Thumbs.db").write_bytes(b"x")
    (tests.parent / "train" / "Thumbs.db").write_bytes(b"x")
    (tests / "0001.png").write_bytes(b"no")
    picture(5).save(tests / "again.png")
    Image.new("RGB", (500, 2)).save(tests / "strip.png")
    picture(0).resize((112, 112)).save(tests / "trained.jpg", quality=95)
    mara, otto = load_benchmark(folder)
    assert [image.tobytes() for image in mara.test_images] == [picture(n).tobytes() for n in (1, 3, 4, 5, 6, 7)]
    reasons = dict(line.removeprefix("concepts/mara-voss/").split(": ", 1) for line in mara.left_out)
    assert "is not a picture in a readable format" in reasons.pop("test/0001.png")
    assert "is a strip (500x2" in reasons.pop("test/strip.png")
    assert reasons == {
        "train/Thumbs.db": "no picture",
        "test/Thumbs.db": "no picture",
        "test/again.png": "the same picture as 0004.png",
        "test/trained.jpg": "also trained on",
    }
    # What is asked about others is of the pictures that are left, whether they were opened for their own sake or not.
    (alone,) = load_benchmark(folder, ["Otto Brandt"])
    shown = [[p.images[0].tobytes() for p in bench.specificity["recognition"]] for bench in (otto, alone)]
    assert shown[0] == shown[1] == [image.tobytes() for image in mara.test_images[:5]]


def test_existing_output_and_same_names_are_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="already exists"):
        write_benchmark(folder, [concept("Mara Voss", 0)])
    with pytest.raises(UserError, match="Two concepts have the name 'mara voss'"):
        write_benchmark(tmp_path / "new", [concept("Mara Voss", 0), concept("mara voss", 9)])
    assert list(tmp_path.iterdir()) == [folder]


@pytest.mark.parametrize(
    ("trouble", "raised"),
    [(OSError(28, "No space left on device"), SystemFailure), (KeyboardInterrupt(), KeyboardInterrupt)],
)
def test_full_disk_and_ctrl_c_leave_nothing(tmp_path: Path, trouble: BaseException, raised: type) -> None:
    def write() -> None:
        with new_folder(tmp_path / "deep" / "out") as work:
            (work / "half").write_text("x")
            raise trouble

    with pytest.raises(raised):
        write()
    assert not list(tmp_path.iterdir())
