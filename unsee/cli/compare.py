"""`unsee compare` and `unsee leaderboard`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unsee.cli.options import Device, Json
from unsee.errors import UserError
from unsee.terminal import print_json, quiet_libraries, say, show, working_on

if TYPE_CHECKING:
    from unsee.sweep.results import Results
    from unsee.sweep.running import Outcome


def register(app: typer.Typer) -> None:
    """Add both commands to the command line."""
    app.command(
        epilog="Examples:\n\n"
        "[dim]$[/dim] unsee compare recipes/siu_single.yaml --out runs/single\n\n"
        "[dim]$[/dim] unsee compare recipes/methods_all.yaml --engine ray --workers 8"
    )(compare)
    app.command(epilog="Example:\n\n[dim]$[/dim] unsee leaderboard runs/single --out docs/single")(leaderboard)


def compare(
    recipe: Annotated[Path, typer.Argument(help="YAML file: models, methods, concepts to forget, seeds.")],
    out: Annotated[Path | None, typer.Option(help="Output folder; default runs/compare-RECIPE.")] = None,
    engine: Annotated[str, typer.Option(help=r"local, or ray for a cluster (needs unsee\[ray]).")] = "local",
    workers: Annotated[int | None, typer.Option(help="With ray: how many cells at a time.")] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Run cells again that were made with other settings.")
    ] = False,
    audit: Annotated[
        str | None,
        typer.Option(help="Attack every cell too: quick, standard or full; default: what the recipe says, or not."),
    ] = None,
    device: Device = "auto",
    as_json: Json = False,
) -> None:
    """Run methods on concepts, seeds and models; the same command resumes where it stopped."""
    from unsee.sweep.options import CompareOptions

    options = CompareOptions(recipe, out, engine, workers, overwrite, device, audit)
    options.read()
    quiet_libraries()
    from unsee.cli.world import built
    from unsee.sweep.comparing import compare as run

    done = run(options, _say_cell, built)
    for cell in done.results.failed:
        say(f"Failed: {cell.model}, {cell.label}, {cell.unit}, seed {cell.seed}: {cell.error}", "bold red")
    if as_json:
        print_json(done.document())
    else:
        count, folder = len(done.results.finished), done.results.folder
        show(f"{count} of {len(done.results.cells)} cells are finished; {done.skipped} were finished before.")
        show(f"The tables are {folder}/results.parquet and {folder}/summary.parquet, also as .jsonl.")
        show(f"See them with: unsee leaderboard {folder}")
    if done.results.failed:
        raise typer.Exit(1)


def leaderboard(
    results: Annotated[Path, typer.Argument(help="Folder that `unsee compare` wrote.")],
    out: Annotated[Path | None, typer.Option(help="Folder for the pages; default RESULTS/leaderboard.")] = None,
    metrics: Annotated[
        bool,
        typer.Option(
            "--metrics", help="Also write metrics.md: which metrics order methods as their distance to the oracle does."
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Write the results as Markdown and as a page that sorts, plots and links every answer."""
    with working_on("Reading the results"):
        from unsee.reports.writing import write_leaderboard
        from unsee.sweep.answers import answer_pages
        from unsee.sweep.boards import leaderboard as build
        from unsee.sweep.results import read_results

        found = read_results(results)
        if not found.finished:
            raise UserError(f"No cell in {results} is finished; run its recipe first with unsee compare.")
        folder = out or results / "leaderboard"
        board = build(found)
        text, page = write_leaderboard(board, answer_pages(found, folder), folder)
        agreed = _agreement(found, folder) if metrics else None
    for note in board.notes:
        say(note, "yellow")
    if as_json:
        more = {"metrics": str(agreed)} if agreed else {}
        print_json({"out": str(folder), "page": str(page), "markdown": str(text), "notes": list(board.notes), **more})
    else:
        show(f"The leaderboard is in {page} and {text}.")
        if agreed:
            show(f"How far metrics agree with the oracle is in {agreed}.")


def _agreement(results: Results, folder: Path) -> Path:
    from unsee.store.files import write_together
    from unsee.sweep.agreeing import FEWEST, PAGE, agreements_with_oracle, page

    found = agreements_with_oracle(results)
    if not found:
        raise UserError(
            f"{results.folder} has no {FEWEST} finished methods and an oracle about the same people, so metrics cannot "
            "be compared with it; add 'oracle: true' to the recipe, or leave --metrics out."
        )
    write_together(folder, {PAGE: page(results, found)})
    return folder / PAGE


_SHORT = {"EM": "generality_em", "Specificity": "specificity", "facts": "text_facts"}


def _say_cell(outcome: Outcome, done: int, total: int) -> None:
    """A line about a cell on standard error: which of how many, what it scored, how long it took."""
    scores = outcome.scores
    from unsee.sweep.results import ranking_of

    data = outcome.cell.unit.data
    columns = dict(zip(("forgotten", "kept"), ranking_of(data.document()), strict=True)) if data else _SHORT
    words = [f"{name} {scores[key].value:.1f}" for name, key in columns.items() if key in scores]
    said = outcome.error or ", ".join(words)
    say(f"{done}/{total}  {outcome.cell}: {said} ({outcome.seconds:.1f} s)", "red" if outcome.error else "")
