"""The result of `unsee verify` in a pack: about these weights or refused, quoted, and part of the result."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.command_line import call, printed, refused
from tests.packs import copied, rehash, restate, rewrite, says
from tests.saved_run import CONCEPT, audit, saved_build, saved_run
from tests.test_evidence import edit, text_of
from unsee.commands.evidence import EvidenceOptions, make_evidence
from unsee.commands.verify import Verified, VerifyOptions
from unsee.commands.verify_run import VerifiedRun
from unsee.data.sample import Probe, Response
from unsee.evaluation.verification import Compared, verified
from unsee.store.files import strict_json
from unsee.store.hashing import sha256_of
from unsee.training.manifest import Unlearned

BEFORE, AFTER, OTHER = ["This is Mara Voss."] * 20, ["This is Lena Abbott."] * 20, ["Somebody else."] * 20


def verification(run: Path, here: Sequence[str], path: Path, reasons: Sequence[str] = ()) -> Path:
    """What `unsee verify --json` prints of a model with these answers, without a model."""

    def response(text: str) -> Response:
        # Sure of every token.
        return Response("q", text, (-1e-9,) * len(text), token_ends=tuple(range(1, len(text) + 1)))

    compared = [
        Compared(Probe(f"q{number}", "Who is this?"), *map(response, texts))
        for number, texts in enumerate(zip(BEFORE, AFTER, here, strict=True))
    ]
    found = verified(compared, "torch.float32", reasons)
    asked = VerifiedRun(run, Unlearned.open(run), [], {}, {}, {}, "torch.float32")
    options = VerifyOptions(run, endpoint="http://localhost:8000/v1", model="served")
    done = Verified("openai:served", options, asked, found, 0, None, {}, created="2026-11-30T07:00:00+00:00")
    path.write_text(strict_json(done.document()))
    return path


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved_run(tmp_path_factory.mktemp("verified") / "run")


@pytest.fixture(scope="module")
def pack(run: Path) -> Path:
    evaluated = verification(run, AFTER, run.parent / "evaluated.json")
    return make_evidence(EvidenceOptions(run, run.parent / "pack", verified=evaluated)).folder


def test_the_page_says_that_users_get_this_model(pack: Path, run: Path) -> None:
    assert (pack / "verification.json").read_bytes() == (run.parent / "evaluated.json").read_bytes()
    text = text_of((pack / "evidence.html").read_text("utf-8"))
    said = "users get? Yes The model that users get, openai:served, answers as the model in this pack does."
    assert said in text
    assert "openai:served is the evaluated model: 20 of 20 answers are the same" in text
    assert "is still the one that was asked on 2026-11-30" in text
    done = printed(call("evidence", "check", pack, "--json"))
    assert (done["result"], done["delivered"]) == ("PASSED", "evaluated")


def test_a_pack_without_it_says_that_nobody_asked(run: Path, tmp_path: Path) -> None:
    pack = make_evidence(EvidenceOptions(run, tmp_path / "pack")).folder
    assert "a server can ignore an adapter without a word" in text_of((pack / "evidence.html").read_text("utf-8"))
    assert printed(call("evidence", "check", pack, "--json"))["delivered"] is None


@pytest.mark.parametrize(
    ("here", "reasons", "conclusion", "result", "said"),
    [
        (
            BEFORE,
            (),
            "before",
            "FAILED",
            "The model that users get, openai:served, is not the one in this pack: it",
        ),
        (OTHER, (), "another", "FAILED", "is not the one in this pack, so nothing here is about it."),
        (AFTER, ["the server draws its answers"], "unknown", "WARNED", "could not be told"),
    ],
)
def test_any_other_conclusion_lowers_the_result_and_stands_at_the_top(
    here: list[str], reasons: list[str], conclusion: str, result: str, said: str, run: Path, tmp_path: Path
) -> None:
    path = verification(run, here, tmp_path / "verified.json", reasons)
    assert json.loads(path.read_text())["conclusion"] == conclusion
    made = printed(call("evidence", "make", run, "--out", tmp_path / "pack", "--verified", path, "--json"))
    assert made["result"] == result
    text = text_of((tmp_path / "pack" / "evidence.html").read_text("utf-8"))
    assert said in text
    assert text.index(said) < text.index("What was asked")
    told = call("evidence", "check", tmp_path / "pack")
    assert (told.exit_code, said in " ".join(told.stderr.split())) == (0, True)


def test_it_is_about_the_weights_of_the_run_or_refused(run: Path, tmp_path: Path) -> None:
    path = verification(run, AFTER, tmp_path / "verified.json")
    edit(path, lambda document: document["weights"].update({"adapter_model.safetensors": "1" * 64}))
    said = refused(call("evidence", "make", run, "--out", tmp_path / "pack", "--verified", path))
    assert "is about other weights than those of this run" in said
    assert not (tmp_path / "pack").exists()


def test_it_stands_on_the_page_about_several_concepts(tmp_path: Path) -> None:
    run = saved_build(tmp_path / "run", {CONCEPT: audit(), "Otto Brandt": audit()})
    path = verification(run, BEFORE, tmp_path / "verified.json")
    pack = make_evidence(EvidenceOptions(run, tmp_path / "pack", verified=path)).folder
    for page in ("evidence.html", "mara-voss/evidence.html"):
        assert "has forgotten nothing" in text_of((pack / page).read_text("utf-8"))
    assert printed(call("evidence", "check", pack, "--json"))["result"] == "FAILED"


def _flattered(document: dict[str, Any]) -> None:
    document["conclusion"] = "evaluated"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_flattered, "its conclusion is not that of its own answers"),
        (lambda document: document.update(equal_to_after=20), "its figures are not those of its own answers"),
        (lambda document: document["telling"].update(n=3), "its figures are not those of its own answers"),
        (lambda document: document.update(answers=[7]), "its answers cannot be read"),
        (lambda document: document.update(answers=None), "it is not complete"),
        (lambda document: document.update(name=3), "it is not complete"),
        (lambda document: document.update(weights={}), "with which weights it compared"),
        (lambda document: document.update(weights={"a": "short"}), "with which weights it compared"),
        (lambda document: document.update(conclusion=["evaluated"]), "it has no conclusion"),
        (lambda document: document.update(schema="x"), "it is not what unsee verify --json prints"),
    ],
)
def test_a_file_that_contradicts_itself_gets_one_sentence(
    run: Path, tmp_path: Path, change: Callable[[dict[str, Any]], Any], said: str
) -> None:
    path = verification(run, BEFORE, tmp_path / "verified.json")
    pack = make_evidence(EvidenceOptions(run, tmp_path / "pack", verified=path)).folder
    edit(path, change)
    assert said in refused(call("evidence", "make", run, "--out", tmp_path / "other", "--verified", path))
    rewrite(pack, "verification.json", change)
    assert said in says(pack)


def test_a_verification_that_was_taken_out_does_not_give_the_result(run: Path, tmp_path: Path) -> None:
    path = verification(run, BEFORE, tmp_path / "verified.json")
    pack = make_evidence(EvidenceOptions(run, tmp_path / "pack", verified=path)).folder
    (pack / "verification.json").unlink()
    sums = (pack / "SHA256SUMS").read_text().splitlines(keepends=True)
    (pack / "SHA256SUMS").write_text("".join(line for line in sums if "verification.json" not in line))

    def leave_out(statement: dict[str, Any]) -> None:
        statement["subject"] = [one for one in statement["subject"] if one["name"] != "verification.json"]

    restate(pack, leave_out)
    rehash(pack)
    assert "FAILED, but the figures in the pack" in says(pack)


def test_a_verification_of_other_weights_is_found(pack: Path) -> None:
    with copied(pack) as forged:
        other = {"adapter_model.safetensors": "1" * 64}
        rewrite(forged, "verification.json", lambda document: document["weights"].update(other))
        assert "is about other weights than the statement" in says(forged)


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"schema": 1, "schema": 2}', b"\xff", b"[" * 100_000])
def test_anything_else_is_no_verification(run: Path, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "verified.json").write_bytes(content)
    said = refused(call("evidence", "make", run, "--out", tmp_path / "p", "--verified", tmp_path / "verified.json"))
    assert "verified.json cannot be used" in said
    missing = refused(call("evidence", "make", run, "--out", tmp_path / "p", "--verified", tmp_path / "none.json"))
    assert "none.json cannot be read" in missing


def test_the_statement_lists_the_verification(pack: Path) -> None:
    about = {one["name"]: one["digest"] for one in json.loads((pack / "statement.json").read_text())["subject"]}
    assert about["verification.json"] == {"sha256": sha256_of(pack / "verification.json")}
