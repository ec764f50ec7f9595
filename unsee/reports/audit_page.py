"""The page of an audit: self-contained, no script, everything foreign escaped."""

from __future__ import annotations

from unsee.benchmarks.concept import slug
from unsee.reports.attack_lines import lines_of
from unsee.reports.attack_plots import relearning_curves
from unsee.reports.audit import AuditReport
from unsee.reports.rendering import data_uri, inline, marked, render_template


def render(report: AuditReport) -> str:
    """The whole page as text."""
    every = sorted({name for names in report.names.values() for name in names if name.strip()}, key=len, reverse=True)
    names = every or sorted(report.audits, key=len, reverse=True)
    grades = report.grades
    return render_template(
        "audit.html",
        report=report,
        grade=report.grade,
        concepts=[
            {
                "name": concept,
                "grade": grades[concept],
                "lines": lines_of(audit),
                "curves": inline(relearning_curves(audit.rows, f"relearning-{slug(concept)}", audit.floor)),
                "oracle": audit.oracle,
            }
            for concept, audit in report.audits.items()
        ],
        picture=data_uri,
        marked=lambda text: marked(text, names),
    )
