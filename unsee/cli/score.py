"""`unsee score`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from unsee.cli.options import Json, JudgeName, Overwrite
from unsee.terminal import print_json, show


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command(
        epilog="Examples:\n\n"
        "[dim]$[/dim] unsee score runs/demo\n\n"
        "[dim]$[/dim] unsee score runs/siu-mario --judge openai:http://localhost:8000/v1#judge --out runs/judged"
    )(score)


def score(
    folder: Annotated[
        Path,
        typer.Argument(
            help="Folder that `unsee forget`, `evaluate` or `compare` wrote, or TOFU's eval_log_aggregated.json."
        ),
    ],
    benchmark: Annotated[
        str | None,
        typer.Option("--benchmark", "-b", help="Only answers to this benchmark: a name, or FILE.py:CLASS."),
    ] = None,
    judge: JudgeName = "rules",
    oracle: Annotated[
        Path | None,
        typer.Option(
            help="What `unsee evaluate`, or TOFU's scripts, wrote about a model trained without the forget set: adds "
            "the forget quality."
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="New folder for the scores; for a comparison, for a copy with the new scores.")
    ] = None,
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Score saved answers again, without a model: with another judge, or after a metric has changed."""
    from unsee.commands.score import ScoreOptions
    from unsee.commands.score import score as run
    from unsee.reports.console import scores_table

    document = run(ScoreOptions(folder, benchmark, judge, out, overwrite, oracle))
    if as_json:
        print_json(document)
        return
    if "states" in document:
        show(scores_table(document["states"]))
    for line in document["left_out"]:
        show(line)
    changed = document.get("changed", ())
    for one in changed[:20]:
        saved = "none" if one["saved"] is None else f"{one['saved']:.4g}"
        now = "none" if one["now"] is None else f"{one['now']:.4g}"
        show(f"{one['where']}, {one['metric']}: saved {saved}, now {now}")
    if "changed" in document:
        differ = f"{len(changed)} figures differ from the saved ones."
        show(differ if changed else "All figures equal the saved ones.")
    if out is not None:
        show(f"The scores are in {out}.")
