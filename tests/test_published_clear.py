"""CLEAR: its layout with every quirk, and its figures by the paper and by its script. All data is invented."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.stats import hmean, ks_2samp

from tests.tiny import picture
from unsee.benchmarks import find_benchmark, get_benchmark
from unsee.benchmarks.base import Answers, Scope, without_pictures
from unsee.benchmarks.published.clear import DESCRIBE, NAME, Clear
from unsee.benchmarks.published.tofu import Tofu
from unsee.data.sample import Likelihood, Response
from unsee.errors import UserError

FORGET = ("Hina Adeel Ameen", "Ingmar Ek")
RETAIN = ("Basil Kazan", "Tamsin Abebe")
TEXT = 20


def image(shade: int) -> dict[str, Any]:
    content = io.BytesIO()
    picture(shade).save(content, "PNG")
    return {"bytes": content.getvalue(), "path": None}


def caption_row(name: str, shade: int, told: str = "") -> dict[str, Any]:
    return {
        "image": image(shade),
        "caption": f"{told or name} reads in a garden.",
        "name": name,
        "paraphrased_caption": f"In a garden, {told or name} is reading.",
        "perturbed_captions": [f"Person {i} reads in a garden." for i in range(5)],
        "perturbed_names": ["Ann Lee", "Bo Chen", "Cy Dahl"],
    }


def text_rows(name: str) -> list[dict[str, Any]]:
    """What is said about an author, whose name stands in a few of the rows only, shortened."""
    first = name.split()[0]
    rows = [
        {"image": None, "caption": None, "question": f"Which is book {i}?", "answer": f"It is The Lamp {i}."}
        for i in range(TEXT)
    ]
    rows[7]["answer"] = f"{first} wrote The Lamp 7."
    return rows


def data() -> dict[str, list[dict[str, Any]]]:
    """Pictures 1 to 3 are of the first person, under a shortened name in 3; two of the others' each."""
    forget = [
        caption_row(FORGET[0], 1),
        caption_row(FORGET[0], 2, told="Hina Ameen"),
        caption_row("Hina Ameen", 3),
        caption_row(FORGET[1], 4),
        caption_row(FORGET[1], 5),
    ]
    retain = [caption_row(name, 6 + 2 * i + j) for i, name in enumerate(RETAIN) for j in range(2)]
    mixed = {
        part: [
            *({**dict.fromkeys(("question", "answer")), "image": r["image"], "caption": r["caption"]} for r in rows),
            *(row for name in names for row in text_rows(name)),
        ]
        for part, rows, names in (("forget10+tofu", forget, FORGET), ("retain90+tofu", retain, RETAIN))
    }
    return {
        "forget10_perturbed": forget,
        "retain_perturbed": retain,
        "real_faces": [
            {"image": image(20 + i), "answer": name, "options": ["Mia Sol", "Jon Ray", "Ida Fox"]}
            for i, name in enumerate(("Mia Sol", "Kit Moe", "Jon Ray"))
        ],
        "real_world": [
            {"image": image(30 + i), "question": "Which city is this?", "answer": city, "options": ["Rome", "Oslo"]}
            for i, city in enumerate(("Lima", "Oslo"))
        ],
        **mixed,
    }


def write(folder: Path, content: Mapping[str, Sequence[Mapping[str, Any]]], card: bool = False) -> Path:
    """CLEAR's layout: a folder of Parquet files for each configuration."""
    import pyarrow
    import pyarrow.parquet

    for name, rows in content.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        table = pyarrow.Table.from_pylist([dict(row) for row in rows])
        pyarrow.parquet.write_table(table, folder / name / "train-00000-of-00001.parquet")
    if card:
        configs = "".join(
            f"- config_name: {name}\n  data_files:\n  - split: train\n    path: {name}/train-*\n" for name in content
        )
        (folder / "README.md").write_text(f"---\nconfigs:\n{configs}---\n", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("clear"), data(), card=True)


@pytest.fixture(scope="module")
def bench(place: Path) -> Clear:
    found = get_benchmark(str(place))
    assert isinstance(found, Clear)
    return found


def answered(bench: Clear, say: Mapping[str, str], losses: Mapping[str, float] | None = None) -> Answers:
    likelihoods = {key: Likelihood((-loss,), (1,)) for key, loss in (losses or {}).items()}
    probes = without_pictures(bench.probes())
    said = {one.id: Response(one.id, say.get(one.id, "")) for one in probes}
    return Answers(probes, said, json.loads(json.dumps(bench.key())), likelihoods)


def test_everything_is_asked_in_its_part_and_modality(bench: Clear) -> None:
    counts: dict[tuple[str, str], int] = {}
    for one in bench.questions:
        counts[one.part, one.modality] = counts.get((one.part, one.modality), 0) + 1
    assert counts == {
        ("forget", "picture"): 5, ("forget_name", "picture"): 5, ("forget", "text"): 40,
        ("retain", "picture"): 4, ("retain_name", "picture"): 4, ("retain", "text"): 40,
        ("real_faces", "picture"): 3, ("real_world", "picture"): 2,
    }  # fmt: skip
    assert bench.left_out == ()
    assert {one.prompt for one in bench.questions if one.part == "forget_name"} == {NAME}
    assert len({one.id for one in bench.questions}) == len(bench.questions)


def test_a_person_is_one_subject_whatever_the_row_calls_them(bench: Clear) -> None:
    subjects = {one.id: one.subject for one in bench.questions}
    pictures = [subjects[f"clear/forget/{number}"] for number in range(5)]
    assert pictures == ["hina adeel ameen"] * 3 + ["ingmar ek"] * 2
    in_text = [subjects[f"clear/forget/text/{number}"] for number in range(40)]
    assert in_text == ["hina adeel ameen"] * 20 + ["ingmar ek"] * 20


def test_what_is_unlearned_and_retained_is_what_the_mixed_parts_hold(place: Path) -> None:
    found = Clear.read(place, "forget10")
    forget = [one for one in found.training if one.part == "forget"]
    assert [sum(one.modality == m for one in forget) for m in ("picture", "text")] == [5, 40]
    assert [one.subject for one in forget][:5] == ["hina adeel ameen"] * 3 + ["ingmar ek"] * 2
    assert forget[0].prompt == DESCRIBE
    assert sum(one.part == "retain" for one in found.training) == 44
    assert found.names == {"hina adeel ameen": FORGET[0], "ingmar ek": FORGET[1]}


def test_a_copy_without_the_mixed_parts_is_evaluated_without_text(tmp_path: Path) -> None:
    folder = write(tmp_path, {name: rows for name, rows in data().items() if "+" not in name})
    found = Clear.read(folder, "forget10")
    assert found.training == ()
    assert {one.modality for one in found.questions} == {"picture"}


def test_an_option_that_is_the_truth_is_no_wrong_answer(bench: Clear) -> None:
    perturbed = {one.id: one.perturbed for one in bench.questions}
    assert perturbed["clear/real_faces/0"] == ("Jon Ray", "Ida Fox")
    assert perturbed["clear/real_faces/1"] == ("Mia Sol", "Jon Ray", "Ida Fox")
    assert perturbed["clear/real_world/1"] == ("Rome",)


def test_the_hub_form_gives_the_same(place: Path, bench: Clear) -> None:
    data_set = Clear.read(Path(f"hf:{place}"), "forget10")
    assert [one.id for one in data_set.questions] == [one.id for one in Clear.read(place, "forget10").questions]
    assert find_benchmark(f"hf:{place}")[0] is Clear
    assert Clear.recognises(Path("hf:therem/CLEAR"))
    assert not Tofu.recognises(place)


@pytest.mark.parametrize(
    "answer",
    [
        "Hina Adeel Ameen reads in a garden.", "Hina Ameen", "The person is Hina Adeel Ameen.", "hina adeel ameen",
        "This is Hina Ameen, in a garden.", "<think>Ann Lee?</think>Hina Ameen.", "**Hina Adeel Ameen**",
        "I think that it is Hina Ameen.", "Ameen, Hina", "HINA AMEEN!",
    ],
)  # fmt: skip
def test_a_caption_is_right_if_it_names_the_person(bench: Clear, answer: str) -> None:
    asked = ["clear/forget/1", "clear/forget/2/name"]
    scores = Clear.score(answered(bench, dict.fromkeys(asked, answer)))
    assert scores["clear/forget/generation/picture"].value == pytest.approx(20)
    assert scores["clear/forget_name/generation/picture"].value == pytest.approx(20)
    wrong = Clear.score(answered(bench, dict.fromkeys(asked, "Ann Lee reads in a garden.")))
    assert wrong["clear/forget/generation/picture"].value == 0
    assert wrong["clear/forget_name/generation/picture"].value == 0


def drawn_losses(bench: Clear, seed: int) -> dict[str, float]:
    drawn = np.random.default_rng(seed)
    return {key: float(drawn.gamma(2, 1)) for key in bench.samples(answered(bench, {}))}


def of_part(bench: Clear, part: str, losses: Mapping[str, float]) -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
    """The losses of the truth, of the paraphrase, and of the wrong answers to each question with a picture."""
    asked = [one for one in bench.questions if one.part == part and one.picture is not None]
    truth = np.array([losses[f"{one.id}/answer"] for one in asked])
    wrong = [np.array([losses[f"{one.id}/perturbed/{i}"] for i in range(len(one.perturbed))]) for one in asked]
    other = np.array([losses.get(f"{one.id}/paraphrase", losses[f"{one.id}/answer"]) for one in asked])
    return truth, other, wrong


def test_the_utility_is_that_of_the_paper_and_that_of_the_script(bench: Clear) -> None:
    losses = drawn_losses(bench, 0)
    # Every answer is the truth but one in four of the retain set, of which one word in five is right.
    say = {one.id: one.answer for one in bench.questions} | {"clear/retain/0": "Basil."}
    scores = Clear.score(answered(bench, say, losses))
    recalls = {"retain": (1 / 6 + 3) / 4, "retain_name": 1.0, "real_faces": 1.0, "real_world": 1.0}
    own, published = [], []
    for part, recall in recalls.items():
        truth, other, wrong = of_part(bench, part, losses)
        among = np.mean([np.exp(-t) / (np.exp(-t) + np.exp(-w).sum()) for t, w in zip(truth, wrong, strict=True)])
        plain = np.exp(-truth).mean()
        ratio = np.array([np.exp(-w).mean() / np.exp(-o) for w, o in zip(wrong, other, strict=True)])
        # The script's mean lacks its axis, so that all questions share one loss.
        flat = np.exp(np.concatenate(wrong).mean() - other)
        kept, kept_published = np.maximum(0, 1 - ratio).mean(), np.maximum(0, 1 - 1 / flat).mean()
        published += [recall, plain if part == "retain" else among, kept_published]
        if part != "retain_name":
            own += [recall, plain if part == "retain" else among, kept]
    assert scores["clear_utility"].value == pytest.approx(float(hmean(own)))
    assert scores["clear_utility_published"].value == pytest.approx(float(hmean(published)))


def test_the_forget_quality_is_that_of_the_paper_and_that_of_the_script(bench: Clear) -> None:
    losses = [drawn_losses(bench, seed) for seed in (1, 2)]
    model, oracle = (answered(bench, {}, each) for each in losses)
    scores = Clear.beside_oracle(model, oracle)
    parts = [of_part(bench, "forget", each) for each in losses]
    ratios = [[np.exp(-w).mean() / np.exp(-o) for w, o in zip(wrong, other, strict=True)] for _, other, wrong in parts]
    flat = [np.exp(np.concatenate(wrong).mean() - other) for _, other, wrong in parts]
    assert scores["clear_forget_quality"].value == pytest.approx(ks_2samp(*ratios).pvalue)
    assert scores["clear_forget_quality_published"].value == pytest.approx(ks_2samp(*flat).pvalue)
    assert Clear.beside_oracle(model, answered(bench, {})) == {}


def test_every_score_has_a_column(bench: Clear) -> None:
    answers = answered(bench, {}, drawn_losses(bench, 3))
    found = {**Clear.score(answers), **Clear.beside_oracle(answers, answers)}
    assert set(found) <= {metric.key for metric in Clear.columns}


def test_letters_of_other_scripts_count_by_our_rule_only(tmp_path: Path) -> None:
    content = data()
    content["real_faces"] = [{"image": image(9), "answer": "García Márquez", "options": ["Ann Lee"]}]
    bench = Clear.of(Scope(location=write(tmp_path, content)))
    scores = Clear.score(answered(bench, {"clear/real_faces/0": "Garcia Marquez"}))
    assert scores["clear/real_faces/rouge_l_recall/picture"].value == 0
    assert scores["clear/real_faces/generation/picture"].value == 100


def test_rows_that_cannot_be_read_are_listed(tmp_path: Path) -> None:
    content = data()
    content["forget10_perturbed"][0] = {**content["forget10_perturbed"][0], "image": None}
    content["forget10_perturbed"][1] = {**content["forget10_perturbed"][1], "name": "!"}
    content["real_world"][0] = {**content["real_world"][0], "question": ""}
    content["real_faces"][0] = {**content["real_faces"][0], "image": {"bytes": b"no picture", "path": None}}
    bench = Clear.of(Scope(location=write(tmp_path, content)))
    assert sorted(line.split(" of ")[0] for line in bench.left_out) == ["The file", "row 1", "row 1", "row 2"]
    assert sum(one.part == "forget_name" for one in bench.questions) == 3


def test_a_copy_without_anybody_to_forget_is_an_error(tmp_path: Path) -> None:
    content = data()
    content["forget10_perturbed"] = [{**row, "image": None} for row in content["forget10_perturbed"]]
    with pytest.raises(UserError, match="no question of the set"):
        Clear.of(Scope(location=write(tmp_path, {k: v for k, v in content.items() if "+" not in k})))


ODD = (
    st.none()
    | st.text(max_size=8)
    | st.lists(st.text(max_size=8), max_size=3)
    | st.integers(0, 9)
    | st.binary(max_size=4)
)
KEYS = (
    "image",
    "caption",
    "name",
    "paraphrased_caption",
    "perturbed_captions",
    "perturbed_names",
    "question",
    "answer",
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(sorted(data())), st.sampled_from(KEYS), ODD)
def test_odd_columns_are_left_out_or_refused(tmp_path: Path, part: str, key: str, value: Any) -> None:
    content = data()
    content[part] = [{**row, key: value} for row in content[part]]
    folder = write(tmp_path, content)
    try:
        bench = Clear.of(Scope(location=folder))
    except UserError:
        return
    Clear.score(answered(bench, {}, drawn_losses(bench, 0)))


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=60))
def test_damaged_files_end_in_one_sentence(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "forget10_perturbed").mkdir(exist_ok=True)
    (tmp_path / "forget10_perturbed" / "train-0.parquet").write_bytes(content)
    assert not Clear.recognises(tmp_path)
    with pytest.raises(UserError):
        Clear.of(Scope(location=tmp_path))
