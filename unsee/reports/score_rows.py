"""The scores of a report as the rows of a table, for pages."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from unsee.kinds.words import Words
from unsee.metrics.catalogue import FAMILIES, Metric, Outcome, describe, in_order, judged, titled
from unsee.metrics.score import Score
from unsee.reports.report import Report


@dataclass(frozen=True)
class Row:
    """One line of the results table."""

    metric: Metric
    before: Score | None
    after: Score | None

    @property
    def outcome(self) -> Outcome | None:
        return judged(self.metric, self.before, self.after)

    @property
    def change(self) -> str:
        if self.before is None or self.after is None:
            return "–"
        return self.metric.format_change(self.before.value, self.after.value)


def rows(report: Report, keys: Iterable[str], named: Callable[[str, bool, Words], Metric] = titled) -> list[Row]:
    """A row for each of `keys` that was measured, or of which the report says why it was not."""
    found = []
    for key in keys:
        before, after = report.before.get(key), report.after.get(key)
        shown = after or before
        if shown is not None:
            found.append(Row(named(key, shown.higher_is_better, report.words), before, after))
        elif key in report.unmeasured:
            metric = named(key, describe(key).higher_is_better, report.words)
            why = f"{metric.meaning} Not measured: {report.unmeasured[key]}.".lstrip()
            found.append(Row(replace(metric, meaning=why), None, None))
    return found


def families(report: Report) -> Iterator[tuple[str, list[Row]]]:
    """The rows of every family, without those that have a section of their own."""
    apart = {key for section in report.also for key in section.keys}
    keys = (key for key in in_order([*report.before, *report.after, *report.unmeasured]) if key not in apart)
    found = rows(report, keys)
    for family, title in FAMILIES.items():
        members = [row for row in found if row.metric.family == family]
        if members:
            yield title, members
