"""`unsee kinds`."""

from __future__ import annotations

import typer

from unsee.cli.options import Json
from unsee.terminal import print_json, say, show


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(kinds)


def kinds(as_json: Json = False) -> None:
    """List the kinds of concepts for --kind, and where each comes from."""
    from unsee.commands.kinds import describe_kinds, kinds_table

    described, problems = describe_kinds()
    for problem in problems:
        say(problem, "yellow")
    if as_json:
        print_json({"kinds": described})
    else:
        show(kinds_table(described))
