"""`unsee export`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from unsee.cli.options import Device, Dtype, Json, ModelOrRun, Revision
from unsee.errors import UserError
from unsee.terminal import print_json, quiet_libraries, say, show


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command(
        epilog="Examples:\n\n"
        "[dim]$[/dim] unsee export -m runs/demo --out forgotten\n\n"
        "[dim]$[/dim] unsee export -m runs/demo --out forgotten-int8 --int8\n\n"
        "[dim]$[/dim] unsee export -m runs/demo --out forgotten-lora --adapter-only"
    )(export)


def export(
    model: ModelOrRun,
    out: Annotated[Path, typer.Option(help="New folder for the checkpoint.")],
    adapter: Annotated[
        Path | None, typer.Option(help="Folder that `unsee forget` or PEFT wrote, if the model is its base model.")
    ] = None,
    dtype: Dtype = "float32",
    int8: Annotated[
        bool, typer.Option("--int8", help="Merge, round to 8 bits (needs torchao), and ask the plain questions again.")
    ] = False,
    nf4: Annotated[
        bool,
        typer.Option("--nf4", help="Merge, round to 4 bits (needs bitsandbytes), and ask the plain questions again."),
    ] = False,
    adapter_only: Annotated[
        bool, typer.Option("--adapter-only", help="Write the adapter alone, as vLLM and SGLang load it.")
    ] = False,
    request: Annotated[
        Path | None, typer.Option(help="YAML file with what was forgotten, if the adapter's folder does not say it.")
    ] = None,
    name_requests: Annotated[
        bool,
        typer.Option("--name-requests", help="Write into the export who was forgotten, not only digests of requests."),
    ] = False,
    gguf: Annotated[
        Path | None,
        typer.Option(help="llama.cpp's convert_hf_to_gguf.py, to write its files of the merged weights as well."),
    ] = None,
    device: Device = "auto",
    revision: Revision = None,
    check: Annotated[
        bool,
        typer.Option(
            help="Load the checkpoint with plain transformers in another process, to check it; and ask rounded weights "
            "the plain questions."
        ),
    ] = True,
    as_json: Json = False,
) -> None:
    """Write what a run has forgotten for servers: an ordinary checkpoint, merged, perhaps rounded; or the adapter."""
    if int8 and nf4:
        raise UserError("Weights are rounded in one way; give --int8 or --nf4.")
    from unsee.commands.export_place import check_kind, check_place

    rounding = "int8" if int8 else "nf4" if nf4 else None
    check_place(out)
    check_kind(dtype, rounding, adapter_only)
    quiet_libraries()
    from unsee.commands.export import export as run

    done = run(
        model,
        adapter,
        out,
        dtype=dtype,
        rounding=rounding,
        adapter_only=adapter_only,
        request=request,
        name_requests=name_requests,
        device=device,
        revision=revision,
        check=check,
        gguf=gguf,
    )
    if as_json:
        print_json({"out": str(done.folder), **done.record.to_dict(), "notes": list(done.notes)})
        return
    changed = f"{done.change.parameters:,} weights differ from the base model."
    if adapter_only:
        show(f"The adapter is in {done.folder}: with it, {changed}")
    else:
        show(f"The model is in {done.folder}: {changed}")
        tried = check and not any(note.startswith("AutoProcessor") for note in done.notes)
        show(f"Load it with AutoModelForImageTextToText{' and AutoProcessor' if tried else ''}.from_pretrained.")
    for line in done.leaks:
        show(line)
    for note in done.notes:
        say(note, "yellow")
