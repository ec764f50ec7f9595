"""`unsee ledger`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from unsee.cli.options import Device, FourBit, Json, JudgeName, MaxNewTokens, Model, Resume, Revision
from unsee.data.sample import MAX_NEW_TOKENS
from unsee.terminal import print_json, quiet_libraries, show

ledger = typer.Typer(
    no_args_is_help=True,
    help="Requests over time: a chain of entries about one model, whose requests are forgotten together.",
)
Folder = Annotated[Path, typer.Argument(help="Folder of the ledger.")]
Id = Annotated[str, typer.Argument(help="A request: its id in `unsee ledger status`, or its name.")]
Note = Annotated[str, typer.Option(help="The operator's note, such as a file number; it stays in the entry.")]


@ledger.command(epilog="Example:\n\n[dim]$[/dim] unsee ledger init ledger -m world:tiny-qwen3vl")
def init(
    folder: Annotated[Path, typer.Argument(help="New folder for the ledger.")],
    model: Model,
    note: Note = "",
    revision: Revision = None,
    load_in_4bit: FourBit = False,
    as_json: Json = False,
) -> None:
    """Begin a ledger about a model."""
    from unsee.commands.ledger import init as run

    made = run(folder, model, revision=revision, load_in_4bit=load_in_4bit, note=note)
    if as_json:
        print_json(_newest(made))
        return
    show(f'The ledger is in {folder}; add a request with unsee forget --on-top-of {folder} -c "NAME" -i PICTURE.')


@ledger.command(epilog="Example:\n\n[dim]$[/dim] unsee ledger status ledger")
def status(folder: Folder, as_json: Json = False) -> None:
    """List the active requests, each with its newest evidence, and the revoked ones."""
    from unsee.commands.ledger import status as run

    document = run(folder)
    if as_json:
        print_json(document)
        return
    show(f"Model: {document['model']}")
    show(f"Adapter: {document['adapter'] or 'none, since nothing is forgotten'}")
    for state in ("active", "revoked"):
        for one in document[state]:
            show(f"{one['id']} ({state}, since {one['since']}): {one['headline']}")
            show(f"    asked {one['asked']}: {one['report']}")
    for one in document["unfinished"]:
        show(f"Unfinished: {one['run']} ({one['state']}); run the same command with --resume, or again without it.")
    show(f"Entries: {document['entries']}, the newest with the SHA-256 {document['sha256']}")


@ledger.command(epilog="Example:\n\n[dim]$[/dim] unsee ledger verify ledger")
def verify(
    folder: Folder,
    known: Annotated[
        str | None,
        typer.Option("--contains", help="SHA-256 of an entry, written down elsewhere, that must still be there."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Check that no entry was changed, removed or reordered, and no adapter replaced; exit status 1 if one was,
    2 if the folder is no ledger.
    """
    from unsee.commands.ledger import verify as run

    document = run(folder, known)
    if as_json:
        print_json(document)
    else:
        for sentence in document["problems"]:
            show(sentence)
        if document["verified"]:
            count, digest = document["entries"], document["sha256"]
            show(f"Entries: {count}; all are as they were written, with their files ({digest}).")
    if not document["verified"]:
        raise typer.Exit(1)


@ledger.command(epilog='Example:\n\n[dim]$[/dim] unsee ledger note ledger "The appeal was heard." --about mara-voss')
def note(
    folder: Folder,
    text: Annotated[str, typer.Argument(help="What to write down.")],
    about: Annotated[str, typer.Option(help="The request that it is about; default: the whole ledger.")] = "",
    as_json: Json = False,
) -> None:
    """Add a note."""
    from unsee.commands.ledger import add_note

    added = add_note(folder, text, about)
    if as_json:
        print_json(_newest(added))
        return
    show(f"Entry {len(added.entries)} ({added.head})")


@ledger.command(epilog='Example:\n\n[dim]$[/dim] unsee ledger revoke ledger mara-voss --note "Appeal 12/2027"')
def revoke(
    folder: Folder,
    request: Id,
    note: Note = "",
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="KEY=VALUE", help="A setting of the method; the others are as in the last build."
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of all random choices.")] = 0,
    judge: JudgeName = "rules",
    limit: Annotated[
        int | None, typer.Option(min=1, help="Most questions per test picture and control group; default: all.")
    ] = None,
    max_new_tokens: MaxNewTokens = MAX_NEW_TOKENS,
    audit: Annotated[
        str, typer.Option(help="How hard to try to bring the others back: none, quick, standard or full.")
    ] = "quick",
    resume: Resume = False,
    device: Device = "auto",
    as_json: Json = False,
) -> None:
    """Rebuild the model without one request: the others stay forgotten, and this one is recognised again."""
    from unsee.commands.audit_place import check_level
    from unsee.ledger import Ledger

    Ledger.open(folder).active_request(request)
    check_level(audit)
    quiet_libraries()
    from unsee.commands.forget_options import ForgetOptions
    from unsee.commands.ledger_builds import revoke as run

    options = ForgetOptions(
        model="",
        settings=tuple(settings or ()),
        seed=seed,
        judge=judge,
        limit=limit,
        max_new_tokens=max_new_tokens,
        audit=audit,
        resume=resume,
        device=device,
    )
    show_build(run(folder, request, options, note), as_json)


def _newest(ledger: Any) -> dict[str, Any]:
    """For programs: the newest entry and its SHA-256."""
    return {"ledger": str(ledger.folder), "sha256": ledger.head, "entry": json.loads(ledger.entries[-1].text)}


def show_build(done: Any, as_json: bool) -> None:
    """Print the entry about a build, and what it says of each request."""
    if as_json:
        print_json(done.document())
        return
    run = done.ledger.run(done.build)
    for id, result in done.build.results.items():
        show(f"{id}{'' if id in done.build.active else ' (revoked)'}: {result.headline}. {result.sentence}")
        show(f"    {run / result.report}")
    show(f"Adapter: {run if done.build.active else 'none, since nothing is forgotten'}")
    show(f"Entry {done.entry.number} ({done.ledger.head})")
