"""What a pack says of a run, gathered from its folder and checked; refused where it would prove nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from unsee.attacks import LEVELS, PLUGINS, attacks_of
from unsee.commands.audit_place import FOLDER
from unsee.errors import UserError
from unsee.evaluation.attacking import ANSWERS
from unsee.evaluation.audit_documents import audit_from
from unsee.evaluation.auditing import AFTER, Audit
from unsee.methods import METHODS
from unsee.reports.evidence import facts
from unsee.reports.evidence.facts import Evidence, FurtherAudit, Pack
from unsee.reports.grades import grade
from unsee.reports.reading import read
from unsee.reports.report import Report
from unsee.reports.verdict import recognised
from unsee.requests import ForgetRequest
from unsee.sources.saved_request import REQUEST, forgotten_names, saved_part
from unsee.store.files import strict_json
from unsee.store.text import first_line, read_json, read_text
from unsee.training.data_folder import data_digest, read_training_data
from unsee.training.manifest import MANIFEST, Unlearned, result_files

_DECIDE = ("weights", "adapter", "processor", "chat_template")
"""What of an engine's fingerprint says that it is the same model, whatever was asked."""
_OF_ALL = "run-"
"""How the names of audits begin in a pack that were made of all concepts together."""


def evidence_of(run: Path, level: str, *, with_pictures: bool = False) -> Pack:
    """Everything that the pack of a run says. level: of the weakest audit that is enough. Raises UserError."""
    unlearned = Unlearned.open(run)
    places = _places(run)
    requests = {name: _request(place, run) for name, place in places.items()}
    reports = {name: read(place, requests[name].pictures() if with_pictures else ()) for name, place in places.items()}
    names = forgotten_names(run)
    for report in reports.values():
        if names and report.concept not in names:
            raise UserError(f"{run / MANIFEST} says that the run forgot {', '.join(names)}, and a report is about "
                            f"{report.concept}; restore the one that was changed.")  # fmt: skip
    _check_hashes(run, unlearned, places, reports)
    parts = {
        name: _evidence(run, place, unlearned, requests[name], reports[name], level) for name, place in places.items()
    }
    return Pack({name: replace(one, with_pictures=with_pictures, together=len(parts)) for name, one in parts.items()})


def _places(run: Path) -> dict[str, Path]:
    """The folders of the reports by their name in the pack: "" for one concept, else one for each, as a ledger's build
    has them. Raises UserError unless there is one report about each concept."""
    names = forgotten_names(run)
    has_own = (run / facts.REPORT).is_file()
    if has_own and len(names) > 1:
        raise UserError(
            f"{run} forgot {len(names)} concepts and has one report about all of them; evidence needs one about each, "
            "as a ledger's build has."
        )
    # The report about a request that was revoked is none of what was forgotten.
    own = (
        {}
        if has_own
        else {path.parent: (read_json(path) or {}).get("concept") for path in run.glob(f"*/{facts.REPORT}")}
    )
    found = {name: [place for place, concept in own.items() if concept == name] for name in names}
    if len(names) <= 1:
        [places] = found.values() or [[]]
        return {"": places[0] if len(places) == 1 else run}
    for name, places in found.items():
        if len(places) != 1:
            raise UserError(
                f"{run} forgot {name}, too, and has {len(places)} reports about it; evidence needs one about each "
                "concept, as a ledger's build has."
            )
    return {place.name: place for [place] in found.values()}


def _evidence(
    run: Path, place: Path, unlearned: Unlearned, request: ForgetRequest, report: Report, level: str
) -> Evidence:
    """What the pack says about one concept, whose report is in `place`."""
    _check_known(report)
    audits = dict(_audits(run, place, report))
    leading = [audits[name] for name in (FOLDER, f"{_OF_ALL}{FOLDER}") if name in audits]
    if not leading:
        raise UserError(f"{place} has no audit, so nothing was attacked; run unsee audit on it first.")
    source = max(leading, key=_level)
    document = _audit_document(source, report, run)
    audit = _audit(document, source, report, run)
    _check_level(audit, run, level)
    report = replace(report, audit=audit)
    found = grade(audit, report.concept, report.says)
    saved = document["concepts"][report.concept].get("grade")
    if found.name != saved:
        raise UserError(
            f"{source} says the grade {saved!r}, but its figures and the report give {found.name!r}: it was changed, "
            f"or made by another version of unsee; run unsee audit {run} --overwrite."
        )
    if found.name == "not_measured":
        raise UserError(f"The audit of {run} proves nothing: {found.sentence}")
    further = {name: path for name, path in audits.items() if path != source}
    return Evidence(
        folder=place,
        source=source,
        report=report,
        audit=audit,
        audited=str(document["created"]),
        grade=found,
        request=request,
        request_text=read_text(place / REQUEST),
        manifest=unlearned.manifest,
        files=unlearned.files or _present_files(run),
        noted=bool(unlearned.files),
        method_title=METHODS[report.method].title if report.method in METHODS else "",
        further=tuple(_further(further, report, run)),
        notes=tuple(map(str, document.get("notes", ()))),
    )


def _present_files(run: Path) -> dict[str, str]:
    """The weights of a run whose manifest notes none, and what belongs to them, as they are now."""
    adapter = {"adapter_config.json", "unsee_base.json", "config.json", "training.jsonl"}
    try:
        every = result_files(run)
    except OSError as error:
        raise UserError(f"{run} cannot be read: {error.strerror or error}; check the folder.") from error
    return {name: digest for name, digest in every.items() if name in adapter or name.endswith(".safetensors")}


def _request(place: Path, run: Path) -> ForgetRequest:
    if not (place / REQUEST).is_file():
        raise UserError(f"{place} has no {REQUEST}, so the request cannot be quoted; restore it, or forget again.")
    return saved_part(place, run)


def _check_hashes(run: Path, unlearned: Unlearned, places: Mapping[str, Path], reports: Mapping[str, Report]) -> None:
    """Raises UserError where the folder no longer holds what the run wrote."""
    written = json.loads(strict_json(unlearned.manifest))
    for name, report in reports.items():
        differ = [key for key, value in written.items() if report.manifest.get(key) != value]
        if differ:
            raise UserError(
                f"{run / MANIFEST} and the manifest in {places[name] / facts.REPORT} differ "
                f"({', '.join(differ[:3])}), so one of them was changed or is of another run; restore it."
            )
    unlearned.check_files()
    if data_digest(read_training_data(run / "data")) != unlearned.manifest.get("data_sha256"):
        raise UserError(f"The training data in {run / 'data'} is not what the manifest has the SHA-256 of; restore it.")
    # Of a run that forgot several, the audits may be next to the reports or in its own folder.
    folders = {run, *places.values()}
    asked = {_fingerprint(path) for one in folders for path in one.glob(f"{ANSWERS}/*/{AFTER}.jsonl")}
    attacked = {_fingerprint(path) for one in folders for path in one.glob(f"{FOLDER}*/{ANSWERS}/*/{AFTER}.jsonl")}
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


def _audits(run: Path, place: Path, report: Report) -> Iterator[tuple[str, Path]]:
    """Every audit about the concept of a report, by its name in the pack; the one that leads first. A pack that left
    one out could hide what it found."""
    paths = [place / FOLDER / facts.AUDIT, *sorted(place.glob(f"{FOLDER}-*/{facts.AUDIT}"))]
    yield from ((path.parent.name, path) for path in paths if path.is_file())
    if place != run:
        for path in (run / FOLDER / facts.AUDIT, *sorted(run.glob(f"{FOLDER}-*/{facts.AUDIT}"))):
            # One that cannot be read is refused later on.
            if path.is_file() and report.concept in (read_json(path) or {}).get("concepts", {report.concept: None}):
                yield f"{_OF_ALL}{path.parent.name}", path


def _level(path: Path) -> int:
    """How strong an audit is; one that cannot be read comes first, to be refused."""
    level = (read_json(path) or {}).get("level")
    return LEVELS.index(level) if level in LEVELS else len(LEVELS)


def _audit_document(path: Path, report: Report, run: Path) -> dict[str, Any]:
    """The content of `audit.json`, of the same model and concept. Raises UserError."""
    document = read_json(path)
    if document is None or not isinstance(document.get("concepts"), Mapping) or not document.get("created"):
        raise UserError(f"{path} is damaged; run unsee audit {run} --overwrite.")
    if report.concept not in document["concepts"] or document.get("model") != report.model:
        raise UserError(f"{path} is about another concept or model than {facts.REPORT}; audit this run again.")
    return document


def _audit(document: Mapping[str, Any], path: Path, report: Report, run: Path) -> Audit:
    try:
        found = audit_from(document["concepts"][report.concept])
    except (LookupError, ValueError, TypeError, AttributeError) as error:
        raise UserError(f"{path} is damaged; run unsee audit {run} --overwrite.") from error
    if not all(row.adds_up for row in found.rows):
        raise UserError(
            f"{path} was changed: what it says of the floor is not what its own shares give; run unsee audit {run} "
            "--overwrite."
        )
    return found


def _further(paths: Mapping[str, Path], report: Report, run: Path) -> Iterator[FurtherAudit]:
    """All audits but the one that leads."""
    for name, path in paths.items():
        audit = _audit(_audit_document(path, report, run), path, report, run)
        yield FurtherAudit(name, path, audit, grade(audit, report.concept, report.says))
