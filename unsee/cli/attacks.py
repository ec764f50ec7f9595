"""`unsee attacks`."""

from __future__ import annotations

import typer

from unsee.cli.options import Json
from unsee.terminal import print_json, say, show


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command(epilog="Example:\n\n[dim]$[/dim] unsee attacks")(attacks)


def attacks(as_json: Json = False) -> None:
    """List the attacks that `unsee audit` can try."""
    from unsee.commands.attacks import attacks_list, describe_attacks

    described, problems = describe_attacks()
    for problem in problems:
        say(problem, "yellow")
    if as_json:
        print_json({"attacks": described})
    else:
        show(attacks_list(described))
