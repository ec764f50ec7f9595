"""The answers behind a leaderboard: a page for each model and unit, which shows some of every kind."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from unsee.benchmarks.concept import slug
from unsee.data.sample import Probe
from unsee.kinds.words import EITHER, Words, words_among
from unsee.metrics import right
from unsee.reports.examples import GROUPS, names_the_forgotten
from unsee.reports.leaderboard_page import Asked, CellAnswers, Group, render_answers
from unsee.sweep.results import CellResult, Exchange, Results, read_answers
from unsee.sweep.whom import WORLD
from unsee.world import world_of_model

PAGE = "leaderboard.html"
SHOWN = 4
"""Questions of each kind on a page of answers."""


def answer_pages(results: Results, out: Path) -> dict[str, str]:
    """The pages with answers, one per model and unit, by their paths below the leaderboard's folder `out`."""
    pages = {}
    for path in dict.fromkeys(page_of(cell) for cell in results.finished):
        cells = [cell for cell in results.finished if page_of(cell) == path]
        shown = [_shown(cell, results, out / path) for cell in cells]
        back = os.path.relpath(PAGE, Path(path).parent)
        pages[path] = render_answers(f"{cells[0].unit}: {cells[0].model}", Path(back).as_posix(), shown)
    return pages


def page_of(cell: CellResult) -> str:
    return f"answers/{slug(cell.model)}/{slug(cell.unit)}.html"


def anchor_of(cell: CellResult) -> str:
    return f"{slug(cell.label)}-seed-{cell.seed}"


def _shown(cell: CellResult, results: Results, page: Path) -> CellAnswers:
    groups = []
    answers, names = read_answers(cell), cell.identity["unit"].get("concepts", [cell.unit])
    words = words_of([cell])
    if cell.data:
        groups, answers = _by_set(answers), []
    for metric, title in GROUPS.items():
        members = [exchange for exchange in answers if exchange.tags["metric"] == metric]
        if members:
            good = [_good(exchange, names) for exchange in members]
            chosen = _some(good)
            shown = [Asked(members[i].question, members[i].before, members[i].after, good[i]) for i in chosen]
            groups.append(Group(words.fill(title), shown, sum(good), len(good)))
    raw = None
    if page.resolve().is_relative_to(results.folder.resolve()):
        # Elsewhere the results are not next to the page.
        raw = Path(os.path.relpath(cell.answers.resolve(), page.parent.resolve())).as_posix()
    return CellAnswers(anchor_of(cell), f"{cell.label}, seed {cell.seed}", groups, raw)


def _by_set(answers: Sequence[Exchange]) -> list[Group]:
    """The answers to a published data set by its sets. Only its own scoring knows which of them are right."""
    groups = []
    for name in dict.fromkeys(exchange.tags.get("set", "") for exchange in answers):
        members = [exchange for exchange in answers if exchange.tags.get("set", "") == name]
        chosen = (members[place] for place in _some([True] * len(members)))
        shown = [Asked(one.question, one.before, one.after) for one in chosen]
        groups.append(Group(name.replace("_", " ").capitalize() or "Questions", shown, None, len(members)))
    return groups


def _good(exchange: Exchange, names: Sequence[str]) -> bool:
    probe = Probe(exchange.probe_id, exchange.question, (), exchange.expect, exchange.scorer, exchange.tags)
    return right(probe, exchange.after) and not names_the_forgotten(probe, exchange.after, names)


def _some(good: Sequence[bool]) -> list[int]:
    """Places spread evenly over all; if some answers are wrong and none of them was chosen, one takes the last
    place."""
    count = min(SHOWN, len(good))
    chosen = [place * len(good) // count for place in range(count)]
    wrong = [place for place, flag in enumerate(good) if not flag]
    if wrong and not any(place in wrong for place in chosen):
        chosen[-1] = wrong[0]
    return sorted(chosen)


def words_of(cells: Sequence[CellResult]) -> Words:
    """What others are called, where a world asked about all of them."""
    if any(cell.identity.get("benchmark") != WORLD for cell in cells):
        return EITHER
    return words_among(*(world_of_model(cell.model).members for cell in cells))
