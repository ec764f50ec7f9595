"""`unsee verify`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from unsee.cli.options import Device, Json, Revision
from unsee.terminal import print_json, quiet_libraries, say, show

STATUS = {"evaluated": 0, "rounded": 3, "before": 4, "another": 5, "unknown": 6}
"""The exit status of each conclusion; 1, 2 and 130 are those of every command that could not finish."""


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command(
        epilog="Examples:\n\n"
        "[dim]$[/dim] unsee verify --run runs/demo --file models/without-mara\n\n"
        "[dim]$[/dim] unsee verify --run runs/demo --endpoint http://localhost:8000/v1 --model models/without-mara"
    )(verify)


def verify(
    run: Annotated[
        Path, typer.Option(help="Folder that `unsee forget` wrote: the run that evaluated the model; or a ledger.")
    ],
    endpoint: Annotated[
        str | None, typer.Option(help="Address of an OpenAI-compatible server, up to and including /v1.")
    ] = None,
    model: Annotated[
        str | None, typer.Option("--model", "-m", help="With --endpoint: the server's name for the model.")
    ] = None,
    file: Annotated[
        str | None, typer.Option(help="Instead of an endpoint: the folder that `unsee export` wrote, or a hub id.")
    ] = None,
    test_images: Annotated[
        list[Path] | None,
        typer.Option(
            help="Folder of pictures that the run was tested on (--test-images, --test-others of `unsee forget`); "
            "repeatable."
        ),
    ] = None,
    data: Annotated[
        str | None,
        typer.Option("--from", help="The data set that the run forgot `--from`, to read its pictures again."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="Most questions to ask.")] = 120,
    device: Device = "auto",
    revision: Revision = None,
    as_json: Json = False,
) -> None:
    """Tell whether a served or exported model is the one that a run evaluated, and has forgotten.

    Exit status: 0 it is; 3 it is, rounded; 4 it is the model before; 5 it is another; 6 it cannot be told.
    """
    from unsee.commands.verify import VerifyOptions
    from unsee.commands.verify import verify as run_it

    options = VerifyOptions(run, endpoint, model, file, tuple(test_images or ()), data, limit, device, revision)
    opened = options.opened()
    quiet_libraries()
    done = run_it(options, opened)
    if as_json:
        print_json(done.document())
    else:
        show(done.sentence)
        if done.left_out:
            say(
                f"{done.left_out} questions of the run were not asked, because their pictures are not at hand; give "
                "them with --test-images or --from.",
                "dim",
            )
        if done.not_begun:
            say(
                f"{done.not_begun} questions of the run were not asked, because the server cannot begin an answer with "
                "given words.",
                "dim",
            )
    raise typer.Exit(STATUS[done.conclusion])
