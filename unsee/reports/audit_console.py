"""An audit as a short table for the terminal."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from unsee.evaluation.auditing import Audit
from unsee.reports.attack_lines import lines_of
from unsee.reports.audit import AuditReport
from unsee.reports.grades import Grade
from unsee.reports.terminal_text import TONES, plain_text


def audit_summary(report: AuditReport) -> RenderableType:
    """For every concept the grade, a row for each attack, and what was not tested."""
    several = len(report.audits) > 1
    grades = report.grades
    parts: list[RenderableType] = []
    for concept, audit in report.audits.items():
        title = [Text(plain_text(concept), style="bold")] if several else []
        parts.append(
            Group(*title, _head(grades[concept]), Text(), attack_table(audit), *_foot(grades[concept], audit), Text())
        )
    notes = [Text(plain_text(note), style="dim") for note in report.notes]
    return Padding(Group(*parts, *notes), (1, 2))


def attack_table(audit: Audit) -> Table:
    """Leaks before, after and on the floor, and what exceeds the floor with its interval."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("")
    for title in ("before", "after", "floor", "over floor", "95 % interval"):
        table.add_column(title, justify="right")
    for line in lines_of(audit):
        label = f"  {line.variant}" if line.is_part else line.title
        table.add_row(
            Text(plain_text(label)),
            Text(line.shown(line.before)),
            Text(line.shown(line.after), style="bold"),
            Text(line.shown(line.floor)),
            Text(line.points(), style="red" if line.back else "dim"),
            Text(line.interval(line.excess) or "–", style="dim"),
        )
    return table


def _head(grade: Grade) -> Text:
    return Text.assemble((plain_text(grade.headline), TONES[grade.tone]), "\n", plain_text(grade.sentence))


def _foot(grade: Grade, audit: Audit) -> list[Text]:
    lines = list(grade.caveats)
    if audit.oracle:
        lines.insert(0, f"Floor: the oracle {audit.oracle}, a model that never knew the concept.")
    elif audit.floor:
        lines.insert(0, "Floor: the model before, with strangers in the concept's place.")
    lines += [
        f"Not tested, because {why}: {'; '.join(title[:1].lower() + title[1:] for title in titles)}."
        for why, titles in grade.reasons.items()
    ]
    return [Text(), *(Text(plain_text(line), style="dim") for line in lines)] if lines else []
