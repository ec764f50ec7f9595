"""The plots of an audit: how fast the memory is learned again, and which attack undoes which method."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

import matplotlib
from matplotlib.ticker import MaxNLocator

from unsee.evaluation.auditing import AFTER, BEFORE, FLOOR, Row
from unsee.metrics import Score
from unsee.reports.drawing import AFTER as AFTER_COLOUR
from unsee.reports.drawing import BEFORE as BEFORE_COLOUR
from unsee.reports.drawing import INK, MUTED, STYLE, WIDE, inline_svg, one_plot

RELEARNING = "relearning"
_STEPS = re.compile(r",?\s*(\d+) steps?\b")
_DASHES = ("-", "--", ":", "-.")
_COLOURS = {AFTER: AFTER_COLOUR, FLOOR: MUTED, BEFORE: BEFORE_COLOUR}

Curve = list[tuple[int, Score]]


def curves(rows: Sequence[Row]) -> dict[tuple[str, str], Curve]:
    """The leak over the steps of relearning, by what was learned ("1 picture") and state; labels such as
    "1 picture, 4 steps" say both."""
    found: dict[tuple[str, str], Curve] = {}
    for row in rows:
        steps = _STEPS.search(row.variant)
        if row.attack != RELEARNING or steps is None:
            continue
        what = _STEPS.sub("", row.variant).strip(" ,")
        for state, one in row.states.items():
            if math.isfinite(one.score.value):
                found.setdefault((what, state), []).append((int(steps[1]), one.score))
    return {key: sorted(curve, key=lambda point: point[0]) for key, curve in found.items() if len(curve) > 1}


@matplotlib.rc_context(STYLE)
def relearning_curves(rows: Sequence[Row], name: str, floor: str = "strangers") -> str | None:
    """The curves of `curves`, with the 95 % interval where there is one curve of a state; None without any. `name`
    begins the ids in the SVG, `floor` is what the floor is called."""
    found = curves(rows)
    if not found:
        return None
    figure, axes = one_plot("Steps of further training", "Named in other pictures (%)", WIDE)
    kinds = list(dict.fromkeys(what for what, _ in found))
    for (what, state), curve in found.items():
        if state not in _COLOURS:
            continue
        colour, label = _COLOURS[state], floor if state == FLOOR else state
        steps, values = [step for step, _ in curve], [score.value for _, score in curve]
        said = f"{label}, {what}" if len(kinds) > 1 and what else label
        dash = _DASHES[kinds.index(what) % len(_DASHES)]
        axes.plot(steps, values, dash, color=colour, linewidth=2.2, marker="o", markersize=5, label=said)
        if len(kinds) == 1:
            low, high = (
                [_end(end, score) for end, (_, score) in zip(ends, curve, strict=True)]
                for ends in ([score.low for _, score in curve], [score.high for _, score in curve])
            )
            axes.fill_between(steps, low, high, color=colour, alpha=0.12, linewidth=0)
    axes.set_ylim(-4, 104)
    axes.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    axes.legend(frameon=False, labelcolor=INK, fontsize=11, loc="best")
    return inline_svg(figure, name)


@matplotlib.rc_context(STYLE)
def heat_map(leaks: Mapping[tuple[str, str], float], name: str) -> str | None:
    """What exceeds the floor (points) of attacks (rows) on methods (columns), by (attack, method); None without any.
    Darker is worse; an empty field was not measured."""
    attacks = list(dict.fromkeys(attack for attack, _ in leaks))
    methods = list(dict.fromkeys(method for _, method in leaks))
    if not attacks:
        return None
    figure, axes = one_plot("", "", (max(5.4, 2.6 + 0.85 * len(methods)), 1.6 + 0.42 * len(attacks)))
    axes.grid(False)
    for y, attack in enumerate(attacks):
        for x, method in enumerate(methods):
            value = leaks.get((attack, method), math.nan)
            if math.isnan(value):
                continue
            share = min(1.0, max(0.0, value / 100)) * 0.7
            axes.fill_between([x - 0.47, x + 0.47], y - 0.45, y + 0.45, color=AFTER_COLOUR, alpha=share, linewidth=0)
            written = f"{value:.0f}".replace("-", "−")
            axes.text(
                x,
                y,
                written,
                ha="center",
                va="center",
                color=INK,
                fontsize=11,
                weight="bold" if share > 0.35 else "normal",
            )
    axes.set_xticks(range(len(methods)), methods, rotation=40, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(attacks)), attacks)
    axes.set_xlim(-0.5, len(methods) - 0.5)
    axes.set_ylim(len(attacks) - 0.5, -0.5)
    axes.spines[["left", "bottom"]].set_visible(False)
    return inline_svg(figure, name)


def _end(end: float, score: Score) -> float:
    return end if math.isfinite(end) else score.value
