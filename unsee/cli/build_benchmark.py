"""`unsee build-benchmark`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from unsee.cli.options import Device, FourBit, Json, Model, Revision
from unsee.store.locking import check_unused
from unsee.terminal import print_json, quiet_libraries, say, show, working_on


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command(
        "build-benchmark",
        epilog="Example:\n\n"
        "[dim]$[/dim] unsee build-benchmark pictures -m llava-hf/llava-1.5-7b-hf --out benchmarks/mine",
    )(build_benchmark)


def build_benchmark(
    folder: Annotated[Path, typer.Argument(help="A folder with one folder of pictures per concept.")],
    model: Model,
    out: Annotated[Path, typer.Option(help="New folder for the benchmark.")],
    min_images: Annotated[int, typer.Option(help="Least number of pictures of a concept.")] = 50,
    min_share: Annotated[float, typer.Option(help="Least share of its pictures the model must name, 0 to 1.")] = 1.0,
    seed: Annotated[int, typer.Option(min=0, help="Seed that draws the training picture.")] = 0,
    device: Device = "auto",
    revision: Revision = None,
    load_in_4bit: FourBit = False,
    as_json: Json = False,
) -> None:
    """Build a benchmark from folders of pictures, with the concepts that a model recognises."""
    check_unused(out)
    quiet_libraries()
    from dataclasses import asdict

    from unsee.benchmarks.builder import NOT_RECOGNISED
    from unsee.benchmarks.builder import build_benchmark as build
    from unsee.models.loading import load
    from unsee.store.workspace import check_new

    check_new(out)
    with working_on(f"Loading {model}"):
        vlm = load(model, device=device, revision=revision, load_in_4bit=load_in_4bit)
    summaries = build(folder, vlm, out, min_images=min_images, min_share=min_share, seed=seed)
    if as_json:
        print_json({"out": str(out), "concepts": [asdict(summary) for summary in summaries]})
        return
    for summary in summaries:
        outcome = f"{summary.recognised} pictures" if summary.kept else f"left out: {summary.reason}"
        show(f"{summary.concept}: {outcome}")
        for name, why in summary.left_out.items():
            if why != NOT_RECOGNISED:
                say(f"Left out of {summary.concept}: {name}: {why}", "yellow")
    show(f"The benchmark is in {out}; evaluate a model with unsee evaluate --benchmark {out}.")
