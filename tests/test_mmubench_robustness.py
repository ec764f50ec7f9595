"""MMUBench's columns on robustness: membership inference, multilingual, multi-hop."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from rouge_score import rouge_scorer

from tests.command_line import call, printed
from tests.test_audit_grades import row
from unsee.attacks.trial import Found
from unsee.evaluation.audit_documents import audit_from, audit_to_plain
from unsee.evaluation.auditing import AFTER, BEFORE, Audit, Row
from unsee.evaluation.robustness import NOT_ATTACKED, robustness, unmeasured
from unsee.metrics import Score, share
from unsee.metrics.catalogue import AFTER_KEYS, BEFORE_KEYS, describe
from unsee.metrics.columns.robustness import KEYS
from unsee.metrics.siu_membership import ROUGE_L, siu_membership
from unsee.reports.losses import losses

NOTHING = Score(0.0, 4, 0.0, 40.0, False, 2)


def percent(value: float, low: float = math.nan, high: float = math.nan) -> Score:
    return Score(value, 12, low, high, False, 4)


def membership(*, after: float | None, before: float | None = 100.0) -> Row:
    given = {BEFORE: before, AFTER: after}
    return Row(
        "siu_membership",
        "",
        {
            state: Found(NOTHING, scores={} if value is None else {ROUGE_L: percent(value)})
            for state, value in given.items()
        },
    )


def test_the_columns_are_described_in_the_catalogue_and_stand_in_every_report() -> None:
    assert set(KEYS) <= set(AFTER_KEYS) & set(BEFORE_KEYS)
    for key in KEYS:
        metric = describe(key)
        assert (metric.unit, metric.family, metric.higher_is_better) == ("%", "forgetting", False)
        assert metric.meaning.endswith(".")


def test_a_column_is_what_the_attack_found_in_each_state_and_no_floor_is_taken_off() -> None:
    audit = Audit("quick", 0, (row("languages", 30.0, floor=10.0), row("facts", 91.0), membership(after=50.0)))
    found = robustness({"Mara Voss": audit})
    assert {key: score.value for key, score in found.after.items()} == {
        "mia": 50.0, "multilingual": 30.0, "multi_hop": 91.0,
    }  # fmt: skip
    languages = audit.rows[0].states
    assert found.after["multilingual"] == languages[AFTER].score
    assert found.before["multilingual"] == languages[BEFORE].score
    assert found.before["mia"].value == 100.0
    assert found.by_concept["Mara Voss"] == found.after
    assert found.unmeasured == {}


def test_of_several_concepts_the_column_is_the_mean_over_those_that_have_a_figure() -> None:
    audits = {
        "Mara Voss": Audit("quick", 0, (row("languages", 30.0), membership(after=50.0))),
        "Jonas Keller": Audit("quick", 0, (row("languages", 60.0), membership(after=None))),
    }
    found = robustness(audits)
    assert found.after["multilingual"].value == np.mean([30.0, 60.0])
    assert found.after["multilingual"].units == 2
    # Only one of them has prompts that look familiar; before counts the same concepts.
    assert (found.after["mia"].value, found.before["mia"].value) == (50.0, 100.0)
    assert "mia" not in found.by_concept["Jonas Keller"]
    assert found.unmeasured == {"multi_hop": "the audit did not try it"}


@pytest.mark.parametrize(
    ("audit", "reason"),
    [
        (Audit("quick", 0, (), {"siu_membership": "it needs log-probabilities"}), "it needs log-probabilities"),
        (Audit("quick", 0, (membership(after=None, before=None),)), "earlier version of unsee"),
        (Audit("quick", 0, (membership(after=None),)), "looks as familiar as before"),
    ],
)
def test_what_was_not_measured_has_no_figure_in_any_state_and_a_reason(audit: Audit, reason: str) -> None:
    found = robustness({"Mara Voss": audit})
    assert "mia" not in {**found.before, **found.after}
    assert reason in found.unmeasured["mia"]


def test_no_audit_gives_no_figure() -> None:
    found = unmeasured(NOT_ATTACKED)
    assert (found.before, found.after) == ({}, {})
    assert found.unmeasured == dict.fromkeys(KEYS, "no audit was made")


def test_the_papers_figure_is_the_mean_rouge_l_over_suspicious_prompts() -> None:
    """Against the library rouge-score, and the band of 1.15 by hand."""
    min_k = [(-2.0, -2.2), (-2.0, -4.0), (-1.0, -1.1)]
    answers = [("This is Mara Voss.", "This is Otto Berg."), ("Mara Voss", "Mara Voss"), ("I see Mara Voss", "I do")]
    scorer = rouge_scorer.RougeScorer(["rougeL"])
    recalls = [100 * scorer.score(*answers[i])["rougeL"].recall for i in (0, 2)]
    assert recalls == [50.0, 25.0]
    found = siu_membership(min_k, answers, ("Mara Voss",), ("Otto Berg",), units=["0", "1", "2"])
    assert found.overlap is not None
    assert found.overlap.value == pytest.approx(np.mean(recalls))
    assert (found.overlap.n, found.overlap.units) == (2, 2)


def test_the_other_scores_of_an_attack_are_saved_with_an_audit() -> None:
    audit = Audit("quick", 0, (membership(after=50.0),))
    document = json.loads(json.dumps(audit_to_plain(audit)))
    read = audit_from(document)
    assert read.rows[0].states[AFTER].scores[ROUGE_L].value == 50.0
    for state in document["rows"][0]["states"].values():
        # As earlier versions saved it.
        del state["scores"]
    assert audit_from(document).rows[0].states[AFTER].scores == {}


def test_that_a_memory_comes_back_is_no_loss() -> None:
    before = {key: share([False] * 30, higher_is_better=False) for key in KEYS}
    after = {key: share([True] * 30, higher_is_better=False) for key in KEYS}
    assert losses(before, after) == []


def test_a_run_has_the_columns_before_and_after_and_evaluate_finds_the_same(tmp_path: Path) -> None:
    picture, run = tmp_path / "mara.png", tmp_path / "run"
    call("world", "picture", "Mara Voss", "--split", "train", "--out", picture)
    forget = ("forget", "-m", "world:tiny-qwen3vl", "-c", "Mara Voss", "-i", picture, "--limit", "1", "--device", "cpu")
    report = printed(call(*forget, "--out", run, "--json"))
    before, after = ({key: report[state][key] for key in KEYS} for state in ("before", "after"))
    rows = {found["attack"]: found for found in report["audit"]["rows"]}
    for key, attack in (("multilingual", "languages"), ("multi_hop", "facts")):
        assert before[key]["value"] >= 90
        assert before[key] == rows[attack]["states"]["before"]["score"]
        assert after[key] == rows[attack]["states"]["after"]["score"]
        # The intervals are over the pictures.
        assert (after[key]["units"], after[key]["n"]) == (8, 48)
    # The model before agrees with itself; "This is" is half of the answer, whatever the name.
    assert before["mia"]["value"] == 100
    assert after["mia"]["value"] == 50
    assert after["multilingual"]["value"] < before["multilingual"]["value"]
    page = (run / "report.html").read_text(encoding="utf-8")
    assert "Membership inference (MIA)" in page
    assert "Not measured" not in page

    asked = ("evaluate", "-m", run, "--benchmark", "world", "--limit", "1", "--device", "cpu")
    document = printed(call(*asked, "--robustness", "--out", tmp_path / "scores", "--json"))
    found = document["concepts"]["Mara Voss"]
    assert {key: found[key]["value"] for key in KEYS} == {key: after[key]["value"] for key in KEYS}
    assert document["unmeasured"] == {}
    assert printed(call("score", tmp_path / "scores", "--json"))["changed"] == []
    assert printed(call("score", run, "--json"))["changed"] == []


def test_without_an_audit_the_columns_are_empty_and_say_why(tmp_path: Path) -> None:
    picture, run = tmp_path / "mara.png", tmp_path / "run"
    call("world", "picture", "Mara Voss", "--split", "train", "--out", picture)
    forget = ("forget", "-m", "world:tiny-qwen3vl", "-c", "Mara Voss", "-i", picture, "--limit", "1", "--device", "cpu")
    shown = call(*forget, "--audit", "none", "--out", run)
    assert "Not measured, because no audit was made: Membership inference (MIA), Multilingual, Multi-hop." in " ".join(
        shown.stdout.split()
    )
    report = json.loads((run / "report.json").read_text(encoding="utf-8"))
    for state in ("before", "after"):
        for key in KEYS:
            assert report[state][key]["value"] is None
            assert report[state][key]["reason"].startswith("not measured: no audit was made")
    assert "Not measured: no audit was made." in (run / "report.html").read_text(encoding="utf-8")

    asked = ("evaluate", "-m", "world:tiny-qwen3vl", "--benchmark", "world", "-c", "Mara Voss", "--limit", "1")
    document = printed(call(*asked, "--device", "cpu", "--out", tmp_path / "scores", "--robustness", "--json"))
    found = document["concepts"]["Mara Voss"]
    assert found["multi_hop"]["value"] >= 90
    assert found["multilingual"]["value"] >= 90
    assert found["mia"]["value"] is None
    assert "needs the model before unlearning" in found["mia"]["reason"]
    assert set(document["unmeasured"]) == {"mia"}
