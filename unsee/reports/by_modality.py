"""What a run on a data set forgot and kept, with pictures and in text: a table of two by two."""

from __future__ import annotations

from typing import NamedTuple

from unsee.metrics.catalogue import describe
from unsee.reports.report import Report

MODALITIES = {"picture": "with a picture", "text": "in text"}
_PLACES = {"pictures": ("picture",), "text": ("text",), "both": ("picture", "text")}


class Cell(NamedTuple):
    """One figure, ready to print; "–" where nothing was asked."""

    after: str
    before: str


class Line(NamedTuple):
    """Forgotten or kept, by `MODALITIES`."""

    title: str
    cells: tuple[Cell, ...]


def by_modality(report: Report) -> list[Line]:
    """Two lines; none if no data set was forgotten. What was not to be forgotten is marked so."""
    split = report.split
    if split is None:
        return []
    to_forget = _PLACES[split.where]

    def cell(place: str, modality: str) -> Cell:
        key = split.table[f"{place}/{modality}"]
        after, before = (
            describe(key).format(scores[key].value) if key in scores else "–"
            for scores in (report.after, report.before)
        )
        kept = place == "forgotten" and modality not in to_forget and after != "–"
        return Cell(f"{after} (to be kept)" if kept else after, before)

    return [
        Line(title, tuple(cell(place, modality) for modality in MODALITIES))
        for place, title in (("forgotten", "Forgotten"), ("kept", "Kept"))
    ]
