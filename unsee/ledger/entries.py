"""`Entry`: one file of a ledger, as it is written and as it is read from whoever wrote it."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Literal, get_args

from unsee.errors import UserError
from unsee.store.hashing import is_sha256
from unsee.store.text import parsed

SCHEMA = "unsee.ledger/1"
LARGEST = 1_000_000
"""Bytes of an entry, at most."""
Kind = Literal["model", "forget", "revoke", "note"]
PLACE = re.compile(r"(?!\.)[^\\/:\x00-\x1f\x7f]{1,250}")
"""What requests, runs and files of theirs may be called: one part of a path, and nothing hidden."""


@dataclass(frozen=True)
class Result:
    """What a build's report says about one request: the `headline` and `sentence` of its verdict, and the `grade` of
    the audit ("" without one). as_wanted: forgotten if the request is active, recognised again if it was revoked, and
    the model not broken. report: where the page is, below the run's folder."""

    as_wanted: bool
    headline: str
    sentence: str
    grade: str
    report: str


@dataclass(frozen=True)
class Build:
    """What was trained for an entry.

    run: the folder's name below `runs`; sums: SHA-256 of its list of checksums. weights: SHA-256 of each file that
    holds what was learnt, none if no request is active. active: the requests that it forgets, in order. settings: the
    method's, as "key=value" texts. base: the model before (`unsee.models.identity.of_model`). audit: the level.
    results: by the id of each request that was asked about.
    """

    run: str
    sums: str
    weights: Mapping[str, str]
    active: tuple[str, ...]
    method: str
    settings: tuple[str, ...]
    seed: int
    base: Mapping[str, Any]
    audit: str
    results: Mapping[str, Result]

    def to_plain(self) -> dict[str, Any]:
        return {**asdict(self), "active": list(self.active), "settings": list(self.settings)}


@dataclass(frozen=True)
class Entry:
    """One entry. `previous` is the SHA-256 of the entry before it ("" for the first), `id` the request that it is about
    ("" for the model, or a note on the whole ledger), `note` the operator's. `content` is what only this kind has:

    model    model, revision, 4bit, files (SHA-256 of the parts of a local model, see `unsee.models.identity.of_files`)
    forget   request (concept, aliases, kind, sha256, pictures: the content hash of each, after which
             its file is called), sums (of its folder)
    """

    number: int
    previous: str
    time: str
    kind: Kind
    id: str = ""
    note: str = ""
    build: Build | None = None
    content: Mapping[str, Any] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The file: JSON with sorted keys, an indent of two, and a line feed at its end."""
        document = {
            "schema": SCHEMA,
            "number": self.number,
            "previous": self.previous,
            "time": self.time,
            "kind": self.kind,
            "id": self.id,
            "note": self.note,
            "build": None if self.build is None else self.build.to_plain(),
            "content": dict(self.content),
        }
        return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def concept(self) -> str:
        """The name that a request is about."""
        return str(self.content["request"]["concept"]) if self.kind == "forget" else ""


def read_entry(data: bytes, where: str) -> Entry:
    """The entry in a file's `data`. Raises UserError, which begins with `where`, if it is anything else."""
    try:
        if len(data) > LARGEST:
            raise ValueError(f"it has more than the {LARGEST:,} bytes that an entry may have")
        document = parsed(data)
        _mapping(_TOP)(document)
        if document["schema"] != SCHEMA:
            raise ValueError(f"it is of the version {document['schema']!r:.40}, and this unsee reads {SCHEMA}")
        entry = _built(document)
        # Every other way to write the same would have another digest: repeated keys, other spaces, other escapes.
        if entry.text.encode() != data:
            raise ValueError("it is not written as unsee writes it")
    except (ValueError, RecursionError) as error:
        raise UserError(f"{where} is damaged: {_said(error)}.") from error
    return entry


def _said(error: Exception) -> str:
    if isinstance(error, (json.JSONDecodeError, UnicodeError, RecursionError)):
        return "it is not valid JSON"
    return " ".join(str(error).split())[:200]


def _built(document: dict[str, Any]) -> Entry:
    kind, build, content = document["kind"], document["build"], document["content"]
    _mapping({"content": _mapping(_CONTENT[kind])})({"content": content})
    if (build is not None) != (kind in ("forget", "revoke")):
        raise ValueError(f"an entry of the kind {kind!r} {'has no' if build else 'needs a'} build")
    if not document["id"] and kind in ("forget", "revoke"):
        raise ValueError("it does not say which request it is about")
    build = None if build is None else build_from(build)
    return Entry(**{key: document[key] for key in _TOP if key != "schema"} | {"build": build})


def build_from(plain: Mapping[str, Any]) -> Build:
    """The build that `to_plain` wrote. Raises `ValueError` for anything else."""
    _mapping(_BUILD)(plain)
    lists = {key: tuple(plain[key]) for key in ("active", "settings")}
    results = {name: Result(**result) for name, result in plain["results"].items()}
    return Build(**{**plain, **lists, "results": results})


Check = Callable[[Any], None]


def _is(kind: type, what: str) -> Check:
    def check(value: Any) -> None:
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise ValueError(f"{what} is expected, and {value!r:.40} found")

    return check


_text, _flag, _object = _is(str, "a text"), _is(bool, "true or false"), _is(dict, "an object")


def _whole(value: Any) -> None:
    _is(int, "a whole number")(value)
    if not 0 <= value < 2**63:
        raise ValueError("a number is out of range")


def _digest(value: Any) -> None:
    if not is_sha256(value):
        raise ValueError(f"a SHA-256 is expected, and {value!r:.40} found")


def _name(value: Any) -> None:
    _text(value)
    if not PLACE.fullmatch(value):
        raise ValueError(f"{value!r:.40} cannot be the name of a request or a run")


def _or_empty(check: Check) -> Check:
    def checked(value: Any) -> None:
        if value != "":
            check(value)

    return checked


def _or_none(check: Check) -> Check:
    def checked(value: Any) -> None:
        if value is not None:
            check(value)

    return checked


def _several(check: Check) -> Check:
    def checked(value: Any) -> None:
        _is(list, "a list")(value)
        for item in value:
            check(item)

    return checked


def _by_name(check: Check) -> Check:
    def checked(value: Any) -> None:
        _object(value)
        for name, item in value.items():
            _name(name)
            check(item)

    return checked


def _mapping(checks: Mapping[str, Check]) -> Check:
    def checked(value: Any) -> None:
        _object(value)
        if set(value) != set(checks):
            raise ValueError(f"it must have {f'exactly the keys {keys}' if (keys := ', '.join(checks)) else 'no keys'}")
        for key, check in checks.items():
            try:
                check(value[key])
            except ValueError as error:
                raise ValueError(f"{key}: {error}") from error

    return checked


def _kind(value: Any) -> None:
    if value not in get_args(Kind):
        raise ValueError(f"there is no kind of entry {value!r:.40}")


def _time(value: Any) -> None:
    _text(value)
    datetime.fromisoformat(value)


_TOP: Mapping[str, Check] = {
    "schema": _text,
    "number": _whole,
    "previous": _or_empty(_digest),
    "time": _time,
    "kind": _kind,
    "id": _or_empty(_name),
    "note": _text,
    "build": _or_none(_object),
    "content": _object,
}
_REQUEST = {
    "concept": _text, "aliases": _several(_text), "kind": _text, "sha256": _digest, "pictures": _several(_text),
}  # fmt: skip
_CONTENT: Mapping[str, Mapping[str, Check]] = {
    "model": {"model": _text, "revision": _or_none(_text), "4bit": _flag, "files": _by_name(_or_none(_digest))},
    "forget": {"request": _mapping(_REQUEST), "sums": _digest},
    "revoke": {},
    "note": {},
}
_RESULT: Mapping[str, Check] = {
    "as_wanted": _flag, "headline": _text, "sentence": _text, "grade": _text, "report": _text,
}  # fmt: skip
_BUILD: Mapping[str, Check] = {
    "run": _name, "sums": _digest, "weights": _by_name(_digest), "active": _several(_name), "method": _text,
    "settings": _several(_text), "seed": _whole, "base": _object, "audit": _text,
    "results": _by_name(_mapping(_RESULT)),
}  # fmt: skip
