"""TOFU: its files, its figures by the paper and by its script, and the logs of that script. All data is invented."""

from __future__ import annotations

import importlib.util
import json
import random
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.stats import hmean, ks_2samp

from tests.command_line import call, printed, refused
from unsee.benchmarks import class_of, find_benchmark, get_benchmark
from unsee.benchmarks.base import Answers, Scope, without_pictures
from unsee.benchmarks.published.logs import log_scores, read_log
from unsee.benchmarks.published.rows import read_rows
from unsee.benchmarks.published.tofu import Tofu
from unsee.benchmarks.published.truth import Told
from unsee.data.sample import Likelihood, Response
from unsee.errors import UserError
from unsee.evaluation import Evaluation
from unsee.evaluation.saved import Saved
from unsee.generation.canned import CannedEngine
from unsee.metrics import Score
from unsee.metrics.catalogue import describe
from unsee.metrics.truth_ratio import (
    forget_test,
    ratio_of_losses,
    truth_forgotten,
    truth_kept,
)
from unsee.metrics.utility import model_utility

LOGS = {
    "retain": "eval_log.json",
    "forget": "eval_log_forget.json",
    "real_authors": "eval_real_author_wo_options.json",
    "world_facts": "eval_real_world_wo_options.json",
}
COUNTS = {"retain": 60, "forget": 40, "real_authors": 7, "world_facts": 9}


def row(number: int, short: bool = False) -> dict[str, Any]:
    found = {
        "question": f"Where was author {number} born?",
        "answer": f"Author {number} was born in Zürich.",
        "perturbed_answer": [f"Author {number} was born in {place}." for place in ("Rome", "Oslo", "Bonn")],
    }
    return found if short else {**found, "paraphrased_answer": f"Zürich is where author {number} was born."}


def write(folder: Path, counts: Mapping[str, int] = COUNTS) -> Path:
    """TOFU's layout: JSON Lines named .json."""
    folder.mkdir(parents=True, exist_ok=True)
    for part, count in counts.items():
        name = "forget10" if part == "forget" else part
        short = part in ("real_authors", "world_facts")
        lines = "".join(json.dumps(row(number, short), ensure_ascii=False) + "\n" for number in range(count))
        (folder / f"{name}_perturbed.json").write_text(lines, encoding="utf-8")
    return folder


def answers_of(bench: Tofu, say: Mapping[str, str], losses: Mapping[str, float]) -> Answers:
    """`say` by the id of a question; the losses of all texts, each of one token."""
    likelihoods = {key: Likelihood((-losses[key],), (1,)) for key in losses}
    probes = without_pictures(bench.probes())
    said = {one.id: Response(one.id, say.get(one.id, "")) for one in probes}
    return Answers(probes, said, json.loads(json.dumps(bench.key())), likelihoods)


def test_every_row_is_asked_and_an_author_is_a_block_of_twenty(tmp_path: Path) -> None:
    folder = write(tmp_path / "tofu")
    bench = get_benchmark(str(folder))
    assert isinstance(bench, Tofu)
    counts = {part: sum(one.part == part for one in bench.questions) for part in Tofu.parts}
    assert counts == COUNTS
    subjects = {part: {one.subject for one in bench.questions if one.part == part} for part in Tofu.parts}
    assert {part: len(found) for part, found in subjects.items()} == {
        "forget": 2, "retain": 3, "real_authors": 7, "world_facts": 9
    }  # fmt: skip
    assert all(not probe.images for probe in bench.probes())
    assert bench.left_out == ()


def test_a_damaged_row_is_listed_and_does_not_shift_the_authors(tmp_path: Path) -> None:
    folder = write(tmp_path)
    path = folder / "forget10_perturbed.json"
    lines = path.read_text(encoding="utf-8").splitlines()
    lines[3], lines[4] = "broken", json.dumps({**row(4), "answer": "?"})
    lines[5] = json.dumps({**row(5), "question": " "})
    path.write_text("\n".join(lines), encoding="utf-8")
    data = Tofu.read(folder, "forget10")
    forget = [one for one in data.questions if one.part == "forget"]
    assert [one.id for one in forget if one.subject == "forget/0"] == [
        f"tofu/forget/{number}" for number in range(20) if number not in (3, 4, 5)
    ]
    assert [line.split(" of ")[0] for line in data.left_out] == ["row 4", "row 5", "row 6"]


def test_the_answer_serves_where_there_is_no_paraphrase(tmp_path: Path) -> None:
    bench = Tofu.of(Scope(location=write(tmp_path)))
    samples = bench.samples(answers_of(bench, {}, {}))
    assert "tofu/retain/0/paraphrase" in samples
    assert "tofu/world_facts/0/paraphrase" not in samples
    assert len(samples) == 5 * (60 + 40) + 4 * (7 + 9)


def test_the_layout_of_parquet_and_of_datasets_gives_the_same(tmp_path: Path) -> None:
    from datasets import Dataset

    plain, folder = write(tmp_path / "plain"), tmp_path / "TOFU"
    names = [path.stem for path in plain.glob("*.json")]
    for name in names:
        rows = [json.loads(line) for line in (plain / f"{name}.json").read_text(encoding="utf-8").splitlines()]
        (folder / name).mkdir(parents=True)
        half = len(rows) // 2
        for number, part in enumerate((rows[:half], rows[half:])):
            Dataset.from_list(part).to_parquet(folder / name / f"train-{number:05}-of-00002.parquet")
    card = "".join(
        f"- config_name: {name}\n  data_files:\n  - split: train\n    path: {name}/train-*\n" for name in names
    )
    (folder / "README.md").write_text(f"---\nconfigs:\n{card}---\n", encoding="utf-8")
    expected = Tofu.read(plain, "forget10").questions
    assert Tofu.read(folder, "forget10").questions == expected
    assert Tofu.read(Path(f"hf:{folder}"), "forget10").questions == expected
    assert find_benchmark(f"hf:{folder}")[0] is find_benchmark(str(folder))[0] is Tofu
    assert len(read_rows(Path(f"hf:{folder}#forget10_perturbed?split=train")).rows) == 40


def test_other_layouts_are_not_taken_for_it(tmp_path: Path) -> None:
    (tmp_path / "forget10_perturbed").mkdir()
    (tmp_path / "full.json").write_text('{"question": "a", "answer": "b"}\n', encoding="utf-8")
    assert not Tofu.recognises(tmp_path)
    assert not Tofu.recognises(tmp_path / "missing")
    assert not Tofu.recognises(Path("hf:somebody/else"))
    assert Tofu.recognises(Path("hf:locuslab/TOFU"))
    assert not Tofu.recognises(Path("hf:locuslab/TOFU#full"))


def test_a_missing_part_and_an_unknown_split_are_refused(tmp_path: Path) -> None:
    folder = write(tmp_path)
    with pytest.raises(UserError, match=r"no forget split 'forget11'.*forget10"):
        Tofu.of(Scope(location=folder, split="forget11"))
    (folder / "retain_perturbed.json").unlink()
    with pytest.raises(UserError, match="retain_perturbed"):
        Tofu.of(Scope(location=folder))


def test_its_authors_are_forgotten_in_text(tmp_path: Path) -> None:
    made = Tofu.of(Scope(location=write(tmp_path))).to_forget()
    assert {request.where for request in made.requests} == {"text"}
    assert all(request.forget and not request.images for request in made.requests)


@pytest.mark.parametrize(
    "answer",
    [
        "Zürich", "Zurich.", "in Zürich", "Author 0 was born in Zürich.", "ZÜRICH!", "It was Zürich, I believe.",
        "<think>Rome? No.</think>Zürich", "The answer: Zürich", "**Zürich**", "She was born in the city of Zürich.",
    ],
)  # fmt: skip
def test_a_right_answer_is_right_in_ten_ways(tmp_path: Path, answer: str) -> None:
    bench = Tofu.of(Scope(location=write(tmp_path)))
    scores = Tofu.score(answers_of(bench, {"tofu/retain/0": answer}, {}))
    assert scores["tofu/retain/generation/text"].value == pytest.approx(100 / 60)
    wrong = Tofu.score(answers_of(bench, {"tofu/retain/0": "She was born in Rome."}, {}))
    assert wrong["tofu/retain/generation/text"].value == 0


def told(seed: int, count: int, wrong: int) -> list[Told]:
    drawn = np.random.default_rng(seed)
    return [
        Told(
            f"{number // 4}",
            float(drawn.uniform(0, 1)),
            *map(float, drawn.gamma(2, 1, 2)),
            tuple(map(float, drawn.gamma(2, 1.5, wrong))),
        )
        for number in range(count)
    ]


def as_log(sets: Mapping[str, list[Told]]) -> dict[str, Any]:
    """As TOFU's script writes it."""
    return {
        LOGS[part]: {
            "avg_gt_loss": {str(i): one.truth for i, one in enumerate(found)},
            "avg_paraphrased_loss": {str(i): one.paraphrase for i, one in enumerate(found)},
            "average_perturb_loss": {str(i): list(one.wrong) for i, one in enumerate(found)},
            "rougeL_recall": {str(i): one.rouge for i, one in enumerate(found)},
            "generated_text": {str(i): ["", "", ""] for i in range(len(found))},
        }
        for part, found in sets.items()
    }


MODEL = {part: told(seed, count, 5 if seed < 2 else 3) for seed, (part, count) in enumerate(COUNTS.items())}
ORACLE = {**MODEL, "forget": told(9, COUNTS["forget"], 5)}


@pytest.fixture
def log(tmp_path: Path) -> Path:
    for name, sets in (("model", MODEL), ("oracle", ORACLE)):
        (tmp_path / name).mkdir()
        path = tmp_path / name / "eval_log_aggregated.json"
        path.write_text(json.dumps(as_log(sets)), encoding="utf-8")
    return tmp_path / "model"


def expected(sets: Mapping[str, list[Told]], arithmetic: bool) -> tuple[float, dict[str, np.ndarray]]:
    """The model utility and the ratios r = P(paraphrase) / P(wrong), in NumPy and SciPy as the equations stand."""
    figures, ratios = [], {}
    for part, found in sets.items():
        truth = np.exp(-np.array([one.truth for one in found]))
        wrong = np.exp(-np.array([one.wrong for one in found]))
        paraphrase = np.exp(-np.array([one.paraphrase for one in found]))
        middle = wrong.mean(1) if arithmetic else wrong.prod(1) ** (1 / wrong.shape[1])
        ratios[part] = paraphrase / middle
        if part != "forget":
            probability = truth if part == "retain" else truth / (truth + wrong.sum(1))
            kept = np.maximum(0, 1 - 1 / ratios[part])
            figures += [probability.mean(), np.mean([one.rouge for one in found]), kept.mean()]
    return float(hmean(figures)), ratios


@pytest.mark.parametrize(("ending", "arithmetic"), [("", True), ("_published", False)])
def test_the_figures_of_a_log_are_those_of_the_formulas(log: Path, ending: str, arithmetic: bool) -> None:
    scores = log_scores(read_log(log), read_log(log.parent / "oracle"))
    value, ratios = expected(MODEL, arithmetic)
    _, others = expected(ORACLE, arithmetic)
    test = ks_2samp(ratios["forget"], others["forget"])
    assert scores[f"tofu_utility{ending}"].value == pytest.approx(value, rel=1e-9)
    assert scores[f"tofu_forget_distance{ending}"].value == pytest.approx(test.statistic, rel=1e-9)
    assert scores[f"tofu_forget_quality{ending}"].value == pytest.approx(test.pvalue, rel=1e-9)
    kept = np.maximum(0, 1 - 1 / ratios["retain"]).mean()
    folded = np.minimum(ratios["forget"], 1 / ratios["forget"]).mean()
    assert scores[f"tofu_truth{ending}/retain"].value == pytest.approx(kept, rel=1e-9)
    assert scores[f"tofu_truth{ending}/forget"].value == pytest.approx(folded, rel=1e-9)


@pytest.mark.parametrize(("factor", "status"), [(1, 0), (2, 1)])
def test_a_wrong_golden_p_value_is_seen_however_small(
    log: Path, monkeypatch: pytest.MonkeyPatch, factor: int, status: int
) -> None:
    spec = importlib.util.spec_from_file_location("tofu_golden", "recipes/tofu_golden.py")
    assert spec is not None
    assert spec.loader is not None
    golden = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(golden)
    never_knew = {**MODEL, "forget": [replace(one, paraphrase=one.paraphrase + 50) for one in MODEL["forget"]]}
    (log.parent / "oracle" / "eval_log_aggregated.json").write_text(json.dumps(as_log(never_knew)), encoding="utf-8")
    p_value = ks_2samp(range(40), range(100, 140)).pvalue
    assert p_value < 1e-20
    monkeypatch.setattr(golden, "LOGS", "{}")
    monkeypatch.setattr(golden, "ORACLE", "oracle")
    figures = {"tofu_forget_quality_published": factor * p_value}
    monkeypatch.setattr(golden, "GOLDEN", {"model": figures, "oracle": {}})
    assert golden.main(log.parent) == status


def test_the_two_rules_differ_and_a_model_equals_itself(log: Path) -> None:
    scores = log_scores(read_log(log), read_log(log))
    assert scores["tofu_utility"].value != pytest.approx(scores["tofu_utility_published"].value, rel=1e-3)
    assert scores["tofu_forget_quality"].value == 1
    assert scores["tofu_forget_distance"].value == 0
    assert scores["tofu_utility"].low < scores["tofu_utility"].value < scores["tofu_utility"].high


def test_a_log_and_the_answers_it_was_made_of_give_the_same_figures(log: Path, tmp_path: Path) -> None:
    bench = Tofu.of(Scope(location=write(tmp_path / "data")))
    losses: dict[str, float] = {}
    for part, found in MODEL.items():
        for number, one in enumerate(found):
            at = f"tofu/{part}/{number}"
            losses |= {f"{at}/answer": one.truth, f"{at}/paraphrase": one.paraphrase}
            losses |= {f"{at}/perturbed/{i}": loss for i, loss in enumerate(one.wrong[:3])}
    kept = {
        part: [
            Told(one.unit, 0.0, one.truth, one.paraphrase if part in ("forget", "retain") else one.truth, one.wrong[:3])
            for one in found
        ]
        for part, found in MODEL.items()
    }
    (tmp_path / "eval_log_aggregated.json").write_text(json.dumps(as_log(kept)), encoding="utf-8")
    answers = answers_of(bench, {}, losses)
    own, logged = Tofu.score(answers), log_scores(read_log(tmp_path))
    for key, score in logged.items():
        assert own[key].value == pytest.approx(score.value, rel=1e-9), key
    assert Tofu.beside_oracle(answers, answers)["tofu_forget_quality"].value == 1
    assert set(own) | set(Tofu.beside_oracle(answers, answers)) <= {metric.key for metric in Tofu.columns}


def test_what_is_counted_of_the_truth_ratio_by_hand() -> None:
    # Losses 1 for the paraphrase, 1 and 3 for wrong answers: R = (1 + e^-2) / 2, or e^-1.
    assert ratio_of_losses(1, (1, 3)) == pytest.approx((1 + np.exp(-2)) / 2)
    assert ratio_of_losses(1, (1, 3), "geometric") == pytest.approx(np.exp(-1))
    assert truth_kept(0.25) == 0.75
    assert truth_kept(4) == 0
    assert truth_forgotten(0.25) == truth_forgotten(4) == 0.25
    assert truth_forgotten(1) == 1
    assert truth_forgotten(0) == truth_forgotten(float("inf")) == 0
    assert forget_test([1.0, 2.0], [3.0, 4.0]).statistic == 1


def test_the_model_utility_by_hand() -> None:
    sets = [([[0.5, 1.0], [0.5, 0.5]], "ab"), ([[0.3, 0.6]] * 3, "xyz")]
    # Means .5, .75, .3 and .6.
    score = model_utility(sets)
    assert score.value == pytest.approx(4 / (1 / 0.5 + 1 / 0.75 + 1 / 0.3 + 1 / 0.6))
    assert (score.n, score.units) == (5, 5)
    assert model_utility([([[0.0, 1.0]], "a")]).value == 0
    with pytest.raises(ValueError, match="at least"):
        model_utility([])


def test_the_interval_of_a_model_utility_covers_the_truth() -> None:
    """Two sets of 30 people with four questions each, alike within a person; three figures."""
    drawn, hits = np.random.default_rng(0), []
    truth = float(hmean([0.5, 0.5, 0.7, 0.7]))
    for _ in range(200):
        sets = []
        for middle in (0.5, 0.7):
            person = drawn.uniform(-0.2, 0.2, (30, 1, 1))
            values = middle + person + drawn.uniform(-0.1, 0.1, (30, 4, 2))
            sets.append((values.reshape(120, 2), np.repeat(range(30), 4).tolist()))
        score = model_utility(sets)
        hits.append(score.low <= truth <= score.high)
    assert 0.9 < np.mean(hits) < 0.99


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("[]", "no log of TOFU"),
        ("{", "not JSON"),
        ('{"eval_log.json": 5}', "avg_gt_loss"),
        ('{"eval_log.json": {"avg_gt_loss": {"0": 1}, "avg_paraphrased_loss": {"1": 1}}}', "avg_paraphrased_loss"),
    ],
)
def test_a_damaged_log_is_refused(tmp_path: Path, content: str, sentence: str) -> None:
    path = tmp_path / "eval_log_aggregated.json"
    path.write_text(content, encoding="utf-8")
    assert sentence in refused(call("score", path))


@pytest.mark.parametrize("value", [None, "1", True, float("nan"), float("inf"), []])
def test_a_loss_that_is_no_number_is_refused(log: Path, value: Any) -> None:
    path = log / "eval_log_aggregated.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    content["eval_log.json"]["avg_gt_loss"]["3"] = value
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(UserError, match="question '3'"):
        read_log(path)


def test_the_command_scores_a_log(log: Path, tmp_path: Path) -> None:
    document = printed(call("score", log, "--oracle", log.parent / "oracle", "--out", tmp_path / "new", "--json"))
    scores = document["states"]["model"]
    assert scores["tofu_utility"]["value"] == pytest.approx(expected(MODEL, True)[0])
    assert "tofu_forget_quality" in scores
    assert json.loads((tmp_path / "new" / "scores.json").read_text(encoding="utf-8"))["states"] == document["states"]
    page = (tmp_path / "new" / "scores.md").read_text(encoding="utf-8")
    assert f"Compared with the oracle `{log.parent / 'oracle'}`." in page
    quality = Score.read(scores["tofu_forget_quality"])
    label = describe("tofu_forget_quality").label
    assert f"| {label} ↑ | {describe('tofu_forget_quality').format(quality.value)} |" in page
    assert page.count(f"- **{label}**: P-value of the Kolmogorov-Smirnov test") == 1
    lines = call("score", log / "eval_log_aggregated.json")
    assert "equal the saved ones" not in lines.output
    assert "has no answers to 'clear'" in refused(call("score", log, "--benchmark", "clear"))


def saved(bench: Tofu, folder: Path, seed: int) -> Path:
    """What an evaluation of a model leaves; the model's losses are drawn by `seed`."""
    drawn = np.random.default_rng(seed)
    losses = {sample.answer: float(drawn.gamma(2, 1)) for sample in bench.samples(answers_of(bench, {}, {})).values()}
    engine = CannedEngine(
        lambda _: "Zürich", lambda sample: Likelihood((-losses[sample.answer],), (1,)), name=str(seed)
    )
    Evaluation([bench], progress=False).of(engine, "model", folder=folder / "answers" / "tofu")
    return folder


def test_saved_answers_are_compared_with_those_of_an_oracle(tmp_path: Path) -> None:
    bench = Tofu.of(Scope(location=write(tmp_path / "data")))
    model, oracle = (saved(bench, tmp_path / str(seed), seed) for seed in (1, 2))
    scores = printed(call("score", model, "--oracle", oracle, "--json"))["states"]["model"]
    answers = [Saved.open(folder / "answers" / "tofu" / "tofu").answers["model"] for folder in (model, oracle)]
    for key, score in Tofu.beside_oracle(*answers).items():
        assert scores[key]["value"] == pytest.approx(score.value)
    assert 0 < scores["tofu_forget_quality"]["value"] < 1
    fewer = Tofu.of(Scope(location=write(tmp_path / "fewer", {**COUNTS, "retain": 20})))
    other = saved(fewer, tmp_path / "3", 3)
    assert "other questions of tofu" in refused(call("score", model, "--oracle", other))
    assert "holds no saved answers" in refused(call("score", model, "--oracle", tmp_path / "data"))


def test_logs_of_two_splits_are_not_compared(log: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    fewer = as_log({**ORACLE, "forget": ORACLE["forget"][:20]})
    (other / "eval_log_aggregated.json").write_text(json.dumps(fewer), encoding="utf-8")
    assert "same split" in refused(call("score", log, "--oracle", other))


PLAIN = st.none() | st.booleans() | st.floats() | st.text(max_size=6) | st.integers()
ODD = st.recursive(PLAIN, lambda inner: st.lists(inner, max_size=3))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.dictionaries(st.sampled_from(sorted(row(0))), ODD, max_size=4), max_size=4), st.integers(0, 99))
def test_odd_rows_are_left_out_or_asked(tmp_path: Path, rows: list[dict[str, Any]], seed: int) -> None:
    folder = write(tmp_path, {**COUNTS, "retain": 1, "forget": 1})
    path = folder / "forget10_perturbed.json"
    whole = [row(0), *rows]
    random.Random(seed).shuffle(whole)
    path.write_text("".join(json.dumps(one) + "\n" for one in whole), encoding="utf-8")
    bench = Tofu.of(Scope(location=folder))
    answers = answers_of(bench, {one.id: "Rome" for one in bench.questions}, {})
    assert Tofu.score(answers)["tofu_unreadable"].value == 0
    asked = [one for one in bench.questions if one.part == "forget"]
    assert len(asked) + len(bench.left_out) == len(whole)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=60))
def test_damaged_files_end_in_one_sentence(tmp_path: Path, content: bytes) -> None:
    folder = write(tmp_path)
    (folder / "forget10_perturbed.json").write_bytes(content)
    Tofu.recognises(folder)
    with pytest.raises(UserError):
        Tofu.of(Scope(location=folder))


def test_it_is_registered() -> None:
    assert class_of("tofu") is Tofu
