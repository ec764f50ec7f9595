"""Two reports side by side: what differs, and no figure compared that rests on other questions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.command_line import call, printed, refused
from tests.saved_run import audit, audited, row, saved_run, share
from unsee.commands.report_diff import report_diff
from unsee.reports.difference import Difference, Pair

BEFORE = {"generality_em": share(0), "specificity": share(90), "cut": share(2)}


def runs(tmp_path: Path, **other: Any) -> tuple[Path, Path]:
    after = {"generality_em": share(60), "specificity": share(88), "cut": share(2)}
    a = saved_run(tmp_path / "a", before=BEFORE, after=after)
    return a, saved_run(tmp_path / "b", **{"before": BEFORE, "after": {**after, "generality_em": share(100)}, **other})


def score(found: Difference, key: str, state: str = "after") -> Pair:
    return next(pair for pair in found.scores if (pair.metric.key, pair.state) == (key, state))


def test_a_change_is_b_less_a_and_counts_beyond_the_intervals(tmp_path: Path) -> None:
    found = report_diff(*runs(tmp_path))
    forgot, kept = score(found, "generality_em"), score(found, "specificity")
    assert (forgot.change, forgot.outcome) == (40.0, "better")
    assert (kept.change, kept.outcome) == (0.0, "unclear")
    assert score(found, "generality_em", "before").change == 0.0
    back = report_diff(tmp_path / "b", tmp_path / "a")
    assert (score(back, "generality_em").change, score(back, "generality_em").outcome) == (-40.0, "worse")


def test_only_settings_that_differ_are_shown_and_no_measurements(tmp_path: Path) -> None:
    found = report_diff(*runs(tmp_path, method="lookalike", seed=3))
    assert found.settings == {"method": ("siu", "lookalike"), "seed": (0, 3)}
    same = report_diff(tmp_path / "a", tmp_path / "a")
    assert (same.settings, same.not_compared) == ({}, {})


@pytest.mark.parametrize(
    ("other", "why"),
    [
        ({"version": 5}, "the benchmark mmubench has version 4 in A and 5 in B"),
        ({"after": {"generality_em": share(100, 48)}}, "A and B rest on different numbers of answers"),
        ({"after": {"specificity": share(100)}}, "only A has it"),
        ({"after": {"generality_em": share(float("nan"))}}, "one of the two is no number"),
    ],
)
def test_what_rests_on_other_questions_is_not_compared(tmp_path: Path, other: dict[str, Any], why: str) -> None:
    found = score(report_diff(*runs(tmp_path, **other)), "generality_em")
    assert found.why == why
    assert found.change != found.change
    assert found.outcome is None
    assert "difference" not in found.to_dict()


def test_a_run_whose_questions_are_gone_is_not_compared(tmp_path: Path) -> None:
    a, b = runs(tmp_path)
    (b / "answers" / "mmubench" / "questions.jsonl").unlink()
    assert score(report_diff(a, b), "specificity").why == "the version of the benchmark mmubench is not known of B"
    (a / "answers" / "mmubench" / "questions.jsonl").write_text("damaged\n")
    assert score(report_diff(a, b), "specificity").why == "the benchmarks of both runs are not known"


def test_a_figure_about_all_benchmarks_needs_all_versions(tmp_path: Path) -> None:
    found = report_diff(*runs(tmp_path, version=5))
    assert score(found, "cut").why == "the benchmark mmubench has version 4 in A and 5 in B"
    assert score(report_diff(tmp_path / "a", tmp_path / "a"), "cut").why == ""


def test_attacks_are_compared_where_version_and_answers_agree(tmp_path: Path) -> None:
    plain = row("paraphrase", 0.0)
    a = saved_run(tmp_path / "a", audit(plain, row("facts", 90.0), row("languages", 10.0)))
    newer = {**audit().versions, "languages": 2}
    b = saved_run(tmp_path / "b", audit(plain, row("facts", 0.0), row("languages", 0.0), versions=newer))
    found = {pair.metric.key: pair for pair in report_diff(a, b).attacks if pair.state == "after"}
    assert (found["facts"].change, found["facts"].outcome) == (-90.0, "better")
    assert found["languages"].why == "the attack languages has version 1 in A and 2 in B"


def test_the_verdict_is_that_of_the_audit_whose_figures_are_shown(tmp_path: Path) -> None:
    found = audit(row("paraphrase", 0.0)), audit(row("paraphrase", 0.0), row("facts", 90.0))
    a, b = (saved_run(tmp_path / str(number), one) for number, one in enumerate(found))
    verdicts = report_diff(a, b).to_dict()["verdicts"]
    assert verdicts["a"].startswith("Holds against everything tested")
    assert verdicts["b"].startswith("Holds for plain questions; came back when")


def test_the_json_is_strict_and_holds_both_values(tmp_path: Path) -> None:
    a, b = runs(tmp_path, seed=1)
    document = printed(call("report", "diff", a, b, "--json"))
    assert document["settings"] == {"seed": {"a": 0, "b": 1}}
    [forgot] = [one for one in document["scores"] if (one["figure"], one["state"]) == ("Generality (EM)", "after")]
    assert (forgot["a"]["value"], forgot["b"]["value"], forgot["difference"]) == (60.0, 100.0, 40.0)


def test_the_table_shows_changes_and_says_what_is_the_same_or_not_compared(tmp_path: Path) -> None:
    a, b = runs(tmp_path, method="lookalike", after={"generality_em": share(100), "specificity": share(88, 10)})
    text = " ".join(call("report", "diff", a, b).stdout.split())
    assert "method A siu B lookalike" in text
    assert "+40.0 pts" in text
    assert "Not compared, because A and B rest on different numbers of answers: Specificity (after)." in text
    assert "3 of 4 scores are the same." in text


def test_no_figure_is_broken_in_a_terminal_of_80_columns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    a, b = runs(tmp_path)
    audited(a / "audit", audit(row("grid", 90.0, variant="asked for the name")))
    audited(b / "audit", audit(row("grid", 0.0, variant="asked for the name")))
    lines = [" ".join(line.split()) for line in call("report", "diff", a, b).stdout.splitlines()]
    place = lines.index("Generality (EM) ↑ 60.0 % 100.0 % +40.0 pts")
    assert lines[place + 1] == "after 56.0 to 64.0 96.0 to 100.0"
    # A long name is broken between its words, and nothing else is.
    assert sum(line.endswith("90.0 % 0.0 % −90.0 pts") for line in lines) == 1
    assert not any("…" in line for line in lines)


def test_a_hostile_report_reaches_no_terminal_and_a_damaged_one_is_refused(tmp_path: Path) -> None:
    a, b = runs(tmp_path, method="\x1b[31m[bold]")
    shown = call("report", "diff", a, b)
    assert "\x1b[31m" not in shown.stdout
    assert "[bold]" in shown.stdout
    report = json.loads((b / "report.json").read_text())
    (b / "report.json").write_text(json.dumps({**report, "after": 3}))
    assert "is damaged" in refused(call("report", "diff", a, b))
    assert "holds no report" in refused(call("report", "diff", a, tmp_path))
