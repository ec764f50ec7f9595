"""MLUBench's tasks forgotten one after another, and what remains of the earlier ones asked again after each:

    python recipes/protocols/sequential.py FOLDER --method npo

Each task starts from the model that the one before left (`unsee export`). Without --data, the data set is the world in
MLUBench's layout, in FOLDER. The table has a row for each state and a column for each task, forgotten / kept in
percent; a task that is not yet forgotten should have 0 / 100. The same command resumes, and --table only prints what is
there.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from unsee.benchmarks.published.mlubench import MLUBench
from unsee.sources.filling import write_strangers

COLUMNS = MLUBench.table()["forgotten"], MLUBench.table()["kept"]
Scores = dict[str, dict[str, Any]]


def unsee(*words: object) -> None:
    """Run a command; raises SystemExit with its status if it fails."""
    status = subprocess.run([sys.executable, "-m", "unsee", *map(str, words)], check=False).returncode
    if status:
        raise SystemExit(status)


def run(given: argparse.Namespace) -> None:
    """What is not there yet, in order."""
    folder, model = given.folder, given.model
    data = given.data or folder / "mlubench-world"
    if given.data is None and not data.exists():
        unsee("world", "write", "--layout", "mlubench", "--out", data)
    few = () if given.limit is None else ("--limit", given.limit)
    size = (*few, "--max-new-tokens", given.max_new_tokens)
    settings = [word for setting in given.set for word in ("--set", setting)]
    # An exported model is no longer one of the world's, which bring their own strangers.
    unseen = (
        ("--unseen", given.unseen or write_strangers(folder / "strangers"))
        if given.unseen or given.data is None
        else ()
    )
    for number, task in enumerate(given.tasks):
        out = folder / task
        if not (out / "report.json").is_file():
            given_task = ("--from", data, "--split", task, "--method", given.method, *settings, *unseen)
            unsee("forget", "-m", model, *given_task, "--out", out, *size, "--resume")
        for earlier in given.tasks[:number]:
            asked = folder / f"{task}-asked-{earlier}"
            if not (asked / "scores.json").is_file():
                unsee("evaluate", "-m", out, "-b", data, "--split", earlier, "--out", asked, *size)
        if number + 1 < len(given.tasks):
            exported = folder / f"{task}-model"
            if not exported.exists():
                unsee("export", "--model", out, "--out", exported)
            model = exported


def states(folder: Path, tasks: Sequence[str]) -> Iterator[tuple[str, dict[str, str]]]:
    """The model before and after each task, with what it says about each task that it was asked about."""
    before: dict[str, str] = {}
    rows = [("before", before)]
    for number, task in enumerate(tasks):
        report = _read(folder / task / "report.json")
        if report is None:
            break
        # A task is asked for the first time by the model that is about to forget it.
        rows[-1][1][task] = _cell(report["before"])
        own = {
            earlier: _cell(next(iter(scores["concepts"].values())))
            for earlier in tasks[:number]
            if (scores := _read(folder / f"{task}-asked-{earlier}" / "scores.json")) is not None
        }
        rows.append((f"after {task}", {**own, task: _cell(report["after"])}))
    yield from rows


def table(folder: Path, tasks: Sequence[str]) -> str:
    rows = [["forgotten / kept, %", *tasks], ["---", *("---:" for _ in tasks)]]
    rows += [[state, *(own.get(task, "–") for task in tasks)] for state, own in states(folder, tasks)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _read(path: Path) -> dict[str, Any] | None:
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


def _cell(scores: Scores) -> str:
    return " / ".join(f"{scores[key]['value']:.0f}" for key in COLUMNS)


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", default="world:tiny-qwen3vl")
    parser.add_argument("--data", help="a folder in MLUBench's layout")
    parser.add_argument("--method", default="npo")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a setting of the method")
    parser.add_argument(
        "--unseen", type=Path, help="pictures of people whom the model has never seen, for methods that need them"
    )
    parser.add_argument("--tasks", nargs="+", choices=MLUBench.splits, default=[*MLUBench.splits])
    parser.add_argument("--limit", type=int, help="people of each set to ask about; default: all")
    parser.add_argument("--max-new-tokens", type=int, default=48)
    parser.add_argument("--table", action="store_true", help="print what is finished, and run nothing")
    given = parser.parse_args(words)
    if not given.table:
        given.folder.mkdir(parents=True, exist_ok=True)
        run(given)
    print(table(given.folder, given.tasks))


if __name__ == "__main__":
    main()
