"""The plots of the report, as SVG to stand inside the page: they take its colours and its font, light or dark."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import matplotlib
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from unsee.metrics.score import Score
from unsee.reports.drawing import AFTER, BEFORE, GOOD, MUTED, STYLE, WIDE, inline_svg, is_number, one_plot

# Of labels at 11 points: the width of a letter, and the height.
_LETTER, _LINE_HEIGHT = 5.8, 13.0
KEPT, NOT_GIVEN_AWAY = "Everything else answered correctly (%)", "Not given away on new pictures (%)"
NAMED = 14
"""Most methods that a plot names."""


@matplotlib.rc_context(STYLE)
def forgetting_against_keeping(before: Mapping[str, Score], after: Mapping[str, Score]) -> str | None:
    """Generality (EM) over specificity, in %, before and after, with 95 % intervals; None where either is missing."""
    try:
        points = [(scores["specificity"], scores["generality_em"]) for scores in (before, after)]
    except KeyError:
        return None
    if not all(math.isfinite(score.value) for point in points for score in point):
        return None
    figure, axes = one_plot(KEPT, NOT_GIVEN_AWAY)
    axes.set(xlim=(-4, 108), ylim=(-4, 112), aspect="equal")
    axes.set_xticks(range(0, 101, 25))
    axes.set_yticks(range(0, 101, 25))
    # A ring, so that a point which reaches it stays visible inside.
    axes.plot(100, 100, marker="o", markersize=25, fillstyle="none", markeredgewidth=1.5, color=GOOD, clip_on=False)
    axes.annotate("ideal", (100, 100), (0, 21), textcoords="offset points", ha="center", va="center", color=GOOD)
    (keep0, forget0), (keep1, forget1) = points
    start, end = (keep0.value, forget0.value), (keep1.value, forget1.value)
    if math.dist(start, end) > 12:
        arrow = {"arrowstyle": "-|>", "color": MUTED, "linewidth": 1.2, "shrinkA": 10, "shrinkB": 15}
        axes.annotate("", end, start, arrowprops=arrow, zorder=1)
    for keep, forget, colour, label in ((keep0, forget0, BEFORE, "before"), (keep1, forget1, AFTER, "after")):
        axes.errorbar(
            keep.value,
            forget.value,
            xerr=_arms(keep),
            yerr=_arms(forget),
            fmt="o",
            markersize=9,
            color=colour,
            elinewidth=2.2,
            capsize=4,
            zorder=3,
        )
        # Below a point that is high, above one that is low; towards the middle of the plot.
        up = -1 if forget.value > 50 else 1
        right = -1 if keep.value > 50 else 1
        axes.annotate(
            label,
            (keep.value, forget.value),
            (15 * right, 16 * up),
            textcoords="offset points",
            ha="right" if right < 0 else "left",
            va="center",
            color=colour,
            weight="bold",
        )
    return inline_svg(figure, "forgetting")


@dataclass(frozen=True)
class Point:
    """A method on the plane: what it keeps and what it forgets, in %, with their intervals."""

    label: str
    keep: Score
    forget: Score
    role: Literal["before", "oracle", "method"] = "method"


@matplotlib.rc_context(STYLE)
def methods_on_plane(
    points: Sequence[Point], name: str, forgotten: str = NOT_GIVEN_AWAY, kept: str = KEPT
) -> str | None:
    """Every method on the plane of `forgetting_against_keeping`, named; None without a point that has both numbers.

    `name` begins the ids in the SVG, so that several can stand on one page; `forgotten` and
    `kept` name the axes.
    """
    shown = [p for p in points if math.isfinite(p.keep.value) and math.isfinite(p.forget.value)]
    if not shown:
        return None
    figure, axes = one_plot(kept, forgotten, WIDE)
    axes.set(xlim=(-4, 108), ylim=(-6, 112))
    axes.set_xticks(range(0, 101, 25))
    axes.set_yticks(range(0, 101, 25))
    axes.plot(100, 100, marker="o", markersize=25, fillstyle="none", markeredgewidth=1.5, color=GOOD, clip_on=False)
    colours = {"before": BEFORE, "oracle": GOOD, "method": AFTER}
    for p in shown:
        axes.errorbar(
            p.keep.value, p.forget.value, xerr=_arms(p.keep), yerr=_arms(p.forget), color=colours[p.role],
            fmt="D" if p.role == "oracle" else "o", markersize=7, elinewidth=1.4, capsize=3, zorder=3,
        )  # fmt: skip
    figure.draw_without_rendering()
    labelled = _nearest([p for p in shown if p.role == "method"]) + [p for p in shown if p.role != "method"]
    for p, (x, y) in zip(labelled, _label_offsets(axes, labelled, shown), strict=True):
        axes.annotate(
            p.label,
            (p.keep.value, p.forget.value),
            (x, y),
            textcoords="offset points",
            ha="center",
            va="center",
            color=colours[p.role],
            fontsize=11,
            arrowprops={"arrowstyle": "-", "color": MUTED, "linewidth": 0.6} if math.hypot(x, y) > 45 else None,
        )
    return inline_svg(figure, name)


def _nearest(points: Sequence[Point]) -> list[Point]:
    """The points nearest to the ideal, as many as a plot can name."""
    return sorted(points, key=lambda p: math.dist((100, 100), (p.keep.value, p.forget.value)))[:NAMED]


def _label_offsets(axes: Axes, labelled: Sequence[Point], shown: Sequence[Point]) -> list[tuple[float, float]]:
    """Offsets in points of the labels, away from every point, its bars, and the ring of the ideal."""

    figure = axes.get_figure(root=True)
    assert figure is not None

    def place(keep: float, forget: float) -> tuple[float, float]:
        x, y = axes.transData.transform((keep, forget)) * 72 / figure.dpi
        return float(x), float(y)

    avoid = []
    for p in shown:
        (x, y), (left, _), (right, _) = (place(keep, p.forget.value) for keep in (p.keep.value, *_ends(p.keep)))
        (_, bottom), (_, top) = (place(p.keep.value, forget) for forget in _ends(p.forget))
        avoid += [(x - 6, y - 6, x + 6, y + 6), (left, y - 1, right, y + 1), (x - 1, bottom, x + 1, top)]
    x, y = place(100, 100)
    avoid.append((x - 13, y - 13, x + 13, y + 13))
    (left, bottom), (right, top) = place(*_corner(axes, 0)), place(*_corner(axes, 1))
    places = [place(p.keep.value, p.forget.value) for p in labelled]
    sizes = [(_LETTER * len(p.label), _LINE_HEIGHT) for p in labelled]
    return beside(places, sizes, (left, bottom, right, top), avoid)


def _ends(score: Score) -> tuple[float, float]:
    """The interval; the value itself where an end is no number."""
    low, high = (end if math.isfinite(end) else score.value for end in (score.low, score.high))
    return low, high


def _corner(axes: Axes, end: int) -> tuple[float, float]:
    return axes.get_xlim()[end], axes.get_ylim()[end]


def beside(
    places: Sequence[tuple[float, ...]],
    sizes: Sequence[tuple[float, float]],
    box: Sequence[float],
    avoid: Sequence[tuple[float, float, float, float]] = (),
) -> list[tuple[float, float]]:
    """Where to put a label next to each place so that few overlap: offsets of their centres from the places.

    All in points; `sizes` are (width, height) of the labels, `box` the (left, bottom, right, top) to stay in, `avoid`
    boxes to leave free. Each label in turn takes the nearest spot with the least overlap with those and with the labels
    before it.
    """
    taken = list(avoid)
    offsets = []
    for (x, y), (width, height) in zip(places, sizes, strict=True):
        spots = []
        for ring in range(7):
            across, up = width / 2 + 9 + 14 * ring, height / 2 + 7 + 13 * ring
            for dx, dy in ((across, 0), (-across, 0), (0, up), (0, -up), *_corners(across * 0.8, up)):
                own = (x + dx - width / 2, y + dy - height / 2, x + dx + width / 2, y + dy + height / 2)
                outside = width * height - _overlap(own, (box[0], box[1], box[2], box[3]))
                covered = sum(_overlap(own, other) for other in taken)
                spots.append((covered + 2 * outside, ring, (dx, dy), own))
        _, _, offset, own = min(spots, key=lambda spot: (round(spot[0]), spot[1]))
        offsets.append(offset)
        taken.append(own)
    return offsets


def _corners(x: float, y: float) -> list[tuple[float, float]]:
    return [(x, y), (-x, y), (x, -y), (-x, -y)]


def _overlap(one: Sequence[float], other: Sequence[float]) -> float:
    """Area that two boxes share, square points."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    return width * height if width > 0 and height > 0 else 0.0


@matplotlib.rc_context(STYLE)
def training_loss(log: Sequence[Mapping[str, Any]]) -> str | None:
    """ "loss" over "step"; None with fewer than two rows that have both as finite numbers."""
    rows = [(row["step"], row["loss"]) for row in log if is_number(row.get("step")) and is_number(row.get("loss"))]
    if len(rows) < 2:
        return None
    figure, axes = one_plot("Step", "Loss")
    steps, losses = zip(*rows, strict=True)
    axes.plot(steps, losses, color=AFTER, linewidth=2.2, marker="o" if len(rows) <= 60 else "", markersize=4.5)
    axes.xaxis.set_major_locator(MaxNLocator(7, integer=True))
    axes.yaxis.set_major_locator(MaxNLocator(6))
    if axes.get_ylim()[0] > 0:
        axes.set_ylim(bottom=0)
    return inline_svg(figure, "training")


def _arms(score: Score) -> list[list[float]]:
    """The two arms of an interval bar; an interval that is no number has none."""
    return [
        [max(0.0, arm) if math.isfinite(arm) else 0.0] for arm in (score.value - score.low, score.high - score.value)
    ]
