"""`unsee export`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from unsee.cli.options import Device, Json, ModelOrRun, Revision
from unsee.terminal import print_json, quiet_libraries, say, show


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command(epilog="Example:\n\n[dim]$[/dim] unsee export -m runs/demo --out forgotten")(export)


def export(
    model: ModelOrRun,
    out: Annotated[Path, typer.Option(help="New folder for the checkpoint.")],
    adapter: Annotated[
        Path | None, typer.Option(help="Folder that `unsee forget` or PEFT wrote, if the model is its base model.")
    ] = None,
    dtype: Annotated[
        str, typer.Option(help="Type of the weights: float32 keeps the adapter exactly; bfloat16 halves the size.")
    ] = "float32",
    device: Device = "auto",
    revision: Revision = None,
    check: Annotated[
        bool,
        typer.Option(help="Load the checkpoint with plain transformers in another process, to check it."),
    ] = True,
    as_json: Json = False,
) -> None:
    """Merge an adapter into its model and write an ordinary checkpoint that plain transformers loads."""
    quiet_libraries()
    from unsee.commands.export import export as run

    done = run(model, adapter, out, dtype=dtype, device=device, revision=revision, check=check)
    if as_json:
        print_json({"out": str(done.folder), "change": done.change.to_dict(), "notes": list(done.notes)})
    else:
        show(f"The model is in {done.folder}: {done.change.parameters:,} weights differ from the base model.")
        tried = check and not done.notes
        show(f"Load it with AutoModelForImageTextToText{' and AutoProcessor' if tried else ''}.from_pretrained.")
        for note in done.notes:
            say(note, "yellow")
