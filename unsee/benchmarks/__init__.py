"""What to ask and how to score it. A new benchmark is a file here and a line in `_BUILT_IN`, or a class anywhere else
(`PLUGINS`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from unsee.benchmarks.base import Benchmark, Scope
from unsee.errors import UserError, did_you_mean
from unsee.store.plugins import Plugins

if TYPE_CHECKING:
    from unsee.benchmarks.published.base import Published

# What users type, and where to find it.
_BUILT_IN = {
    "mmubench": "unsee.benchmarks.mmubench:MMUBench",
    "mllmu": "unsee.benchmarks.mllmu:MLLMU",
    "general": "unsee.benchmarks.general:General",
    "own": "unsee.benchmarks.own:OwnQuestions",
}
# Published data sets (`unsee.benchmarks.published`), each recognised by its files; the first that knows them wins.
_PUBLISHED: dict[str, str] = {
    "clear": "unsee.benchmarks.published.clear:Clear",
    "fiubench": "unsee.benchmarks.published.fiubench:FIUBench",
    "tofu": "unsee.benchmarks.published.tofu:Tofu",
    "umu": "unsee.benchmarks.published.umu:UMUBench",
    "mlubench": "unsee.benchmarks.published.mlubench:MLUBench",
    "unlok": "unsee.benchmarks.published.unlok:UnLOKVQA",
    "safe_eraser": "unsee.benchmarks.published.safe_eraser:SafeEraser",
    "offside": "unsee.benchmarks.published.offside:Offside",
    "covubench": "unsee.benchmarks.published.covubench:CoVUBench",
}
_ALSO = {"world": "mmubench"}
"""Other names for the same benchmark."""
PLUGINS = Plugins("benchmark", "unsee.benchmarks", "unsee.benchmarks.base:Benchmark", _BUILT_IN | _PUBLISHED)


class _Benchmarks(Mapping[str, type[Benchmark]]):
    """The class of every benchmark by its name, also from other packages; imported when it is looked up."""

    def __getitem__(self, name: str) -> type[Benchmark]:
        if name not in PLUGINS.names:
            raise KeyError(name)
        return class_of(name)

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(PLUGINS.names))

    def __len__(self) -> int:
        return len(set(PLUGINS.names))


BENCHMARKS = _Benchmarks()


def published_at(location: Path) -> type[Published] | None:
    """The published data set whose files are at a place, if it is one that unsee reads."""
    from unsee.benchmarks.published.base import Published

    found = (PLUGINS.load(name) for name in _PUBLISHED)
    return next((one for one in found if issubclass(one, Published) and one.recognises(location)), None)


def get_benchmark(spec: str, scope: Scope | None = None) -> Benchmark:
    """The benchmark that `spec` names, about a scope.

    spec: the name of one; "path/to/file.py:Class"; or the place of the data, which tells the benchmark: a table, a
    data set ("hf:NAME"), or a folder with a published data set or in the layout of MMUBench. It becomes the scope's
    location.

    Raises UserError if there is no such benchmark or if two have the name; also what making it raises.
    """
    scope = scope or Scope()
    found, location = find_benchmark(spec)
    return found.of(replace(scope, location=location or scope.location))


def find_benchmark(spec: str) -> tuple[type[Benchmark], Path | None]:
    """The class of the benchmark that `spec` names, and the place of its data if `spec` is one.

    Raises UserError if there is no such benchmark or if two have the name.
    """
    if spec in _ALSO or spec in PLUGINS:
        return class_of(spec), None
    location = Path(spec)
    return class_of(_kind_of(location)), location


def class_of(name: str) -> type[Benchmark]:
    """The class of a benchmark, or of "path/to/file.py:Class": enough to score saved answers again.

    Raises UserError for an unknown name, a name that two have, and a class that cannot be imported or used.
    """
    found: type[Benchmark] = PLUGINS.load(_ALSO.get(name, name))
    if type(found.version) is not int:
        raise UserError(f"The benchmark {name!r} has the version {found.version!r}; give it a whole number, such as 1.")
    return found


def _kind_of(location: Path) -> str:
    """The name of the benchmark whose data is there. Raises UserError."""
    from unsee.benchmarks.mllmu_layout import is_mllmu
    from unsee.benchmarks.tables import FORM, is_table

    published = published_at(location)
    if published is not None:
        return published.name
    if is_mllmu(location):
        return "mllmu"
    if is_table(location):
        return "own"
    if location.is_dir():
        return "mmubench"
    if location.suffix == ".py":
        raise UserError(f"{location} is a file of Python; name its class too: {location}:CLASS.")
    if location.exists():
        raise UserError(f"{location} is not a table; its name must end in .csv, .jsonl, .json or .parquet.")
    raise UserError(
        f"There is no benchmark, file or folder {str(location)!r}{did_you_mean(str(location), [*_ALSO, *BENCHMARKS])} "
        f"A data set is written as {FORM}."
    )


__all__ = ["BENCHMARKS", "PLUGINS", "Benchmark", "Scope", "class_of", "find_benchmark", "get_benchmark", "published_at"]
