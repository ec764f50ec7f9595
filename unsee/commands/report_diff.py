"""`report diff`: two runs, read from their folders."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from unsee.commands.audit_place import FOLDER
from unsee.evaluation.audit_documents import audit_from
from unsee.evaluation.auditing import Audit
from unsee.evaluation.saved import QUESTIONS, folders_in
from unsee.reports.difference import Difference, Run, difference
from unsee.reports.reading import read
from unsee.reports.report import Report
from unsee.store.text import first_line, read_json


def report_diff(a: Path, b: Path) -> Difference:
    """The difference from run `a` to run `b`. Raises UserError if one of the folders holds no report."""
    return difference(_run(a), _run(b))


def _run(folder: Path) -> Run:
    report = read(folder)
    headers = [first_line(place / QUESTIONS) or {} for place in folders_in(folder / "answers")]
    versions = {
        str(header["benchmark"]): header["version"]
        for header in headers
        if "benchmark" in header and type(header.get("version")) is int
    }
    audit = _audit(folder, report)
    # So that the verdict is the one that the figures of attacks below it belong to.
    return Run(replace(report, audit=audit), versions, audit)


def _audit(folder: Path, report: Report) -> Audit | None:
    """That in the folder, which may be stronger than the one in the report."""
    document = read_json(folder / FOLDER / "audit.json") or {}
    try:
        return audit_from(document["concepts"][report.concept])
    except (LookupError, ValueError, TypeError, AttributeError):
        return report.audit
