"""The benchmarks as data and as a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from unsee.benchmarks import BENCHMARKS, PLUGINS


def describe_benchmarks() -> list[dict[str, Any]]:
    """Per benchmark: "name", "version", "summary", the first sentence about its class, and "origin", who brings it.

    Raises UserError where two have one name, and for one of another package that cannot be imported.
    """
    return [
        {
            "name": name,
            "version": kind.version,
            "summary": " ".join((kind.__doc__ or "").strip().split("\n\n")[0].split()),
            "origin": PLUGINS.find(name).origin,
        }
        for name, kind in BENCHMARKS.items()
    ]


def benchmarks_table(described: Sequence[dict[str, Any]]) -> Table:
    """One row for each."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    for head in ("Name", "Version", "From", "What it asks"):
        table.add_column(head, overflow="fold")
    for one in described:
        table.add_row(Text(one["name"], "bold"), str(one["version"]), Text(one["origin"]), Text(one["summary"]))
    return table
