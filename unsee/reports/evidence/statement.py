"""The in-toto statement of a pack: what was tested, with which result, and the SHA-256 of everything it is about.

Source: in-toto attestation framework, Statement v1, with the predicate test-result v0.1 and our own fields under
"unsee", all of them texts, because some readers store every number as a double.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from unsee.reports.evidence.facts import MANIFEST, REQUEST, SCHEMA, Pack
from unsee.reports.evidence.outcome import RESULTS
from unsee.store.hashing import is_sha256, shown

PLAIN, SIGNED = "statement.json", "statement.dsse.json"
"""The file of the statement in a pack: as it is, or signed in a DSSE envelope."""
MEDIA_TYPE = "application/vnd.in-toto+json"
TYPE = "https://in-toto.io/Statement/v1"
PREDICATE = "https://in-toto.io/attestation/test-result/v0.1"
OF_THE_RUN = "run/"
"""How the names of subjects begin that are not in the pack: the weights that the evidence is about."""
_OURS = ("schema", "version", "created", "concept", "model", "method", "level", "grade", "headline")


@dataclass(frozen=True)
class Statement:
    """A statement that was read: SHA-256 (hex) by name of the files in the pack and of the run, and our own fields."""

    pack: Mapping[str, str]
    run: Mapping[str, str]
    result: str
    says: Mapping[str, str]


def statement(pack: Pack, files: Mapping[str, str]) -> dict[str, Any]:
    """The statement of a pack whose files have these SHA-256 (hex) by name."""
    first, found = pack.first, pack.outcome
    about = {**{f"{OF_THE_RUN}{name}": digest for name, digest in first.files.items()}, **files}
    ours = (
        SCHEMA, first.version, pack.audited, found.concept, first.report.model, first.report.method, found.level,
        found.grade, found.headline,
    )  # fmt: skip
    requests = [f"{part}{REQUEST}" for part in pack.folders]
    return {
        "_type": TYPE,
        "subject": [_descriptor(name, about[name]) for name in sorted(about)],
        "predicateType": PREDICATE,
        "predicate": {
            "result": found.result,
            "configuration": [_descriptor(name, files[name]) for name in (MANIFEST, *requests)],
            "passedTests": found.tests["PASSED"],
            "warnedTests": found.tests["WARNED"],
            "failedTests": found.tests["FAILED"],
            "unsee": dict(zip(_OURS, ours, strict=True)),
        },
    }


def read_statement(document: Any) -> Statement:
    """A statement from its parsed JSON, every field checked here, because common libraries take short digests and
    unknown algorithms. Raises ValueError, with a clause, for anything else."""
    if not isinstance(document, dict) or document.get("_type") != TYPE:
        raise ValueError("it is no in-toto statement of version 1")
    predicate, subjects = document.get("predicate"), document.get("subject")
    if document.get("predicateType") != PREDICATE or not isinstance(predicate, dict):
        raise ValueError("it states no test result")
    says = predicate.get("unsee")
    if not isinstance(says, dict) or says.get("schema") != SCHEMA:
        raise ValueError(f"it is not of this version of unsee ({SCHEMA})")
    if not all(isinstance(says.get(key), str) for key in _OURS):
        raise ValueError("it does not say what was tested")
    if predicate.get("result") not in RESULTS:
        raise ValueError("it has no result")
    about = _subjects(subjects)
    run = {name.removeprefix(OF_THE_RUN): digest for name, digest in about.items() if name.startswith(OF_THE_RUN)}
    pack = {name: digest for name, digest in about.items() if not name.startswith(OF_THE_RUN)}
    return Statement(pack, run, predicate["result"], {key: says[key] for key in _OURS})


def _descriptor(name: str, digest: str) -> dict[str, Any]:
    return {"name": name, "digest": {"sha256": digest}}


def _subjects(written: Any) -> dict[str, str]:
    if not isinstance(written, list) or not written:
        raise ValueError("it has no subjects")
    found: dict[str, str] = {}
    for one in written:
        name, digest = (one.get("name"), one.get("digest")) if isinstance(one, dict) else (None, None)
        if not isinstance(name, str) or not _is_relative(name):
            raise ValueError("a subject in it has no name that is a path inside the pack")
        if not isinstance(digest, dict) or set(digest) != {"sha256"} or not is_sha256(digest["sha256"]):
            raise ValueError(f"the digest of {shown(name)} in it is no whole SHA-256")
        if name in found:
            raise ValueError(f"{shown(name)} stands in it twice")
        found[name] = digest["sha256"]
    return found


def _is_relative(name: str) -> bool:
    """Whether it is a plain path below the pack, written in one way only."""
    path = PurePosixPath(name)
    return bool(path.parts) and str(path) == name and not path.is_absolute() and not {"..", "."} & set(path.parts)
