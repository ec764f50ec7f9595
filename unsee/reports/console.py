"""The result of a run as a short table for the terminal."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from unsee.kinds.words import EITHER, Words
from unsee.metrics.catalogue import AFTER_KEYS, KEYS, Metric, brought_by, describe, in_order, judged, titled
from unsee.metrics.score import Score
from unsee.reports.advice import advise
from unsee.reports.audit_console import attack_table
from unsee.reports.by_modality import MODALITIES, by_modality
from unsee.reports.report import Report
from unsee.reports.terminal_text import TONES, plain_text

_CHANGED = ("better", "worse")
_OUTCOMES = {"better": "green", "worse": "red", "unclear": "dim", None: "dim"}


def summary(report: Report) -> RenderableType:
    """Verdict, cost, and a row (value before and after, 95 % interval, which way is better) for each of the main
    metrics, those of benchmarks from elsewhere, and all others that clearly changed."""
    verdict = report.verdict
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("")
    for title in ("before", "after", "95 % interval", "change"):
        table.add_column(title, justify="right")
    keys = in_order([*report.before, *report.after])
    for key in keys:
        before, after = report.before.get(key), report.after.get(key)
        shown = after or before
        assert shown is not None
        metric = titled(key, shown.higher_is_better, report.words)
        if _is_shown(key, keys, metric, report):
            table.add_row(*_row(metric, before, after))
    for key in in_order(key for key in report.unmeasured if key not in keys):
        table.add_row(*_row(titled(key, describe(key).higher_is_better, report.words), None, None))
    rest = f"All {len(keys)} figures are in the report."
    cost = report.cost
    spent = (
        f"{cost.steps} steps in {cost.unlearn_seconds:.1f} s, {cost.total_seconds:.1f} s in all, "
        f"peak memory {cost.peak_rss_mb:,.0f} MB"
    )
    head = Text.assemble((verdict.headline, TONES[verdict.tone]), "\n", plain_text(verdict.sentence))
    caveats = [Text(plain_text(caveat), style="dim") for caveat in (*verdict.caveats, *report.notes)]
    foot = [Text(plain_text(line), style="dim") for line in (*not_measured(report.unmeasured), rest, spent)]
    attacked: list[RenderableType] = []
    if report.audit is not None:
        attacked = [Text(), Text("Attacks", style="dim"), attack_table(report.audit)]
    parts = (head, *caveats, *_modality_table(report), Text(), table, *attacked, *_advice(report), Text(), *foot)
    return Padding(Group(*parts), (1, 2))


def _advice(report: Report) -> Iterator[Text]:
    found = advise(report)
    if found:
        yield Text()
        yield Text("What to try next", style="dim")
    for one in found:
        yield Text.assemble(f"{plain_text(one.reason)} ", (plain_text(one.command), "bold"))


def not_measured(reasons: Mapping[str, str]) -> Iterator[str]:
    """A sentence for each reason why columns have no figure."""
    for reason in dict.fromkeys(reasons.values()):
        labels = [titled(key).label for key in in_order(reasons) if reasons[key] == reason]
        yield f"Not measured, because {reason}: {', '.join(labels)}."


def scores_table(concepts: Mapping[str, Mapping[str, Mapping[str, Any]]], words: Words = EITHER) -> RenderableType:
    """The scores of one model by concept and metric, as `Score.to_dict` gives them: value, interval, n. `words`: what
    others are called."""
    tables: list[RenderableType] = []
    for concept, scores in concepts.items():
        table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", title=Text(plain_text(concept)))
        table.title_justify = "left"
        table.add_column("")
        for title in ("score", "95 % interval", "n"):
            table.add_column(title, justify="right")
        # Where all are of one benchmark, no line needs to say so.
        named = describe if len({*map(brought_by, scores)}) == 1 else titled
        for key in in_order(scores):
            score = Score.read(scores[key])
            metric = named(key, score.higher_is_better, words)
            arrow = "↑" if metric.higher_is_better else "↓"
            table.add_row(
                Text.assemble("  " if metric.is_part else "", plain_text(metric.label), (f" {arrow}", "dim")),
                Text(metric.format(score.value), style="bold"),
                Text(metric.format_interval(score), style="dim"),
                Text(f"{score.n:,}", style="dim"),
            )
        tables.append(Padding(table, (1, 2)))
    return Group(*tables)


def _is_shown(key: str, keys: Collection[str], metric: Metric, report: Report) -> bool:
    """Of a data set that was forgotten only its sums: there are dozens of parts, and all are in the report."""
    if report.split is None:
        return _is_main(key, keys) or judged(metric, report.before.get(key), report.after.get(key)) in _CHANGED
    name = report.split.table["kept"].rpartition("_")[0]
    return "/" not in key and key.startswith(f"{name}_")


def _modality_table(report: Report) -> list[RenderableType]:
    lines = by_modality(report)
    if not lines:
        return []
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("")
    for title in MODALITIES.values():
        table.add_column(title, justify="right")
    for line in lines:
        cells = (Text.assemble((cell.after, "bold"), (f", {cell.before} before", "dim")) for cell in line.cells)
        table.add_row(line.title, *cells)
    return [Text(), table]


def _is_main(key: str, keys: Collection[str]) -> bool:
    """Whether a score is shown even if it did not change: a main one, or one of a benchmark that the catalogue does not
    know, unless it is part of another of `keys`."""
    return key in AFTER_KEYS or (key not in KEYS and key.rpartition("/")[0] not in keys)


def _row(metric: Metric, before: Score | None, after: Score | None) -> tuple[Text, Text, Text, Text, Text]:
    arrow = "↑" if metric.higher_is_better else "↓"
    change = "–" if before is None or after is None else metric.format_change(before.value, after.value)
    return (
        Text.assemble("  " if metric.is_part else "", plain_text(metric.label), (f" {arrow}", "dim")),
        Text("–" if before is None else metric.format(before.value)),
        Text("–" if after is None else metric.format(after.value), style="bold"),
        Text("–" if after is None else metric.format_interval(after), style="dim"),
        Text(change, style=_OUTCOMES[judged(metric, before, after)]),
    )
