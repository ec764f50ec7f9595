"""From results to a leaderboard: rows, distances, agreement of the rankings, and the answers behind every cell."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Literal

from unsee.benchmarks import class_of
from unsee.errors import UserError
from unsee.evaluation.robustness import NOT_ATTACKED
from unsee.metrics.catalogue import describe, is_further
from unsee.metrics.columns.robustness import KEYS
from unsee.reports.attack_columns import PREFIX
from unsee.reports.leaderboard import MAIN, RANKING, Board, Figure, Leaderboard, Row, Run, is_whole
from unsee.reports.leaderboard import named as short
from unsee.reports.losses import RULES, is_broken
from unsee.sweep.answers import anchor_of, page_of, words_of
from unsee.sweep.attacking import describe_columns
from unsee.sweep.cells import UNMEASURED
from unsee.sweep.oracle_scale import scaled_figures
from unsee.sweep.recipe import ORACLE
from unsee.sweep.results import CellResult, Results
from unsee.sweep.statistics import Agreement, agreements
from unsee.sweep.table import Standing, standings
from unsee.sweep.whom import WORLD
from unsee.world import world_of_model

# How many a sentence names: pairs of metrics that disagree, cells that are missing.
_NAMED = 3
# Cells of each method from which the metrics' rankings are compared.
_AGREE_FROM = 3


def leaderboard(results: Results) -> Leaderboard:
    """All boards of the finished cells, models and kinds in the recipe's order.

    Raises UserError where they were scored by different versions of the benchmark.
    """
    for versions in _versions(results):
        raise UserError(
            f"The cells in {results.folder} were scored by versions {' and '.join(sorted(versions))} of the benchmark, "
            f"which do not compare; score them again with: unsee score {results.folder} --out NEW."
        )
    keys = dict.fromkeys(key for cell in results.finished for key in cell.after if key.startswith(PREFIX))
    describe_columns([key.removeprefix(PREFIX) for key in keys])
    for name in dict.fromkeys(cell.asked for cell in results.cells if cell.data):
        # Its class describes its columns.
        class_of(name)
    found = standings(results)
    boards = []
    for model, kind in dict.fromkeys((cell.model, cell.kind) for cell in results.cells):
        own = [standing for standing in found if (standing.model, standing.kind) == (model, kind)]
        if own:
            cells = [cell for cell in results.cells if (cell.model, cell.kind) == (model, kind)]
            main, ranking = _columns(cells)
            rows = _rows(own, main, ranking)
            lacking = _unmeasured(cells)
            notes = [*_board_notes(own, rows), *_why(lacking)]
            runs = [*map(_run, cells)]
            ordered = agreement(rows, main)
            boards.append(
                Board(
                    model,
                    kind,
                    rows,
                    runs,
                    ordered,
                    notes,
                    words_of(cells),
                    [*lacking],
                    main,
                    ranking,
                    _scaled(own, main),
                )
            )
    return Leaderboard(
        _title(results), _lead(results), boards, list(_notes(results)), _provenance(results), _credit(results)
    )


def _versions(results: Results) -> Iterator[set[str]]:
    """The versions of each benchmark that has several."""
    found: dict[str, set[str]] = {}
    for cell in results.cells:
        found.setdefault(cell.asked, set()).add(str(cell.identity.get("benchmark_version")))
    return (versions for versions in found.values() if len(versions) > 1)


def _columns(cells: Sequence[CellResult]) -> tuple[tuple[str, ...], tuple[str, str]]:
    """The main columns of a board, and the two that rank."""
    data = cells[0].data
    if not data:
        return MAIN, RANKING
    return tuple(dict.fromkeys((*data["table"].values(), f"{data['name']}_unreadable"))), cells[0].ranking


def agreement(rows: Sequence[Row], main: Sequence[str] = MAIN) -> str:
    """A sentence on whether the metrics rank the methods alike (Kendall's tau-b); empty without three methods that have
    three cells each, because a single person ranks them by chance."""
    methods = [row for row in rows if row.role == "method" and not row.missing and _cells(row) >= _AGREE_FROM]
    if len(methods) < 3:
        return ""
    ranked = {}
    for key in (key for key in main if describe(key).ranks):
        sign = 1 if describe(key).higher_is_better else -1
        values = {row.label: sign * row.figures[key].mean for row in methods if is_whole(row, key, methods)}
        if len(values) >= 3:
            ranked[key] = values
    pairs = agreements(ranked)
    if not pairs:
        return "No two metrics distinguish the methods, so their rankings cannot be compared."
    opposed = [pair for pair in pairs if pair.tau < 0]

    def named(pair: Agreement) -> str:
        return f"{short(pair.one).label} and {short(pair.other).label} (τ = {short('').format(pair.tau)})"

    closest = f"the most alike are {named(pairs[-1])}"
    if not opposed:
        return (
            f"The metrics mostly agree on the order of these {len(methods)} methods: Kendall's τ is lowest between "
            f"{named(pairs[0])}; {closest}."
        )
    listed = "; ".join(named(pair) for pair in opposed[:_NAMED])
    more = f"; and {len(opposed) - _NAMED} more pairs" if len(opposed) > _NAMED else ""
    return (
        f"The metrics disagree on the order of these {len(methods)} methods: for {len(opposed)} of {len(pairs)} pairs "
        f"Kendall's τ is negative, most of all for {listed}{more}. By contrast, {closest}."
    )


def _rows(found: Sequence[Standing], main: Sequence[str], ranking: tuple[str, str]) -> list[Row]:
    """Before, the oracle, then the methods, the nearest to the ideal first; what mostly breaks the model comes last.

    A broken model names nobody and would otherwise rank above one that forgot at some cost. Each cell is judged by
    itself, because in a mean one cell of gibberish outweighs fourteen sound ones. A method that lacks cells of other
    methods would be ranked by the rest, which may be the easy ones, so it stands below them, those with the fewest
    missing cells first.
    """
    by_label: dict[str, dict[str, Standing]] = {}
    for standing in found:
        by_label.setdefault(standing.label, {})[standing.metric] = standing
    roles = {label: _role(own) for label, own in by_label.items()}
    oracle = next((own for label, own in by_label.items() if roles[label] == "oracle"), None)
    methods = [own for label, own in by_label.items() if roles[label] == "method"]
    rows = []
    for label, own in by_label.items():
        figures = {key: Figure(**asdict(standing.summary)) for key, standing in own.items()}
        is_method = roles[label] == "method"
        rows.append(
            Row(
                label,
                roles[label],
                figures,
                to_ideal(figures, ranking) if is_method else None,
                distance(own, oracle, main) if is_method and oracle else None,
                _missing(own, methods, ranking) if is_method else (),
                *(_broken(own, by_label) if is_method else ()),
            )
        )
    order = {"before": 0, "oracle": 1, "method": 2}

    def place(row: Row) -> tuple[int, int, bool, float]:
        distance = math.inf if row.missing or row.to_ideal is None else row.to_ideal
        return order[row.role], len(row.missing), row.is_broken, distance

    return sorted(rows, key=place)


def _scaled(found: Sequence[Standing], main: Sequence[str]) -> list[Row]:
    """The methods on the scale from before to the oracle; none without one."""
    by_label: dict[str, dict[str, dict[str, float]]] = {}
    roles: dict[str, str] = {}
    for standing in found:
        by_label.setdefault(standing.label, {})[standing.metric] = _by_unit(standing)
        roles[standing.label] = _role({standing.metric: standing})
    before, oracle = (
        next((own for label, own in by_label.items() if roles[label] == role), {}) for role in ("before", "oracle")
    )
    # What a data set scores by set, task and modality, and by its published rules, has its place as well.
    wanted = dict.fromkeys((*main, *(key for key in before if is_further(key))))
    keys = [key for key in wanted if describe(key).ranks]
    methods = [label for label in by_label if roles[label] == "method"]
    rows = [Row(label, "method", scaled_figures(by_label[label], before, oracle, keys)) for label in methods]
    return [row for row in rows if row.figures]


def _cells(row: Row) -> int:
    return max((figure.cells for figure in row.figures.values()), default=0)


def _broken(own: Mapping[str, Standing], by_label: Mapping[str, Mapping[str, Standing]]) -> tuple[int, int]:
    """In how many cells of a method the model is broken, and how many there are."""
    before = next((they for they in by_label.values() if _role(they) == "before"), {})
    places = dict.fromkeys(place for standing in own.values() for place in standing.values)
    count = 0
    for unit, seed in places:
        was = {key: they.values[unit, 0] for key, they in before.items() if key in RULES and (unit, 0) in they.values}
        # A column that says whether a model can talk and is no number is not among the values, and no good sign.
        now = {key: own[key].values.get((unit, seed), math.nan) for key in was if key in own and RULES[key].breaks}
        count += is_broken(was, now)
    return count, len(places)


def _role(own: Mapping[str, Standing]) -> Literal["before", "oracle", "method"]:
    method = next(iter(own.values())).method
    return "before" if method is None else "oracle" if method == ORACLE else "method"


def _missing(
    own: Mapping[str, Standing], methods: Sequence[Mapping[str, Standing]], ranking: Sequence[str]
) -> tuple[str, ...]:
    """The cells that some method has a number for and this one has none, in one of the metrics that rank."""
    lacking: dict[tuple[str, int], None] = {}
    for key in ranking:
        there = dict.fromkeys(place for method in methods if key in method for place in method[key].values)
        have = own[key].values if key in own else {}
        lacking |= {place: None for place in there if place not in have}
    return tuple(f"{unit}, seed {seed}" for unit, seed in lacking)


def to_ideal(figures: Mapping[str, Figure], ranking: Sequence[str]) -> float | None:
    """Distance from the corner of the plot of forgetting against keeping, in points."""
    if not set(ranking) <= set(figures):
        return None
    apart = math.dist((100, 100), [figures[key].mean for key in ranking])
    return None if math.isnan(apart) else apart


def distance(own: Mapping[str, Standing], oracle: Mapping[str, Standing], main: Sequence[str]) -> float | None:
    """Mean absolute difference between the main metrics that are percentages, in points, over the units of both."""
    apart = []
    for key in main:
        if describe(key).unit == "%" and key in own and key in oracle:
            ours, theirs = _by_unit(own[key]), _by_unit(oracle[key])
            both = [unit for unit in ours if unit in theirs]
            if both:
                apart.append(math.fsum(abs(ours[unit] - theirs[unit]) for unit in both) / len(both))
    return math.fsum(apart) / len(apart) if apart else None


def _by_unit(standing: Standing) -> dict[str, float]:
    """The mean over seeds of each unit."""
    seeds: dict[str, list[float]] = {}
    for (unit, _), value in standing.values.items():
        seeds.setdefault(unit, []).append(value)
    return {unit: math.fsum(values) / len(values) for unit, values in seeds.items()}


def _board_notes(found: Sequence[Standing], rows: Sequence[Row]) -> Iterator[str]:
    """Which methods lack cells that others have, whose models are broken, and where an oracle is missing."""
    for row in rows:
        if row.missing:
            more = f" and {len(row.missing) - _NAMED} more" if len(row.missing) > _NAMED else ""
            listed = "; ".join(row.missing[:_NAMED])
            yield f"{row.label} is not ranked because it lacks cells that other methods have ({listed}{more})."
    if broken := [f"{row.label} in {row.broken} of {row.cells} cells" for row in rows if row.broken]:
        yield (
            f"The model is broken after {', '.join(broken)}: it repeats itself, says nothing, or its answers about the "
            "forgotten are nonsense to the model before. What breaks it in more than half of its cells comes last."
        )
    units, known = (
        dict.fromkeys(unit for s in found if (s.method == ORACLE) == is_oracle and s.method for unit, _ in s.values)
        for is_oracle in (False, True)
    )
    without = [unit for unit in units if unit not in known]
    if known and without:
        both = [unit for unit in units if unit in known]
        if both:
            yield (
                f"To oracle compares the {len(both)} of {len(units)} units that the oracle was also asked about: "
                f"{', '.join(both[:_NAMED])}{' and more' if len(both) > _NAMED else ''}."
            )
        else:
            yield "The oracle was asked about none of the forgotten units, so nothing is compared with it."


def _unmeasured(cells: Sequence[CellResult]) -> dict[str, dict[str, list[str]]]:
    """Columns of MMUBench that finished cells have no figure for: by reason, the labels of the methods."""
    found: dict[str, dict[str, list[str]]] = {}
    for cell in cells:
        # Cells of an earlier version, which did not have these columns, give no reason.
        reasons = cell.run.get(UNMEASURED) or {}
        for key in (key for key in KEYS if key in reasons):
            labels = found.setdefault(key, {}).setdefault(str(reasons[key]), [])
            labels += [cell.label] if cell.label not in labels else []
    return found


def _why(lacking: Mapping[str, Mapping[str, Sequence[str]]]) -> Iterator[str]:
    """A sentence for each reason, with the columns and the methods."""
    by_reason: dict[tuple[str, str], list[str]] = {}
    for key, reasons in lacking.items():
        for reason, labels in reasons.items():
            by_reason.setdefault((reason, ", ".join(labels)), []).append(short(key).label)
    for (reason, methods), columns in by_reason.items():
        advice = "; add it to the recipe, with audit: quick" if reason == NOT_ATTACKED else ""
        yield f"Not measured, because {reason}: {', '.join(columns)} of {methods}{advice}."


def _run(cell: CellResult) -> Run:
    if not cell.finished:
        return Run(cell.label, cell.unit, cell.seed, None, cell.error or "not finished")
    shown = [
        f"{short(key).label} {short(key).format(cell.after[key].value)}"
        for key in (*_columns([cell])[1], "text_facts")
        if key in cell.after
    ]
    return Run(cell.label, cell.unit, cell.seed, f"{page_of(cell)}#{anchor_of(cell)}", ", ".join(shown))


def _title(results: Results) -> str:
    return results.name.replace("_", " ").replace("-", " ").capitalize() or "Leaderboard"


def _lead(results: Results) -> str:
    def counted(items: set[object], one: str, several: str = "") -> str:
        return f"{len(items)} {one if len(items) == 1 else several or f'{one}s'}"

    cells = results.cells
    single = all(len(cell.identity["unit"].get("concepts", ())) == 1 for cell in cells)
    words = ("group", "groups") if not single else ("concept", "concepts")
    if single and all(cell.identity.get("benchmark") == WORLD for cell in cells):
        of_all = words_of(cells)
        words = (of_all.noun, of_all.plural)
    methods = counted({cell.label for cell in cells if cell.method != ORACLE}, "method")
    units, seeds = counted({cell.unit for cell in cells}, *words), counted({cell.seed for cell in cells}, "seed")
    size = cells[0].identity["evaluation"]
    asked = (
        f"Each concept was asked about on {size['test_pictures']} pictures never trained on, {size['questions']} "
        "questions each."
    )
    if all(cell.data for cell in cells):
        most = f", about at most {size['limit']} people of each set" if size.get("limit") else ""
        asked = f"The data sets' own questions were asked{most}."
    return (
        f"{methods}, {units}, {seeds}, {counted({cell.model for cell in cells}, 'model')}: "
        f"{len(results.finished)} of {len(cells)} cells are finished. {asked}"
    )


def _notes(results: Results) -> Iterator[str]:
    failed = results.failed
    if failed:
        first = failed[0]
        yield (
            f"{len(failed)} of {len(results.cells)} cells failed and count in no figure, such as {first.label}, "
            f"{first.unit}, seed {first.seed}: {first.error}"
        )
    missing = len(results.cells) - len(results.finished) - len(failed)
    if missing:
        yield f"{missing} of {len(results.cells)} cells are not finished; run the same recipe again to resume."
    for path in results.unreadable[:3]:
        yield f"{path.relative_to(results.folder)} is damaged and counts as missing."


def _provenance(results: Results) -> dict[str, str]:
    """Command, commits, versions and hashes of the finished cells; more than one where they differ."""
    known: dict[str, list[str]] = {"command": [f"unsee compare {results.name}.yaml"]}
    for cell in results.finished:
        libraries = cell.run.get("libraries") or {}
        for key, value in (
            ("git commit", cell.run.get("git_commit")),
            ("libraries", ", ".join(f"{name} {version}" for name, version in libraries.items())),
            (cell.model, cell.identity["model_sha256"] or cell.run.get("model_revision")),
        ):
            if value and str(value) not in known.setdefault(key, []):
                known[key].append(str(value))
    known["recipe"] = [json.dumps(results.recipe, ensure_ascii=False)]
    return {key: "; ".join(values) for key, values in known.items() if values}


def _credit(results: Results) -> str:

    shown = [cell.model for cell in results.cells if cell.identity.get("benchmark") == WORLD]
    return " ".join(dict.fromkeys(world_of_model(model).credit for model in shown))
