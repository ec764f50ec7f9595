"""`unsee methods`."""

from __future__ import annotations

from typing import Annotated

import typer

from unsee.cli.options import Json
from unsee.terminal import print_json, say, show


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command(epilog="Example:\n\n[dim]$[/dim] unsee methods siu")(methods)


def methods(
    name: Annotated[str | None, typer.Argument(help="One method; default: all.", metavar="METHOD")] = None,
    as_json: Json = False,
) -> None:
    """List the methods, or one method, with their source and default settings."""
    from unsee.commands.methods import describe_methods, methods_tables

    described, problems = describe_methods(name)
    for problem in problems:
        say(problem, "yellow")
    if as_json:
        print_json({"methods": described})
    else:
        show(methods_tables(described))
