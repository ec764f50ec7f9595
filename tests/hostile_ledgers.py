"""What a ledger may be found to be that unsee never wrote, and what `unsee ledger verify` says to it."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

Damage = Callable[[Path], object]
RUN, REQUEST = Path("runs") / "0002-jonas-hale", Path("requests") / "mara-voss"
MODEL, FORGET, REVOKE, NOTE = 1, 2, 4, 5
"""Entries of their kinds in the ledger of `tests.ledgers.five_entries`."""


def entry(ledger: Path, number: int) -> Path:
    return ledger / "entries" / f"{number:04d}.json"


def rewrite(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change the content of an entry, written as unsee writes it."""
    content = json.loads(path.read_text())
    change(content)
    path.write_bytes(
        (json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode("utf-8", "replace")
    )


def put(number: int, way: str, value: Any) -> Damage:
    """Another value at a place such as "build.seed" of an entry."""

    def change(content: dict[str, Any]) -> None:
        *outer, last = way.split(".")
        for part in outer:
            content = content[part]
        content[last] = value

    return lambda ledger: rewrite(entry(ledger, number), change)


def taken(number: int, way: str) -> Damage:
    def change(content: dict[str, Any]) -> None:
        *outer, last = way.split(".")
        for part in outer:
            content = content[part]
        del content[last]

    return lambda ledger: rewrite(entry(ledger, number), change)


def bytes_in(number: int, data: bytes) -> Damage:
    return lambda ledger: entry(ledger, number).write_bytes(data)


def written(path: Path | str, content: bytes) -> Damage:
    return lambda ledger: (ledger / path).write_bytes(content)


def swapped(ledger: Path) -> None:
    one, other = entry(ledger, 2).read_bytes(), entry(ledger, 3).read_bytes()
    entry(ledger, 2).write_bytes(other)
    entry(ledger, 3).write_bytes(one)


def renewed(ledger: Path) -> None:
    """Another adapter, with a list of checksums that fits it."""
    (ledger / RUN / "adapter_model.safetensors").write_bytes(b"another")
    digest = hashlib.sha256(b"another").hexdigest()
    (ledger / RUN / "SHA256SUMS").write_text(f"{digest}  adapter_model.safetensors\n")


def linked(ledger: Path) -> None:
    adapter = ledger / RUN / "adapter_model.safetensors"
    adapter.rename(ledger / "elsewhere")
    adapter.symlink_to(ledger / "elsewhere")


def linked_entry(target: str) -> Damage:
    def link(ledger: Path) -> None:
        entry(ledger, 5).unlink()
        entry(ledger, 5).symlink_to(target)

    return link


def piped(ledger: Path) -> None:
    entry(ledger, 5).unlink()
    os.mkfifo(entry(ledger, 5))


def another_test_picture(ledger: Path) -> None:
    tests = ledger / REQUEST / "test_images"
    tests.mkdir()
    (tests / "easy.png").write_bytes(b"x")


def listed(folder: Path, line: str) -> Damage:
    """A list of checksums whose own digest the entry names, with a line in it that no list has."""

    def change(ledger: Path) -> None:
        path = ledger / folder / "SHA256SUMS"
        path.write_bytes(line.encode())
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        _reforge(ledger, 2, lambda content: content["content"].update(sums=digest))

    return change


def _reforge(ledger: Path, number: int, change: Callable[[dict[str, Any]], object]) -> None:
    """Change an entry, and chain everything after it anew: what somebody can do who has the whole folder."""
    rewrite(entry(ledger, number), change)
    for later in range(number + 1, 6):
        before = hashlib.sha256(entry(ledger, later - 1).read_bytes()).hexdigest()
        rewrite(entry(ledger, later), lambda content, digest=before: content.update(previous=digest))  # type: ignore[misc]
    newest = hashlib.sha256(entry(ledger, 5).read_bytes()).hexdigest()
    (ledger / "head.json").write_text(json.dumps({"number": 5, "sha256": newest}))


CHAIN: dict[str, tuple[Damage, str]] = {
    "changed": (put(2, "note", "No."), "0003.json does not continue"),
    "last changed": (put(5, "note", "No."), "entry 5 is not the one"),
    "missing": (lambda p: entry(p, 3).unlink(), "0003.json is missing"),
    "first missing": (lambda p: entry(p, 1).unlink(), "0001.json is missing"),
    "last missing": (lambda p: entry(p, 5).unlink(), "0005.json is missing"),
    "all missing": (lambda p: [entry(p, n).unlink() for n in range(1, 6)], "0001.json is missing"),
    "truncated": (lambda p: entry(p, 4).write_bytes(entry(p, 4).read_bytes()[:-30]), "0004.json is damaged"),
    "truncated by a byte": (lambda p: entry(p, 4).write_bytes(entry(p, 4).read_bytes()[:-1]), "not written as unsee"),
    "empty": (bytes_in(4, b""), "0004.json is damaged"),
    "other spaces": (lambda p: entry(p, 5).write_text(entry(p, 5).read_text() + "\n"), "not written as unsee writes"),
    "other ends of lines": (
        lambda p: entry(p, 5).write_bytes(entry(p, 5).read_bytes().replace(b"\n", b"\r\n")), "not written as unsee",
    ),
    "a key twice": (
        lambda p: entry(p, 5).write_bytes(b'{"note": "Yes.",' + entry(p, 5).read_bytes()[1:]), "not written as unsee",
    ),
    "reordered": (swapped, "0002.json is the entry 3 in the place of 2"),
    "renumbered": (lambda p: entry(p, 3).rename(p / "entries" / "0009.json"), "0003.json is missing"),
    "doubled": (lambda p: shutil.copy(entry(p, 5), entry(p, 6)), "0006.json is the entry 5 in the place of 6"),
    "of another ledger": (
        lambda p: rewrite(entry(p, 1), lambda c: c.update(time="2020-01-01T00:00:00+00:00")), "does not continue",
    ),
    "a stranger": (lambda p: (p / "entries" / "notes.txt").write_text("hello"), "notes.txt is no entry"),
    "a folder": (lambda p: (p / "entries" / "0006.json").mkdir(), "0006.json is no file"),
    "a link": (linked_entry("0004.json"), "0005.json is no file"),
    "a link to nothing": (linked_entry("nowhere"), "0005.json is no file"),
    "a link to a device": (linked_entry("/dev/zero"), "0005.json is no file"),
    "a pipe": (piped, "0005.json is no file"),
    "too large": (bytes_in(5, b" " * 1_000_001), "more than the 1,000,000 bytes"),
    "a deep list": (bytes_in(3, b"[" * 100_000), "0003.json is damaged: it is nested too deeply"),
    "a deep object": (bytes_in(3, b'{"schema":' * 50_000), "0003.json is damaged: it is nested too deeply"),
    "a number of 5,000 digits": (bytes_in(3, b"1" * 5000), "0003.json is damaged"),
    "half a letter": (bytes_in(3, b'"\\ud800"'), "0003.json is damaged"),
    "another encoding": (bytes_in(3, b"\xff\xfe{}"), "0003.json is damaged: it is not valid JSON"),
    "null": (bytes_in(3, b"null"), "an object is expected"),
    "no number": (bytes_in(3, b"NaN"), "an object is expected"),
    "two documents": (bytes_in(3, b"{}{}"), "0003.json is damaged: it is not valid JSON"),
    "an empty object": (bytes_in(3, b"{}"), "it must have exactly the keys"),
    "no head": (lambda p: (p / "head.json").unlink(), "head.json is missing or damaged"),
    "odd head": (written("head.json", b'{"number": true, "sha256": 3}'), "missing or damaged"),
    "a head that is a list": (written("head.json", b"[]"), "missing or damaged"),
    "a head nested too deeply": (written("head.json", b"[" * 100_000), "missing or damaged"),
    "a head before the first": (written("head.json", b'{"number": 0, "sha256": ""}'), "missing or damaged"),
    "a head of another": (written("head.json", b'{"number": 5, "sha256": "0"}'), "is not the one that"),
    "a head far ahead": (written("head.json", b'{"number": 99999999999, "sha256": "0"}'), "0006.json is missing"),
}  # fmt: skip
"""What is wrong with the chain itself: nothing is added to such a ledger."""

DIGEST = "0" * 64
FIELDS: tuple[tuple[int, str, Any, str], ...] = (
    *((FORGET, "number", value, "number: ") for value in (-1, "2", 2.0, True, None, 10**30, [])),
    (FORGET, "number", 7, "is the entry 7 in the place of 2"),
    *((FORGET, "previous", value, "previous: ") for value in ("abc", None, 7, "A" * 64, DIGEST[:-1], [])),
    (FORGET, "previous", DIGEST, "does not continue the entry before it"),
    *((NOTE, "time", value, "0005.json is damaged") for value in ("yesterday", "", 7, None, "2026-13-40T99:00:00")),
    *((NOTE, "kind", value, "kind: there is no kind") for value in ("forgive", None, 7, [], {})),
    (NOTE, "kind", "model", "content: it must have exactly the keys"),
    (NOTE, "kind", "forget", "0005.json is damaged"),
    (NOTE, "kind", "revoke", "needs a build"),
    *((FORGET, "id", value, "id: ") for value in ("../elsewhere", ".hidden", "a/b", "C:x", "x" * 300, "a\nb", 7, None)),
    (FORGET, "id", "", "does not say which request"),
    (NOTE, "id", "nobody", "is not one that it can be about"),
    *((NOTE, "note", value, "note: a text is expected") for value in (7, None, [], {"a": 1})),
    (NOTE, "schema", "unsee.ledger/9", "this unsee reads unsee.ledger/1"),
    (NOTE, "schema", None, "schema: a text is expected"),
    (NOTE, "more", 1, "it must have exactly the keys"),
    *((FORGET, "build", value, "0002.json is damaged") for value in (None, [], "run", {})),
    *((FORGET, "build.run", value, "run: ") for value in ("../x", "/etc", "", "a/b", 7, None)),
    *((FORGET, "build.sums", value, "sums: a SHA-256 is expected") for value in ("", "abc", None)),
    *(
        (FORGET, "build.weights", value, "weights: ")
        for value in ([], "x", {"../x": DIGEST}, {"x": "abc"}, {"x": None})
    ),
    *((FORGET, "build.active", value, "0002.json is damaged") for value in ("mara-voss", [], ["nobody"], [7], {})),
    *((FORGET, "build.seed", value, "seed: ") for value in (-1, 1.5, "0", None, 2**64)),
    *((FORGET, "build.settings", value, "settings: ") for value in ({}, [7], "a=b")),
    *((FORGET, "build.results", value, "0002.json is damaged") for value in ({}, [], {"mara-voss": 7}, None)),
    *((FORGET, "build.base", value, "base: an object is expected") for value in (None, [])),
    *((FORGET, "content", value, "content: ") for value in ({}, [], None, {"request": 1})),
    *((FORGET, "content.request.pictures", value, "pictures: ") for value in ("x", [7], None)),
    *((FORGET, "content.request.aliases", value, "aliases: ") for value in ("Mara", [None])),
    *((FORGET, "content.request.concept", value, "concept: a text is expected") for value in (None, 7, ["Mara"])),
    *((FORGET, "content.sums", value, "sums: a SHA-256") for value in ("A" * 64, None, 7)),
    (MODEL, "content.4bit", 1, "4bit: true or false is expected"),
    (MODEL, "content.files", {"weights": "abc"}, "files: a SHA-256 is expected"),
    (REVOKE, "id", "jonas-hale", "its build is not about the active requests"),
    (REVOKE, "content", {"why": "an appeal"}, "content: it must have no keys"),
)

FILES: dict[str, tuple[Damage, str]] = {
    "adapter replaced": (written(RUN / "adapter_model.safetensors", b"x"), "adapter_model.safetensors was changed"),
    "adapter replaced with its list": (renewed, "SHA256SUMS is not the list"),
    "adapter elsewhere": (linked, "adapter_model.safetensors is missing"),
    "adapter deleted": (
        lambda p: (p / RUN / "adapter_model.safetensors").unlink(), "adapter_model.safetensors is missing",
    ),
    "adapter missing": (lambda p: shutil.rmtree(p / RUN), "has no SHA256SUMS"),
    "list missing": (lambda p: (p / RUN / "SHA256SUMS").unlink(), "has no SHA256SUMS"),
    "list empty": (written(RUN / "SHA256SUMS", b""), "is not the list"),
    "request with a test picture more": (another_test_picture, "easy.png was added later"),
    "request with a link more": (lambda p: (p / REQUEST / "more").symlink_to("/"), "more was added later"),
    "request changed": (written(REQUEST / "request.yaml", b"concept: X"), "request.yaml was changed"),
    "request deleted": (lambda p: (p / REQUEST / "request.yaml").unlink(), "request.yaml is missing"),
    "request missing": (lambda p: shutil.rmtree(p / REQUEST), "has no SHA256SUMS"),
    "list that leaves the folder": (listed(REQUEST, f"{DIGEST}  ../../head.json\n"), "is no list of checksums"),
    "list of an absolute path": (listed(REQUEST, f"{DIGEST}  /etc/passwd\n"), "is no list of checksums"),
    "list of no lines": (listed(REQUEST, "request.yaml\n"), "is no list of checksums"),
}  # fmt: skip
"""What is wrong with what the entries name."""

LEDGERS: dict[str, tuple[Damage, str]] = {
    **CHAIN,
    **FILES,
    **{f"{way} of entry {number}: {value!r:.40}": (put(number, way, value), says)
       for number, way, value, says in FIELDS},
    **{f"entry {number} without {way}": (taken(number, way), "it must have exactly the keys") for number, way in (
        (MODEL, "content.model"), (FORGET, "build.weights"), (FORGET, "content.request"), (NOTE, "time"),
    )},
}  # fmt: skip
