"""The leaderboard and the answers behind it as self-contained pages: one small script that sorts, no request to
anywhere, everything foreign escaped."""

from __future__ import annotations

import base64
import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files

from markupsafe import Markup

from unsee.metrics.catalogue import Metric
from unsee.metrics.score import Score
from unsee.reports import plots
from unsee.reports.attack_columns import board_heat_map
from unsee.reports.leaderboard import ON_SCALE, RANKING, Board, Leaderboard, Row, Run, arrow, is_whole, value_of
from unsee.reports.rendering import inline, printable, render_template

_LONGEST_LABEL = 40


@dataclass(frozen=True)
class Asked:
    """One question with both answers. `good`: is the answer after as it should be? None if no rule says so."""

    question: str
    before: str
    after: str
    good: bool | None = None


@dataclass(frozen=True)
class Group:
    """Some of the questions of one kind; `right` of all `count` were answered as they should be, None if no rule says
    so."""

    title: str
    shown: Sequence[Asked]
    right: int | None
    count: int


@dataclass(frozen=True)
class CellAnswers:
    """One cell on a page of answers, reached by its anchor. `raw` links to everything it answered."""

    anchor: str
    heading: str
    groups: Sequence[Group]
    raw: str | None = None


def render(leaderboard: Leaderboard) -> str:
    """The whole page as text."""
    script = files("unsee.reports").joinpath("templates/leaderboard.js").read_text("utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")
    return render_template(
        "leaderboard.html",
        leaderboard=leaderboard,
        models=list(_by_model(leaderboard.boards)),
        plane=_plane,
        heat=lambda board, number: inline(board_heat_map(board, f"heat{number}")),
        named=plots.NAMED,
        on_scale=ON_SCALE,
        matrix=_matrix,
        value_of=value_of,
        arrow=arrow,
        best=best,
        is_whole=is_whole,
        isnan=math.isnan,
        sortable=_sortable,
        script=Markup(script),
        script_digest=digest,
    )


def render_answers(title: str, back: str, cells: Sequence[CellAnswers]) -> str:
    """A page with the answers of cells about one unit; `back` links to the leaderboard."""
    return render_template("answers.html", title=title, back=back, cells=cells)


def _by_model(boards: Sequence[Board]) -> Iterator[tuple[str, list[tuple[int, Board]]]]:
    """Boards of each model with their numbers on the page."""
    for model in dict.fromkeys(board.model for board in boards):
        yield model, [(number, board) for number, board in enumerate(boards) if board.model == model]


def _plane(board: Board, number: int) -> Markup | None:
    points = [
        plots.Point(
            _short(row.label) + " (incomplete)" * bool(row.missing) + " (broken)" * row.is_broken,
            _score(row, board.ranking[1]),
            _score(row, board.ranking[0]),
            row.role,
        )
        for row in board.rows
        if set(board.ranking) <= set(row.figures)
    ]
    mmubench = board.ranking == RANKING
    forgotten = plots.NOT_GIVEN_AWAY if mmubench else "Forgotten (%)"
    svg = plots.methods_on_plane(points, f"plane{number}", forgotten, plots.KEPT if mmubench else "Kept (%)")
    return None if svg is None else Markup(svg)


def _short(label: str) -> str:
    """A label that a plot has room for."""
    return printable(label if len(label) <= _LONGEST_LABEL else f"{label[: _LONGEST_LABEL - 1]}…")


def _score(row: Row, key: str) -> Score:
    figure = row.figures[key]
    return Score(figure.mean, figure.cells, figure.low, figure.high)


def best(board: Board, metric: Metric) -> float:
    """The best value of a method with all cells that leaves a sound model, which is printed bold; NaN where nobody has
    one or the metric ranks nothing."""
    methods = [row for row in board.rows if row.role == "method" and not row.missing and not row.is_broken]
    values = [value_of(row, metric) for row in methods if is_whole(row, metric.key, board.rows)]
    there = [value for value in values if not math.isnan(value)]
    if not there or not metric.ranks:
        return math.nan
    return max(there) if metric.higher_is_better else min(there)


def _sortable(value: float) -> str:
    """A number as the page's script reads it."""
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return repr(value)


def _matrix(board: Board) -> tuple[list[str], list[tuple[str, list[list[Run]]]]]:
    """(labels, rows of (unit, the cells under each label))."""
    labels = list(dict.fromkeys(run.label for run in board.runs))
    units = list(dict.fromkeys(run.unit for run in board.runs))
    return labels, [
        (unit, [[run for run in board.runs if (run.unit, run.label) == (unit, label)] for label in labels])
        for unit in units
    ]
