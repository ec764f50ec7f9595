"""The attacks as data and as a list."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from unsee.attacks import LEVELS, PLUGINS, get_attack
from unsee.attacks.base import ANSWERS
from unsee.errors import UserError
from unsee.store.plugins import BUILT_IN


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
    """A line for each attack, by level; wide enough for 80 columns. What is built in and needs answers only is not
    said."""
    parts: list[RenderableType] = []
    for place, level in enumerate(LEVELS):
        title = f"Level {level}:" if place == 0 else f"Level {level}, also:"
        table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
        table.add_column(no_wrap=True, min_width=max(len(attack["name"]) for attack in described))
        table.add_column()
        for attack in described:
            if attack["level"] == level:
                table.add_row(
                    Text(attack["name"], style="bold"), Text.assemble(attack["title"], (_small(attack), "dim"))
                )
        if table.row_count:
            parts += [Text(title, style="dim"), table, Text()]
    return Group(*parts, Text("Try those of a level: unsee audit RUN --level LEVEL", style="dim"))


def _small(attack: dict[str, Any]) -> str:
    """What it needs of a model beyond answers, where it comes from, and its package."""
    needs = " and ".join(need for need in attack["needs"] if need != ANSWERS)
    source = f"arXiv\u00a0{attack['source']}" if attack["source"][:1].isdigit() else attack["source"]
    origin = "" if attack["origin"] == BUILT_IN else attack["origin"]
    said = "; ".join(part for part in (f"needs {needs}" if needs else "", source, origin) if part)
    return f" ({said})" if said else ""
