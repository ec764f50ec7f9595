"""FIUBench: its layout with every quirk, and its figures by unsee's rules and by its script. All data is invented."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.stats import hmean
from sklearn.metrics import roc_auc_score

from tests.engines import answers_of
from tests.tiny import picture
from unsee.benchmarks import find_benchmark, get_benchmark
from unsee.benchmarks.base import Answers, Scope, without_pictures
from unsee.benchmarks.published import fiubench
from unsee.benchmarks.published.fiubench import (
    FIUBench,
    exact_match,
    first_sentence,
    keywords_told,
    min_k_published,
)
from unsee.data.sample import Likelihood, Response
from unsee.errors import UserError
from unsee.generation.canned import CannedEngine
from unsee.metrics.truth_ratio import normalised_probability

PEOPLE = 14
SPLITS = {"forget1": ["p00"], "forget5": ["p01", "p02"], "forget10": ["p03", "p04", "p05"],
          "retain5": ["p06", "p07"], "retain15": ["p06", "p07", "p08"]}  # fmt: skip
KNOWN = 10
"""In these files the people after ten are those whom no model was trained on."""
JOBS = ("baker", "pilot", "judge", "potter")


def person(number: int) -> dict[str, Any]:
    """Two people share a name, as in the real files."""
    job = JOBS[number % len(JOBS)]
    return {
        "unique_id": f"p{number:02}",
        "image_path": f"./dataset/images/{number}.png",
        "name": f"Mara Voss {number // 2}",
        "gender": "female",
        "caption": "A face.",
        "qa_list": [
            {
                "question": " what is this person's job?",
                "paraphrased_question": ["how does this person earn a living?", "what work is it?", "which trade?"],
                "answer": f"this person works as a {job} in porto",
                "paraphrased_answer": f"a {job} in porto is what this person is.",
                "perturbed_answer": [f"this person works as a {wrong}." for wrong in ("vet", "monk", "spy")],
                "keywords": [job, "Porto"],
            },
            {
                "question": "on which floor is this person'shospital room?",
                "paraphrased_question": ["where is this person'sroom?"],
                "answer": " this person lies on the sceond floor.",
                "paraphrased_answer": "the sceond floor is where this person lies.",
                "perturbed_answer": ["this person lies on the first floor."],
                "keywords": ["sceond floor", "person"],
            },
        ],
    }


def write(folder: Path, people: Sequence[Any] | None = None, splits: Any = SPLITS) -> Path:
    """The files, with the picture of every person."""
    (folder / "images").mkdir(parents=True, exist_ok=True)
    for number in range(PEOPLE):
        picture(number).save(folder / "images" / f"{number}.png")
    rows = [person(number) for number in range(PEOPLE)] if people is None else people
    lines = "".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows)
    (folder / "full.json").write_text(lines, encoding="utf-8")
    (folder / "split.json").write_text(json.dumps(splits), encoding="utf-8")
    return folder


@pytest.fixture(autouse=True)
def fewer_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fiubench, "KNOWN", KNOWN)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("fiubench"))


@pytest.fixture
def bench(place: Path) -> FIUBench:
    found = get_benchmark(str(place))
    assert isinstance(found, FIUBench)
    return found


def answered(bench: FIUBench, say: Mapping[str, str], read: Mapping[str, Sequence[float]] | None = None) -> Answers:
    likelihoods = {key: Likelihood(tuple(row), tuple(range(1, len(row) + 1))) for key, row in (read or {}).items()}
    probes = without_pictures(bench.probes())
    said = {one.id: Response(one.id, say.get(one.id, "")) for one in probes}
    return Answers(probes, said, json.loads(json.dumps(bench.key())), likelihoods)


def test_people_and_questions_are_counted_by_their_ids(bench: FIUBench) -> None:
    counts: dict[str, int] = {}
    for one in bench.questions:
        counts[one.part] = counts.get(one.part, 0) + 1
    assert counts == {"forget": 4, "reworded": 8, "retain": 4, "holdout": 4}
    assert {one.subject for one in bench.questions if one.part == "forget"} == {"p01", "p02"}
    assert {one.subject for one in bench.questions if one.part == "holdout"} == {"p10", "p11"}
    assert bench.left_out == ()
    # The holdout is only read.
    assert len(bench.probes()) == 16
    assert not any("/holdout/" in probe.id for probe in bench.probes())


def test_what_is_retained_is_everybody_known_whom_no_split_forgets(place: Path) -> None:
    found = FIUBench.read(place, "forget10")
    retained = {one.subject for one in found.training if one.part == "retain"}
    assert retained == {"p06", "p07", "p08", "p09"}
    assert {one.subject for one in found.training if one.part == "forget"} == {"p03", "p04", "p05"}
    assert found.names == {"p03": "Mara Voss 1", "p04": "Mara Voss 2", "p05": "Mara Voss 2"}


def test_a_missing_blank_is_put_in_and_answers_stay_as_they_are(bench: FIUBench) -> None:
    prompts = {one.id: one.prompt for one in bench.questions}
    assert prompts["fiubench/forget/p01/0"] == "what is this person's job?"
    assert prompts["fiubench/forget/p01/1"] == "on which floor is this person's hospital room?"
    assert prompts["fiubench/forget/p01/1/reworded/0"] == "where is this person's room?"
    answers = {one.id: one.answer for one in bench.questions}
    assert answers["fiubench/forget/p01/1"] == "this person lies on the sceond floor."


def test_it_is_recognised_in_a_folder_and_on_the_hub(place: Path, tmp_path: Path) -> None:
    assert find_benchmark(str(place))[0] is FIUBench
    assert find_benchmark(f"hf:{place}")[0] is FIUBench
    assert len(FIUBench.read(Path(f"hf:{place}"), "forget5").questions) == 20
    assert FIUBench.recognises(Path("hf:gray311/FIUBench"))
    (tmp_path / "full.json").write_text('{"question": "", "answer": ""}\n', encoding="utf-8")
    (tmp_path / "split.json").write_text("{}", encoding="utf-8")
    assert not FIUBench.recognises(tmp_path)


@pytest.mark.parametrize(
    ("answer", "floor"),
    [
        ("This person works as a pilot in Porto.", "On the second floor."), ("a pilot in porto", "the sceond floor"),
        ("PILOT, PORTO", "Second floor"), ("The person is a pilot. The city is Porto.", "It is the second floor."),
        ("Porto is where this pilot works.", "**second floor**"), ("Pilot (Porto)", "She lies on the second floor"),
        ("<think>baker?</think>A pilot in Porto", "<think>first?</think>second floor"),
        ("I think a pilot in Porto.", "I believe on the second floor."), ("Works as a pilot; Porto.", "second floor!"),
        ("Her job: pilot in Porto", "Floor: second floor"),
    ],
)  # fmt: skip
def test_a_right_answer_is_right_in_ten_ways(bench: FIUBench, answer: str, floor: str) -> None:
    say = {"fiubench/forget/p01/0": answer, "fiubench/forget/p01/1": floor}
    assert FIUBench.score(answered(bench, say))["fiubench/forget/generation/picture"].value == 50
    wrong = {"fiubench/forget/p01/0": "A baker in Porto.", "fiubench/forget/p01/1": "On the first floor, person."}
    assert FIUBench.score(answered(bench, wrong))["fiubench/forget/generation/picture"].value == 0


def test_the_released_exact_match_and_ours() -> None:
    assert first_sentence("Dr. Lee is a pilot.") == "Dr."
    assert first_sentence("a pilot in porto") == ""
    assert exact_match("She works in the HEART of Porto.", ("art", "porto", "pilot")) == pytest.approx(2 / 3)
    assert exact_match("Porto.", ()) == 0
    assert keywords_told("She works in the HEART of Porto", ("art", "porto", "pilot")) == pytest.approx(1 / 3)
    assert keywords_told("Dr. Lee is on the second floor", ("sceond floor", "Dr. Lee")) == 1


def test_both_rules_are_in_the_scores(bench: FIUBench) -> None:
    """One of two questions about each of two people is answered, without a full stop."""
    say = {f"fiubench/forget/{who}/0": f"a {job} in porto" for who, job in (("p01", "pilot"), ("p02", "judge"))}
    scores = FIUBench.score(answered(bench, say))
    assert scores["fiubench/forget/exact_match/picture"].value == 0
    assert scores["fiubench/forget/rouge_l_recall/picture"].value == 0
    assert scores["fiubench_keywords/forget"].value == 0.5
    # "a pilot in porto" of "this person works as a pilot in porto": four of eight words.
    assert scores["fiubench_rouge_l_recall/forget"].value == pytest.approx(0.25)


def test_every_wording_has_the_keywords_of_its_own_question(bench: FIUBench) -> None:
    """One question has three wordings, the other one: the released script takes three for granted."""
    say = {one.id: f"{' and '.join(one.keywords)}." for one in bench.questions if one.part == "reworded"}
    scores = FIUBench.score(answered(bench, say))
    assert scores["fiubench/reworded/exact_match/picture"].value == 1
    assert scores["fiubench_keywords/reworded"].value == 1
    assert scores["fiubench_forgotten"].value < 100


def drawn(bench: FIUBench, seed: int) -> dict[str, list[float]]:
    """Token log-probabilities of every text that is read."""
    random = np.random.default_rng(seed)
    return {key: (-random.gamma(2, 1, 12)).tolist() for key in bench.samples(answered(bench, {}))}


def test_only_the_first_wording_is_read_and_of_the_holdout_only_the_truth(bench: FIUBench) -> None:
    keys = set(drawn(bench, 0))
    assert not any("reworded" in key for key in keys)
    assert {key.rsplit("/", 1)[1] for key in keys if "/holdout/" in key} == {"answer"}
    assert len(keys) == 8 * 2 + 4 * (3 + 1) + 4


def test_the_utility_by_both_rules(bench: FIUBench) -> None:
    read = drawn(bench, 0)
    asked = [one for one in bench.questions if one.part == "retain"]
    # The first answers lack their full stop.
    say = {one.id: one.answer for one in asked}
    scores = FIUBench.score(answered(bench, say, read))
    p = {key: normalised_probability(row) for key, row in read.items()}
    plain, among, own, published = [], [], [], []
    for one in asked:
        wrong = [p[f"{one.id}/perturbed/{i}"] for i in range(len(one.perturbed))]
        plain.append(p[f"{one.id}/answer"])
        among.append(plain[-1] / (plain[-1] + sum(wrong)))
        own.append(max(0, 1 - np.mean(wrong) / p[f"{one.id}/paraphrase"]))
        published.append(max(0, 1 - math.prod(wrong) ** (1 / len(wrong)) / p[f"{one.id}/paraphrase"]))
    # ROUGE and exact match of the released script: 0 for two of four answers.
    assert scores["fiubench_utility"].value == pytest.approx(hmean([1, np.mean(plain), np.mean(own)]))
    expected = hmean([0.5, np.mean(among), np.mean(published), 0.5])
    assert scores["fiubench_utility_published"].value == pytest.approx(expected)


def test_membership_compares_with_people_nobody_trained_on(bench: FIUBench) -> None:
    read = drawn(bench, 1)
    means: dict[str, dict[str, list[float]]] = {"forget": {}, "holdout": {}}
    for one in bench.questions:
        if one.part in means:
            # A fifth of twelve tokens is two.
            lowest = np.sort(read[f"{one.id}/answer"])[:2].mean()
            means[one.part].setdefault(one.subject, []).append(float(lowest))
    values = [np.mean(row) for part in means.values() for row in part.values()]
    scores = FIUBench.score(answered(bench, {}, read))
    assert scores["fiubench_membership"].value == pytest.approx(100 * roc_auc_score([1, 1, 0, 0], values))
    rows = [row for key, row in read.items() if "/forget/" in key and key.endswith("/answer")]
    assert scores["fiubench_min_k_published"].value == pytest.approx(np.mean([min_k_published(row) for row in rows]))


def test_the_released_min_k_by_hand() -> None:
    # Without its first token, ten are left: the lowest 1, 2, 3, 4 and 5 of .1, .2, ..., 1.
    row = np.log([0.001, *(number / 10 for number in range(1, 11))])
    geometric = [math.prod(number / 10 for number in range(1, count + 1)) ** (1 / count) for count in range(1, 6)]
    assert min_k_published(row) == pytest.approx(np.dot([0.3, 0.3, 0.2, 0.1, 0.1], geometric))
    # Of three, 10 to 30 % are less than a token.
    assert min_k_published(np.log([0.9, 0.5, 0.5, 0.5])) == pytest.approx(0.2 * 0.5)
    assert min_k_published([-1.0]) == 0


def test_every_score_has_a_column(bench: FIUBench) -> None:
    answers = answered(bench, {}, drawn(bench, 2))
    found = {**FIUBench.score(answers), **FIUBench.beside_oracle(answers, answers)}
    assert found["fiubench_forget_quality"].value == 1
    assert set(found) <= {metric.key for metric in FIUBench.columns}


def test_an_engine_can_answer_it(bench: FIUBench) -> None:
    engine = CannedEngine(lambda probe: "a pilot in Porto.", lambda sample: Likelihood((-1.0, -2.0), (1, 2)))
    scores = FIUBench.score(answers_of(bench, engine))
    assert scores["fiubench_membership"].value == 50
    assert scores["fiubench/forget/probability/picture"].value == pytest.approx(math.exp(-1.5))


def test_what_cannot_be_read_is_listed(tmp_path: Path) -> None:
    people: list[Any] = [person(number) for number in range(PEOPLE)]
    people[1]["qa_list"][0]["answer"] = "..."
    people[1]["qa_list"].append("no question")
    people[2]["image_path"] = "../../elsewhere.png"
    people[6]["qa_list"] = None
    people[8] = "broken"
    people[9]["unique_id"] = "p07"
    folder = write(tmp_path, people, {**SPLITS, "forget5": ["p01", "p02", "p77"]})
    bench = FIUBench.of(Scope(location=folder))
    assert {one.subject for one in bench.questions if one.part == "forget"} == {"p01"}
    assert sorted(line.split(" of ")[0] for line in bench.left_out if line.startswith("question")) == [
        "question 1", "question 3"
    ]  # fmt: skip
    for word in ("row 9 of", "no unique_id of its own", "p77", "names a picture", "no qa_list"):
        assert any(word in line for line in bench.left_out), word
    assert len(bench.left_out) == 7


@pytest.mark.parametrize("place", ["data", "snapshots/data"])
def test_a_picture_outside_the_folder_is_not_shown(tmp_path: Path, place: str) -> None:
    people = [person(number) for number in range(PEOPLE)]
    folder = write(tmp_path / place, people)
    picture(1).save(tmp_path / "outside.png")
    (folder / "images" / "1.png").unlink()
    (folder / "images" / "1.png").symlink_to(tmp_path / "outside.png")
    bench = FIUBench.of(Scope(location=folder))
    assert {one.subject for one in bench.questions if one.part == "forget"} == {"p02"}


@pytest.mark.parametrize(
    ("splits", "sentence"), [([], "a list of unique_id"), ({"forget5": "p01"}, "unique_id"), ({}, "no split 'forget5'")]
)
def test_damaged_splits_are_refused(tmp_path: Path, splits: Any, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        FIUBench.of(Scope(location=write(tmp_path, splits=splits)))


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no folder"):
        FIUBench.of(Scope(location=tmp_path / "missing"))


PLAIN = st.none() | st.booleans() | st.floats() | st.text(max_size=6) | st.integers()
ODD = st.recursive(PLAIN, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner))


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(sorted(person(0))), st.sampled_from(sorted(person(0)["qa_list"][0])), ODD, ODD)
def test_odd_values_are_left_out_or_refused(tmp_path: Path, key: str, asked: str, value: Any, other: Any) -> None:
    people = [person(number) for number in range(PEOPLE)]
    people[1]["qa_list"][0][asked] = other
    people[2][key] = value
    folder = write(tmp_path, people)
    bench = FIUBench.of(Scope(location=folder))
    FIUBench.score(answered(bench, {one.id: "a pilot." for one in bench.questions}, drawn(bench, 0)))


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(["full.json", "split.json"]), st.binary(max_size=60))
def test_damaged_files_end_in_one_sentence(tmp_path: Path, name: str, content: bytes) -> None:
    folder = write(tmp_path)
    (folder / name).write_bytes(content)
    FIUBench.recognises(folder)
    with pytest.raises(UserError):
        FIUBench.of(Scope(location=folder))


def test_the_pictures_of_a_copy_from_the_hub_are_links_to_a_folder_next_to_it(tmp_path: Path) -> None:
    copy = write(tmp_path / "datasets--gray311--FIUBench" / "snapshots" / "1234")
    blobs = copy.parents[1] / "blobs"
    blobs.mkdir()
    for path in (copy / "images").glob("*.png"):
        path.rename(blobs / path.stem)
        path.symlink_to(blobs / path.stem)
    assert len(FIUBench.of(Scope(location=copy)).questions) == 20
