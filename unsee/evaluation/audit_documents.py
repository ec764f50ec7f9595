"""An `Audit` as plain data, and read back from it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from unsee.evaluation.auditing import Audit, Row
from unsee.evaluation.saved_attacks import found_from, to_plain
from unsee.metrics import Score


def audit_to_plain(audit: Audit) -> dict[str, Any]:
    """As JSON can hold it, except for numbers that are none. Pictures stay out."""
    return {
        "level": audit.level,
        "seed": audit.seed,
        "floor": audit.floor or None,
        "oracle": audit.oracle or None,
        "rows": [
            {
                "attack": row.attack,
                "variant": row.variant,
                "states": {state: to_plain(found) for state, found in row.states.items()},
                "excess": None if row.excess is None else row.excess.to_dict(),
                "came_back": row.came_back,
            }
            for row in audit.rows
        ],
        "untried": dict(audit.untried),
        "versions": dict(audit.versions),
    }


def audit_from(document: Mapping[str, Any]) -> Audit:
    """From the result of `audit_to_plain`, also via strict JSON. Raises what a wrong document raises."""
    rows = tuple(
        Row(
            row["attack"],
            row["variant"],
            {state: found_from(found) for state, found in row["states"].items()},
            None if row["excess"] is None else Score.read(row["excess"]),
        )
        for row in document["rows"]
    )
    untried, versions = dict(document["untried"]), dict(document["versions"])
    return Audit(document["level"], document["seed"], rows, untried, versions, document.get("oracle") or "")
