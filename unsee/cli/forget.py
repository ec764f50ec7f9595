"""`unsee forget`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from unsee.cli.checking import check_asked, check_model
from unsee.cli.options import (
    Device,
    FourBit,
    Json,
    JudgeName,
    MaxNewTokens,
    MethodOrAuto,
    Overwrite,
    Resume,
    Revision,
    Split,
)
from unsee.data.sample import MAX_NEW_TOKENS
from unsee.errors import UserError
from unsee.kinds import KINDS, PERSON, PLUGINS, get_kind
from unsee.store.locking import check_unused
from unsee.store.workspace import check_output
from unsee.terminal import print_json, quiet_libraries, say, show


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command(
        epilog="Examples:\n\n"
        '[dim]$[/dim] unsee forget -m world:tiny-qwen3vl --concept "Mara Voss" --image mara.png\n\n'
        "[dim]$[/dim] unsee forget -m llava-hf/llava-1.5-7b-hf --request mario.yaml --test-images pictures/mario "
        "--set steps=6 --set learning_rate=3e-4\n\n"
        "[dim]$[/dim] unsee forget --recipe recipes/hub/qwen3-vl-4b.yaml --request mario.yaml\n\n"
        '[dim]$[/dim] unsee forget -m world:tiny-qwen3vl -c "Mara Voss" -i mara.png --method asru\n\n'
        '[dim]$[/dim] unsee forget --on-top-of ledger -c "Mara Voss" -i mara.png\n\n'
        "[dim]$[/dim] unsee forget -m world:tiny-qwen3vl --from mllmu --split forget_5 --where pictures\n\n"
        "[dim]$[/dim] unsee forget ... --dry-run --out data, edit data/samples.jsonl, then unsee forget ... --data data"
    )(forget)


def forget(
    model: Annotated[
        str | None, typer.Option("--model", "-m", help="World name (world:tiny-qwen3vl), hub id or local folder.")
    ] = None,
    recipe: Annotated[
        Path | None, typer.Option(help="YAML file with a model and its settings, such as recipes/hub/*.yaml.")
    ] = None,
    concept: Annotated[str | None, typer.Option("--concept", "-c", help="The name to forget.")] = None,
    image: Annotated[
        list[Path] | None, typer.Option("--image", "-i", help="A picture of the concept; repeatable.")
    ] = None,
    alias: Annotated[list[str] | None, typer.Option(help="Another name of the concept; repeatable.")] = None,
    kind: Annotated[
        str | None,
        typer.Option(help=f"What it is: {', '.join(KINDS)}, a name from `unsee kinds`, or FILE.py:NAME, which is run."),
    ] = None,
    request: Annotated[
        Path | None,
        typer.Option(help="YAML file with concept, images, aliases, kind, facts, others; options override it."),
    ] = None,
    from_: Annotated[
        str | None,
        typer.Option(
            "--from",
            help="A published data set, as a folder or hf:NAME, or mllmu for the world's: forget everybody of a split, "
            "with its forget and retain sets (docs/benchmarks.md).",
        ),
    ] = None,
    split: Split = None,
    where: Annotated[
        str | None,
        typer.Option(help="With --from, in what to forget: pictures, text or both; default: all of the forget set."),
    ] = None,
    method: MethodOrAuto = "auto",
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="A setting of the method, such as steps=30.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Output folder; default runs/METHOD-CONCEPT.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of all random choices.")] = 0,
    test_images: Annotated[
        Path | None, typer.Option(help="Folder of new pictures of the concept, to test on; never trained on.")
    ] = None,
    test_others: Annotated[
        Path | None, typer.Option(help="Folder of new pictures of others of its kind, to test on; never trained on.")
    ] = None,
    judge: JudgeName = "rules",
    rephrase: Annotated[
        str | None, typer.Option(help="Model that rephrases the training data: openai:URL#MODEL or local:MODEL.")
    ] = None,
    unseen: Annotated[
        Path | None,
        typer.Option(help="Folder of pictures of people (or brands, ...) the model has never seen (lookalike, asru)."),
    ] = None,
    others: Annotated[
        Path | None,
        typer.Option(help="Folder of pictures of other people (or brands, ...) to be still recognised."),
    ] = None,
    data: Annotated[Path | None, typer.Option(help="Train on this folder, written by --dry-run and edited.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only write the training data, for you to read and edit.")
    ] = False,
    sweep_layers: Annotated[
        bool, typer.Option("--sweep-layers", help="Only report what steering would do in each layer (asru).")
    ] = False,
    force: Annotated[
        bool,
        typer.Option("--force", help="Train even if the model does not know the concept, or not as a person."),
    ] = False,
    limit: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Most questions per test picture and control group; with --from, most people per set; default: all.",
        ),
    ] = None,
    max_new_tokens: MaxNewTokens = MAX_NEW_TOKENS,
    also: Annotated[
        list[str] | None,
        typer.Option(
            help="Another benchmark to ask before and after: a table of your own (CSV, JSON Lines, Parquet, hf:NAME), "
            "a name from `unsee benchmarks`, or FILE.py:CLASS, which is run; repeatable."
        ),
    ] = None,
    audit: Annotated[
        str | None,
        typer.Option(
            help="How hard to try to bring it back afterwards: none, quick, standard or full; default: quick, and with "
            "--from none."
        ),
    ] = None,
    on_top_of: Annotated[
        Path | None,
        typer.Option(help="A ledger: forget this too, with everyone active there, and add an entry (`unsee ledger`)."),
    ] = None,
    note: Annotated[str, typer.Option(help="With --on-top-of: the operator's note in the entry.")] = "",
    resume: Resume = False,
    overwrite: Overwrite = False,
    device: Device = "auto",
    revision: Revision = None,
    load_in_4bit: FourBit = False,
    as_json: Json = False,
) -> None:
    """Make a model forget the person or thing in a picture, and report the effect."""
    started = time.monotonic()
    if from_ is not None:
        _misplaced(
            {"--concept": concept, "--image": image, "--alias": alias, "--request": request, "--data": data}
            | {"--test-images": test_images, "--test-others": test_others}
            | {"--dry-run": dry_run, "--sweep-layers": sweep_layers},
            "is for one concept, and --from forgets those of a data set",
        )
    elif split or where:
        raise UserError(
            f"{'--split' if split else '--where'} is for a data set; give one with --from, or leave it out."
        )
    if on_top_of is not None:
        _misplaced(
            {"--recipe": recipe, "--out": out, "--dry-run": dry_run, "--sweep-layers": sweep_layers, "--also": also}
            | {"--overwrite": overwrite, "--revision": revision, "--4bit": load_in_4bit, "--from": from_},
            "does not go with --on-top-of, where the ledger settles it",
        )
    elif note:
        raise UserError("--note is for an entry of a ledger; name one with --on-top-of, or leave the note out.")
    wanted = None if from_ is not None else _request(request, concept, image, alias, kind, unseen, others)
    if wanted is not None:
        wanted.check()
    from unsee.commands.audit_place import NO_AUDIT, check_level
    from unsee.methods import parse_settings
    from unsee.models.recipe import recipe_for
    from unsee.sources.choice import AUTO, Choice, choose_method

    audit = audit or ("quick" if from_ is None else NO_AUDIT)
    check_level(audit)
    chosen = None if on_top_of else recipe_for(model, recipe)
    name = model or (chosen.model if chosen else None)
    # What suits a data set is only known when it is read, and a ledger knows what it was built with.
    choice = Choice(method)
    if on_top_of is not None and wanted is not None:
        from unsee.ledger import Ledger

        Ledger.open(on_top_of).new_id(wanted.concept, wanted.names)
    elif name is None:
        raise UserError("--model is missing; give it, or a file with --recipe.")
    elif wanted is not None:
        choice = choose_method(method, wanted, name, chosen)
    if name is not None:
        check_model(name)
    method = choice.method
    shows_others = wanted is None or bool(wanted.others)
    brought = chosen.settings(method, shows_others) if chosen and method != AUTO else ()
    chosen_settings = (*brought, *(settings or ()))
    if method != AUTO:
        # Now, and not when the libraries are there: they take seconds.
        parse_settings(method, chosen_settings)
    check_asked([*(also or []), *([from_] if from_ else [])], judge)
    if out is not None:
        check_unused(out)
        resumable = not (dry_run or sweep_layers)
        if not (resume and resumable):
            check_output(out, overwrite=overwrite, resumable=resumable)
    quiet_libraries()
    from unsee.commands.build_data import build_data
    from unsee.commands.forget import forget as run
    from unsee.commands.forget_options import ForgetOptions

    options = ForgetOptions(
        model=name or "",
        method=method,
        settings=chosen_settings,
        dtype=chosen.dtype if chosen else "auto",
        out=out,
        seed=seed,
        judge=judge,
        rephrase=rephrase,
        test_images=test_images,
        test_others=test_others,
        data=data,
        force=force,
        limit=limit,
        max_new_tokens=max_new_tokens,
        also=tuple(also or ()),
        audit=audit,
        why=choice.why,
        overwrite=overwrite,
        resume=resume,
        revision=revision,
        load_in_4bit=load_in_4bit,
        device=device,
    )
    if on_top_of is not None and wanted is not None:
        from unsee.cli.ledger import show_build
        from unsee.commands.ledger_builds import forget_on_top

        show_build(forget_on_top(wanted, options, on_top_of, note), as_json)
        return
    if wanted is None:
        from unsee.commands.forget_from import SplitToForget, forget_from

        of_split = SplitToForget(str(from_), split, _where(where), kind, **_shown(kind, unseen, others))
        show_result(forget_from(of_split, options, started=started), as_json)
        return
    if sweep_layers:
        from unsee.commands.sweep_layers import sweep, sweep_table

        document = sweep(wanted, options)
        if as_json:
            print_json(document)
        else:
            show(sweep_table(document))
        return
    if dry_run:
        folder, completed = build_data(wanted, options)
        if as_json:
            print_json({"data": str(folder)})
        else:
            show_kind(completed.kind)
            show(f"The training data is in {folder}/samples.jsonl; edit it, then train on it with --data {folder}.")
        return
    done = run(wanted, options, started=started)
    if not as_json:
        show_kind(done.report.kind or wanted.kind)
    show_result(done, as_json)


def show_kind(kind: str | None) -> None:
    """Print what the concept is taken for, and how to say otherwise if nobody said it."""
    others = ", ".join(name for name in dict.fromkeys(PLUGINS.names) if name != PERSON)
    default = f" (default; --kind {others} for something else)" if kind is None else ""
    show(f"Kind: {get_kind(kind or PERSON).name}{default}")


def show_result(result: Any, as_json: bool) -> None:
    """Print what a run of `forget` did and where it is."""
    if as_json:
        print_json(result.document())
        return
    if result.again:
        show("This run was already finished.")
    from unsee.reports import summary

    show(summary(result.report))
    show(f"Report:  {result.folder}/report.html")
    show(f"Adapter: {result.folder}")


def _misplaced(options: dict[str, Any], why: str) -> None:
    """Raises UserError for an option that was given."""
    for option in (option for option, value in options.items() if value):
        raise UserError(f"{option} {why}; leave it out.")


def _where(value: str | None) -> Any:
    from typing import get_args

    from unsee.requests import Where

    if value is not None and value not in get_args(Where):
        raise UserError(f"--where must be {', '.join(get_args(Where))}; found {value!r}.")
    return value


def _request(
    path: Path | None,
    concept: str | None,
    images: list[Path] | None,
    aliases: list[str] | None,
    kind: str | None,
    unseen: Path | None,
    others: Path | None,
) -> Any:
    """The request from the file and the options, which override it. Raises UserError."""
    from dataclasses import replace

    from unsee.requests import ForgetRequest

    in_file = None if path is None else ForgetRequest.from_yaml(path)
    given: dict[str, Any] = {}
    if concept is not None:
        given["concept"] = concept
    if images:
        given["images"] = tuple(images)
    if aliases:
        given["aliases"] = tuple(aliases)
    if kind is not None:
        given["kind"] = kind
    given |= _shown(kind or (in_file.kind if in_file else None), unseen, others)
    if in_file is not None:
        return replace(in_file, **given)
    for option, key in (("--concept", "concept"), ("--image", "images")):
        if key not in given:
            raise UserError(f"{option} is missing; give it, or a file with --request.")
    return ForgetRequest(**given)


def _shown(kind: str | None, unseen: Path | None, others: Path | None) -> dict[str, Any]:
    """The pictures of the folders, as fields of a request. Raises UserError."""
    from unsee.data.folders import listed, read_folder

    plural = get_kind(kind or PERSON).plural
    given: dict[str, Any] = {}
    for key, folder, what in (
        ("unseen", unseen, f"pictures of {plural} the model has never seen"),
        ("others", others, f"pictures of other {plural} the model should still recognise"),
    ):
        if folder is not None:
            found = read_folder(folder, what)
            given[key] = tuple(found.opened)
            if found.left_out:
                say(f"Left out of {folder}: {listed(found.left_out)}.", "yellow")
    return given
