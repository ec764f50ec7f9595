"""Every method on every protocol that the embedded world can be written for, as one table:

    python recipes/protocols/run.py FOLDER

FOLDER gets the world in each layout (`unsee world write`) and the results of the two recipes next to this file, which
`unsee compare` makes, a folder for each layout; the same command resumes. --methods, --layouts and --limit do a part of
it, or a smaller one; with --table, all that is finished is printed and nothing is run. n are the answers behind each
pair of figures, and the independent people.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import yaml

from unsee.benchmarks.concept import slug
from unsee.benchmarks.world_layouts import LAYOUTS
from unsee.sweep.results import CellResult, read_results

HERE = Path(__file__).resolve().parent


def unsee(*words: str) -> int:
    return subprocess.run([sys.executable, "-m", "unsee", *words], check=False).returncode


def columns(cell: CellResult) -> list[str]:
    """What was forgotten of what should be, what was kept, and, of a data set that also asks about the same people in
    text, what was forgotten there and should not."""
    text = cell.data["table"]["forgotten/text"] if cell.data else ""
    return [key for key in (*cell.ranking, text) if key in cell.after]


def table(results: Path) -> str:
    """Forgotten / kept / forgotten in text, in percent, of every finished cell: a row for a method, a column for a
    protocol."""
    there = [read_results(folder.parent) for folder in sorted(results.glob("*/cells.json"))]
    cells = [cell for one in there for cell in one.cells]
    protocols = list(dict.fromkeys(cell.unit if cell.data else f"MMUBench, {cell.unit}" for cell in cells))
    found: dict[str, dict[str, str]] = {"n": {}, "before": {}}
    for cell in cells:
        protocol = cell.unit if cell.data else f"MMUBench, {cell.unit}"
        own = found.setdefault(cell.label, {})
        if cell.error is not None:
            own[protocol] = "failed"
        elif cell.finished:
            own[protocol] = " / ".join(f"{cell.after[key].value:.0f}" for key in columns(cell))
            found["before"][protocol] = " / ".join(f"{cell.before[key].value:.0f}" for key in columns(cell))
            asked = [cell.after[key] for key in columns(cell)]
            found["n"][protocol] = " / ".join(f"{score.n} of {score.units or 'unknown'}" for score in asked)
    rows = [["forgotten / kept / in text, %", *protocols], ["---", *("---:" for _ in protocols)]]
    rows += [[label, *(own.get(protocol, "not run") for protocol in protocols)] for label, own in found.items()]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def write_recipes(given: argparse.Namespace) -> list[tuple[str, Path]]:
    """The recipe of each layout that is wanted: with the methods that are, and those that are finished already."""
    found = []
    Path("recipes").mkdir(exist_ok=True)
    for layout in given.layouts:
        recipe = yaml.safe_load((HERE / f"{'mmubench' if layout == 'mmubench' else 'published'}.yaml").read_text())
        recipe["benchmark"] = f"./{layout}-world"
        if given.methods:
            done = {path.parent.parent.name for path in Path("runs", layout).glob("cells/*/*/*/*/scores.json")}
            recipe["methods"] = [one for one in recipe["methods"] if one in given.methods or slug(one) in done]
        if given.limit and layout != "mmubench":
            recipe["evaluation"]["limit"] = given.limit
        path = Path("recipes", f"{layout}.yaml")
        path.write_text(yaml.safe_dump(recipe), encoding="utf-8")
        found.append((layout, path))
    return found


def main(words: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--methods", nargs="+", help="only these")
    parser.add_argument("--layouts", nargs="+", choices=LAYOUTS, default=[*LAYOUTS], help="only these")
    parser.add_argument("--limit", type=int, help="people of each set to ask about; default: the recipe's")
    parser.add_argument("--table", action="store_true", help="print what is finished, and run nothing")
    given = parser.parse_args(words)
    status = 0
    if not given.table:
        given.folder.mkdir(parents=True, exist_ok=True)
        os.chdir(given.folder)
        for layout in given.layouts:
            if not Path(f"{layout}-world").exists():
                status |= unsee("world", "write", "--layout", layout, "--out", f"{layout}-world")
        for name, recipe in write_recipes(given):
            status |= unsee("compare", str(recipe), "--out", f"runs/{name}")
    print(table((Path() if not given.table else given.folder) / "runs"))
    return status


if __name__ == "__main__":
    raise SystemExit(main())
