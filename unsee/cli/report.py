"""`unsee report`: what can be done with finished reports."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from unsee.cli.options import Json
from unsee.terminal import print_json, show

report = typer.Typer(no_args_is_help=True, rich_markup_mode="rich", help="Finished reports: two runs side by side.")


@report.callback()
def _group() -> None:
    # Without it, the only command would take the place of the group.
    pass


@report.command(epilog="Example:\n\n[dim]$[/dim] unsee report diff runs/siu runs/lookalike")
def diff(
    a: Annotated[Path, typer.Argument(help="Folder that `unsee forget` wrote.")],
    b: Annotated[Path, typer.Argument(help="Another one.")],
    as_json: Json = False,
) -> None:
    """Show the settings in which two runs differ and how their figures changed from A to B.

    Figures are compared only where both rest on as many answers to the same version of a benchmark or attack.
    """
    from unsee.commands.report_diff import report_diff
    from unsee.reports.difference_console import difference_summary

    found = report_diff(a, b)
    if as_json:
        print_json(found.to_dict())
    else:
        show(difference_summary(found))
