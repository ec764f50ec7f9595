"""The benchmarks as data and as a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from unsee.benchmarks import PLUGINS, class_of
from unsee.errors import UserError


def describe_benchmarks() -> tuple[list[dict[str, Any]], list[str]]:
    """Per benchmark: "name", "version", "summary" (the first paragraph of its class's docstring), and "origin".

    Then a sentence for each benchmark of another package that cannot be used.
    """
    described, problems = [], []
    for name, origin in {offer.name: offer.origin for offer in PLUGINS.offers}.items():
        try:
            found = class_of(name)
        except UserError as error:
            problems.append(str(error))
            continue
        summary = " ".join((found.__doc__ or "").strip().split("\n\n")[0].split())
        described.append({"name": name, "version": found.version, "summary": summary, "origin": origin})
    return described, problems


def benchmarks_table(described: Sequence[dict[str, Any]]) -> Table:
    """One row for each benchmark."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    for head in ("Name", "Version", "From", "What it asks"):
        table.add_column(head, overflow="fold")
    for one in described:
        table.add_row(Text(one["name"], "bold"), str(one["version"]), Text(one["origin"]), Text(one["summary"]))
    return table
