"""The kinds of concepts as data and as a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from unsee.errors import UserError
from unsee.kinds import PLUGINS, get_kind


def describe_kinds() -> tuple[list[dict[str, Any]], list[str]]:
    """Per kind: "name", "summary", "example" (one of its questions), "well_known" and "origin".

    Then a sentence for each kind of another package that cannot be used.
    """
    described, problems = [], []
    for name, origin in {offer.name: offer.origin for offer in PLUGINS.offers}.items():
        try:
            kind = get_kind(name)
        except UserError as error:
            problems.append(str(error))
            continue
        about = {"summary": kind.summary, "example": kind.naming[0], "well_known": list(kind.well_known)}
        described.append({"name": name, **about, "origin": origin})
    return described, problems


def kinds_table(described: Sequence[dict[str, Any]]) -> Table:
    """One row for each kind."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    for head in ("Name", "What it is", "How it is asked about", "From"):
        table.add_column(head, overflow="fold")
    for one in described:
        table.add_row(Text(one["name"], "bold"), Text(one["summary"]), Text(one["example"]), Text(one["origin"]))
    return table
