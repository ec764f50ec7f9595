"""`unsee plan`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from unsee.cli.checking import check_model
from unsee.cli.options import Json, MethodName
from unsee.errors import UserError
from unsee.kinds import PERSON, get_kind
from unsee.terminal import print_json, quiet_libraries, show, working_on


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command(
        epilog="Examples:\n\n"
        "[dim]$[/dim] unsee plan -m world:tiny-qwen3vl --method siu\n\n"
        "[dim]$[/dim] unsee plan -m llava-hf/llava-1.5-7b-hf --method ga_kl --device-memory 24\n\n"
        "[dim]$[/dim] unsee plan --recipe recipes/hub/qwen3-vl-4b.yaml --method asru --device-memory 80"
    )(plan)


def plan(
    model: Annotated[
        str | None, typer.Option("--model", "-m", help="World name (world:tiny-qwen3vl), hub id or local folder.")
    ] = None,
    method: MethodName = "siu",
    recipe: Annotated[
        Path | None, typer.Option(help="YAML file with a model and its settings, such as recipes/hub/*.yaml.")
    ] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="A setting of the method, such as steps=30.")
    ] = None,
    others: Annotated[
        bool, typer.Option("--others", help="Plan for pictures of others, as with `forget --others`.")
    ] = False,
    kind: Annotated[str, typer.Option(help="What it is, as with `forget --kind`.")] = PERSON,
    device_memory: Annotated[
        float | None, typer.Option(min=0.1, help="Memory of a GPU to plan for, in GiB; default: this machine.")
    ] = None,
    revision: Annotated[str | None, typer.Option(help="Branch, tag or commit of a hub model.")] = None,
    load_in_4bit: Annotated[bool, typer.Option("--4bit", help="Plan for a model loaded in 4 bits.")] = False,
    as_json: Json = False,
) -> None:
    """Estimate the memory and compute of `forget` from the model's configuration, without reading or fetching weights.

    One exception: a world model with pretrained parts is put together first, as `forget` would do.
    """
    from unsee.methods import parse_settings
    from unsee.models.recipe import recipe_for

    chosen = recipe_for(model, recipe)
    name = model or (chosen.model if chosen else None)
    if name is None:
        raise UserError("--model is missing; give it, or a file with --recipe.")
    check_model(name)
    chosen_settings = (*(chosen.settings(method, others) if chosen else ()), *(settings or ()))
    parse_settings(method, chosen_settings)
    get_kind(kind)
    quiet_libraries()
    from unsee.sizing import plan_run

    with working_on("Planning"):
        planned = plan_run(
            name,
            method,
            chosen_settings,
            dtype=chosen.dtype if chosen else "auto",
            device_memory=device_memory,
            revision=revision,
            load_in_4bit=load_in_4bit,
            others=others,
            kind=kind,
        )
    if as_json:
        print_json(planned.document())
        return
    from unsee.sizing.showing import plan_tables

    show(plan_tables(planned))
