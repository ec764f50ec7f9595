"""The one writer of pages: each is rendered whole before its folder changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from unsee.reports.advice import advise
from unsee.reports.audit import AuditReport
from unsee.reports.leaderboard import Leaderboard, markdown
from unsee.reports.report import Report
from unsee.store.files import strict_json, write_together

# Pages are imported where one is written: matplotlib is slow to import and only pages need it.


def write(report: Report, folder: Path) -> tuple[Path, Path]:
    """Write `report.json` and `report.html` into `folder` (made if missing); return their paths.

    Raises:
        SystemFailure: the folder cannot be written; files of an earlier report are left as they were.
    """
    from unsee.reports.page import render

    folder = Path(folder)
    document = {**report.to_dict(), "advice": [asdict(one) for one in advise(report)]}
    write_together(folder, {"report.json": strict_json(document), "report.html": render(report)})
    return folder / "report.json", folder / "report.html"


def write_audit(report: AuditReport, folder: Path) -> tuple[Path, Path]:
    """Write `audit.json` and `audit.html` into `folder` (made if missing); return their paths. Raises as `write`."""
    from unsee.reports.audit_page import render

    write_together(folder, {"audit.json": strict_json(report.to_dict()), "audit.html": render(report)})
    return folder / "audit.json", folder / "audit.html"


def write_leaderboard(leaderboard: Leaderboard, answers: Mapping[str, str], folder: Path) -> tuple[Path, Path]:
    """Write `leaderboard.md`, `leaderboard.html` and the pages with answers (by path below `folder`).

    Raises SystemFailure if the folder cannot be written.
    """
    from unsee.reports.leaderboard_page import render

    page = render(leaderboard)
    for name, text in answers.items():
        write_together((folder / name).parent, {Path(name).name: text})
    write_together(folder, {"leaderboard.md": markdown(leaderboard), "leaderboard.html": page})
    return folder / "leaderboard.md", folder / "leaderboard.html"
