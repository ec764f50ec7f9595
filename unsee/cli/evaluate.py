"""`unsee evaluate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from unsee.cli.checking import check_asked, check_model
from unsee.cli.helping import helped_by, is_helper
from unsee.cli.options import Device, FourBit, Json, JudgeName, MaxNewTokens, Overwrite, Revision, Split, Workers
from unsee.data.sample import MAX_NEW_TOKENS
from unsee.store.locking import check_unused
from unsee.store.workspace import check_output
from unsee.terminal import print_json, quiet_libraries, say, show, working_on

LISTED = 5
"""Most questions left out that are named on the screen."""


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command(
        epilog="Examples:\n\n"
        '[dim]$[/dim] unsee evaluate -m world:tiny-qwen3vl --benchmark world --concept "Mara Voss"\n\n'
        "[dim]$[/dim] unsee evaluate -m llava-hf/llava-1.5-7b-hf --adapter runs/siu-mario "
        "--benchmark benchmarks/mine\n\n"
        "[dim]$[/dim] unsee evaluate -m world:tiny-qwen3vl --benchmark mllmu --split forget_5\n\n"
        "[dim]$[/dim] unsee evaluate -m openai:http://localhost:8000/v1#unlearned --benchmark people.csv"
    )(evaluate)


def evaluate(
    model: Annotated[
        str,
        typer.Option(
            "--model",
            "-m",
            help="World name (world:tiny-qwen3vl), hub id, local folder or folder of a run of `unsee forget`; or a "
            "model that a server or vLLM runs: openai:URL#MODEL or vllm:MODEL (docs/serving.md).",
        ),
    ],
    benchmark: Annotated[
        str,
        typer.Option(
            "--benchmark",
            "-b",
            help='"world" (with --concept), "mllmu", another name from `unsee benchmarks`; a published data set, as a '
            "folder or hf:NAME (docs/benchmarks.md), or a folder in the layout of MMUBench; a table of your own (CSV, "
            "JSON Lines, Parquet, hf:NAME; docs/own_data.md); or FILE.py:CLASS, which is run.",
        ),
    ],
    adapter: Annotated[
        Path | None, typer.Option(help="Folder that `unsee forget` or PEFT wrote, if the model is its base model.")
    ] = None,
    concept: Annotated[
        list[str] | None,
        typer.Option(
            "--concept",
            "-c",
            help="Only this concept; several count as forgotten together. Default: what the adapter forgot, or all.",
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for scores and answers; default in runs/.")] = None,
    limit: Annotated[
        int | None,
        typer.Option(
            help="Most questions per test picture and control group; in a published data set, most people per set."
        ),
    ] = None,
    max_new_tokens: MaxNewTokens = MAX_NEW_TOKENS,
    split: Split = None,
    judge: JudgeName = "rules",
    robustness: Annotated[
        bool,
        typer.Option(
            "--robustness",
            help="MMUBench's attacks too: membership inference, other languages, questions that need the identity.",
        ),
    ] = False,
    overwrite: Overwrite = False,
    device: Device = "auto",
    workers: Workers = 1,
    revision: Revision = None,
    load_in_4bit: FourBit = False,
    as_json: Json = False,
) -> None:
    """Ask a model the questions of a benchmark and score its answers; resumes where it stopped."""
    # Here, because it brings in numpy, which --help does without.
    from unsee.generation.engines import check_name

    check_name(model)
    check_model(model)
    check_asked([benchmark], judge)
    if out is not None and not is_helper():
        check_unused(out)
        # An interrupted run has answers and no scores; it is resumed.
        if not (out / "answers").is_dir() or (out / "scores.json").exists():
            check_output(out, overwrite=overwrite, resumable=False)
    from unsee.commands.evaluate_rounds import EvaluateOptions, rounds_of

    options = EvaluateOptions(
        model=model,
        benchmark=benchmark,
        adapter=adapter,
        concepts=tuple(concept or ()),
        limit=limit,
        judge=judge,
        out=out,
        overwrite=overwrite,
        revision=revision,
        load_in_4bit=load_in_4bit,
        split=split,
        max_new_tokens=max_new_tokens,
        device=device,
        robustness=robustness,
    )
    with working_on(f"Reading {benchmark}"):
        rounds = rounds_of(options.told().apart())
    with helped_by(workers):
        quiet_libraries()
        from unsee.commands.evaluate import evaluate as run
        from unsee.reports.console import not_measured, scores_table

        done = run(options, lambda line: say(line, "yellow"), rounds)
    document = done.document()
    if as_json:
        print_json(document)
        return
    together = {"Together": document["together"]} if "together" in document else {}
    show(scores_table({**document["concepts"], **together}, done.words))
    for line in not_measured(document["unmeasured"]):
        say(line, "dim")
    left_out = document["left_out"]
    for line in left_out[:LISTED]:
        say(f"Not asked about: {line}", "yellow")
    if len(left_out) > LISTED:
        say(f"Not asked about: {len(left_out) - LISTED:,} more, listed in {document['out']}/scores.json", "yellow")
    for line in document["notes"]:
        say(line, "yellow")
    show(f"The scores are in {document['out']}/scores.json, the answers in the same folder.")
