"""`Pack`: everything that a pack says about a run; `Evidence`: what it says about one concept that the run forgot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unsee.evaluation.auditing import Audit
from unsee.reports.evidence.delivered import Delivered
from unsee.reports.evidence.outcome import Outcome, Told, outcome_of
from unsee.reports.grades import Grade
from unsee.reports.report import Report
from unsee.requests import ForgetRequest
from unsee.version import __version__

SCHEMA = "unsee.evidence/1"
PAGE, BOM, MANIFEST, REQUEST, REPORT, AUDIT = (
    "evidence.html", "bom.cdx.json", "manifest.json", "request.yaml", "report.json", "audit.json"
)  # fmt: skip
KEY = "key.pub.pem"
PICTURES = "pictures"
"""The folder with the pictures of the request, if they were asked for."""
FURTHER = "audits"
"""The folder with further audits: one file each."""
VERIFIED = "verification.json"
"""What `unsee verify --json` printed, if it was given."""


@dataclass(frozen=True)
class FurtherAudit:
    """An audit next to the one that leads: of chosen attacks, of another level or with another floor. source: its
    `audit.json` in the run."""

    name: str
    source: Path
    audit: Audit
    grade: Grade


@dataclass(frozen=True)
class Evidence:
    """One concept that a run forgot, as a pack presents it.

    folder: of its report in the run. source: the `audit.json` of the audit that leads. report: with that audit in it.
    audit: that audit. audited: when it was made. grade: its
    grade, never better than what the run itself says. request_text: `request.yaml`, word for word. files: SHA-256 (hex)
    by name of the weights and what belongs to them, which the pack does not hold. noted: whether the manifest vouches
    for these. method_title: the method in a few words, "" if it is not installed. with_pictures: whether the pack shows
    the pictures of the request. signer: SHA-256 (hex) of the public key, "" without a signature. delivered: what was
    found about the model that users get, if that was asked. together: how many concepts the run forgot.
    """

    folder: Path
    source: Path
    report: Report
    audit: Audit
    audited: str
    grade: Grade
    request: ForgetRequest
    request_text: str
    manifest: Mapping[str, Any]
    files: Mapping[str, str]
    noted: bool
    method_title: str = ""
    further: tuple[FurtherAudit, ...] = ()
    notes: tuple[str, ...] = ()
    with_pictures: bool = False
    signer: str = ""
    delivered: Delivered | None = None
    together: int = 1
    version: str = __version__

    @property
    def told(self) -> Told:
        return Told(self.report.concept, self.grade, self.audits)

    @property
    def audits(self) -> list[Audit]:
        """Every audit of the run, the one that leads first."""
        return [self.audit, *(one.audit for one in self.further)]

    @property
    def weights(self) -> dict[str, str]:
        """Those of `files` that hold weights."""
        return {name: digest for name, digest in self.files.items() if name.endswith(".safetensors")}


@dataclass(frozen=True)
class Pack:
    """The evidence of one run. parts: what it says about each concept, by the folder in the pack: "" for the one of a
    run that forgot one, else such as "mara-voss"."""

    parts: Mapping[str, Evidence]

    @property
    def first(self) -> Evidence:
        """That of the first concept. Model, method, weights and signer are those of all."""
        return next(iter(self.parts.values()))

    @property
    def folders(self) -> dict[str, Evidence]:
        """The parts by how the names of their files begin in the pack: "", or such as "mara-voss/"."""
        return {f"{name}/" if name else "": one for name, one in self.parts.items()}

    @property
    def audited(self) -> str:
        """When the newest of the audits that lead was made."""
        return max(one.audited for one in self.parts.values())

    @property
    def outcome(self) -> Outcome:
        delivered = self.first.delivered
        told = [one.told for one in self.parts.values()]
        return outcome_of(told, None if delivered is None else delivered.conclusion)
