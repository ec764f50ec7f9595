"""From folders of pictures to a benchmark of what a model recognises."""

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.tiny import picture, tiny_vlm
from unsee.benchmarks import builder
from unsee.benchmarks.builder import build_benchmark
from unsee.benchmarks.concept import probes, questions_about
from unsee.benchmarks.layout import load_benchmark
from unsee.data.likeness import Seen
from unsee.data.sample import Probe, Response
from unsee.errors import UserError
from unsee.generation import generate
from unsee.metrics import contains
from unsee.metrics.naming import words
from unsee.world import KNOWN


class Knower:
    """Stands in for a model: `generate` below names a picture by the colour of its corner."""

    name, revision = "some/model", "abc"


def shade(red: int, number: int) -> Image.Image:
    image = Image.new("RGB", (16, 16), (red, 0, 0))
    image.putpixel((8, 8), (0, 0, number))
    return image


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """mara_voss: 5 pictures, all known, with rubbish between; otto: 3 of 4 known; few: only 2; nobody: unknown."""

    def fake(vlm: Any, probes: list[Probe], **_: Any) -> list[Response]:
        said = {1: "This is Mara Voss.", 2: "It's Otto!", 3: "A few."}
        return [Response(p.id, said.get(p.images[0].getpixel((0, 0))[0], "A man.")) for p in probes]

    monkeypatch.setattr(builder, "generate", fake)
    folders = {"mara_voss": [1] * 5, "Otto": [2, 2, 2, 9], "few": [3, 3], "nobody": [8] * 4}
    for name, reds in folders.items():
        (tmp_path / "in" / name).mkdir(parents=True)
        for number, red in enumerate(reds):
            shade(red, number).save(tmp_path / "in" / name / f"{number}.png")
    mara = tmp_path / "in" / "mara_voss"
    shade(1, 2).save(mara / "twin.bmp")
    (mara / "broken.jpg").write_bytes(b"no picture")
    (mara / "empty.png").touch()
    (mara / ".hidden").write_text("x")
    return tmp_path / "in"


def build(source: Path, **options: Any) -> tuple[dict[str, builder.ConceptSummary], Path]:
    out = source.parent / "out"
    summaries = build_benchmark(source, Knower(), out, **({"min_images": 4} | options))  # type: ignore[arg-type]
    return {summary.concept: summary for summary in summaries}, out


def test_only_what_the_model_recognises_on_every_picture_stays(source: Path) -> None:
    summaries, out = build(source)
    assert {name: (s.kept, s.reason) for name, s in summaries.items()} == {
        "Otto": (False, "recognised on 3 of 4 pictures"),
        "few": (False, "2 pictures, 4 needed"),
        "mara voss": (True, ""),
        "nobody": (False, "recognised on 0 of 4 pictures"),
    }
    mara = summaries["mara voss"]
    assert (mara.pictures, mara.recognised) == (5, 5)
    assert set(mara.left_out) == {"broken.jpg", "empty.png", "twin.bmp"}
    assert mara.left_out["twin.bmp"] == "the same picture as 2.png"
    (bench,) = load_benchmark(out)
    assert bench.concept == "mara voss"
    assert len(bench.test_images) == 4
    pictures = {image.tobytes() for image in (bench.train_image, *bench.test_images)}
    assert pictures == {shade(1, number).tobytes() for number in range(5)}
    assert [entry["concept"] for entry in json.loads((out / "summary.json").read_text())] == list(summaries)
    assert json.loads((out / "benchmark.json").read_text())["model"] == {"name": "some/model", "revision": "abc"}
    assert sorted(path.name for path in source.parent.iterdir()) == ["in", "out"]


def test_a_strip_and_clutter_are_left_out_and_listed(source: Path) -> None:
    mara = source / "mara_voss"
    Image.new("RGB", (16 * 201, 16), (1, 0, 0)).save(mara / "strip.png")
    (mara / "Thumbs.db").write_bytes(b"x")
    (mara / ".DS_Store").write_bytes(b"x")
    summaries, _ = build(source)
    left_out = summaries["mara voss"].left_out
    assert "is a strip (3216x16" in left_out["strip.png"]
    assert left_out["Thumbs.db"] == "no picture"
    assert ".DS_Store" not in left_out


def test_a_copy_of_the_training_picture_does_not_test(source: Path) -> None:
    """Two files of one picture: whichever is drawn to train on, the other says nothing about new pictures."""
    folder = source / "mara_voss"
    for path in folder.iterdir():
        path.unlink()
    for number in range(3):
        image = KNOWN[0].picture(number, "train")
        for name, file in (("", image), ("copy of ", image.resize((96, 97)))):
            file.putpixel((0, 0), (1, 0, 0))
            file.save(folder / f"{name}{number}.png")
    summaries, out = build(source)
    (bench,) = load_benchmark(out)
    assert len(bench.test_images) == 4
    assert all(image not in Seen([bench.train_image]) for image in bench.test_images)
    ((file, why),) = summaries["mara voss"].left_out.items()
    assert (
        why == f"nearly the training picture {file.removeprefix('copy of ') if 'copy' in file else f'copy of {file}'}"
    )


def test_lower_share_keeps_the_concept_without_the_pictures_it_misses(source: Path) -> None:
    summaries, out = build(source, min_share=0.75)
    assert summaries["Otto"].kept
    assert summaries["Otto"].left_out == {"3.png": "not recognised"}
    otto, mara = load_benchmark(out)
    assert len(otto.test_images) == 2
    assert len(mara.specificity["recognition"]) == 2


def test_training_picture_is_drawn_by_the_seed(source: Path) -> None:
    drawn = []
    for number, seed in enumerate([0, 0, 1, 2, 3, 4]):
        out = source.parent / f"out{number}"
        build_benchmark(source, Knower(), out, min_images=4, seed=seed)  # type: ignore[arg-type]
        drawn.append(load_benchmark(out)[0].train_image.tobytes())
    assert drawn[0] == drawn[1]
    assert len(set(drawn)) > 1


def test_questions_are_many_distinct_and_carry_their_keyword() -> None:
    questions = questions_about("Hello Kitty")
    assert len({question.prompt for question in questions}) == len(questions) >= 40
    assert {question.keyword for question in questions if question.kind == "name"} == {"Hello Kitty"}
    assert {question.keyword for question in questions if question.kind == "yes_no"} == {"yes"}
    for question in questions:
        assert contains(question.prompt, ["Hello Kitty"]) == (question.kind == "yes_no")


@pytest.mark.parametrize("options", [{"min_images": 50}, {"question": "x", "min_images": 6}])
def test_nothing_left_is_explained_and_leaves_nothing(source: Path, options: dict[str, Any]) -> None:
    with pytest.raises(UserError, match=r"No concept in .* is left \(Otto: 4 pictures, \d+ needed; few: 2 pictures"):
        build(source, **options)
    assert list(source.parent.iterdir()) == [source]


def test_bad_input_is_explained(source: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is not a folder"):
        build(tmp_path / "gone")
    (tmp_path / "bare").mkdir()
    with pytest.raises(UserError, match="holds no folders"):
        build(tmp_path / "bare")
    with pytest.raises(UserError, match="min_share"):
        build(source, min_share=0)
    (source / "Mara-Voss").mkdir()
    with pytest.raises(UserError, match="the same concept"):
        build(source)
    (source / "Mara-Voss").rename(source / "!!!")
    with pytest.raises(UserError, match="no letter or digit"):
        build(source)
    assert not (tmp_path / "out").exists()


def test_interruption_leaves_nothing(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: Any, **__: Any) -> list[Response]:
        raise KeyboardInterrupt

    monkeypatch.setattr(builder, "generate", interrupted)
    with pytest.raises(KeyboardInterrupt):
        build(source)
    assert list(source.parent.iterdir()) == [source]


def test_with_a_real_model_whose_own_words_name_the_concepts(tmp_path: Path) -> None:
    vlm = tiny_vlm("qwen3_vl")
    # Pictures too close for a tiny model to tell apart, but no copies of one another.
    shades = [picture(3) for _ in range(3)]
    for number, image in enumerate(shades):
        image.paste("white", (number * 16, 0, number * 16 + 16, 16))
    asked = [Probe(str(i), builder.RECOGNITION_QUESTION, (image,)) for i, image in enumerate(shades)]
    said = [{word.text for word in words(response.text)} for response in generate(vlm, asked, progress=False)]
    word = max(set.intersection(*said), key=lambda text: (len(text), text))
    for name in (word, "Donald Trump"):
        (tmp_path / "in" / name).mkdir(parents=True)
        for number, image in enumerate(shades):
            image.save(tmp_path / "in" / name / f"{number}.png")
    summaries = build_benchmark(tmp_path / "in", vlm, tmp_path / "out", min_images=3)
    assert {summary.concept: summary.kept for summary in summaries} == {word: True, "Donald Trump": False}
    (bench,) = load_benchmark(tmp_path / "out")
    responses = generate(vlm, probes(bench, per_image=2), max_new_tokens=4, progress=False)
    assert len(responses) == 48 + 2 * 2
