"""Options that several commands share."""

from __future__ import annotations

from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object to standard output, for programs.")]
Device = Annotated[
    str,
    typer.Option(help="Where the model runs: cpu, cuda, ..., or auto: the first GPU, if there is one."),
]
