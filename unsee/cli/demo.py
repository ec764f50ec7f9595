"""`unsee demo`."""

from __future__ import annotations

import time
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from unsee.cli.checking import check_model
from unsee.cli.forget import show_result
from unsee.cli.options import Device, Json, MethodOrAuto, Overwrite, Resume
from unsee.errors import UserError
from unsee.store.locking import check_unused
from unsee.terminal import quiet_libraries, say, show


class Tier(StrEnum):
    """Models to try unsee on."""

    TINY = "tiny"
    SMALL = "small"


DEMO_MODELS = {Tier.TINY: "world:tiny-qwen3vl", Tier.SMALL: "world:small-llava"}
OF_THINGS = "world:tiny-things"


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command(
        epilog="Examples:\n\n"
        "[dim]$[/dim] unsee demo --out runs/demo --overwrite\n\n"
        "[dim]$[/dim] unsee demo --kind brand --out runs/brand"
    )(demo)


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
    kind: Annotated[
        str | None,
        typer.Option(help="What to forget: person (the default), brand, character, building, breed or style."),
    ] = None,
    concept: Annotated[
        str | None, typer.Option("--concept", "-c", help="Whom or what to forget; the first of the kind unless given.")
    ] = None,
    method: MethodOrAuto = "auto",
    resume: Resume = False,
    overwrite: Overwrite = False,
    device: Device = "auto",
    as_json: Json = False,
) -> None:
    """Forget one invented person or thing on a model that comes with unsee, on any laptop."""
    started = time.monotonic()
    from unsee.methods import PLUGINS
    from unsee.requests import ForgetRequest
    from unsee.sources.choice import AUTO, choose_method
    from unsee.world import PEOPLE, world_of, world_of_model

    target = _target(kind, concept)
    world = world_of(target)
    if model and tier:
        raise UserError("--tier and --model each name a model; give one of them.")
    if tier and world is not PEOPLE:
        raise UserError(f"--tier chooses a model that knows people; leave it out, and {OF_THINGS} is taken.")
    model = model or (DEMO_MODELS[tier or Tier.TINY] if world is PEOPLE else OF_THINGS)
    check_model(model)
    if method != AUTO:
        PLUGINS.find(method)
    if world_of_model(model) is not world:
        raise UserError(f"{model} does not know {target.name}; leave --model out, or choose another --concept.")
    check_unused(out)
    tell = say if as_json else show
    # A language model that can really talk would take other people for strangers, too, if it saw nobody else.
    others = model == DEMO_MODELS[Tier.SMALL]
    quiet_libraries()
    from unsee.commands.forget import forget as run
    from unsee.commands.forget_options import ForgetOptions
    from unsee.models.recipe import recipe_for
    from unsee.sources.filling import filled

    request = ForgetRequest(target.name, (target.picture(0, "train"),), kind=target.kind)
    if others:
        (request,) = filled([request], ("others",), ForgetOptions.seed)
    chosen = recipe_for(model)
    choice = choose_method(method, request, model, chosen)
    for line in filter(None, (*_story(target, world, model, others, choice), choice.why)):
        tell(line)
    settings = chosen.settings(choice.method, others) if chosen else ()
    # On a CPU the full benchmark would take a real language model longer than a demonstration should.
    limit = 12 if others else None
    options = ForgetOptions(
        model,
        choice.method,
        settings=settings,
        out=out,
        resume=resume,
        overwrite=overwrite,
        limit=limit,
        device=device,
    )
    show_result(run(request, options, started=started), as_json)


def _target(kind: str | None, name: str | None) -> Any:
    """The person or thing to forget. Raises UserError if the world has none of that kind or name."""
    from unsee.world import WORLDS, find

    known = [concept for world in WORLDS for concept in world.known]
    kinds = dict.fromkeys(concept.kind for concept in known)
    if kind is not None and kind not in kinds:
        *some, last = kinds
        raise UserError(f"The demo has nothing of the kind {kind!r}; --kind is one of {', '.join(some)} and {last}.")
    if name is None:
        return next(concept for concept in known if concept.kind == (kind or known[0].kind))
    found = find(name)
    if kind not in (None, found.kind):
        raise UserError(f"{found.name} is a {found.kind}, not a {kind}; leave --kind out.")
    return found


def _story(target: Any, world: Any, model: str, others: bool, choice: Any) -> list[str]:
    """What the demonstration is about to do, in plain words."""
    from unsee.methods import get_method
    from unsee.world import PEOPLE

    method = get_method(choice.method)
    name, known = target.name, f"{len(world.known)} invented {world.members}"
    further = [f"of {world.members} that the model does not know"] if "unseen" in method.needs else []
    further += [f"of other {world.members}"] if others or "retain" in method.needs else []
    beside = f", and pictures {' and '.join(further)}" if further else ""
    if world is PEOPLE:
        by, asks, seen = "faces", f"{name} asks to be forgotten.", "face"
    else:
        by, asks, seen = "looks", f"The model is asked to forget the {target.kind} {name}.", target.kind
    learns = f"say that it does not know that {seen}" if method.teaches_refusal else f"take that {seen} for another one"
    return [
        f"{model} is a small model that knows {known} by their {by}.",
        f"{asks} Training sees one drawn picture of {name}{beside}.",
        f"First the model answers questions about new pictures, other {world.members} and facts.",
        f"Then it learns, in a few steps, to {learns} and to keep all it knows in text.",
        "Then it answers the same questions again.",
    ]
