"""`unsee evidence`: a run's evidence as a folder to send, and the check of such a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from unsee.cli.options import Json
from unsee.terminal import print_json, say, show, working_on

evidence = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="rich",
    help="What was forgotten and tested, as one folder to send: a page, a bill of materials, a signed statement.",
)


@evidence.command(
    epilog="Examples:\n\n"
    "[dim]$[/dim] unsee evidence make runs/demo --out evidence\n\n"
    "[dim]$[/dim] unsee evidence make runs/demo --out evidence --key key.pem"
)
def make(
    run: Annotated[Path, typer.Argument(help="Folder of an audited run of `unsee forget`, or of a ledger's build.")],
    out: Annotated[Path, typer.Option(help="New folder for the pack.")],
    key: Annotated[
        Path | None,
        typer.Option(help="Ed25519 private key to sign with, a PEM file (needs unsee\\[evidence]); default unsigned."),
    ] = None,
    with_pictures: Annotated[
        bool, typer.Option("--with-pictures", help="Include the pictures of the request; by default none is.")
    ] = False,
    require_level: Annotated[
        str, typer.Option(help="The weakest audit that is enough: quick, standard or full.")
    ] = "standard",
    verified: Annotated[
        Path | None,
        typer.Option(help="File with what `unsee verify --json` printed about the model that users get."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Write the evidence of a run; refuses where nothing was shown, or where the run was changed since."""
    from unsee.commands.evidence import EvidenceOptions, make_evidence

    with working_on(f"Writing the evidence of {run}"):
        done = make_evidence(EvidenceOptions(run, out, key, with_pictures, require_level, verified))
    if as_json:
        print_json(done.document())
        return
    show(f"{done.outcome.headline} (audit of the level {done.outcome.level}; result {done.result}).")
    show(f"Evidence: {done.folder}/evidence.html")
    if done.signer:
        show(f"Signed with the key {done.signer}.")
    else:
        say("The pack is not signed; sign it with --key.", "yellow")


@evidence.command(
    epilog="Examples:\n\n"
    "[dim]$[/dim] unsee evidence check evidence\n\n"
    "[dim]$[/dim] unsee evidence check evidence --key theirs.pub.pem"
)
def check(
    folder: Annotated[Path, typer.Argument(help="Folder that `unsee evidence make` wrote.")],
    key: Annotated[Path | None, typer.Option(help="The signer's public key, a PEM file that you trust.")] = None,
    as_json: Json = False,
) -> None:
    """Check a pack without the model: every SHA-256, the signature, and that no file is missing or was added."""
    from unsee.commands.evidence_check import check_evidence

    done = check_evidence(folder, key)
    if as_json:
        print_json(done.document())
        return
    says = done.statement.says
    show(f"The pack is whole: {len(done.statement.pack)} files are as the statement says.")
    show(f"{says['concept']}, {says['model']}: {says['headline']} (audit of the level {says['level']}).")
    if done.delivered is not None:
        say(done.delivered.words, "" if done.delivered.is_evaluated else "yellow")
    if not done.key:
        say("It is not signed, so it does not show who made it.", "yellow")
    elif not done.trusted:
        say(f"It is signed with the key {done.key}, which came with it; compare it with the sender's, or give --key.",
            "yellow")  # fmt: skip
    else:
        show(f"It is signed with the key {done.key}.")
