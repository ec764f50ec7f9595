"""The columns of a comparison that hold what attacks bring back."""

from __future__ import annotations

from unsee.metrics.catalogue import titled
from unsee.reports.attack_plots import heat_map
from unsee.reports.leaderboard import Board

PREFIX = "attack/"
"""How the keys of the columns begin; the name of the attack follows."""


def board_heat_map(board: Board, name: str) -> str | None:
    """What leaks over the floor for each attack on each method of a board; None without an audit. `name` begins the ids
    in the SVG."""
    leaks = {
        (titled(key).label, row.label): figure.mean
        for row in board.rows
        if row.role == "method"
        for key, figure in row.figures.items()
        if key.startswith(PREFIX)
    }
    return heat_map(leaks, name)
