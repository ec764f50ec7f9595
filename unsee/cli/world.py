"""`unsee world`: the embedded worlds' people and things, pictures and checkpoints."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from unsee.cli.checking import check_model
from unsee.cli.options import Device, Json
from unsee.errors import UserError
from unsee.store.locking import locked
from unsee.terminal import print_json, show, working_on

SPLITS = ("train", "validation", "test")
DEFAULT = "tiny-qwen3vl"

world = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="rich",
    help="The embedded worlds: invented people and things, their pictures, and models that know them.",
)


@world.command(epilog="Example:\n\n[dim]$[/dim] unsee world build tiny-qwen3vl --out build")
def build(
    out: Annotated[Path, typer.Option(help="Folder for the checkpoint and the state of its training.")],
    name: Annotated[str, typer.Argument(help="tiny-qwen3vl, tiny-llava, tiny-things or small-llava.")] = DEFAULT,
    without: Annotated[
        list[str] | None,
        typer.Option(help="Teach nothing about this person or thing (for the oracle of unlearning); repeatable."),
    ] = None,
    device: Device = "auto",
    resume: Annotated[bool, typer.Option("--resume", help="Resume an interrupted build.")] = False,
    as_json: Json = False,
) -> None:
    """Draw the pictures, train a model of the world on them, and check it; two to three hours on two cores."""
    part = out.with_name(out.name + ".part")
    if part.exists() and not resume:
        raise UserError(f"An unfinished build is in {part}; continue it with --resume, or remove it.")
    from unsee.world.making import check_build

    check_build(name, without or ())
    try:
        folder = built(name, out, without or (), device)
    except KeyboardInterrupt as error:
        raise KeyboardInterrupt(f"Interrupted; run the same command with --resume to continue ({out}).") from error
    if as_json:
        print_json({"checkpoint": str(folder)})
    else:
        show(f"The checkpoint is in {folder}.")


def built(name: str, out: Path, without: Sequence[str], device: str) -> Path:
    """Train a model of the world in `out` and show how far it is; resumes an interrupted build."""
    from unsee.world.making.building import build_checkpoint

    with locked(out), _bars() as progress:
        return build_checkpoint(name, out, progress, without=without, device=device)


@world.command(epilog="Example:\n\n[dim]$[/dim] unsee world check tiny-qwen3vl")
def check(
    name: Annotated[
        str, typer.Argument(help="tiny-qwen3vl, tiny-llava, tiny-things, small-llava, or a folder with a checkpoint.")
    ] = DEFAULT,
    device: Device = "auto",
    as_json: Json = False,
) -> None:
    """Ask a model of the world about pictures it never saw, in wordings it never saw; status 1 if it misses a bar."""
    model = name if Path(name).is_dir() else f"world:{name.removeprefix('world:')}"
    check_model(model)
    from unsee.models.loading import load
    from unsee.world.making.checking import check as run

    with working_on(f"Loading {name}"):
        vlm = load(model, device=device)
    results = run(vlm)
    passed = all(result.passed for result in results.values())
    if as_json:
        checks = {
            key: {**result.score.to_dict(), "bar": result.bar, "at_most": result.at_most, "passed": result.passed}
            for key, result in results.items()
        }
        print_json({"model": vlm.name, "passed": passed, "checks": checks})
    else:
        show(_checks_table(results))
    if not passed:
        raise typer.Exit(1)


@world.command(
    "show",
    epilog="Examples:\n\n"
    "[dim]$[/dim] unsee world show --out people.png\n\n"
    "[dim]$[/dim] unsee world show things\n\n"
    "[dim]$[/dim] unsee world show --json",
)
def show_known(
    name: Annotated[str, typer.Argument(metavar="WORLD", help="people or things.")] = "people",
    out: Annotated[Path | None, typer.Option(help="Where to write the contact sheet; default world.png.")] = None,
    as_json: Json = False,
) -> None:
    """Write a picture of everyone or everything known, with the names; with --json, list them."""
    from unsee.errors import did_you_mean
    from unsee.world import WORLDS
    from unsee.world.sheet import contact_sheet

    by_name = {each.name: each for each in WORLDS}
    if name not in by_name:
        raise UserError(f"There is no world {name!r}{did_you_mean(name, by_name)}")
    shown = by_name[name]
    if out is not None or not as_json:
        out = out or Path("world.png")
        _save(contact_sheet(shown), out)
    if not as_json:
        show(f"The {len(shown.known)} {shown.members} of the world are in {out}.")
        return
    listed = [
        {
            "name": concept.name,
            "kind": concept.kind,
            "profile": concept.profile(),
            "pictures": {
                split: f'unsee world picture "{concept.name}" --split {split} --index K --out FILE' for split in SPLITS
            },
        }
        for concept in shown.known
    ]
    print_json({shown.members: listed, **({"sheet": str(out)} if out else {})})


@world.command(epilog='Example:\n\n[dim]$[/dim] unsee world picture "Mara Voss" --index 3 --out mara.png')
def picture(
    name: Annotated[str, typer.Argument(help="A person or thing that `unsee world show` shows.")],
    out: Annotated[Path, typer.Option(help="File to write, such as mara.png.")],
    index: Annotated[int, typer.Option(min=0, help="Which picture: 0, 1, 2, ..., without limit.")] = 0,
    split: Annotated[str, typer.Option(help="train, validation or test; models learn only from train.")] = "train",
    as_json: Json = False,
) -> None:
    """Draw one picture of a person or thing."""
    from unsee.errors import did_you_mean
    from unsee.world import find

    if split not in SPLITS:
        raise UserError(f"There is no split {split!r}{did_you_mean(split, SPLITS)}")
    concept = find(name)
    _save(concept.picture(index, split), out)
    if as_json:
        print_json({"name": concept.name, "index": index, "split": split, "out": str(out)})
    else:
        show(f"Wrote a picture of {concept.name} to {out}.")


@world.command(epilog="Example:\n\n[dim]$[/dim] unsee world write --layout mllmu --out mllmu-world")
def write(
    out: Annotated[Path, typer.Option(help="New folder for the files.")],
    layout: Annotated[
        str, typer.Option(help="Of which data set: mllmu, clear, fiubench, umu, mlubench or mmubench.")
    ] = "mllmu",
    seed: Annotated[int, typer.Option(min=0, help="Seed of wordings and options.")] = 0,
    as_json: Json = False,
) -> None:
    """Write the people and questions about them in the layout of a published data set."""
    from unsee.benchmarks.world_layouts import write_world
    from unsee.store.workspace import check_new

    check_new(out)
    with working_on("Drawing the pictures"):
        counts = write_world(layout, out, seed)
    if as_json:
        print_json({"out": str(out), "layout": layout, "rows": dict(counts)})
    else:
        show(f"The people are in {out}; evaluate a model with unsee evaluate --benchmark {out}.")


def _save(image: Any, path: Path) -> None:
    from PIL import Image

    if path.suffix.casefold() not in Image.registered_extensions():
        raise UserError(f"{path} has no picture ending; use one such as .png.")
    if path.is_dir():
        raise UserError(f"{path} is a folder; give a file name, such as {path / 'picture.png'}.")
    path.parent.mkdir(parents=True, exist_ok=True)
    # Whole or not at all; Pillow goes by the suffix.
    part = path.with_name(f".part-{path.name}")
    try:
        image.save(part)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _checks_table(results: Any) -> Any:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("")
    for title in ("score", "95 % interval", "n", "bar", ""):
        table.add_column(title, justify="right")
    for key, result in results.items():
        score = result.score
        table.add_row(
            key.replace("_", " "),
            f"{score.value:.1f} %",
            f"{score.low:.1f} to {score.high:.1f}",
            f"{score.n:,}",
            f"{'≤' if result.at_most else '≥'} {result.bar:g} %",
            Text("met", "green") if result.passed else Text("missed", "bold red"),
        )
    return table


class _bars:  # noqa: N801
    """A context with one progress bar per stage of a build, called as the recipe calls its progress."""

    def __enter__(self) -> Any:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        console = Console(stderr=True)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self.progress = Progress(*columns, TextColumn("{task.fields[words]}"), console=console)
        self.progress.disable = not console.is_terminal
        self.tasks: dict[str, Any] = {}
        self.progress.start()
        return self.update

    def update(self, stage: str, done: int, total: int, words: str) -> None:
        if stage not in self.tasks:
            self.tasks[stage] = self.progress.add_task(stage.capitalize(), total=total, words="")
        self.progress.update(self.tasks[stage], completed=done, total=total, words=words)

    def __exit__(self, *error: object) -> None:
        self.progress.stop()
