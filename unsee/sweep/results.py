"""What a folder of results holds, read back: every cell of its recipe, finished, failed or not there yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from unsee.benchmarks.mmubench import MMUBench
from unsee.errors import UserError
from unsee.evaluation.saved import QUESTIONS
from unsee.metrics import Score
from unsee.reports.leaderboard import RANKING
from unsee.store.text import json_lines, read_json
from unsee.sweep.cells import AFTER, BEFORE, FAILED, INDEX, SCHEMA, SCORES


@dataclass(frozen=True)
class CellResult:
    """A cell as `cells.json` lists it, with its scores where it is finished and its error where it failed.

    `identity` is the whole entry; `run` is what else `scores.json` says: seconds, peak memory, hashes, versions.
    """

    model: str
    method: str
    label: str
    kind: str
    unit: str
    seed: int
    identity: Mapping[str, Any]
    folder: Path
    before_folder: Path
    before: Mapping[str, Score] = field(default_factory=dict)
    after: Mapping[str, Score] = field(default_factory=dict)
    run: Mapping[str, Any] = field(default_factory=dict)
    error: str | None = None

    @property
    def finished(self) -> bool:
        return bool(self.after)

    @property
    def asked(self) -> str:
        """The name of the benchmark that asked about what was forgotten."""
        return str(self.data.get("name", MMUBench.name))

    @property
    def data(self) -> Mapping[str, Any]:
        """The published data set that was forgotten, as `Split.document` says it; empty if there is none."""
        return self.identity.get("data") or {}

    @property
    def ranking(self) -> tuple[str, str]:
        """The columns of what was forgotten and of what was kept, by which methods are ranked."""
        return ranking_of(self.data) if self.data else RANKING

    @property
    def answers(self) -> Path:
        """What it answered about what was forgotten."""
        return self.folder / self.asked / f"{AFTER}.jsonl"


def ranking_of(data: Mapping[str, Any]) -> tuple[str, str]:
    """As `CellResult.ranking`, of a data set as `Split.document` says it: only what was to be forgotten counts as
    forgotten, so that a method is not blamed for facts in text that a request about pictures wants kept."""
    places = {"pictures": "forgotten/picture", "text": "forgotten/text"}
    table = data["table"]
    return table[places.get(data["where"], "forgotten")], table["kept"]


@dataclass(frozen=True)
class Results:
    """All cells of a recipe in its order. `unreadable` are damaged files, `name` is the recipe's name and `recipe` its
    content."""

    folder: Path
    cells: tuple[CellResult, ...]
    unreadable: tuple[Path, ...] = ()
    name: str = ""
    recipe: Mapping[str, Any] = field(default_factory=dict)

    @property
    def finished(self) -> tuple[CellResult, ...]:
        return tuple(cell for cell in self.cells if cell.finished)

    @property
    def failed(self) -> tuple[CellResult, ...]:
        return tuple(cell for cell in self.cells if cell.error is not None)


def read_results(folder: Path) -> Results:
    """Read a folder that `unsee compare` wrote. Raises UserError if it is none.

    Scores that do not belong to the cell in the recipe count as missing, and so do damaged files.
    """
    listed = read_json(folder / INDEX)
    if listed is None or listed.get("schema") != SCHEMA or not isinstance(listed.get("cells"), list):
        raise UserError(
            f"{folder} holds no results of unsee compare: its {INDEX} is missing, damaged or of another version."
        )
    cells, unreadable = [], []
    for entry in listed["cells"]:
        try:
            cell, torn = _read_cell(folder, dict(entry))
        except (KeyError, TypeError, ValueError) as error:
            raise UserError(f"{folder / INDEX} is damaged; run the recipe again to repair it.") from error
        cells.append(cell)
        unreadable += torn
    if not cells:
        raise UserError(f"{folder / INDEX} lists no cell; run the recipe again to repair it.")
    return Results(folder, tuple(cells), tuple(unreadable), str(listed.get("name", "")), listed.get("recipe") or {})


def _read_cell(results: Path, entry: dict[str, Any]) -> tuple[CellResult, list[Path]]:
    own, before = results / str(entry.pop("folder")), results / str(entry.pop("before"))
    unit = entry["unit"]
    cell = CellResult(
        str(entry["model"]), str(entry["method"]), str(entry["label"]), str(unit["kind"]), str(unit["name"]),
        int(entry["seed"]), entry, own, before,
    )  # fmt: skip
    failed, scores = read_json(own / FAILED), read_json(own / SCORES)
    found = ((own / FAILED, failed), (own / SCORES, scores))
    torn = [path for path, content in found if content is None and path.exists()]
    if failed is not None:
        return replace(cell, error=str(failed.get("error"))), torn
    if scores is None or scores.get("cell") != entry:
        return cell, torn
    try:
        was, now = ({key: Score.read(value) for key, value in scores[when].items()} for when in ("before", "after"))
    except (KeyError, TypeError, ValueError, AttributeError):
        return cell, [*torn, own / SCORES]
    run = {key: value for key, value in scores.items() if key not in ("schema", "cell", "before", "after")}
    return replace(cell, before=was, after=now, run=run), torn


@dataclass(frozen=True)
class Exchange:
    """One question with both answers."""

    probe_id: str
    tags: Mapping[str, str]
    expect: tuple[str, ...]
    scorer: str
    question: str
    before: str
    after: str


def read_answers(cell: CellResult) -> list[Exchange]:
    """Every question to a finished cell, with both answers; nothing if a file is missing or damaged."""
    try:
        asked = cell.before_folder / cell.asked
        questions = json_lines(asked / QUESTIONS)[1:]
        was, now = (
            {entry["id"]: entry["text"] for entry in json_lines(path)[1:] if "id" in entry}
            for path in (asked / f"{BEFORE}.jsonl", cell.answers)
        )
        return [
            Exchange(q["id"], q["tags"], tuple(q["expect"]), q["scorer"], q["prompt"], was[q["id"]], now[q["id"]])
            for q in questions
        ]
    except (OSError, ValueError, KeyError, TypeError):
        return []
