"""What a command checks before it loads the libraries, which takes seconds."""

from __future__ import annotations

from collections.abc import Iterable

from unsee.errors import UserError, did_you_mean


def check_model(name: str) -> None:
    """Raises UserError if `name` is that of a model of the world, and there is none. Other names are looked up when the
    model is loaded."""
    from unsee.models.shipped import WORLD_PREFIX, check_checkpoint

    if name.startswith(WORLD_PREFIX):
        check_checkpoint(name.removeprefix(WORLD_PREFIX))


def check_attacks(level: str, names: Iterable[str]) -> None:
    """Raises UserError if there is no such level of an audit or no such attack. Imports no attack."""
    from unsee.attacks import LEVELS, PLUGINS

    if level not in LEVELS:
        raise UserError(f"There is no level {level!r}{did_you_mean(level, LEVELS)}")
    for name in names:
        PLUGINS.find(name)


def check_asked(benchmarks: list[str], judge: str) -> None:
    """Raises UserError if there is no such benchmark or judge, or if a table is not there. Reads no data and loads no
    model."""
    # Here, because they bring in numpy, which --help does without.
    from unsee.benchmarks import find_benchmark
    from unsee.benchmarks.tables import HUB
    from unsee.judges import find_judge

    for spec in benchmarks:
        _, location = find_benchmark(spec)
        if location is not None and not location.as_posix().startswith(HUB) and not location.exists():
            raise UserError(f"There is no file {location}; give the path of a table.")
    find_judge(judge)
