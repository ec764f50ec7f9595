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
    """List the methods with their sources, or show the settings of one."""
    from unsee.commands.methods import describe_methods, method_table, methods_list

    described, problems = describe_methods(name)
    for problem in problems:
        say(problem, "yellow")
    if as_json:
        print_json({"methods": described})
    else:
        show(method_table(described[0]) if name else methods_list(described))
