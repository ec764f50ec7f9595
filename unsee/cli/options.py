"""Options that several commands share. One that takes a name checks it when the command line is read, before any
library is imported."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer

from unsee.cli.checking import check_model
from unsee.models.names import check_device, check_dtype


def checked(check: Callable[[str], object]) -> Callable[[str | None], str | None]:
    """The callback of an option whose value, where it has one, `check` looks at; a UserError refuses it."""

    def callback(value: str | None) -> str | None:
        if value is not None:
            check(value)
        return value

    return callback


Json = Annotated[bool, typer.Option("--json", help="Print one JSON object to standard output, for programs.")]
Device = Annotated[
    str,
    typer.Option(
        help="Where the model runs: cpu, cuda, ..., or auto: the first GPU, if there is one.",
        callback=checked(check_device),
    ),
]
Workers = Annotated[
    int, typer.Option(min=1, help="How many processes share the work; this one starts the others (docs/processes.md).")
]
Model = Annotated[
    str,
    typer.Option(
        "--model",
        "-m",
        help="World name (world:tiny-qwen3vl), hub id or local folder.",
        callback=checked(check_model),
    ),
]
ModelOrRun = Annotated[
    str,
    typer.Option(
        "--model",
        "-m",
        help="World name (world:tiny-qwen3vl), hub id, local folder, or the folder that `unsee forget` wrote.",
        callback=checked(check_model),
    ),
]
MethodName = Annotated[
    str, typer.Option("--method", help="How to forget: a name from `unsee methods`, or FILE.py:CLASS, which is run.")
]
MethodOrAuto = Annotated[
    str,
    typer.Option(
        "--method",
        help="How to forget: a name from `unsee methods`, or FILE.py:CLASS, which is run; auto: the one that holds "
        "best for such a request.",
    ),
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace an output folder that unsee wrote before.")]
Resume = Annotated[bool, typer.Option("--resume", help="Resume an interrupted run where it stopped.")]
MaxNewTokens = Annotated[
    int, typer.Option(min=1, help="Most tokens of an answer in the evaluation; longer answers are cut, and counted.")
]
JudgeName = Annotated[
    str,
    typer.Option(
        "--judge",
        help="Who grades answers: rules, openai:URL#MODEL, local:MODEL, the name of a package's judge, or "
        "FILE.py:CLASS, which is run.",
    ),
]
Split = Annotated[
    str | None,
    typer.Option(
        help="The forget split of a published data set, such as forget_5; default: its first (docs/benchmarks.md)."
    ),
]
Revision = Annotated[str | None, typer.Option(help="Branch, tag or commit of a hub model.")]
Dtype = Annotated[
    str,
    typer.Option(
        help="Type of the weights: float32 keeps the adapter exactly; bfloat16 halves the size.",
        callback=checked(check_dtype),
    ),
]
FourBit = Annotated[bool, typer.Option("--4bit", help="Load the model in 4 bits (needs bitsandbytes).")]
