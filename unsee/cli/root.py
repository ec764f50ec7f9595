"""The command `unsee`. Each command parses, calls and prints; torch is imported only by those that need it."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from unsee.cli import (
    attacks,
    audit,
    benchmarks,
    build_benchmark,
    compare,
    demo,
    evaluate,
    export,
    forget,
    kinds,
    methods,
    plan,
    play,
    score,
    verify,
)
from unsee.cli.evidence import evidence
from unsee.cli.ledger import ledger
from unsee.cli.report import report
from unsee.cli.world import world
from unsee.terminal import plain_errors
from unsee.version import __version__


class _Plain(TyperGroup):
    """Errors as one sentence, whichever command they come from."""

    def invoke(self, ctx: Any) -> Any:
        with plain_errors():
            return super().invoke(ctx)


app = typer.Typer(
    cls=_Plain,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="The right to be forgotten, for vision-language models: forget a person or thing from one picture, and "
    "prove it.",
    epilog="Try [bold]unsee demo[/bold] first: it needs no GPU, no download and about a minute.",
)
app.add_typer(evidence, name="evidence")
app.add_typer(report, name="report")
app.add_typer(world, name="world")
app.add_typer(ledger, name="ledger")


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"unsee {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


# In the order of `unsee --help`.
for command in (
    forget, demo, play, audit, evaluate, score, export, verify, build_benchmark, methods, attacks, kinds, benchmarks,
    plan, compare,
):  # fmt: skip
    command.register(app)


def main() -> None:
    """Entry point of the command `unsee`."""
    app(prog_name="unsee")
