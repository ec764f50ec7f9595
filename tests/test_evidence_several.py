"""Evidence of a run that forgot several concepts: a page for each, one statement about all, as bad as the worst."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.command_line import call, left_in, printed, refused
from tests.packs import copied, rehash, restate, rewrite, says
from tests.saved_run import answers, audit, audited, reported, row, saved_build
from tests.test_evidence import edit, text_of
from unsee.commands.evidence import EvidenceOptions, make_evidence
from unsee.store.text import strictly_parsed

MARA, OTTO = "Mara Voss", "Otto Brandt"


def came_back() -> Any:
    return audit(row("paraphrase", 0.0), row("languages", 0.0), row("facts", 90.0))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved_build(tmp_path_factory.mktemp("several") / "run", {OTTO: came_back(), MARA: audit()})


@pytest.fixture(scope="module")
def pack(run: Path) -> Path:
    return make_evidence(EvidenceOptions(run, run.parent / "pack")).folder


def test_the_pack_has_a_page_for_each_and_one_about_all(pack: Path) -> None:
    own = {"evidence.html", "report.json", "audit.json", "request.yaml"}
    assert left_in(pack) == {
        "evidence.html", "manifest.json", "bom.cdx.json", "SHA256SUMS", "statement.json", "mara-voss", "otto-brandt",
    }  # fmt: skip
    assert left_in(pack / "mara-voss") == left_in(pack / "otto-brandt") == own
    whole = (pack / "evidence.html").read_text("utf-8")
    assert 'href="otto-brandt/evidence.html"' in whole
    assert "Otto Brandt: Holds for plain questions; came back when" in text_of(whole)
    assert "otto-brandt/audit.json" in whole
    # The page about one person is about nobody else.
    page = (pack / "mara-voss" / "evidence.html").read_text("utf-8")
    assert OTTO not in page
    assert "one of the 2 concepts that the run forgot together" in text_of(page)


def test_the_statement_is_about_every_request_and_as_bad_as_the_worst(pack: Path) -> None:
    statement = strictly_parsed((pack / "statement.json").read_bytes())
    names = {subject["name"] for subject in statement["subject"]}
    assert {"otto-brandt/request.yaml", "mara-voss/request.yaml", "run/adapter_model.safetensors"} <= names
    predicate = statement["predicate"]
    assert [one["name"] for one in predicate["configuration"]] == [
        "manifest.json", "otto-brandt/request.yaml", "mara-voss/request.yaml",
    ]  # fmt: skip
    assert (predicate["result"], predicate["failedTests"]) == ("FAILED", ["facts"])
    assert predicate["unsee"]["concept"] == "Otto Brandt, Mara Voss"
    assert predicate["unsee"]["grade"] == "plain"
    done = printed(call("evidence", "check", pack, "--json"))
    assert (done["result"], done["grade"], done["headline"].split(":")[0]) == ("FAILED", "plain", OTTO)


def test_the_bill_of_materials_says_whose_figures_are_whose(pack: Path) -> None:
    component = strictly_parsed((pack / "bom.cdx.json").read_bytes())["metadata"]["component"]
    assert "after unlearning 2 concepts by siu" in component["description"]
    kinds = {one["type"] for one in component["modelCard"]["quantitativeAnalysis"]["performanceMetrics"]}
    assert {f"{name}: Attack: Asked in other languages (%)" for name in (MARA, OTTO)} <= kinds


def test_where_all_hold_the_pack_holds(tmp_path: Path) -> None:
    made = make_evidence(EvidenceOptions(saved_build(tmp_path / "run", {OTTO: audit(), MARA: audit()}), tmp_path / "p"))
    assert (made.result, made.outcome.headline) == ("PASSED", "Holds against everything tested")


def test_the_build_of_a_ledger_about_one_gives_a_pack_about_one(tmp_path: Path) -> None:
    made = make_evidence(EvidenceOptions(saved_build(tmp_path / "run", {MARA: audit()}), tmp_path / "pack"))
    assert (made.folder / "report.json").is_file()
    assert made.outcome.concept == MARA
    assert call("evidence", "check", made.folder).exit_code == 0


def test_the_report_about_a_revoked_request_stays_out(run: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(run, tmp_path / "run")
    (folder / "lena-abbott").mkdir()
    reported(folder / "lena-abbott", json.loads((folder / "manifest.json").read_text()), "Lena Abbott", audit())
    made = make_evidence(EvidenceOptions(folder, tmp_path / "pack"))
    assert "lena-abbott" not in left_in(made.folder)
    assert "Lena Abbott" not in (made.folder / "bom.cdx.json").read_text()


def test_an_audit_of_the_whole_run_is_in_the_pack_too(run: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(run, tmp_path / "run")
    audited(folder / "audit-oracle", audit(row("paraphrase", 0.0), row("relearning", 95.0), level="full"), MARA)
    made = make_evidence(EvidenceOptions(folder, tmp_path / "pack"))
    assert list(made.outcome.tests["FAILED"]) == ["facts", "relearning"]
    assert left_in(made.folder / "mara-voss" / "audits") == {"run-audit-oracle.json"}
    assert call("evidence", "check", made.folder).exit_code == 0


def _other_weights(run: Path) -> None:
    answers(run / "mara-voss" / "answers" / "mmubench", {"weights": "w2", "adapter": "", "processor": "",
                                                         "chat_template": ""})  # fmt: skip


def _changed_request(run: Path) -> None:
    with (run / "mara-voss" / "request.yaml").open("a") as file:
        file.write("neighbours: [Ann]\n")


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (lambda run: shutil.rmtree(run / "mara-voss"), "forgot Mara Voss, too, and has 0 reports about it"),
        (lambda run: shutil.rmtree(run / "mara-voss" / "audit"), "mara-voss has no audit"),
        (lambda run: (run / "mara-voss" / "request.yaml").unlink(), "mara-voss has no request.yaml"),
        (lambda run: edit(run / "mara-voss" / "report.json", lambda r: r["manifest"].update(seed=7)), "differ (seed)"),
        (lambda run: shutil.copytree(run / "mara-voss", run / "again"), "and has 2 reports about it"),
        (lambda run: shutil.copy(run / "mara-voss" / "report.json", run), "has one report about all of them"),
        (_other_weights, "are from different weights"),
        (_changed_request, "was changed after the run"),
    ],
)
def test_one_part_that_proves_nothing_leaves_no_pack(
    run: Path, tmp_path: Path, spoil: Callable[[Path], Any], expected: str
) -> None:
    folder = shutil.copytree(run, tmp_path / "run")
    spoil(folder)
    assert expected in refused(call("evidence", "make", folder, "--out", tmp_path / "pack"))
    assert left_in(tmp_path) == {"run"}


def test_a_part_that_was_left_out_with_its_hashes_is_missed(pack: Path) -> None:
    with copied(pack) as forged:
        shutil.rmtree(forged / "otto-brandt")
        sums = (forged / "SHA256SUMS").read_text().splitlines(keepends=True)
        (forged / "SHA256SUMS").write_text("".join(line for line in sums if "otto-brandt" not in line))

        def leave_out(statement: dict[str, Any]) -> None:
            statement["subject"] = [one for one in statement["subject"] if "otto-brandt" not in one["name"]]
            statement["predicate"]["result"] = "PASSED"
            headline = "Holds against everything tested"
            statement["predicate"]["unsee"].update(concept=MARA, grade="holds", headline=headline)

        restate(forged, leave_out)
        rehash(forged)
        assert "does not have one report about each of them" in says(forged)


def test_one_part_that_was_made_better_is_found(pack: Path) -> None:
    with copied(pack) as forged:
        better = json.loads((forged / "mara-voss" / "audit.json").read_text())["concepts"][MARA]
        rewrite(forged, "otto-brandt/audit.json", lambda document: document["concepts"].update({OTTO: better}))
        assert "says something else than audit.json" in says(forged)
