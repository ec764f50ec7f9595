"""The attacks as data and as a list."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from unsee.attacks import PLUGINS, get_attack
from unsee.errors import UserError


def describe_attacks() -> tuple[list[dict[str, Any]], list[str]]:
    """Per attack: name, title, level, what it needs of a model, source and origin. Then a sentence for each attack of
    another package that cannot be used."""
    described, problems = [], []
    for name, origin in {offer.name: offer.origin for offer in PLUGINS.offers}.items():
        try:
            attack = get_attack(name)
        except UserError as error:
            problems.append(str(error))
            continue
        described.append(
            {
                "name": attack.name,
                "title": attack.title,
                "level": attack.level,
                "needs": list(attack.needs),
                "source": attack.source,
                "version": attack.version,
                "origin": origin,
            }
        )
    return described, problems


def attacks_list(described: Sequence[dict[str, Any]]) -> RenderableType:
    """A line for each attack."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for title in ("attack", "what it does", "level", "needs", "from"):
        table.add_column(title)
    for attack in described:
        source = f"arXiv {attack['source']}" if attack["source"][:1].isdigit() else attack["source"]
        origin = ", ".join(part for part in (source, attack["origin"]) if part)
        table.add_row(
            Text(attack["name"], style="bold"),
            Text(attack["title"]),
            Text(attack["level"]),
            Text(", ".join(attack["needs"])),
            Text(origin, style="dim"),
        )
    return Group(table, Text(), Text("Try those of a level: unsee audit RUN --level LEVEL", style="dim"))
