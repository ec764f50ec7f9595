"""What somebody may send in the place of an evidence pack, and what `unsee evidence check` says to it."""

from __future__ import annotations

import base64
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.packs import all_came_back, rehash, restate, rewrite, scores_hidden, subject
from unsee.store.hashing import sha256_of

Spoil = Callable[[Path], object]
DIGEST = "0" * 64
FILES = ("evidence.html", "report.json", "audit.json", "manifest.json", "request.yaml", "bom.cdx.json", "SHA256SUMS")


def written(name: str, content: bytes) -> Spoil:
    return lambda pack: (pack / name).write_bytes(content)


def unhashed(name: str, content: bytes) -> Spoil:
    """Another content of a file, with all hashes made anew."""

    def spoil(pack: Path) -> None:
        (pack / name).write_bytes(content)
        rehash(pack, name)

    return spoil


def said(**changes: Any) -> Spoil:
    """Another value in the statement."""
    return lambda pack: restate(pack, lambda statement: statement.update(changes))


def told(**changes: Any) -> Spoil:
    return lambda pack: restate(pack, lambda statement: statement["predicate"]["unsee"].update(changes))


def resulting(value: Any) -> Spoil:
    return lambda pack: restate(pack, lambda statement: statement["predicate"].update(result=value))


def about(file: str, **changes: Any) -> Spoil:
    """Another value in what the statement says about a file."""
    return lambda pack: restate(pack, lambda statement: subject(statement, file).update(changes))


def figure(name: str, way: str, value: Any) -> Spoil:
    """Another value in a file with figures, at a place such as "after.generality_em", with all hashes made anew."""

    def change(document: Any) -> None:
        *outer, last = [int(part) if part.isdigit() else part for part in way.split(".")]
        for part in outer:
            document = document[part]
        document[last] = value

    return lambda pack: rewrite(pack, name, change)


def linked(pack: Path) -> None:
    (pack / "report.json").unlink()
    (pack / "report.json").symlink_to("audit.json")


def linked_twice(pack: Path) -> None:
    """A file with two names is two files, one of them too many."""
    os.link(pack / "report.json", pack / "again.json")


def left_out(name: str) -> Spoil:
    """A file less, with a list and a statement that fit."""

    def spoil(pack: Path) -> None:
        (pack / name).unlink()
        sums = (pack / "SHA256SUMS").read_text().splitlines(keepends=True)
        (pack / "SHA256SUMS").write_text("".join(line for line in sums if not line.endswith(f"  {name}\n")))
        restate(pack, lambda s: s.update(subject=[one for one in s["subject"] if one["name"] != name]))
        rehash(pack)

    return spoil


def shortened(pack: Path) -> None:
    """A list that leaves a file out, and a statement that fits it."""
    lines = (pack / "SHA256SUMS").read_text().splitlines(keepends=True)
    (pack / "SHA256SUMS").write_text("".join(lines[1:]))
    digest = sha256_of(pack / "SHA256SUMS")
    restate(pack, lambda s: subject(s, "SHA256SUMS")["digest"].update(sha256=digest))


def holes(name: str, size: int) -> Spoil:
    """A file that says to be large, and takes no place on the disk."""

    def spoil(pack: Path) -> None:
        with (pack / name).open("ab") as file:
            file.truncate(size)

    return spoil


def enveloped(**changes: Any) -> Spoil:
    """An envelope that nobody signed, around the statement of an unsigned pack."""

    def spoil(pack: Path) -> None:
        body = (pack / "statement.json").read_bytes()
        (pack / "statement.json").unlink()
        envelope: dict[str, Any] = {
            "payload": base64.b64encode(body).decode(),
            "payloadType": "application/vnd.in-toto+json",
            "signatures": [{"keyid": "", "sig": base64.b64encode(b"1" * 64).decode()}],
        }
        (pack / "statement.dsse.json").write_text(json.dumps({**envelope, **changes}))

    return spoil


PACKS: dict[str, tuple[Spoil, str]] = {
    # The folder.
    "a link": (linked, "report.json in"),
    "a link to a folder": (lambda pack: (pack / "deep").symlink_to("/"), "deep in"),
    "a link to nothing": (lambda pack: (pack / "gone").symlink_to("nowhere"), "gone in"),
    "a link to a device": (lambda pack: (pack / "zero").symlink_to("/dev/zero"), "zero in"),
    "a pipe": (lambda pack: os.mkfifo(pack / "pipe"), "pipe in"),
    "one file under two names": (linked_twice, "again.json is not part of it"),
    "a file of 3 GB": (holes("report.json", 3_000_000_000), "report.json in"),
    "a statement of 60 MB": (holes("statement.json", 60_000_000), "over 50 MB"),
    "two statements": (
        lambda pack: shutil.copy(pack / "statement.json", pack / "statement.dsse.json"), "two statements",
    ),
    "no statement": (lambda pack: (pack / "statement.json").unlink(), "neither statement.json nor"),
    "a run": (
        lambda pack: [(pack / name).unlink() for name in ("statement.json", "evidence.html")], "is a run and no pack",
    ),
    "a name for the terminal": (lambda pack: (pack / "\x1b[2Jmore").write_bytes(b"x"), "more is not part of it"),
    "a name in another encoding": (
        lambda pack: Path(os.fsdecode(os.fsencode(pack) + b"/\xff")).write_bytes(b"x"), "is not part of it",
    ),
    "the key of nobody": (written("key.pub.pem", b"x"), "the signature was taken off"),
    **{f"{name} changed": (written(name, b"x"), f"{name} is changed") for name in FILES},
    **{f"{name} empty": (written(name, b""), f"{name} is changed") for name in FILES},
    **{f"{name} missing": (lambda pack, name=name: (pack / name).unlink(), f"{name} is missing") for name in FILES},
    **{f"{name} twice": (
        lambda pack, name=name: shutil.copytree(pack, pack / "more", ignore=lambda _, all: set(all) - {name}),
        f"more/{name} is not part of it",
    ) for name in FILES},
    "no list, and a statement that fits": (
        lambda pack: [
            (pack / "SHA256SUMS").unlink(),
            restate(pack, lambda s: s.update(subject=[one for one in s["subject"] if one["name"] != "SHA256SUMS"])),
        ],
        "has no SHA256SUMS",
    ),
    "a shorter list": (shortened, "SHA256SUMS in"),
    **{f"no {name}, and hashes that fit": (left_out(name), f"has no {name}")
       for name in ("audit.json", "report.json", "manifest.json", "request.yaml", "evidence.html")},
    # The statement.
    "nested too deeply": (written("statement.json", b"[" * 100_000), "nested too deeply"),
    "an object nested too deeply": (written("statement.json", b'{"_type": ' * 50_000), "nested too deeply"),
    "nothing": (written("statement.json", b""), "statement.json is damaged"),
    "half a statement": (
        lambda p: (p / "statement.json").write_bytes((p / "statement.json").read_bytes()[:-9]), "json is damaged",
    ),
    "another encoding": (written("statement.json", b"\xff\xfe"), "statement.json is damaged"),
    "a key twice": (written("statement.json", b'{"_type": 1, "_type": 2}'), "a key stands in it twice"),
    "no number": (written("statement.json", b'{"a": NaN}'), "NaN is no JSON"),
    "no end": (written("statement.json", b'{"a": Infinity}'), "Infinity is no JSON"),
    "10,000 digits": (written("statement.json", b"1" * 10_000), "statement.json is damaged"),
    "a list": (written("statement.json", b"[]"), "no in-toto statement of version 1"),
    "null": (written("statement.json", b"null"), "no in-toto statement of version 1"),
    "a text": (written("statement.json", b'"PASSED"'), "no in-toto statement of version 1"),
    "a page of HTML": (written("statement.json", b"<html>"), "statement.json is damaged"),
    "an older version": (said(_type="https://in-toto.io/Statement/v0.1"), "no in-toto statement of version 1"),
    "a type that is a list": (said(_type=[]), "no in-toto statement of version 1"),
    "another predicate": (said(predicateType="x"), "states no test result"),
    "no predicate": (said(predicate=None), "states no test result"),
    "a predicate that is a list": (said(predicate=[]), "states no test result"),
    "no subjects": (said(subject=[]), "has no subjects"),
    "subjects that are null": (said(subject=None), "has no subjects"),
    "subjects that are an object": (said(subject={"name": "audit.json"}), "has no subjects"),
    "a subject twice": (lambda p: restate(p, lambda s: s["subject"].append(s["subject"][0])), "stands in it twice"),
    "a subject that is a number": (lambda p: restate(p, lambda s: s["subject"].append(7)), "no name that is a path"),
    **{f"the result {value!r}": (resulting(value), "has no result") for value in ("GREAT", "passed", "", None)},
    "a worse result": (resulting("FAILED"), "but the figures in the pack"),
    "another version of unsee": (told(schema="x"), "not of this version"),
    "no level": (lambda p: restate(p, lambda s: s["predicate"]["unsee"].pop("level")), "does not say what was tested"),
    "a grade that is a number": (told(grade=7), "does not say what was tested"),
    "another headline": (told(headline="Gone"), "figures in the pack"),
    "another headline, for the terminal": (told(headline="\x1b[2J" * 99), "figures in the pack"),
    "another grade": (told(grade="plain"), "says something else than audit.json"),
    "a higher level": (told(level="full"), "says something else than audit.json"),
    "somebody else": (told(concept="Otto Brandt"), "says something else than audit.json"),
    "another model": (told(model="org/other"), "says something else than audit.json"),
    **{f"the digest {value!r:.30}": (about("audit.json", digest=value), "is no whole SHA-256") for value in (
        {"sha256": "abc"}, {"sha256": "A" * 64}, {"sha256": "g" * 64}, {"sha256": ""}, {"sha256": None}, {}, DIGEST, [],
        {"sha1": "0" * 40}, {"sha256": DIGEST, "md5": "0" * 32}, {"SHA256": DIGEST}, {"sha256": "0" * 63 + "\n"}, None,
    )},
    **{f"the path {value!r:.30}": (about("audit.json", name=value), "no name that is a path inside the pack")
       for value in ("", ".", "..", "../run/report.json", "/etc/passwd", "a/../b", "./audit.json", "a//b",
                     "audit.json/", None, 3, [])},
    "a path that is not there": (about("audit.json", name="a" * 5_000), "missing"),
    # The figures, with all hashes made anew.
    "every attack came back": (lambda p: rewrite(p, "audit.json", all_came_back), "give 'Not forgotten'"),
    "a share after that was hidden": (
        lambda p: [rewrite(p, "audit.json", change) for change in (all_came_back, scores_hidden)],
        "In audit.json, what facts brings over the floor",
    ),
    **{f"{name} of {what}": (unhashed(name, content), why)
       for name, why in (("audit.json", "audit.json is damaged"), ("report.json", "report.json is damaged"),
                         ("manifest.json", "manifest.json is damaged"))
       for what, content in {"no JSON": b"{", "nested lists": b"[" * 100_000, "a key twice": b'{"a": 1, "a": 2}',
                             "no number": b'{"a": NaN}', "another encoding": b"\xff"}.items()},
    "an audit of nobody": (figure("audit.json", "concepts", {}), "cannot be read"),
    "an audit that is a list": (unhashed("audit.json", b"[]"), "cannot be read"),
    "an audit of texts": (figure("audit.json", "concepts.Mara Voss.rows", "none"), "cannot be read"),
    "a report of no figures": (figure("report.json", "after", 3), "is damaged"),
    "a report that is a list": (unhashed("report.json", b"[]"), "is damaged"),
    "a manifest of two": (figure("manifest.json", "concept", ["Mara Voss", "Otto Brandt"]), "names 2 concepts"),
    "a manifest of somebody else": (figure("manifest.json", "concept", "Otto Brandt"), "names 1 concepts"),
    # The signature.
    **{f"an envelope with {key} {value!r:.30}": (enveloped(**{key: value}), why) for key, value, why in (
        ("payloadType", 3, "no DSSE envelope"), ("payloadType", "application/json", "of the type 'application/json'"),
        ("signatures", [], "no DSSE envelope"), ("signatures", {}, "no DSSE envelope"),
        ("signatures", [3], "a signature in it is damaged"), ("signatures", [{"sig": "?"}], "a signature is no base64"),
        ("signatures", [{}], "a signature is missing"), ("payload", "é", "its payload is no base64"),
        ("payload", None, "its payload is missing"), ("payload", 7, "its payload is missing"),
    )},
    "an envelope without its key": (enveloped(), "has lost its key.pub.pem"),
    "an envelope that is a list": (
        lambda p: [(p / "statement.json").unlink(), (p / "statement.dsse.json").write_text("[]")], "no DSSE envelope",
    ),
    "an envelope nested too deeply": (
        lambda p: [(p / "statement.json").unlink(), (p / "statement.dsse.json").write_text("[" * 99_999)], "too deeply",
    ),
}  # fmt: skip
