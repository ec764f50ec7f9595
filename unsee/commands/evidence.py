"""`evidence make`: a run's evidence as one folder to send."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from unsee.attacks import LEVELS
from unsee.commands.evidence_of_run import evidence_of
from unsee.errors import SystemFailure, UserError, did_you_mean
from unsee.reports.evidence import facts
from unsee.reports.evidence.bom import bill_of_materials
from unsee.reports.evidence.delivered import Delivered, read_delivered
from unsee.reports.evidence.facts import Evidence, Pack
from unsee.reports.evidence.outcome import Outcome
from unsee.reports.evidence.page import render, render_whole
from unsee.reports.evidence.statement import MEDIA_TYPE, PLAIN, SIGNED, statement
from unsee.sources.saved_request import REQUEST
from unsee.store.dsse import key_id, public_pem, read_private_key, sealed
from unsee.store.files import strict_json, write_together
from unsee.store.hashing import SUMS, digests_in, sums_text
from unsee.store.new_folder import new_folder
from unsee.store.text import strictly_parsed
from unsee.store.workspace import check_new
from unsee.training.manifest import MANIFEST


@dataclass(frozen=True)
class EvidenceOptions:
    """run: the folder of a run of `unsee forget`, or of a ledger's build. out: the new folder of the pack. key: the
    file of an ed25519 private key to sign with; None: the pack is not signed. with_pictures: show the pictures of the
    request. require_level: the weakest audit that is enough. verified: the file with what `unsee verify --json`
    printed about the model that users get; None: the pack says nothing about it."""

    run: Path
    out: Path
    key: Path | None = None
    with_pictures: bool = False
    require_level: str = "standard"
    verified: Path | None = None


@dataclass(frozen=True)
class Made:
    """A finished pack: its folder, what it is evidence of, and what it comes to."""

    folder: Path
    pack: Pack
    outcome: Outcome

    @property
    def result(self) -> str:
        return self.outcome.result

    @property
    def signer(self) -> str:
        """SHA-256 (hex) of the public key; "" without a signature."""
        return self.pack.first.signer

    def document(self) -> dict[str, Any]:
        return {
            "out": str(self.folder),
            "concept": self.outcome.concept,
            "result": self.result,
            "grade": self.outcome.grade,
            "level": self.outcome.level,
            "key": self.signer or None,
        }


def make_evidence(options: EvidenceOptions) -> Made:
    """Write the pack of a run. The same run, key and verification give the same bytes.

    Raises:
        UserError: the run is not finished or was changed since, the model was never shown to know a concept, an audit
            is too weak, the verification is about other weights, or an option cannot work.
        SystemFailure: the disk refuses; nothing is left behind.
    """
    if options.require_level not in LEVELS:
        raise UserError(f"There is no level {options.require_level!r}{did_you_mean(options.require_level, LEVELS)}")
    check_new(options.out)
    key = None if options.key is None else read_private_key(options.key)
    found = evidence_of(options.run, options.require_level, with_pictures=options.with_pictures)
    delivered = None if options.verified is None else _delivered(options.verified, found.first)
    signer = "" if key is None else key_id(key.public_key())
    pack = Pack({name: replace(one, signer=signer, delivered=delivered) for name, one in found.parts.items()})
    with new_folder(options.out) as folder:
        what = dict(_write_sources(pack, options, folder))
        if key is not None:
            write_together(folder, {facts.KEY: public_pem(key.public_key())})
            what[facts.KEY] = "the public key of the signature"
        shared = {
            facts.BOM: "the bill of materials of the model, as CycloneDX 1.6",
            SUMS: "the SHA-256 of every file but itself and the statement",
            PLAIN if key is None else SIGNED: "the in-toto statement: the result and the SHA-256 of every other file",
        }
        pages = {f"{part}{facts.PAGE}": f"the page about {one.report.concept}" for part, one in pack.folders.items()}
        listed = {facts.PAGE: "this page", **what, **shared}
        if len(pack.parts) > 1:
            write_together(folder, {facts.PAGE: render_whole(pack, {**pages, **listed})})
        for part, one in pack.folders.items():
            write_together(folder / part, {facts.PAGE: render(one, listed, is_part=bool(part))})
        write_together(folder, {facts.BOM: strict_json(bill_of_materials(pack))})
        digests = _digests(folder)
        write_together(folder, {SUMS: sums_text(digests)})
        stated = strict_json(statement(pack, _digests(folder)))
        if key is None:
            write_together(folder, {PLAIN: stated})
        else:
            write_together(folder, {SIGNED: strict_json(sealed(stated.encode(), MEDIA_TYPE, key))})
    return Made(options.out, pack, pack.outcome)


def _delivered(path: Path, evidence: Evidence) -> Delivered:
    """What `unsee verify` found. Raises UserError if the file is something else, or about other weights."""
    advice = "give the file that unsee verify --json wrote"
    try:
        found = read_delivered(strictly_parsed(path.read_bytes()))
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror or error}; {advice}.") from error
    except ValueError as error:
        raise UserError(f"{path} cannot be used: {error}; {advice}.") from error
    if found.weights != evidence.files:
        raise UserError(
            f"{path} is about other weights than those of this run, by their SHA-256; run unsee verify on this run."
        )
    return found


def _digests(folder: Path) -> dict[str, str]:
    try:
        return digests_in(folder)
    except OSError as error:
        raise SystemFailure(f"The pack cannot be read back: {error.strerror or error}.") from error


def _write_sources(pack: Pack, options: EvidenceOptions, folder: Path) -> Iterator[tuple[str, str]]:
    """Copy what the pages are made from, byte by byte; yields each file and what it is."""
    copies = {facts.MANIFEST: (options.run / MANIFEST, "the settings of the training")}
    if options.verified is not None:
        copies[facts.VERIFIED] = (options.verified, "what was found about the model that users get, with its answers")
    for part, one in pack.folders.items():
        copies |= {
            f"{part}{facts.REPORT}": (one.folder / facts.REPORT, "all figures before and after, as data"),
            f"{part}{facts.AUDIT}": (one.source, "all attacks, as data"),
            f"{part}{facts.REQUEST}": (one.folder / REQUEST, "the request"),
        }
        for further in one.further:
            copies[f"{part}{facts.FURTHER}/{further.name}.json"] = (further.source, "another audit, as data")
    try:
        for name, (source, said) in copies.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, folder / name)
            yield name, said
        for part, one in pack.folders.items() if options.with_pictures else ():
            (folder / part / facts.PICTURES).mkdir()
            for number, picture in enumerate(one.report.pictures, 1):
                # Pixels only: what came in the file of the user stays there.
                picture.save(folder / part / facts.PICTURES / f"{number}.png", format="PNG")
                yield f"{part}{facts.PICTURES}/{number}.png", "a picture of the request"
    except OSError as error:
        raise SystemFailure(f"The pack cannot be written: {error.strerror or error}.") from error
