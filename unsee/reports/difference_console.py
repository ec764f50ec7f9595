"""The difference of two reports as tables for the terminal."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from unsee.metrics.score import Score
from unsee.reports.difference import Difference, Pair
from unsee.reports.terminal_text import TONES, plain_text

_OUTCOMES = {"better": "green", "worse": "red", "unclear": "dim", None: "dim"}
_HASH = re.compile(r"[0-9a-f]{40,64}")
_LISTED = 4
"""Most values of a list that are shown."""
_NAMED = 4
"""Most figures that a sentence on what was not compared names."""


def difference_summary(found: Difference) -> RenderableType:
    """Both verdicts, the settings that differ, the figures that do with the change from A to B, and what was not
    compared."""
    verdicts = [
        Text.assemble((f"{name}  ", "dim"), (plain_text(run.report.verdict.headline), TONES[run.report.verdict.tone]))
        for name, run in (("A", found.a), ("B", found.b))
    ]
    parts: list[RenderableType] = [*verdicts, Text(), _settings(found)]
    for title, what, pairs in (("Scores", "scores", found.scores), ("Attacks", "figures of attacks", found.attacks)):
        compared = [pair for pair in pairs if not pair.why]
        changed = [pair for pair in compared if pair.change]
        if changed:
            parts += [Text(), Text(title, style="dim"), _figures(changed)]
        if compared:
            same = len(compared) - len(changed)
            parts.append(Text(f"{same:,} of {len(compared):,} {what} are the same.", style="dim"))
    parts += [Text(), *(Text(plain_text(line), style="dim") for line in _left_out(found))]
    return Padding(Group(*parts), (1, 2))


def _settings(found: Difference) -> RenderableType:
    if not found.settings:
        return Text("No setting differs.")
    lines: list[RenderableType] = [Text("Settings", style="dim")]
    hidden = 0
    for name, (a, b) in found.settings.items():
        if any(isinstance(value, str) and _HASH.fullmatch(value) for value in (a, b)):
            hidden += 1
            continue
        # One line each: a name is never broken, and a long value goes below it.
        title = Text(plain_text(name.replace(".", ", ")).replace("_", " "))
        lines.append(Text.assemble(title, ("  A ", "dim"), _short(a), ("  B ", "dim"), _short(b)))
    if hidden:
        lines.append(Text(f"{hidden} SHA-256 differ, of data, weights or code; --json shows them.", style="dim"))
    return Group(*lines)


def _figures(pairs: Iterable[Pair]) -> Table:
    """Two lines for each figure, so that the table fits into a terminal of 80 columns: below the name the state, below
    a value its interval."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("")
    for title in ("A\n95 % interval", "B\n95 % interval", "B − A"):
        table.add_column(title, justify="right", no_wrap=True)
    for pair in pairs:
        arrow = "↑" if pair.metric.higher_is_better else "↓"
        label = Text.assemble(plain_text(pair.label), (f" {arrow}", "dim"), (f"\n{pair.state}", "dim"))
        change = "–" if math.isnan(pair.change) or pair.a is None or pair.b is None else (
            pair.metric.format_change(pair.a.value, pair.b.value)
        )  # fmt: skip
        table.add_row(label, _cell(pair, pair.a), _cell(pair, pair.b), Text(change, style=_OUTCOMES[pair.outcome]))
    return table


def _cell(pair: Pair, score: Score | None) -> Text:
    if score is None:
        return Text("–")
    return Text.assemble(pair.metric.format(score.value), (f"\n{pair.metric.format_interval(score)}", "dim"))


def _left_out(found: Difference) -> Iterable[str]:
    for why, names in found.not_compared.items():
        more = len(names) - _NAMED
        shown = ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")
        yield f"Not compared, because {why}: {shown}."
    if found.a.audit is None or found.b.audit is None:
        lacking = " and ".join(name for name, run in (("A", found.a), ("B", found.b)) if run.audit is None)
        yield f"No audit of {lacking}, so no attacks are compared."


def _short(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, (list, tuple)) and len(value) > _LISTED:
        return f"{len(value)} values"
    text = plain_text(", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value))
    return text if len(text) <= 60 else f"{text[:59]}…"
