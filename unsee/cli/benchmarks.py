"""`unsee benchmarks`."""

from __future__ import annotations

import typer

from unsee.cli.options import Json
from unsee.terminal import print_json, say, show


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(benchmarks)


def benchmarks(as_json: Json = False) -> None:
    """List the benchmarks with their version and where each comes from."""
    from unsee.commands.benchmarks import benchmarks_table, describe_benchmarks

    described, problems = describe_benchmarks()
    for problem in problems:
        say(problem, "yellow")
    if as_json:
        print_json({"benchmarks": described})
    else:
        show(benchmarks_table(described))
