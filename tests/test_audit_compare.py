"""`unsee compare --audit`: every cell is attacked, and the leaderboard shows what came back."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from tests.command_line import call, printed, refused
from tests.comparing import write_recipe
from tests.test_audit_grades import row
from unsee.evaluation.auditing import AFTER, BEFORE, Audit
from unsee.reports.grades import RunSays
from unsee.sweep import attacking
from unsee.sweep.attacking import columns


def test_a_column_is_the_worst_variant_over_the_floor_and_the_mean_of_the_concepts() -> None:
    audits = {
        "Mara Voss": Audit("quick", 0, (row("languages", 30.0, floor=10.0), row("paraphrase", 0.0))),
        "Jonas Keller": Audit("quick", 0, (row("languages", 5.0, variant="a"), row("languages", 60.0, variant="b"))),
    }
    after, before = columns(audits, AFTER), columns(audits, BEFORE)
    assert {key: score.value for key, score in after.items()} == {"attack/languages": 40.0, "attack/paraphrase": 0.0}
    assert before["attack/languages"].value == 95.0
    assert math.isnan(after["attack/languages"].low)
    # 0 over a floor of 0, with arms of 5 points above each: 5 * sqrt(0 + 1) on either side.
    assert (after["attack/paraphrase"].low, after["attack/paraphrase"].high) == (-5.0, 5.0)


def test_every_cell_is_attacked_and_the_leaderboard_shows_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # What the cell's own questions say decides with the audit: here that what was forgotten is forgotten in part only.
    said = RunSays("partly", "Its own questions say so")
    monkeypatch.setattr(attacking, "run_says", lambda *_, **__: said)
    recipe = write_recipe(tmp_path, audit="quick")
    done = printed(call("compare", recipe, "--out", tmp_path / "results", "--json"))
    assert done["finished"] == done["cells"]
    (cell, *_) = sorted((tmp_path / "results" / "cells").rglob("scores.json"))
    scores = json.loads(cell.read_text())
    assert {"attack/paraphrase", "attack/languages"} <= set(scores["after"])
    assert scores["before"]["attack/paraphrase"]["value"] > 90
    # MMUBench's own columns, without a floor.
    assert {"mia", "multilingual", "multi_hop"} <= set(scores["after"]) & set(scores["before"])
    assert min(scores["before"][key]["value"] for key in ("multilingual", "multi_hop")) > 90
    assert scores["unmeasured"] == {}
    assert (cell.parent / "audit" / "audit.html").is_file()
    audit = json.loads((cell.parent / "audit" / "audit.json").read_text())
    assert next(iter(audit["concepts"].values()))["headline"] == "Partly forgotten"
    assert scores["cell"]["audit"] == "quick"
    # What does not depend on the method is asked once.
    kept = [path.name for path in (tmp_path / "results").rglob("audit/answers/*/*")]
    assert {name.partition(".")[0].partition("-")[0] for name in kept} == {"after"}
    asked = sorted(path.name.partition("-")[0] for path in (tmp_path / "results" / "before").rglob("*-*.jsonl"))
    assert asked == ["before", "floor"]
    page = Path(printed(call("leaderboard", tmp_path / "results", "--json"))["page"]).read_text(encoding="utf-8")
    assert "points over the floor" in page
    assert "Asked in other languages" in page
    assert "MIA" in page
    assert "Not measured, because" not in page
    assert printed(call("score", tmp_path / "results", "--json"))["changed"] == []


def test_without_an_audit_the_leaderboard_shows_dashes_and_says_why(tmp_path: Path) -> None:
    printed(call("compare", write_recipe(tmp_path), "--out", tmp_path / "results", "--json"))
    page = Path(printed(call("leaderboard", tmp_path / "results", "--json"))["page"]).read_text(encoding="utf-8")
    assert "Not measured, because no audit was made: MIA, Multilingual, Multi-hop of" in page


@pytest.mark.parametrize("level", ["quik", "none"])
def test_an_unknown_level_is_refused(level: str, tmp_path: Path) -> None:
    assert "'audit' in" in refused(call("compare", write_recipe(tmp_path, audit=level)))
    assert f"There is no level {level!r}" in refused(call("compare", write_recipe(tmp_path), "--audit", level))
