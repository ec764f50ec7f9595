"""The forget split of a published data set as a unit of a comparison: whom it names, what it asks and trains on."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from unsee.benchmarks import Scope, find_benchmark
from unsee.benchmarks.published.forgetting import WithSplits
from unsee.data.folders import read_folder
from unsee.errors import UserError
from unsee.evaluation.saved import identity_of
from unsee.requests import ForgetRequest, Where, digest_of
from unsee.sources.filling import filled_where_known
from unsee.store import strict_yaml as check
from unsee.terminal import working_on

if TYPE_CHECKING:
    # A recipe is read before torch is imported.
    from unsee.models.vlm import VisionLanguageModel

SHOWN = {"unseen": "pictures of others the model has never seen", "others": "pictures of others it should recognise"}
"""Keys of a recipe that name folders of pictures, for methods that need them."""
KEYS = ("splits", "where", *SHOWN)
"""Keys of a recipe that are for published data only."""

Shown = tuple[tuple[str, tuple[Path, ...]], ...]


@dataclass(frozen=True)
class Split:
    """The forget split `split` of the data set at `place`: a folder, "hf:NAME", or "mllmu", which is the world's.

    where: in what to forget; None for all that the forget set has. limit: the most people of each set to ask about.
    shown: the files of `SHOWN`, which every request gets. name: the benchmark's. table: the columns that say what was
    forgotten and kept (`WithSplits.table`), as pairs.
    digest: SHA-256 (hex) of the questions with their pictures and of the requests.
    """

    place: str
    split: str
    where: Where | None
    limit: int | None
    shown: Shown = ()
    name: str = ""
    title: str = ""
    table: tuple[tuple[str, str], ...] = ()
    version: int = 0
    digest: str = ""

    def __str__(self) -> str:
        return ", ".join((self.title, self.split, *((self.where,) if self.where else ())))

    def document(self) -> dict[str, Any]:
        """What tells its cells from others, as plain data."""
        return {
            "name": self.name, "title": self.title, "split": self.split, "where": self.where,
            "table": dict(self.table), "digest": self.digest, **self._pictures(),
        }  # fmt: skip

    def _pictures(self) -> dict[str, str]:
        """Apart from `digest`, because no oracle depends on them."""
        from unsee.models.identity import files_digest

        return {key: files_digest(files) for key, files in self.shown}


def published_splits(given: Mapping[str, Any], places: Sequence[str], limit: Any, where: str) -> list[Split]:
    """The splits that a recipe names, read once to know whom they name. Raises UserError."""
    wanted = given.get("where")
    if wanted is not None and wanted not in get_args(Where):
        raise UserError(f"'where' in {where} must be {', '.join(get_args(Where))}; found {check.kind_of(wanted)}.")
    names = check.texts(given["splits"], f"'splits' in {where}") if "splits" in given else (None,)
    most = None if limit is None else check.whole(limit, f"'limit' of 'evaluation' in {where}", 1)
    shown = tuple((key, _files(given[key], what, f"{key!r} in {where}")) for key, what in SHOWN.items() if key in given)
    return [_known(place, name, wanted, most, shown) for place in places for name in names]


def is_published(place: str) -> bool:
    """Whether a data set with forget splits is at a place. Raises UserError if nothing is."""
    return issubclass(find_benchmark(place)[0], WithSplits)


def whom(split: Split) -> tuple[str, ...]:
    """The names of all that the split wants forgotten, each once."""
    return tuple(request.concept for request in asked_about(split).to_forget(split.where).requests)


def asked_about(split: Split) -> WithSplits:
    """The questions about a split: the same for every seed. The last one that was read stays in memory."""
    return _read(split.place, split.split, split.limit)


def requests_of_split(
    split: Split, vlm: VisionLanguageModel, seed: int, needs: Sequence[str] = (), kind: str | None = None
) -> list[ForgetRequest]:
    """A request for each subject, with the data set's own sets; the seed draws what is retained. The world adds what
    the method `needs` if all are its people. Raises UserError."""
    given: dict[str, Any] = dict(split.shown)
    requests = [replace(one, **given) for one in asked_about(split).to_forget(split.where, seed).requests]
    if kind is not None:
        requests = [replace(request, kind=kind) for request in requests]
    return filled_where_known(requests, vlm, needs, seed)


def _files(value: Any, what: str, where: str) -> tuple[Path, ...]:
    return tuple(read_folder(Path(check.text(value, where)).expanduser(), what).opened)


def _known(place: str, split: str | None, where: Where | None, limit: int | None, shown: Shown) -> Split:
    with working_on(f"Reading {place}"):
        bench = _read(place, split, limit)
        requests = bench.to_forget(where).requests
        version, questions = identity_of(bench)
    digest = hashlib.sha256(f"{questions}{digest_of(requests)}".encode()).hexdigest()
    table = tuple(bench.table().items())
    return Split(place, bench.split, where, limit, shown, bench.name, bench.title, table, version, digest)


@lru_cache(maxsize=1)
def _read(place: str, split: str | None, limit: int | None) -> WithSplits:
    found, location = find_benchmark(place)
    if not issubclass(found, WithSplits):
        raise UserError(f"{place} is no data set with forget splits; see docs/benchmarks.md for those that are.")
    return found.of(Scope(limit=limit, location=location, split=split))
