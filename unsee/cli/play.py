"""`unsee play`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from unsee.cli.options import Device
from unsee.playground.checking import check
from unsee.terminal import quiet_libraries, say, show


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command(epilog="Examples:\n\n[dim]$[/dim] unsee play runs/demo")(play)


def play(
    run: Annotated[Path, typer.Argument(help="Folder that `unsee forget` wrote, or of a ledger's build.")],
    host: Annotated[
        str, typer.Option(help="Address to serve at; whoever reaches it can ask. By default this machine alone.")
    ] = "127.0.0.1",
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Port to serve at; default the first free one from 7860 on.")
    ] = None,
    browser: Annotated[bool, typer.Option(help="Open the page in a browser.")] = True,
    device: Device = "auto",
) -> None:
    """Ask the model before and after unlearning side by side, on a page in the browser (needs unsee\\[play])."""
    check(run)
    quiet_libraries()
    from unsee.commands.play import PlayOptions
    from unsee.commands.play import play as serve

    def tell(address: str) -> None:
        show(f"The playground is at {address}")
        say("Ctrl-C ends it.", "dim")

    serve(PlayOptions(run, host, port, device, browser), tell)
