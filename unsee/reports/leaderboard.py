"""A leaderboard: methods side by side, and as Markdown."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from unsee.kinds.words import EITHER, Words
from unsee.metrics.catalogue import Metric, describe, in_order, is_further, titled

MAIN = (
    "efficacy", "generality_em", "g_eval", "c_dis", "mia", "multilingual", "multi_hop",
    "specificity", "verification_others", "text_facts", "mllmu_effectiveness", "mllmu_utility",
    "two_people/renamed", "two_people/other_named", "general_questions", "general_perplexity",
    "fluency/reference", "fluency/independent", "diversity", "empty", "cut", "fluency",
)  # fmt: skip
"""Metrics in the table of every board, in this order; all others follow in a table of their own."""
RANKING = ("generality_em", "specificity")
"""The metrics that rows are ranked by, forgetting and keeping."""
QUALITY = (
    "quality/contextual_refusal", "quality/leakage", "quality/naturalness", "hallucination", "invented_name",
    "rigidity", "rigidity/canned", "refusal_rate", "over_refusal",
)  # fmt: skip
"""How answers about the concept are worded; Markdown has a second table for them."""

# A table of many columns has room for short names only.
_SHORT = {
    "generality_em": "EM", "g_eval": "G-Eval", "c_dis": "C-Dis", "mia": "MIA", "text_facts": "Text facts",
    "two_people/renamed": "Renamed in two", "two_people/other_named": "Other named", "fluency/reference": "Reread",
    "general_questions": "General", "fluency/independent": "Independent",
    "mllmu_effectiveness": "MLLMU forgotten", "mllmu_utility": "MLLMU kept", "rigidity/canned": "Rigid, not fitting",
}  # fmt: skip

COSTS: dict[str, Metric] = {
    "seconds": Metric("seconds", "Time", "Unlearning one cell.", "more", "s", 1, higher_is_better=False),
    "peak_rss_mb": Metric(
        "peak_rss_mb", "Memory", "Peak memory of the process while unlearning.", "more", "MB", 0, higher_is_better=False
    ),
}
TO_IDEAL = Metric(
    "to_ideal",
    "To ideal",
    "Distance from 100 % forgotten and 100 % kept (EM and Specificity, or what the data set's columns say), in points.",
    "more",
    decimals=1,
    higher_is_better=False,
)
TO_ORACLE = Metric(
    "to_oracle",
    "To oracle",
    "Mean distance from the model that never knew them, over all percentages and the units that both have, in points.",
    "more",
    decimals=1,
    higher_is_better=False,
)

ON_SCALE = "On the scale 0 = before, 1 = oracle"
_FOOTER = 'Mean over cells (deviation between them, – where there is one cell; "2 of 3" where cells are missing).'


@dataclass(frozen=True)
class Figure:
    """A mean over `cells` with the deviation between them and its 95 % interval, NaN where they are not known.

    `planned`: how many cells there should be, where some have no number; otherwise as many as `cells`.
    """

    mean: float
    deviation: float
    low: float
    high: float
    cells: int
    planned: int = 0

    @property
    def incomplete(self) -> str:
        """ "2 of 3" where cells are missing, otherwise empty."""
        return f"{self.cells} of {self.planned}" if self.cells < self.planned else ""


@dataclass(frozen=True)
class Row:
    """One method; or the model before, or the oracle, which are pinned above the others.

    `figures` by metric, costs included. `to_ideal` and `to_oracle` as the metrics of these names say. `missing` are the
    cells that another method has and this one lacks: it is not ranked. `broken`: in how many of its `cells` the model
    can no longer talk.
    """

    label: str
    role: Literal["before", "oracle", "method"]
    figures: Mapping[str, Figure]
    to_ideal: float | None = None
    to_oracle: float | None = None
    missing: tuple[str, ...] = ()
    broken: int = 0
    cells: int = 0

    @property
    def is_broken(self) -> bool:
        """Whether the model can no longer talk in more than half of the cells."""
        return 2 * self.broken > self.cells


@dataclass(frozen=True)
class Run:
    """One cell in the list of all: where its answers are shown, or why they are not."""

    label: str
    unit: str
    seed: int
    href: str | None
    note: str


@dataclass(frozen=True)
class Board:
    """The methods over one kind of unit, for one model. Rows in the order to show; `notes` on what is missing;
    `words`: what others are called. `unmeasured`: columns that are shown although nobody may have a figure. `main`: the
    metrics of its first table; `ranking`: the two that rank, forgetting and keeping. `scaled`: the methods on
    the scale 0 = before, 1 = oracle."""

    model: str
    kind: str
    rows: Sequence[Row]
    runs: Sequence[Run] = ()
    agreement: str = ""
    notes: Sequence[str] = ()
    words: Words = EITHER
    unmeasured: Sequence[str] = ()
    main: Sequence[str] = MAIN
    ranking: tuple[str, str] = RANKING
    scaled: Sequence[Row] = ()

    @property
    def metrics(self) -> list[Metric]:
        """The main metrics that anybody was measured by, in order, and those that are `unmeasured`."""
        there = {*self.unmeasured, *(key for row in self.rows for key in row.figures)}
        return [named(key, self.words) for key in self.main if key in there]

    @property
    def beside_oracle(self) -> Board:
        """The board on the scale 0 = before, 1 = oracle."""
        return replace(self, rows=self.scaled, scaled=(), unmeasured=())

    @property
    def on_scale(self) -> list[Metric]:
        """The main metrics that have such a scale."""
        return [*map(_without_unit, self.beside_oracle.metrics)]

    @property
    def also_on_scale(self) -> list[Metric]:
        """Those of `also` that have such a scale."""
        return [*map(_without_unit, self.beside_oracle.also)]

    @property
    def further(self) -> list[Metric]:
        """All others."""
        there = {key for row in self.rows for key in row.figures}
        return [titled(key, words=self.words) for key in in_order(there) if key not in self.main and key not in COSTS]

    @property
    def also(self) -> list[Metric]:
        """The columns of benchmarks that were also asked, such as a user's own questions."""
        return [metric for metric in self.further if is_further(metric.key)]

    @property
    def quality(self) -> list[Metric]:
        """Those of `QUALITY` that anybody was measured by."""
        there = {key for row in self.rows for key in row.figures}
        return [named(key, self.words) for key in QUALITY if key in there]

    @property
    def columns(self) -> list[Metric]:
        """The main table's: how far from the ideal and from the oracle, the main metrics, the costs."""
        there = {key for row in self.rows for key in row.figures}
        distances = [(TO_IDEAL, "to_ideal"), (TO_ORACLE, "to_oracle")]
        shown = [m for m, name in distances if any(getattr(row, name) is not None for row in self.rows)]
        return [*shown, *self.metrics, *(metric for key, metric in COSTS.items() if key in there)]


def _without_unit(metric: Metric) -> Metric:
    return replace(metric, unit="", decimals=2, higher_is_better=True)


@dataclass(frozen=True)
class Leaderboard:
    """All boards of one folder of results. `notes` say what is missing; `provenance` what made them."""

    title: str
    lead: str
    boards: Sequence[Board]
    notes: Sequence[str] = ()
    provenance: Mapping[str, str] = field(default_factory=dict)
    credit: str = ""

    @property
    def words(self) -> Words:
        """What others are called on all boards."""
        first, *rest = dict.fromkeys(board.words for board in self.boards) or [EITHER]
        return EITHER if rest else first


def named(key: str, words: Words = EITHER) -> Metric:
    """The metric of that key under its short name, perplexities with one decimal."""
    metric = describe(key, words=words)
    decimals = 1 if key.startswith("fluency") else metric.decimals
    return replace(metric, label=_SHORT.get(key, metric.label), decimals=decimals)


def value_of(row: Row, metric: Metric) -> float:
    """What stands in a row under a metric; NaN for nothing."""
    if metric is TO_IDEAL or metric is TO_ORACLE:
        distance: float | None = getattr(row, metric.key)
        return math.nan if distance is None else distance
    return row.figures[metric.key].mean if metric.key in row.figures else math.nan


def is_whole(row: Row, key: str, rows: Sequence[Row]) -> bool:
    """Whether a method's figure is over as many cells as any other method's of `rows`, and so can be ranked."""
    if key in (TO_IDEAL.key, TO_ORACLE.key):
        return not row.missing
    cells = [other.figures[key].cells for other in rows if other.role == "method" and key in other.figures]
    return key in row.figures and row.figures[key].cells == max(cells, default=0)


def arrow(metric: Metric) -> str:
    return "↑" if metric.higher_is_better else "↓"


def markdown(leaderboard: Leaderboard) -> str:
    """The boards as tables, of the main metrics and of the answers' quality: mean (deviation between cells)."""
    parts = [f"# {leaderboard.title}", leaderboard.lead, *(f"> {note}" for note in leaderboard.notes)]
    model = None
    for board in leaderboard.boards:
        if board.model != model:
            model = board.model
            parts.append(f"## {_plain(model)}")
        parts += [f"### {_plain(board.kind).capitalize()}", _table(board, board.columns)]
        parts += [f"> {_plain(note)}" for note in board.notes]
        if board.agreement:
            parts.append(board.agreement)
        if board.on_scale:
            parts += [f"{ON_SCALE}:", _table(board.beside_oracle, board.on_scale)]
        if board.quality:
            parts += ["How they answer when asked about the concept:", _table(board, board.quality)]
        if board.also:
            title = "Also asked:" if board.main == MAIN else "By part, and by the published rules:"
            parts += [title, _table(board, board.also)]
        if board.also_on_scale:
            parts += ["The same on that scale:", _table(board.beside_oracle, board.also_on_scale)]
    shown = {metric for board in leaderboard.boards for metric in board.columns}
    parts.append(" ".join((_FOOTER, *(f"{m.label}: {m.meaning}" for m in (TO_IDEAL, TO_ORACLE) if m in shown))))
    if leaderboard.provenance:
        parts.append(
            "  \n".join(f"{key}: `{value.replace('`', ' ')}`" for key, value in leaderboard.provenance.items())
        )
    if leaderboard.credit:
        parts.append(leaderboard.credit)
    return "\n\n".join(parts) + "\n"


def _table(board: Board, columns: Sequence[Metric]) -> str:
    lines = [
        "| | n | " + " | ".join(f"{metric.label} {arrow(metric)}" for metric in columns) + " |",
        "|---|---:|" + "---:|" * len(columns),
    ]
    for row in board.rows:
        most = max(row.figures.values(), key=lambda figure: figure.cells, default=None)
        cells = "0" if most is None else most.incomplete or str(most.cells)
        label = _plain(row.label) + " (broken)" * row.is_broken
        lines.append(f"| {label} | {cells} | " + " | ".join(_cell(row, m) for m in columns) + " |")
    return "\n".join(lines)


def _cell(row: Row, metric: Metric) -> str:
    value = value_of(row, metric)
    figure = row.figures.get(metric.key)
    written = metric.format(value, unit=False)
    if figure is None:
        return f"{written} (incomplete)" if row.missing and not math.isnan(value) else written
    if figure.incomplete:
        known = [] if math.isnan(figure.deviation) else [metric.format(figure.deviation, unit=False)]
        return f"{written} ({', '.join([*known, figure.incomplete])})"
    return f"{written} ({metric.format(figure.deviation, unit=False)})"


def _plain(text: str) -> str:
    """Text that Markdown takes for text."""
    for sign in "\\`*_{}[]<>#|":
        text = text.replace(sign, f"\\{sign}")
    return " ".join(text.split())
