"""`Evidence`: everything that a pack says about one run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from unsee.evaluation.auditing import Audit
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


@dataclass(frozen=True)
class FurtherAudit:
    """An audit next to the one that leads: of chosen attacks, of another level or with another floor."""

    name: str
    audit: Audit
    grade: Grade


@dataclass(frozen=True)
class Evidence:
    """One run as a pack presents it.

    report: of the run, with the audit that leads in it. audit: that audit. audited: when it was made. grade: its
    grade, never better than what the run itself says. request_text: `request.yaml`, word for word. files: SHA-256 (hex)
    by name of the weights and what belongs to them, which the pack does not hold. noted: whether the manifest vouches
    for these. method_title: the method in a few words, "" if it is not installed. with_pictures: whether the pack shows
    the pictures of the request. signer: SHA-256 (hex) of the public key, "" without a signature.
    """

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
    version: str = __version__

    @property
    def audits(self) -> list[Audit]:
        """Every audit of the run, the one that leads first."""
        return [self.audit, *(one.audit for one in self.further)]

    @property
    def weights(self) -> dict[str, str]:
        """Those of `files` that hold weights."""
        return {name: digest for name, digest in self.files.items() if name.endswith(".safetensors")}
