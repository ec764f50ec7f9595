"""What to ask and how to score it. A new benchmark is a file here and a line in `_BUILT_IN`; or a class anywhere else
(`PLUGINS`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from unsee.benchmarks.base import Benchmark, Scope
from unsee.errors import UserError, did_you_mean
from unsee.store.plugins import Plugins

# What users type, and where it is.
_BUILT_IN = {
    "mmubench": "unsee.benchmarks.mmubench:MMUBench",
    "mllmu": "unsee.benchmarks.mllmu:MLLMU",
    "general": "unsee.benchmarks.general:General",
    "own": "unsee.benchmarks.own:OwnQuestions",
}
_ALSO = {"world": "mmubench"}
"""Other names of the same."""
PLUGINS = Plugins("benchmark", "unsee.benchmarks", "unsee.benchmarks.base:Benchmark", _BUILT_IN)


class _Benchmarks(Mapping[str, type[Benchmark]]):
    """The class of every benchmark by its name, those of other packages too; imported when it is looked up."""

    def __getitem__(self, name: str) -> type[Benchmark]:
        if name not in PLUGINS.names:
            raise KeyError(name)
        return class_of(name)

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(PLUGINS.names))

    def __len__(self) -> int:
        return len(set(PLUGINS.names))


BENCHMARKS = _Benchmarks()


def get_benchmark(spec: str, scope: Scope | None = None) -> Benchmark:
    """The benchmark that `spec` names, about a scope.

    spec: the name of one; "path/to/file.py:Class"; or where the data is, by which the benchmark is known: a table, a
    data set ("hf:NAME"), or a folder in the layout of MMUBench or MLLMU-Bench. The last becomes the scope's location.

    Raises UserError where there is no such benchmark, where two have the name, and what making it raises.
    """
    scope = scope or Scope()
    found, location = find_benchmark(spec)
    return found.of(replace(scope, location=location or scope.location))


def find_benchmark(spec: str) -> tuple[type[Benchmark], Path | None]:
    """The class of the benchmark that `spec` names, and where its data is, where `spec` says that.

    Raises UserError where there is no such benchmark, and where two have the name.
    """
    if spec in _ALSO or spec in PLUGINS:
        return class_of(spec), None
    location = Path(spec)
    return class_of(_kind_of(location)), location


def class_of(name: str) -> type[Benchmark]:
    """The class of a benchmark, or of "path/to/file.py:Class": all that scoring saved answers again needs.

    Raises UserError for an unknown name, for one that two have, and for a class that cannot be imported or used.
    """
    found: type[Benchmark] = PLUGINS.load(_ALSO.get(name, name))
    return found


def _kind_of(location: Path) -> str:
    """The name of the benchmark whose data lies there. Raises UserError."""
    from unsee.benchmarks.tables import FORM, is_table

    if is_table(location):
        return "own"
    if location.is_dir():
        from unsee.benchmarks.mllmu_layout import is_mllmu

        return "mllmu" if is_mllmu(location) else "mmubench"
    if location.exists():
        raise UserError(f"{location} is no table; its name must end in .csv, .jsonl, .json or .parquet.")
    raise UserError(
        f"There is no benchmark, file or folder {str(location)!r}{did_you_mean(str(location), [*_ALSO, *BENCHMARKS])} "
        f"A data set is {FORM}."
    )


__all__ = ["BENCHMARKS", "PLUGINS", "Benchmark", "Scope", "class_of", "find_benchmark", "get_benchmark"]
