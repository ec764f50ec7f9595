"""Every method on every protocol that the embedded world can be written for, as one table:

    python recipes/protocols/run.py FOLDER

FOLDER gets the world in each layout (`unsee world write`) and the results of the two recipes next to this file, which
`unsee compare` makes; the same command resumes. With --table, only what is finished is printed.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

from unsee.benchmarks.world_layouts import LAYOUTS
from unsee.reports.leaderboard import RANKING
from unsee.sweep.results import CellResult, read_results

HERE = Path(__file__).resolve().parent
RECIPES = ("published", "mmubench")


def unsee(*words: str) -> int:
    return subprocess.run([sys.executable, "-m", "unsee", *words], check=False).returncode


def ranking(cell: CellResult) -> tuple[str, str]:
    """The columns that say what was forgotten and what was kept."""
    table = cell.data.get("table")
    return (table["forgotten"], table["kept"]) if table else RANKING


def table(results: Path) -> str:
    """Forgotten / kept in percent of every finished cell: a row for a method, a column for a protocol."""
    there = [read_results(results / name) for name in RECIPES if (results / name / "cells.json").is_file()]
    cells = [cell for one in there for cell in one.cells]
    protocols = list(dict.fromkeys(cell.unit if cell.data else f"MMUBench, {cell.unit}" for cell in cells))
    found: dict[str, dict[str, str]] = {"before": {}}
    for cell in cells:
        protocol = cell.unit if cell.data else f"MMUBench, {cell.unit}"
        own = found.setdefault(cell.label, {})
        if cell.error is not None:
            own[protocol] = "failed"
        elif cell.finished:
            own[protocol] = " / ".join(f"{cell.after[key].value:.0f}" for key in ranking(cell))
            found["before"][protocol] = " / ".join(f"{cell.before[key].value:.0f}" for key in ranking(cell))
    rows = [["forgotten / kept, %", *protocols], ["---", *("---:" for _ in protocols)]]
    rows += [[label, *(own.get(protocol, "not run") for protocol in protocols)] for label, own in found.items()]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--table", action="store_true", help="print what is finished, and run nothing")
    given = parser.parse_args()
    status = 0
    if not given.table:
        given.folder.mkdir(parents=True, exist_ok=True)
        os.chdir(given.folder)
        for layout in LAYOUTS:
            if not Path(f"{layout}-world").exists():
                status |= unsee("world", "write", "--layout", layout, "--out", f"{layout}-world")
        for name in RECIPES:
            status |= unsee("compare", str(HERE / f"{name}.yaml"), "--out", f"runs/{name}")
    print(table((Path() if not given.table else given.folder) / "runs"))
    return status


if __name__ == "__main__":
    raise SystemExit(main())
