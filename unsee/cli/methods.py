"""`unsee methods`."""

from __future__ import annotations

import typer

from unsee.cli.options import Json
from unsee.terminal import print_json, say, show


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(methods)


def methods(as_json: Json = False) -> None:
    """List the methods, built in and from other packages, with their source and default settings."""
    from unsee.commands.methods import describe_methods, methods_tables

    described, problems = describe_methods()
    for problem in problems:
        say(problem, "yellow")
    if as_json:
        print_json({"methods": described})
    else:
        show(methods_tables(described))
