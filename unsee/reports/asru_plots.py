"""The plots of ASRU: how stage 2 went, and which layer stage 1 should change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from unsee.reports.drawing import (
    AFTER,
    BEFORE,
    GOOD,
    LINE,
    MUTED,
    STYLE,
    alone,
    dressed,
    inline_svg,
    is_number,
    new_figure,
)

Row = Mapping[str, Any]
# Of two dots in one place, the smaller is drawn over the larger.
_ROLES = (("forget", AFTER, 9), ("boundary", BEFORE, 5))


@matplotlib.rc_context({**STYLE, "font.size": 11})
def reinforcement(log: Sequence[Row]) -> str | None:
    """Rewards, refusals, length and KL over the steps of stage 2; None for the log of another method."""
    if not any("rewards/forget/mean" in row or "validation_reward" in row for row in log):
        return None
    figure = new_figure((6.2, 5.2))
    panels = figure.subplots(2, 2, sharex=True).ravel()
    rewards, refusals, length, kl = panels
    for role, colour, size in _ROLES:
        _curve(rewards, log, f"rewards/{role}/mean", colour)
        _dots(rewards, log, f"validation_reward/{role}", colour, size, role)
        _curve(refusals, log, f"refused/{role}", colour, 100)
        _dots(refusals, log, f"validation_refused/{role}", colour, size, role, 100)
    _curve(length, log, "completions/mean_length", AFTER)
    _curve(kl, log, "kl", AFTER)
    for axes, label in zip(panels, ("Reward", "Refused (%)", "Tokens of a response", "KL"), strict=True):
        dressed(axes, "Step" if axes in (length, kl) else "", label)
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        axes.yaxis.set_major_locator(MaxNLocator(5))
    rewards.set_ylim(-0.05, 1.05)
    refusals.set_ylim(-5, 105)
    _legend(rewards)
    return inline_svg(figure, "reinforcement")


@matplotlib.rc_context(STYLE)
def layer_sweep(rows: Sequence[Row]) -> str:
    """An SVG file: per layer how well the direction separates, and what comes out on held-out prompts.

    `rows` are those of `unsee.methods.asru.sweep.SweptLayer`.
    """
    figure = new_figure((9.2, 4.2))
    separating, outcome = figure.subplots(1, 2)
    layers = [row["layer"] for row in rows]
    dressed(separating, "Decoder layer", "Fisher ratio of the direction")
    told = [row for row in rows if row["fisher"] is not None]
    separating.bar([row["layer"] for row in told], [row["fisher"] for row in told], color=LINE, width=0.7)
    for row in told:
        separating.annotate(
            f"{row['auc']:.2f}", (row["layer"], row["fisher"]), (0, 4), textcoords="offset points", ha="center",
            color=MUTED, fontsize=10,
        )  # fmt: skip
    separating.set_title("Numbers are AUC", color=MUTED, fontsize=11, loc="left")
    separating.margins(y=0.12)
    dressed(outcome, "Decoder layer", "Share of held-out answers (%)")
    # The later ones smaller, so that none hides another where they meet.
    for key, label, colour, size in (
        ("kept", "retain: kept", GOOD, 11),
        ("leaked", "forget: leaked", BEFORE, 7),
        ("refused", "forget: refused", AFTER, 4),
    ):
        values = [100 * row[key] for row in rows]
        outcome.plot(layers, values, color=colour, linewidth=size / 3, marker="o", markersize=size, label=label)
    outcome.set_ylim(-5, 105)
    outcome.legend(
        frameon=False, fontsize=11, labelcolor=MUTED, ncols=3, loc="lower left", bbox_to_anchor=(-0.03, 0.98),
        borderpad=0, handlelength=1.2, handletextpad=0.5, columnspacing=1,
    )  # fmt: skip
    for axes in (separating, outcome):
        axes.xaxis.set_major_locator(MaxNLocator(12, integer=True))
    return alone(inline_svg(figure, "sweep"))


def _curve(axes: Axes, log: Sequence[Row], key: str, colour: str, factor: float = 1) -> None:
    points = [(row["step"], factor * row[key]) for row in log if is_number(row.get(key))]
    if points:
        axes.plot(*zip(*points, strict=True), color=colour, linewidth=1.4, alpha=0.6)


def _dots(axes: Axes, log: Sequence[Row], key: str, colour: str, size: float, label: str, factor: float = 1) -> None:
    points = [(row["step"], factor * row[key]) for row in log if is_number(row.get(key))]
    if points:
        axes.plot(*zip(*points, strict=True), color=colour, linestyle="", marker="o", markersize=size, label=label)


def _legend(axes: Axes) -> None:
    handles, labels = axes.get_legend_handles_labels()
    if handles:
        axes.legend(handles, labels, frameon=False, fontsize=11, labelcolor=MUTED, loc="best")
