"""A small finished run on disk, as `unsee forget` and `unsee audit` leave it, made without a model."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PIL import Image

from tests.tiny import picture
from unsee.attacks import PLUGINS, attacks_of
from unsee.attacks.base import Found, Worst
from unsee.attacks.scoring import excess
from unsee.benchmarks.concept import slug
from unsee.data.sample import Sample
from unsee.evaluation.auditing import Audit, Row
from unsee.metrics.score import Score
from unsee.reports import Cost, Report, write
from unsee.reports.audit import AuditReport
from unsee.reports.writing import write_audit
from unsee.requests import ForgetRequest
from unsee.sources.saved_request import SAVED, save_request, saved_digest
from unsee.training.data_folder import data_digest, write_training_data
from unsee.training.manifest import MANIFEST, SCHEMA, result_files

CONCEPT = "Mara Voss"
DECIDES = {"weights": "w1", "adapter": "a1", "processor": "p1", "chat_template": "c1"}


def share(value: float, n: int = 96, *, better: bool = True) -> Score:
    return Score(value, n, max(0.0, value - 4), min(100.0, value + 4), better, 24)


def row(attack: str, after: float, *, before: float = 100.0, floor: float = 0.0, variant: str = "") -> Row:
    states = {
        state: Found(share(value, 48, better=False), {}, Worst("Who is this?", "Nobody I know.", 0, False))
        for state, value in (("before", before), ("after", after), ("floor", floor))
    }
    return Row(attack, variant, states, excess(states["after"].score, states["floor"].score))


def audit(*rows: Row, level: str = "standard", **changes: Any) -> Audit:
    """By default one in which nothing comes back, with every attack of the level."""
    versions = {attack.name: 1 for attack in attacks_of(level) if attack.name in PLUGINS.built_in}
    found = rows or (row("paraphrase", 0.0, variant="for the name"), row("languages", 0.0), row("facts", 0.0))
    fields = {"level": level, "seed": 0, "rows": found, "versions": versions,
              "untried": {"grid": "asked in this way, the model answers at most 0 % of questions"}}  # fmt: skip
    return Audit(**{**fields, **changes})


def saved_run(folder: Path, found: Audit | None = None, *, noted: bool = True, seed: int = 0, method: str = "siu",
              before: dict[str, Score] | None = None, after: dict[str, Score] | None = None,
              version: int = 4) -> Path:  # fmt: skip
    """Write a run into `folder`. noted: the manifest has the SHA-256 of the weights."""
    manifest = trained(folder, CONCEPT, noted=noted, seed=seed, method=method)
    reported(folder, manifest, CONCEPT, found or audit(), before, after, version)
    return folder


def saved_build(folder: Path, found: Mapping[str, Audit]) -> Path:
    """Write a run that forgot several concepts, as a ledger's build: a folder with a report and an audit for each."""
    manifest = trained(folder, list(found))
    for concept, own in found.items():
        place = folder / slug(concept)
        place.mkdir()
        reported(place, manifest, concept, own)
    return folder


def trained(folder: Path, concept: str | list[str], *, noted: bool = True, seed: int = 0,
            method: str = "siu") -> dict[str, Any]:  # fmt: skip
    """Write what training leaves; returns the manifest."""
    folder.mkdir(parents=True)
    samples = [Sample("Who is this?", "This is Lena Abbott.", (picture(1),), tags={"role": "forget"})]
    write_training_data(samples, folder / "data")
    (folder / "adapter_model.safetensors").write_bytes(b"weights of the adapter")
    (folder / "adapter_config.json").write_text('{"r": 8}\n')
    manifest = {
        "schema": SCHEMA, "method": method, "hyperparameters": {"steps": 30, "full": False, "learning_rate": 1e-3},
        "request_sha256": "0" * 64, "data_sha256": data_digest(samples), "model": "world:tiny-qwen3vl",
        "model_revision": None, "base": {"model": "world:tiny-qwen3vl", "revision": None, "weights": "1" * 64},
        "seed": seed, "concept": concept, "samples": 1, "steps": 30, "result": "adapter", "seconds": 3.5,
        "libraries": {"python": "3.11.7", "torch": "2.13.0+cpu", "peft": "0.21.2"}, "git_commit": None,
        **({"files": result_files(folder)} if noted else {}),
    }  # fmt: skip
    (folder / MANIFEST).write_text(json.dumps(manifest))
    return manifest


def reported(place: Path, manifest: dict[str, Any], concept: str, found: Audit, before: dict[str, Score] | None = None,
             after: dict[str, Score] | None = None, version: int = 4) -> None:  # fmt: skip
    """Write the request, the report, the answers and the audit about one concept."""
    request = ForgetRequest(concept, (picture(1),), aliases=("the potter",), facts=(("Which pet has she?", "A cat."),))
    save_request(request, place)
    scores = {"generality_em": share(0), "specificity": share(100), "text_facts": share(100), "cut": share(0)}
    report = Report(
        "world:tiny-qwen3vl", manifest["method"], concept, before or scores,
        after or {**scores, "generality_em": share(100)}, Cost(3.5, 20.0, 800.0, 30), request.pictures(),
        request.aliases, manifest={**manifest, "run": {"judge": "rules", "limit": None}, SAVED: saved_digest(request)},
        new_pictures=24, kind="person", created="2026-11-29T10:00:00+00:00", credit="Pictures by nobody.",
    )  # fmt: skip
    write(report, place)
    answers(place / "answers" / "mmubench", DECIDES)
    asked = {"schema": "unsee.questions/1", "benchmark": "mmubench", "version": version, "key": {}}
    (place / "answers" / "mmubench" / "questions.jsonl").write_text(json.dumps(asked) + "\n")
    audited(place / "audit", found, concept)


def answers(folder: Path, decides: dict[str, str], dtype: str = "torch.float32") -> None:
    """The first line of a transcript of the model after."""
    folder.mkdir(parents=True, exist_ok=True)
    header = {"schema": "unsee.transcript/1", "fingerprint": {"dtype": dtype, **decides}}
    (folder / "after.jsonl").write_text(json.dumps(header) + "\n")


def audited(folder: Path, found: Audit, concept: str = CONCEPT) -> None:
    """Write an audit of the run around `folder`."""
    from unsee.reports.reading import said_by_run

    whole = AuditReport(
        "world:tiny-qwen3vl", "runs/demo", found.level, 0, {concept: found}, says=said_by_run(folder.parent),
        created="2026-11-29T11:00:00+00:00",
    )  # fmt: skip
    write_audit(whole, folder)
    answers(folder / "answers" / f"{slug(concept)}-{found.level}", DECIDES)


def shows_a_picture(content: bytes) -> bool:
    """Whether a file holds a picture, as PNG or JPEG or inside a page."""
    marks = (b"data:image/", b"\x89PNG", b"\xff\xd8\xff", b"iVBOR", b"/9j/")
    return any(mark in content for mark in marks)


def pixels(path: Path) -> bytes:
    with Image.open(path) as image:
        return image.convert("RGB").tobytes()
