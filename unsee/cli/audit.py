"""`unsee audit`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from unsee.cli.checking import check_attacks, check_model
from unsee.cli.helping import helped_by
from unsee.cli.options import Device, Json, Workers
from unsee.errors import UserError, did_you_mean
from unsee.terminal import print_json, quiet_libraries, say, show

NOT_REACHED = 3
"""The exit status where the grade is worse than --require asks for."""
_WANTED = ("plain", "holds")


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command(
        epilog="Examples:\n\n"
        "[dim]$[/dim] unsee audit runs/demo\n\n"
        "[dim]$[/dim] unsee audit runs/siu-mario --level full --test-images pictures/mario\n\n"
        "[dim]$[/dim] unsee audit -m llava-hf/llava-1.5-7b-hf --adapter theirs --request mario.yaml --require plain"
    )(audit)


def audit(
    run: Annotated[Path | None, typer.Argument(help="Folder that `unsee forget` wrote.", metavar="RUN")] = None,
    model: Annotated[
        str | None, typer.Option("--model", "-m", help="Without RUN: the model before, a world name, hub id or folder.")
    ] = None,
    adapter: Annotated[
        Path | None, typer.Option(help="Without RUN: folder with the adapter, from unsee or PEFT.")
    ] = None,
    request: Annotated[
        Path | None, typer.Option(help="YAML file with what was forgotten; for a RUN, what it forgot by default.")
    ] = None,
    level: Annotated[str, typer.Option(help="How hard to try: quick, standard or full.")] = "standard",
    attack: Annotated[
        list[str] | None,
        typer.Option(
            "--attack",
            help="Only this attack and the plain questions: a name from `unsee attacks`, or FILE.py:CLASS, which is "
            "run; repeatable.",
        ),
    ] = None,
    oracle: Annotated[
        str | None,
        typer.Option(
            help="The floor instead of strangers: a model like the one before that was trained without the concept, "
            "as a world name, hub id or folder."
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of all random choices.")] = 0,
    test_images: Annotated[
        Path | None, typer.Option(help="Folder of new pictures of the concept, to test on; never trained on.")
    ] = None,
    require: Annotated[
        str | None,
        typer.Option(
            help="Exit with status 3 if the grade is worse: plain (holds for plain questions) or holds (against "
            "everything tested)."
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Output folder; default RUN/audit.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Ask again what was answered before.")] = False,
    device: Device = "auto",
    workers: Workers = 1,
    as_json: Json = False,
) -> None:
    """Try to bring back what a model has forgotten, and say what came back; resumes where it stopped."""
    if require in ("quick", "standard", "full"):
        raise UserError(f"{require!r} is a level, not a grade: give --level {require} --require holds (or plain).")
    if require is not None and require not in _WANTED:
        raise UserError(f"There is no grade {require!r} to require{did_you_mean(require, _WANTED)}")
    check_attacks(level, attack or ())
    for name in filter(None, (model, oracle)):
        check_model(name)
    with helped_by(workers):
        quiet_libraries()
        from unsee.commands.audit import AuditOptions
        from unsee.commands.audit import audit as attacked
        from unsee.reports.audit_console import audit_summary

        done = attacked(
            AuditOptions(
                run=run,
                model=model,
                adapter=adapter,
                request=request,
                level=level,
                attacks=tuple(attack or ()),
                seed=seed,
                test_images=test_images,
                out=out,
                overwrite=overwrite,
                device=device,
                oracle=oracle,
            ),
            lambda line: say(line, "dim"),
        )
    if as_json:
        print_json(done.document())
    else:
        show(audit_summary(done.report))
        show(f"Audit: {done.folder}/audit.html")
    if require is not None and not done.grade.reaches("holds" if require == "holds" else "plain"):
        raise typer.Exit(NOT_REACHED)
