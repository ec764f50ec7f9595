"""The evidence pack of a run: what is in it, what is not, and when there is none."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.command_line import call, left_in, printed, refused
from tests.saved_run import CONCEPT, DECIDES, answers, audit, audited, pixels, row, saved_run, share, shows_a_picture
from tests.tiny import picture
from unsee.commands.evidence import EvidenceOptions, make_evidence
from unsee.errors import UserError
from unsee.reports.evidence.limits import LAW, LIMITS
from unsee.store.text import strictly_parsed


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved_run(tmp_path_factory.mktemp("evidence") / "run")


@pytest.fixture(scope="module")
def pack(run: Path) -> Path:
    return make_evidence(EvidenceOptions(run, run.parent / "pack")).folder


def text_of(page: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", page.split("</style>")[1]).split())


def test_a_pack_holds_the_page_the_sources_and_the_statement(pack: Path, run: Path) -> None:
    assert left_in(pack) == {
        "evidence.html", "report.json", "audit.json", "manifest.json", "request.yaml", "bom.cdx.json", "SHA256SUMS",
        "statement.json",
    }  # fmt: skip
    for name, source in (("report.json", "report.json"), ("audit.json", "audit/audit.json")):
        assert (pack / name).read_bytes() == (run / source).read_bytes()


def test_the_page_says_what_was_asked_done_tested_and_not_tested(pack: Path, run: Path) -> None:
    page = (pack / "evidence.html").read_text("utf-8")
    text = text_of(page)
    for heading in ("What was asked", "What was done", "What was not tested", "What this cannot show", "How to check"):
        assert heading in text
    assert "concept: Mara Voss" in text
    assert "Which pet has she?" in text
    assert "siu: Single Image Unlearning" in text
    assert hashlib.sha256((run / "adapter_model.safetensors").read_bytes()).hexdigest() in text
    assert "asked in this way, the model answers at most 0 % of questions" in text
    assert "it is part of the level full" in text
    leak, none = r"100\.0 % 96\.0 to 100\.0", r"0\.0 % 0\.0 to 4\.0"
    assert re.search(f"Asked in other languages {leak} {none} {none}", text.replace("\xa0", " "))
    assert all(title in text for title, _ in (*LIMITS, *LAW))
    assert "This pack is not signed." in text
    assert "as training noted it and as it is now" in text


def test_no_picture_is_in_a_pack_unless_asked_for(pack: Path, run: Path, tmp_path: Path) -> None:
    assert not any(shows_a_picture(path.read_bytes()) for path in pack.iterdir())
    shown = make_evidence(EvidenceOptions(run, tmp_path / "pack", with_pictures=True)).folder
    assert pixels(shown / "pictures" / "1.png") == picture(1).tobytes()
    page = (shown / "evidence.html").read_text("utf-8")
    assert page.count("<img ") == 1
    assert "Pictures by nobody." in page
    assert "Pictures by nobody." not in (pack / "evidence.html").read_text("utf-8")


def test_the_same_run_gives_the_same_bytes(pack: Path, run: Path, tmp_path: Path) -> None:
    again = make_evidence(EvidenceOptions(run, tmp_path / "again")).folder
    assert {path.name: path.read_bytes() for path in again.iterdir()} == {
        path.name: path.read_bytes() for path in pack.iterdir()
    }


def test_the_statement_lists_every_file_and_the_weights_with_their_sha256(pack: Path, run: Path) -> None:
    statement = strictly_parsed((pack / "statement.json").read_bytes())
    assert statement["_type"] == "https://in-toto.io/Statement/v1"
    assert statement["predicateType"] == "https://in-toto.io/attestation/test-result/v0.1"
    about = {subject["name"]: subject["digest"] for subject in statement["subject"]}
    files = {path.name: path for path in pack.iterdir() if path.name != "statement.json"}
    files |= {f"run/{name}": run / name for name in ("adapter_model.safetensors", "adapter_config.json")}
    assert about == {name: {"sha256": hashlib.sha256(p.read_bytes()).hexdigest()} for name, p in files.items()}
    assert statement["predicate"]["result"] == "PASSED"
    assert statement["predicate"]["passedTests"] == ["paraphrase", "languages", "facts"]
    assert [one["name"] for one in statement["predicate"]["configuration"]] == ["manifest.json", "request.yaml"]
    assert all(isinstance(value, str) for value in statement["predicate"]["unsee"].values())


def test_an_attack_that_came_back_fails_and_one_that_chance_may_explain_warns(tmp_path: Path) -> None:
    plain, rough = row("paraphrase", 0.0), row("languages", 5.2)
    run = saved_run(tmp_path / "run", audit(plain, row("facts", 90.0), rough))
    made = make_evidence(EvidenceOptions(run, tmp_path / "pack"))
    predicate = json.loads((made.folder / "statement.json").read_text())["predicate"]
    assert (made.result, predicate["failedTests"], predicate["warnedTests"]) == ("FAILED", ["facts"], ["languages"])
    assert (predicate["passedTests"], predicate["unsee"]["grade"]) == (["paraphrase"], "plain")
    warned = saved_run(tmp_path / "warned", audit(plain, rough))
    assert make_evidence(EvidenceOptions(warned, tmp_path / "two")).result == "WARNED"


def test_sums_are_those_that_sha256sum_reads(pack: Path) -> None:
    lines = [line.split("  ") for line in (pack / "SHA256SUMS").read_text().splitlines()]
    assert dict(map(reversed, lines)) == {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in pack.iterdir()
        if path.name not in ("SHA256SUMS", "statement.json")
    }


def test_every_other_audit_is_in_the_pack_too(run: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(run, tmp_path / "run")
    audited(folder / "audit-oracle", audit(row("paraphrase", 0.0), row("relearning", 95.0), level="full"))
    made = make_evidence(EvidenceOptions(folder, tmp_path / "pack"))
    pack, predicate = made.folder, json.loads((made.folder / "statement.json").read_text())["predicate"]
    # What it found counts, although the audit that leads has the grade "holds".
    assert (made.result, predicate["result"], predicate["failedTests"]) == ("FAILED", "FAILED", ["relearning"])
    assert predicate["passedTests"] == ["paraphrase", "languages", "facts"]
    assert (pack / "audits" / "audit-oracle.json").is_file()
    text = text_of((pack / "evidence.html").read_text("utf-8"))
    assert "Another audit: audit-oracle" in text
    assert "came back when taught again" in text


def test_a_run_that_noted_no_hashes_says_so(tmp_path: Path) -> None:
    run = saved_run(tmp_path / "run", noted=False)
    pack = make_evidence(EvidenceOptions(run, tmp_path / "pack")).folder
    assert "did not note them after training" in text_of((pack / "evidence.html").read_text("utf-8"))
    about = [one["name"] for one in json.loads((pack / "statement.json").read_text())["subject"]]
    assert [name for name in about if name.startswith("run/")] == [
        "run/adapter_config.json", "run/adapter_model.safetensors",
    ]  # fmt: skip


def edit(path: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    document = json.loads(path.read_text("utf-8"))
    change(document)
    path.write_text(json.dumps(document), encoding="utf-8")


def _level(run: Path) -> None:
    audited(run / "audit", audit(level="quick"))


def _lacking(run: Path) -> None:
    audited(run / "audit", audit(versions={"paraphrase": 2}))


def _grade(run: Path) -> None:
    edit(run / "audit" / "audit.json", lambda content: content["concepts"][CONCEPT].update(grade="plain"))


def _request(run: Path) -> None:
    with (run / "request.yaml").open("a") as file:
        file.write("neighbours: [Ann]\n")


def _data(run: Path) -> None:
    (run / "data" / "samples.jsonl").write_text('{"prompt": "a", "answer": "b"}\n')


def _renamed(run: Path) -> None:
    edit(run / "report.json", lambda report: report.update(concept="Otto Brandt"))


def _other_weights(run: Path) -> None:
    answers(run / "audit" / "answers" / "mara-voss-standard", {**DECIDES, "weights": "w2"})


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (_level, "is of the level quick, which is below standard"),
        (_lacking, "attacks of the level standard, such as 'asked in other languages'"),
        (_grade, "says the grade 'plain', but its figures and the report give 'holds'"),
        (_other_weights, "are from different weights"),
        (lambda run: shutil.rmtree(run / "audit"), "has no audit, so nothing was attacked"),
        (lambda run: (run / "audit" / "audit.json").write_text("{"), "audit.json is damaged"),
        (lambda run: (run / "adapter_model.safetensors").write_bytes(b"other"), "was changed after training"),
        (lambda run: (run / "adapter_model.safetensors").unlink(), "cannot be read: No such file"),
        (lambda run: edit(run / "manifest.json", lambda m: m.update(seed=7)), "differ (seed)"),
        (lambda run: edit(run / "manifest.json", lambda m: m.update(files=["x"])), "manifest.json"),
        (lambda run: (run / "request.yaml").unlink(), "has no request.yaml"),
        (_request, "was changed after the run"),
        (_data, "The training data in"),
        (_renamed, "says that the run forgot Mara Voss, and a report is about Otto Brandt"),
        (lambda run: (run / "report.json").unlink(), "holds no report"),
        (lambda run: (run / "manifest.json").unlink(), "holds no finished run"),
    ],
)  # fmt: skip
def test_a_run_that_proves_nothing_or_was_changed_gets_one_sentence_and_no_pack(
    spoil: Callable[[Path], Any], says: str, run: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(run, tmp_path / "run")
    spoil(folder)
    assert says in refused(call("evidence", "make", folder, "--out", tmp_path / "pack"))
    assert left_in(tmp_path) == {"run"}


@pytest.mark.parametrize(
    "before",
    [
        {"generality_em": share(90), "specificity": share(100)},
        {"specificity": share(100)},
        {"generality_em": share(float("nan")), "specificity": share(100)},
    ],
)
def test_a_model_that_was_never_shown_to_know_the_concept_gets_no_evidence(
    before: dict[str, Any], tmp_path: Path
) -> None:
    run = saved_run(tmp_path / "run", before=before, after={"generality_em": share(100), "specificity": share(100)})
    with pytest.raises(UserError, match="was never shown to know Mara Voss before unlearning"):
        make_evidence(EvidenceOptions(run, tmp_path / "pack"))


def test_an_audit_of_a_model_that_hardly_knew_the_concept_gets_no_evidence(tmp_path: Path) -> None:
    run = saved_run(tmp_path / "run", audit(row("paraphrase", 0.0, before=5.0)))
    with pytest.raises(UserError, match=r"proves nothing: .* there was little to forget"):
        make_evidence(EvidenceOptions(run, tmp_path / "pack"))


def test_a_weaker_audit_is_enough_where_the_user_says_so(tmp_path: Path) -> None:
    run = saved_run(tmp_path / "run", audit(level="quick"))
    done = printed(call("evidence", "make", run, "--out", tmp_path / "pack", "--require-level", "quick", "--json"))
    assert (done["level"], done["grade"], done["result"], done["key"]) == ("quick", "holds", "PASSED", None)
    assert "did you mean 'quick'" in refused(
        call("evidence", "make", run, "--out", tmp_path / "x", "--require-level", "quik")
    )


def test_answers_in_another_dtype_are_no_other_weights(run: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(run, tmp_path / "run")
    answers(folder / "audit" / "answers" / "mara-voss-standard", {**DECIDES, "weights": "w2"}, "torch.bfloat16")
    assert make_evidence(EvidenceOptions(folder, tmp_path / "pack")).result == "PASSED"


def test_a_run_whose_manifest_names_nobody_gives_a_pack_that_holds(run: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(run, tmp_path / "run")
    edit(folder / "manifest.json", lambda manifest: manifest.pop("concept"))
    edit(folder / "report.json", lambda report: report["manifest"].pop("concept"))
    pack = make_evidence(EvidenceOptions(folder, tmp_path / "pack")).folder
    assert printed(call("evidence", "check", pack, "--json"))["concept"] == CONCEPT


def test_a_pack_is_not_written_over_anything(run: Path, tmp_path: Path) -> None:
    (tmp_path / "pack").mkdir()
    assert "already exists" in refused(call("evidence", "make", run, "--out", tmp_path / "pack"))


def test_a_hostile_name_is_only_quoted(tmp_path: Path) -> None:
    run = saved_run(tmp_path / "run", method="<script>alert(1)</script>")
    page = (make_evidence(EvidenceOptions(run, tmp_path / "pack")).folder / "evidence.html").read_text("utf-8")
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_the_bill_of_materials_passes_the_strict_schema(pack: Path) -> None:
    validation = pytest.importorskip("cyclonedx.validation.json", reason="needs unsee[dev]")
    from cyclonedx.schema import SchemaVersion

    text = (pack / "bom.cdx.json").read_text("utf-8")
    validator = validation.JsonStrictValidator(SchemaVersion.V1_6)
    assert validator.validate_str(text) is None
    # The validator does find what is wrong.
    assert validator.validate_str(text.replace("machine-learning-model", "model")) is not None


def test_the_bill_of_materials_has_the_weights_the_base_and_figures_with_intervals(pack: Path, run: Path) -> None:
    bom = strictly_parsed((pack / "bom.cdx.json").read_bytes())
    parts = {part["name"]: part for part in bom["components"]}
    digest = hashlib.sha256((run / "adapter_model.safetensors").read_bytes()).hexdigest()
    assert parts["adapter_model.safetensors"]["hashes"] == [{"alg": "SHA-256", "content": digest}]
    assert parts["torch"]["purl"] == "pkg:pypi/torch@2.13.0%2Bcpu"
    assert parts["world:tiny-qwen3vl"]["type"] == "machine-learning-model"
    card = bom["metadata"]["component"]["modelCard"]
    assert {
        "type": "Attack: Asked in other languages (%)",
        "value": "0.0000",
        "slice": "after unlearning, n = 48",
        "confidenceInterval": {"lowerBound": "0.0000", "upperBound": "4.0000"},
    } in card["quantitativeAnalysis"]["performanceMetrics"]
    refs = {part["bom-ref"] for part in (*bom["components"], bom["metadata"]["component"])}
    assert {one["ref"] for one in bom["dependencies"]} == refs
