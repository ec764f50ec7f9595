"""The methods as data, as a list and as a table."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from unsee.errors import UserError
from unsee.methods import PLUGINS, get_method
from unsee.training import TrainingConfig


def describe_methods(name: str | None = None) -> tuple[list[dict[str, Any]], list[str]]:
    """Per method, or for the one called `name`: name, title, source, origin, and "settings" that map a key to its
    default and its help. Then a sentence for each method of another package that cannot be used.

    Raises UserError for a `name` that is unknown or cannot be used.
    """
    if name is not None:
        return [_described(name, PLUGINS.find(name).origin)], []
    described, problems = [], []
    for known, origin in {offer.name: offer.origin for offer in PLUGINS.offers}.items():
        try:
            described.append(_described(known, origin))
        except UserError as error:
            problems.append(str(error))
    return described, problems


def _described(name: str, origin: str) -> dict[str, Any]:
    method = get_method(name)
    settings = {
        field.name: {"default": field.default, "help": field.metadata.get("help", "")}
        for field in dataclasses.fields(method.config)
    }
    shown = {"name": method.name, "title": method.title, "source": method.source, "origin": origin}
    return {**shown, "forgets_in": list(method.forgets_in), "settings": settings}


def methods_list(described: Sequence[dict[str, Any]]) -> RenderableType:
    """A line for each method, and how to see its settings."""
    width = max(len(method["name"]) for method in described)
    lines = [_head(method, width) for method in described]
    return Group(*lines, Text(), Text("The settings of one: unsee methods NAME", style="dim"))


def method_table(method: dict[str, Any]) -> RenderableType:
    """A method's own settings and its own defaults of the shared ones, then the settings that all methods share."""
    shared = {field.name: field.default for field in dataclasses.fields(TrainingConfig)}
    settings = method["settings"].items()
    own = {key: value for key, value in settings if key not in shared or value["default"] != shared[key]}
    common = {key: value for key, value in settings if key in shared and key not in own}
    return Group(
        _head(method),
        _settings(own),
        Text(),
        Text.assemble(("all", "bold"), "  settings of every method, changed with --set KEY=VALUE"),
        _settings(common),
    )


def _head(method: dict[str, Any], width: int = 0) -> Text:
    where = "" if "both" in method["forgets_in"] else f"; {' or '.join(method['forgets_in'])} only"
    origin = (f"  {method['source']}  ({method['origin']}{where})", "dim")
    return Text.assemble((method["name"].ljust(width), "bold"), f"  {method['title']}", origin)


def _settings(settings: dict[str, dict[str, Any]]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 2), show_header=False)
    for key, setting in settings.items():
        table.add_row(f"{key}={setting['default']}", Text(setting["help"], style="dim"))
    return table
