"""`unsee demo`."""

from __future__ import annotations

import time
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from unsee.cli.forget import show_result
from unsee.cli.options import Device, Json, Overwrite, Resume
from unsee.errors import UserError
from unsee.store.locking import check_unused
from unsee.terminal import quiet_libraries, say, show


class Tier(StrEnum):
    """Models to try unsee on."""

    TINY = "tiny"
    SMALL = "small"


DEMO_MODELS = {Tier.TINY: "world:tiny-qwen3vl", Tier.SMALL: "world:small-llava"}


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command(epilog="Example:\n\n[dim]$[/dim] unsee demo --out runs/demo --overwrite")(demo)


def demo(
    out: Annotated[Path, typer.Option(help="Output folder.")] = Path("runs/demo"),
    tier: Annotated[
        Tier | None,
        typer.Option(
            help="tiny (the default): made for the world only. small: a language model that can really talk; needs "
            r"unsee\[small] and downloads 183 MB once."
        ),
    ] = None,
    model: Annotated[str | None, typer.Option("--model", "-m", help="Another model of the embedded world.")] = None,
    concept: Annotated[str, typer.Option("--concept", "-c", help="Whom to forget.")] = "Mara Voss",
    resume: Resume = False,
    overwrite: Overwrite = False,
    device: Device = "auto",
    as_json: Json = False,
) -> None:
    """Forget one invented person on a model that comes with unsee, on any laptop."""
    started = time.monotonic()
    from unsee.requests import ForgetRequest
    from unsee.world import KNOWN, find

    person = find(concept)
    if model and tier:
        raise UserError("--tier and --model each name a model; give one of them.")
    model = model or DEMO_MODELS[tier or Tier.TINY]
    check_unused(out)
    tell = say if as_json else show
    tell(f"{model} is a small model that knows {len(KNOWN)} invented people by their faces.")
    # A language model that can really talk would take other people for strangers, too, if it saw nobody else.
    others = model == DEMO_MODELS[Tier.SMALL]
    beside = ", and pictures of other people" if others else ""
    tell(f"{person.name} asks to be forgotten. Training sees one drawn picture of {person.name}{beside}.")
    tell("First the model answers questions about new pictures, other people and facts.")
    tell("Then it learns, in a few steps, to take that face for somebody else and to keep all it knows in text.")
    tell("Then it answers the same questions again.")
    quiet_libraries()
    from unsee.commands.forget import ForgetOptions
    from unsee.commands.forget import forget as run
    from unsee.models.recipe import recipe_for
    from unsee.sources.filling import filled

    request = ForgetRequest(person.name, (person.picture(0, "train"),))
    if others:
        (request,) = filled([request], ("others",), ForgetOptions.seed)
    chosen = recipe_for(model)
    settings = chosen.settings(ForgetOptions.method, others) if chosen else ()
    # On a CPU the full benchmark would take a real language model longer than a demonstration should.
    limit = 12 if others else None
    options = ForgetOptions(
        model=model, settings=settings, out=out, resume=resume, overwrite=overwrite, limit=limit, device=device
    )
    show_result(run(request, options, started=started), as_json)
