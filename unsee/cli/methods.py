"""`unsee methods`."""

from __future__ import annotations

import typer

from unsee.cli.options import Json
from unsee.terminal import print_json, show


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(methods)


def methods(as_json: Json = False) -> None:
    """List the methods with their source and default settings."""
    from unsee.commands.methods import describe_methods, methods_tables

    described = describe_methods()
    if as_json:
        print_json({"methods": described})
    else:
        show(methods_tables(described))
