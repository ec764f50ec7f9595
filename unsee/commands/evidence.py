"""`evidence make`: a run's evidence as one folder to send."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from unsee.attacks import LEVELS, PLUGINS, attacks_of
from unsee.commands.audit import FOLDER
from unsee.errors import SystemFailure, UserError, did_you_mean
from unsee.evaluation.attacking import ANSWERS
from unsee.evaluation.audit_documents import audit_from
from unsee.evaluation.auditing import AFTER, Audit
from unsee.methods import METHODS
from unsee.reports.evidence import facts
from unsee.reports.evidence.bom import bill_of_materials
from unsee.reports.evidence.facts import Evidence, FurtherAudit
from unsee.reports.evidence.page import render
from unsee.reports.evidence.statement import MEDIA_TYPE, PLAIN, SIGNED, Result, result_of, statement, tried
from unsee.reports.grades import grade
from unsee.reports.reading import read
from unsee.reports.report import Report
from unsee.reports.verdict import recognised
from unsee.requests import ForgetRequest
from unsee.sources.saved_request import REQUEST, saved_requests
from unsee.store.dsse import key_id, public_pem, read_private_key, sealed
from unsee.store.files import strict_json, write_together
from unsee.store.hashing import SUMS, digests_in, sums_text
from unsee.store.new_folder import new_folder
from unsee.store.text import first_line, read_json, read_text
from unsee.store.workspace import check_new
from unsee.training.data_folder import data_digest, read_training_data
from unsee.training.manifest import MANIFEST, Unlearned, result_files

_DECIDE = ("weights", "adapter", "processor", "chat_template")
"""What of an engine's fingerprint says that it is the same model, whatever was asked."""


@dataclass(frozen=True)
class EvidenceOptions:
    """run: the folder of a run of `unsee forget`. out: the new folder of the pack. key: the file of an ed25519 private
    key to sign with; None: the pack is not signed. with_pictures: show the pictures of the request. require_level: the
    weakest audit that is enough."""

    run: Path
    out: Path
    key: Path | None = None
    with_pictures: bool = False
    require_level: str = "standard"


@dataclass(frozen=True)
class Made:
    """A finished pack: its folder, what it is evidence of, and the result that its statement gives."""

    folder: Path
    evidence: Evidence
    result: Result

    def document(self) -> dict[str, Any]:
        return {
            "out": str(self.folder),
            "concept": self.evidence.report.concept,
            "result": self.result,
            "grade": self.evidence.grade.name,
            "level": self.evidence.audit.level,
            "key": self.evidence.signer or None,
        }


def make_evidence(options: EvidenceOptions) -> Made:
    """Write the pack of a run. The same run and key give the same bytes.

    Raises:
        UserError: the run is not finished or was changed since, the model was never shown to know the concept, the
            audit is too weak, or an option cannot work.
        SystemFailure: the disk refuses; nothing is left behind.
    """
    if options.require_level not in LEVELS:
        raise UserError(f"There is no level {options.require_level!r}{did_you_mean(options.require_level, LEVELS)}")
    check_new(options.out)
    key = None if options.key is None else read_private_key(options.key)
    evidence = replace(_evidence(options), signer="" if key is None else key_id(key.public_key()))
    with new_folder(options.out) as folder:
        what = _write_sources(evidence, options.run, folder)
        if key is not None:
            write_together(folder, {facts.KEY: public_pem(key.public_key())})
            what[facts.KEY] = "the public key of the signature"
        listed = {
            facts.PAGE: "this page",
            **what,
            facts.BOM: "the bill of materials of the model, as CycloneDX 1.6",
            SUMS: "the SHA-256 of every file but itself and the statement",
            PLAIN if key is None else SIGNED: "the in-toto statement: the result and the SHA-256 of every other file",
        }
        bom = strict_json(bill_of_materials(evidence))
        write_together(folder, {facts.BOM: bom, facts.PAGE: render(evidence, listed)})
        digests = _digests(folder)
        write_together(folder, {SUMS: sums_text(digests)})
        stated = strict_json(statement(evidence, _digests(folder)))
        if key is None:
            write_together(folder, {PLAIN: stated})
        else:
            write_together(folder, {SIGNED: strict_json(sealed(stated.encode(), MEDIA_TYPE, key))})
    return Made(options.out, evidence, result_of(evidence.grade, tried(evidence.audits)))


def _digests(folder: Path) -> dict[str, str]:
    try:
        return digests_in(folder)
    except OSError as error:
        raise SystemFailure(f"The pack cannot be read back: {error.strerror or error}.") from error


def _write_sources(evidence: Evidence, run: Path, folder: Path) -> dict[str, str]:
    """Copy what the page is made from, byte by byte; returns what each file is, by its name."""
    copies = {
        facts.REPORT: (run / facts.REPORT, "all figures before and after, as data"),
        facts.AUDIT: (run / FOLDER / facts.AUDIT, "all attacks, as data"),
        facts.MANIFEST: (run / MANIFEST, "the settings of the training"),
        facts.REQUEST: (run / REQUEST, "the request"),
        **{
            f"{facts.FURTHER}/{one.name}.json": (run / one.name / facts.AUDIT, "another audit, as data")
            for one in evidence.further
        },
    }
    try:
        for name, (source, _) in copies.items():
            (folder / name).parent.mkdir(exist_ok=True)
            shutil.copyfile(source, folder / name)
        what = {name: said for name, (_, said) in copies.items()}
        if evidence.with_pictures:
            (folder / facts.PICTURES).mkdir()
            for number, picture in enumerate(evidence.report.pictures, 1):
                # Pixels only: what came in the file of the user stays there.
                picture.save(folder / facts.PICTURES / f"{number}.png", format="PNG")
                what[f"{facts.PICTURES}/{number}.png"] = "a picture of the request"
    except OSError as error:
        raise SystemFailure(f"The pack cannot be written: {error.strerror or error}.") from error
    return what


def _evidence(options: EvidenceOptions) -> Evidence:
    """Everything that the pack says, checked. Raises UserError."""
    run = options.run
    unlearned = Unlearned.open(run)
    request = _request(run)
    report = read(run, request.pictures() if options.with_pictures else ())
    _check_hashes(run, unlearned, report)
    _check_known(report)
    document = _audit_document(run / FOLDER, report)
    audit = _audit(document, run / FOLDER, report)
    _check_level(audit, run, options.require_level)
    report = replace(report, audit=audit)
    found = grade(audit, report.concept, report.says)
    saved = document["concepts"][report.concept].get("grade")
    if found.name != saved:
        raise UserError(
            f"{run / FOLDER / facts.AUDIT} says the grade {saved!r}, but its figures and the report give "
            f"{found.name!r}: it was changed, or made by another version of unsee; run unsee audit {run} --overwrite."
        )
    if found.name == "not_measured":
        raise UserError(f"The audit of {run} proves nothing: {found.sentence}")
    return Evidence(
        report=report,
        audit=audit,
        audited=str(document["created"]),
        grade=found,
        request=request,
        request_text=read_text(run / REQUEST),
        manifest=unlearned.manifest,
        files=unlearned.files or _present_files(run),
        noted=bool(unlearned.files),
        method_title=METHODS[report.method].title if report.method in METHODS else "",
        further=tuple(_further(run, report)),
        notes=tuple(map(str, document.get("notes", ()))),
        with_pictures=options.with_pictures,
    )


def _present_files(run: Path) -> dict[str, str]:
    """The weights of a run whose manifest notes none, and what belongs to them, as they are now."""
    adapter = {"adapter_config.json", "unsee_base.json", "config.json", "training.jsonl"}
    try:
        every = result_files(run)
    except OSError as error:
        raise UserError(f"{run} cannot be read: {error.strerror or error}; check the folder.") from error
    return {name: digest for name, digest in every.items() if name in adapter or name.endswith(".safetensors")}


def _request(run: Path) -> ForgetRequest:
    if not (run / REQUEST).is_file():
        raise UserError(f"{run} has no {REQUEST}, so the request cannot be quoted; restore it, or forget again.")
    [request] = saved_requests(run)
    return request


def _check_hashes(run: Path, unlearned: Unlearned, report: Report) -> None:
    """Raises UserError where the folder no longer holds what the run wrote."""
    written = json.loads(strict_json(unlearned.manifest))
    differ = [key for key, value in written.items() if report.manifest.get(key) != value]
    if differ:
        raise UserError(
            f"{run / MANIFEST} and the manifest in {facts.REPORT} differ ({', '.join(differ[:3])}), so one of them was "
            "changed or is of another run; restore it."
        )
    unlearned.check_files()
    if data_digest(read_training_data(run / "data")) != unlearned.manifest.get("data_sha256"):
        raise UserError(f"The training data in {run / 'data'} is not what the manifest has the SHA-256 of; restore it.")
    asked = {_fingerprint(path) for path in run.glob(f"{ANSWERS}/*/{AFTER}.jsonl")}
    attacked = {_fingerprint(path) for path in run.glob(f"{FOLDER}*/{ANSWERS}/*/{AFTER}.jsonl")}
    types = {kind for kind, _ in asked} & {kind for kind, _ in attacked}
    if len({digests for kind, digests in asked | attacked if kind in types}) > len(types):
        raise UserError(
            f"The answers to the questions and to the attacks in {run} are from different weights, so the audit is of "
            f"another model; run unsee audit {run} --overwrite."
        )


def _fingerprint(path: Path) -> tuple[str, tuple[str, ...]]:
    """The dtype and the digests of the model that answered; both empty if the file does not tell."""
    with suppress(KeyError, TypeError):
        engine = (first_line(path) or {})["fingerprint"]
        return str(engine["dtype"]), tuple(str(engine[key]) for key in _DECIDE)
    return "", ()


def _check_known(report: Report) -> None:
    if not recognised(report.before) or report.verdict.forgetting in ("unknown_before", "unmeasured"):
        raise UserError(
            f"The model was never shown to know {report.concept} before unlearning, so nothing can prove that it "
            "forgot; evidence needs a run with a model that recognises the concept in new pictures."
        )


def _check_level(audit: Audit, run: Path, wanted: str) -> None:
    if audit.level not in LEVELS or LEVELS.index(audit.level) < LEVELS.index(wanted):
        raise UserError(
            f"The audit of {run} is of the level {audit.level}, which is below {wanted}; run unsee audit {run} --level "
            f"{wanted} first, or ask for less with --require-level."
        )
    lacking = [
        attack.title.casefold()
        for attack in attacks_of(wanted)
        if attack.name in PLUGINS.built_in and attack.name not in audit.versions
    ]
    if lacking:
        raise UserError(
            f"The audit of {run} lacks {len(lacking)} attacks of the level {wanted}, such as {lacking[0]!r}; run unsee "
            f"audit {run} --level {wanted} --overwrite first."
        )


def _audit_document(folder: Path, report: Report) -> dict[str, Any]:
    """The content of `audit.json`, of the same model and concept. Raises UserError."""
    path = folder / facts.AUDIT
    if not path.is_file():
        raise UserError(f"{folder.parent} has no audit, so nothing was attacked; run unsee audit on it first.")
    document = read_json(path)
    if document is None or not isinstance(document.get("concepts"), Mapping) or not document.get("created"):
        raise UserError(f"{path} is damaged; run unsee audit {folder.parent} --overwrite.")
    if report.concept not in document["concepts"] or document.get("model") != report.model:
        raise UserError(f"{path} is about another concept or model than {facts.REPORT}; audit this run again.")
    return document


def _audit(document: Mapping[str, Any], folder: Path, report: Report) -> Audit:
    try:
        found = audit_from(document["concepts"][report.concept])
    except (LookupError, ValueError, TypeError, AttributeError) as error:
        raise UserError(f"{folder / facts.AUDIT} is damaged; run unsee audit {folder.parent} --overwrite.") from error
    if not all(row.adds_up for row in found.rows):
        raise UserError(
            f"{folder / facts.AUDIT} was changed: what it says of the floor is not what its own shares give; run unsee "
            f"audit {folder.parent} --overwrite."
        )
    return found


def _further(run: Path, report: Report) -> list[FurtherAudit]:
    """All other audits: a pack that left one out could hide what it found."""
    found = []
    for path in sorted(run.glob(f"{FOLDER}-*/{facts.AUDIT}")):
        audit = _audit(_audit_document(path.parent, report), path.parent, report)
        found.append(FurtherAudit(path.parent.name, audit, grade(audit, report.concept, report.says)))
    return found
