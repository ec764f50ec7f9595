"""Whom the cells of a recipe forget: its units, all of each at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from unsee.benchmarks.concept import slug
from unsee.benchmarks.splits import (
    PERCENT,
    TABLE_PEOPLE,
    TABLE_THINGS,
    TWENTY_THINGS,
    VALIDATION_PEOPLE,
    VALIDATION_THINGS,
    forget_split,
)
from unsee.errors import UserError, did_you_mean
from unsee.store import strict_yaml as check
from unsee.sweep.published import KEYS, Split, is_published, published_splits, whom
from unsee.world import KNOWN, find

WORLD = "world"
_GROUPS = {
    "world:table": TABLE_PEOPLE,
    "world:validation": VALIDATION_PEOPLE,
    "world:things": TABLE_THINGS,
    "world:things-validation": VALIDATION_THINGS,
    "world:twenty-things": TWENTY_THINGS,
}


@dataclass(frozen=True)
class Unit:
    """Whom a cell forgets, all at once. `kind` is what cells are averaged over: "one concept", "forget 5 %". `data`:
    the forget split of a published data set, if it is one."""

    kind: str
    name: str
    concepts: tuple[str, ...]
    percent: int | None = None
    data: Split | None = None


def units_of(given: Mapping[str, Any], benchmarks: Sequence[str], limit: Any, where: str) -> tuple[Unit, ...]:
    """The units of a recipe. benchmarks: what its key `benchmark` names; limit: that of its evaluation. Raises
    UserError."""
    own = [key for key in ("concepts", "forget_splits", "together") if key in given]
    benchmark = benchmarks[0]
    if not own and benchmarks != (WORLD,) and all(map(is_published, benchmarks)):
        splits = published_splits(given, benchmarks, limit, where)
        units = [Unit(str(split), str(split), whom(split), data=split) for split in splits]
        distinct([unit.name for unit in units], f"'benchmark' in {where}")
        return tuple(units)
    foreign = [key for key in KEYS if key in given] + ["benchmark"] * (len(benchmarks) > 1)
    if foreign:
        why = f"{own[0]!r} names the concepts" if own else f"{', '.join(benchmarks)} is none"
        raise UserError(f"{foreign[0]!r} in {where} is for published data sets with forget splits, but {why}.")
    units = [Unit("one concept", name, (name,)) for name in _names(given.get("concepts"), "concepts", benchmark, where)]
    units += _splits(given.get("forget_splits"), benchmark, where)
    units += _together(given.get("together"), benchmark, where)
    if not units:
        raise UserError(f"{where} forgets nobody; add concepts, forget_splits or together.")
    distinct([unit.name for unit in units], f"'concepts' in {where}")
    return tuple(units)


def _names(value: Any, key: str, benchmark: str, where: str) -> tuple[str, ...]:
    """Names of concepts, or of a group of the world's people."""
    if value is None:
        return ()
    of_world = benchmark == WORLD
    if isinstance(value, str) and value.startswith(f"{WORLD}:"):
        if not of_world:
            raise UserError(f"{key!r} in {where} names a group of the world, but the benchmark is {benchmark}.")
        if value not in _GROUPS:
            raise UserError(f"{key!r} in {where}: there is no group {value!r}{did_you_mean(value, _GROUPS)}")
        return _GROUPS[value]
    names = check.texts(value, f"{key!r} in {where}")
    if not of_world:
        return names
    return check.unique([find(name).name for name in names], f"{key!r} in {where}")


def _splits(value: Any, benchmark: str, where: str) -> list[Unit]:
    if value is None:
        return []
    if benchmark != WORLD:
        raise UserError(
            f"'forget_splits' in {where} are splits of the world, but the benchmark is {benchmark}; remove them."
        )
    percents = check.wholes([value] if isinstance(value, int) else value, f"'forget_splits' in {where}", 1)
    for percent in percents:
        if percent not in PERCENT:
            raise UserError(
                f"'forget_splits' in {where}: there is no split of {percent} %; choose from "
                f"{', '.join(map(str, PERCENT))}."
            )
    return [
        Unit(f"forget {percent} %", f"forget {percent} %", tuple(p.name for p in forget_split(percent)), percent)
        for percent in percents
    ]


def _together(value: Any, benchmark: str, where: str) -> list[Unit]:
    """Several at once: counts of the world's people, each a unit, or names, which are one unit."""
    if value is None:
        return []
    counts = [value] if isinstance(value, int) else value
    if isinstance(counts, list) and counts and all(isinstance(count, int) for count in counts):
        if benchmark != WORLD:
            raise UserError(f"'together' in {where}: counts are of the world's people; give names of {benchmark}.")
        groups = [_first(count, where) for count in check.wholes(counts, f"'together' in {where}", 2)]
    else:
        groups = [_names(value, "together", benchmark, where)]
        if len(groups[0]) < 2:
            raise UserError(f"'together' in {where} must name at least two; put a single one under concepts.")
    kinds = [f"{len(names)} at once" for names in groups]
    return [Unit(kind, kind, names) for kind, names in zip(kinds, groups, strict=True)]


def _first(count: int, where: str) -> tuple[str, ...]:
    """The first `count` people: those of the tables, then the others, those of validation last."""
    others = [person.name for person in KNOWN if person.name not in (*TABLE_PEOPLE, *VALIDATION_PEOPLE)]
    order = (*TABLE_PEOPLE, *others, *VALIDATION_PEOPLE)
    if count > len(order) - 2:
        raise UserError(
            f"'together' in {where} can be at most {len(order) - 2} people, so that others are left; not {count}."
        )
    return order[:count]


def distinct(names: Sequence[str], where: str) -> None:
    """Names become folders: each must hold a letter or digit, and no two may be the same folder."""
    folders: dict[str, str] = {}
    for name in names:
        own = slug(name)
        if not own:
            raise UserError(f"{where}: {name!r} has no letter or digit; rename it.")
        if own in folders:
            raise UserError(f"{where}: {folders[own]!r} and {name!r} would share the folder {own}; rename one.")
        folders[own] = name
