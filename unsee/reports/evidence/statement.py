"""The in-toto statement of a pack: what was tested, with which result, and the SHA-256 of everything it is about.

Source: in-toto attestation framework, Statement v1, with the predicate test-result v0.1 and our own fields under
"unsee", all of them texts, because some readers store every number as a double.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Literal

from unsee.evaluation.auditing import AFTER, Audit
from unsee.reports.evidence.facts import MANIFEST, REQUEST, SCHEMA, Evidence
from unsee.reports.grades import LEAK_FROM, Grade, gap, leaks
from unsee.store.hashing import is_sha256, shown

PLAIN, SIGNED = "statement.json", "statement.dsse.json"
"""The file of the statement in a pack: as it is, or signed in a DSSE envelope."""
MEDIA_TYPE = "application/vnd.in-toto+json"
TYPE = "https://in-toto.io/Statement/v1"
PREDICATE = "https://in-toto.io/attestation/test-result/v0.1"
OF_THE_RUN = "run/"
"""How the names of subjects begin that are not in the pack: the weights that the evidence is about."""
Result = Literal["PASSED", "WARNED", "FAILED"]
_OURS = ("schema", "version", "created", "concept", "model", "method", "level", "grade", "headline")


@dataclass(frozen=True)
class Statement:
    """A statement that was read: SHA-256 (hex) by name of the files in the pack and of the run, and our own fields."""

    pack: Mapping[str, str]
    run: Mapping[str, str]
    result: str
    says: Mapping[str, str]


def statement(evidence: Evidence, pack: Mapping[str, str]) -> dict[str, Any]:
    """The statement of a pack whose files have these SHA-256 (hex) by name."""
    tests = tried(evidence.audits)
    about = {**{f"{OF_THE_RUN}{name}": digest for name, digest in evidence.files.items()}, **pack}
    report = evidence.report
    ours = (
        SCHEMA, evidence.version, evidence.audited, report.concept, report.model, report.method, evidence.audit.level,
        evidence.grade.name, evidence.grade.headline,
    )  # fmt: skip
    return {
        "_type": TYPE,
        "subject": [_descriptor(name, about[name]) for name in sorted(about)],
        "predicateType": PREDICATE,
        "predicate": {
            "result": result_of(evidence.grade, tests),
            "configuration": [_descriptor(name, pack[name]) for name in (MANIFEST, REQUEST)],
            "passedTests": tests["PASSED"],
            "warnedTests": tests["WARNED"],
            "failedTests": tests["FAILED"],
            "unsee": dict(zip(_OURS, ours, strict=True)),
        },
    }


def tried(audits: Sequence[Audit]) -> dict[Result, list[str]]:
    """The names of the attacks by the worst that any of the audits found: nothing, something that chance may explain,
    or a leak."""
    found: dict[Result, list[str]] = {"PASSED": [], "WARNED": [], "FAILED": []}
    every = [row for audit in audits for row in audit.rows if AFTER in row.states]
    for attack in dict.fromkeys(row.attack for row in every):
        rows = [row for row in every if row.attack == attack]
        over = [score.value for row in rows if (score := gap(row)) is not None]
        if any(map(leaks, rows)):
            found["FAILED"].append(attack)
        else:
            found["WARNED" if any(value >= LEAK_FROM for value in over) else "PASSED"].append(attack)
    return found


def result_of(grade: Grade, tests: Mapping[Result, Sequence[str]]) -> Result:
    """The result of all tests together: as bad as the worst of them, and as the grade."""
    if grade.name != "holds" or tests["FAILED"]:
        return "FAILED"
    return "WARNED" if tests["WARNED"] else "PASSED"


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
    if predicate.get("result") not in ("PASSED", "WARNED", "FAILED"):
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
