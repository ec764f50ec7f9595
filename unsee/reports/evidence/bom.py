"""The bill of materials of an unlearned model: CycloneDX 1.6 with a model card (an ML-BOM).

Written by hand, because the Python library of CycloneDX has no model cards and loses them without a word. The same
evidence gives the same text: the serial number is a hash, the time is that of the audit.
"""

from __future__ import annotations

import hashlib
import math
import re
import uuid
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from unsee.metrics.catalogue import in_order, titled
from unsee.metrics.score import Score
from unsee.reports.attack_lines import lines_of
from unsee.reports.evidence.facts import Evidence, Pack
from unsee.reports.evidence.limits import LIMITS

_AFTER, _BEFORE, _DATA = "model-after", "model-before", "training-data"
_HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+")
_STATES = ("before", "after", "floor")


def bill_of_materials(pack: Pack) -> dict[str, Any]:
    """The whole document. What the schema has no place for is a property whose name begins with "unsee:"."""
    evidence = pack.first
    manifest = evidence.manifest
    libraries = list(_libraries(manifest.get("libraries", {})))
    files = [_file(name, digest) for name, digest in sorted(evidence.files.items())]
    parts = [_base(evidence), *files, _training_data(manifest)]
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{_serial(pack)}",
        "version": 1,
        "metadata": {
            "timestamp": pack.audited,
            "tools": {"components": [{"type": "application", "name": "unsee", "version": evidence.version}]},
            "component": _model(pack),
        },
        "components": [*parts, *libraries],
        "dependencies": [
            {"ref": _AFTER, "dependsOn": [part["bom-ref"] for part in (*parts, *libraries)]},
            *({"ref": part["bom-ref"]} for part in (*parts, *libraries)),
        ],
    }


def _model(pack: Pack) -> dict[str, Any]:
    """The model after unlearning: its parts are in the weights' files, what it can do is in its card."""
    evidence, count = pack.first, len(pack.parts)
    what = "one concept" if count == 1 else f"{count} concepts"
    manifest = evidence.manifest
    return {
        "type": "machine-learning-model",
        "bom-ref": _AFTER,
        "name": f"{evidence.report.model}, unlearned",
        "version": str(_serial(pack)),
        "description": f"{evidence.report.model} after unlearning {what} by {evidence.report.method}.",
        "modelCard": _card(pack),
        "properties": _properties(
            {
                "method": evidence.report.method,
                "seed": manifest.get("seed"),
                "steps": manifest.get("steps"),
                "result": manifest.get("result"),
                "request_sha256": manifest.get("request_sha256"),
                **{f"setting:{key}": value for key, value in dict(manifest.get("hyperparameters", {})).items()},
            }
        ),
    }


def _card(pack: Pack) -> dict[str, Any]:
    parts = pack.parts.values()
    untested = dict.fromkeys(one for evidence in parts for one in evidence.grade.untested)
    return {
        "modelParameters": {
            "approach": {"type": "supervised"},
            "task": "image-text-to-text",
            "datasets": [{"ref": _DATA}],
            "inputs": [{"format": "image"}, {"format": "text"}],
            "outputs": [{"format": "text"}],
        },
        "quantitativeAnalysis": {"performanceMetrics": [figure for one in parts for figure in _figures(one)]},
        "considerations": {
            "useCases": ["The model before, for those who asked that it no longer recognise the concept."],
            "technicalLimitations": [
                *(f"{title} {text}" for title, text in LIMITS),
                *(f"Not tested: {title} ({why})." for title, why in untested),
            ],
        },
    }


def _figures(evidence: Evidence) -> Iterator[dict[str, Any]]:
    """Scores and attacks; where several concepts were forgotten, each says whose it is."""
    for figure in (*_scores(evidence), *_attacks(evidence)):
        whose = f"{evidence.report.concept}: " if evidence.together > 1 else ""
        yield {**figure, "type": f"{whose}{figure['type']}"}


def _scores(evidence: Evidence) -> Iterator[dict[str, Any]]:
    report = evidence.report
    for state, scores in (("before", report.before), ("after", report.after)):
        for key in in_order(scores):
            metric = titled(key, scores[key].higher_is_better, report.words)
            yield from _metric(f"{metric.label}{f' ({metric.unit})' if metric.unit else ''}", state, scores[key])


def _attacks(evidence: Evidence) -> Iterator[dict[str, Any]]:
    for line in lines_of(evidence.audit):
        if line.is_part:
            continue
        name = f"Attack: {line.title}{f' ({line.variant})' if line.variant else ''}"
        for state, score in zip(_STATES, (line.before, line.after, line.floor), strict=True):
            yield from _metric(f"{name}{f' ({line.unit})' if line.unit else ''}", state, score)


def _metric(name: str, state: str, score: Score | None) -> Iterator[dict[str, Any]]:
    if score is None or not math.isfinite(score.value):
        return
    shown: dict[str, Any] = {"type": name, "value": _number(score.value), "slice": f"{state} unlearning, n = {score.n}"}
    if state == "floor":
        shown["slice"] = f"floor, n = {score.n}"
    if math.isfinite(score.low) and math.isfinite(score.high):
        shown |= {"confidenceInterval": {"lowerBound": _number(score.low), "upperBound": _number(score.high)}}
    yield shown


def _base(evidence: Evidence) -> dict[str, Any]:
    name, revision = evidence.report.model, evidence.manifest.get("model_revision")
    base = {
        f"base:{key}": value
        for key, value in dict(evidence.manifest.get("base") or {}).items()
        if key not in ("model", "revision")
    }
    version = {"version": revision} if revision else {}
    if revision and _HUB_NAME.fullmatch(name):
        version["purl"] = f"pkg:huggingface/{name}@{quote(revision, safe='')}"
    return {
        "type": "machine-learning-model",
        "bom-ref": _BEFORE,
        "name": name,
        **version,
        "description": "The model before unlearning.",
        "properties": _properties(base),
    }


def _file(name: str, digest: str) -> dict[str, Any]:
    return {
        "type": "file",
        "bom-ref": f"file:{name}",
        "name": name,
        "hashes": [{"alg": "SHA-256", "content": digest}],
    }


def _training_data(manifest: Mapping[str, Any]) -> dict[str, Any]:
    samples = manifest.get("samples")
    return {
        "type": "data",
        "bom-ref": _DATA,
        "name": "training data of the unlearning",
        "data": [{"type": "dataset", "name": "samples", "sensitiveData": ["personal data about the concept"]}],
        "description": f"{samples} samples that the method built from the request; kept in the folder of the run.",
        "properties": _properties({"data_sha256": manifest.get("data_sha256"), "samples": samples}),
    }


def _libraries(versions: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for name, version in sorted(versions.items()):
        shown = {"bom-ref": f"library:{name}", "name": name, "version": str(version)}
        if name == "python":
            yield {"type": "platform", **shown}
        else:
            yield {"type": "library", **shown, "purl": f"pkg:pypi/{name}@{quote(str(version), safe='')}"}


def _properties(values: Mapping[str, Any]) -> list[dict[str, str]]:
    return [{"name": f"unsee:{key}", "value": _text(value)} for key, value in values.items() if value is not None]


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _number(value: float) -> str:
    return f"{value:.4f}"


def _serial(pack: Pack) -> uuid.UUID:
    """The same for the same weights and audits."""
    made = [(one.audited, one.audit.level, one.report.created) for one in pack.parts.values()]
    about = repr((sorted(pack.first.files.items()), made))
    return uuid.UUID(bytes=hashlib.sha256(about.encode()).digest()[:16], version=4)
