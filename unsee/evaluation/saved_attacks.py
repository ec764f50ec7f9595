"""What an attack found as plain data, for `audit.json` and for the file from which an audit resumes."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import asdict, replace
from io import BytesIO
from typing import Any

from PIL import Image

from unsee.attacks.base import Found, Worst
from unsee.metrics import Score


def to_plain(found: Found) -> dict[str, Any]:
    """As JSON can hold it, without its picture."""
    return {
        "score": found.score.to_dict(),
        "wordings": dict(found.wordings),
        "worst": None if found.worst is None else asdict(found.worst),
        "controls": dict(found.controls),
        "further": dict(found.further),
        "scores": {name: score.to_dict() for name, score in found.scores.items()},
    }


def found_from(entry: Mapping[str, Any]) -> Found:
    """From the result of `to_plain`. Raises what a wrong document raises."""
    worst = entry["worst"]
    shown = None if worst is None else Worst(**worst)
    controls, further = dict(entry.get("controls", {})), dict(entry.get("further", {}))
    scores = {name: Score.read(written) for name, written in entry.get("scores", {}).items()}
    return Found(Score.read(entry["score"]), dict(entry["wordings"]), shown, controls, further, scores)


def saved(found: Found) -> dict[str, Any]:
    """As `to_plain`, with the picture, which could not be made again without the attack."""
    if found.picture is None:
        return to_plain(found)
    file = BytesIO()
    found.picture.save(file, format="PNG")
    return {**to_plain(found), "picture": b64encode(file.getvalue()).decode()}


def read_saved(entry: Mapping[str, Any]) -> Found:
    found = found_from(entry)
    if "picture" not in entry:
        return found
    # Pillow reads pixels only when asked, and raises what a damaged file raises (OSError, SyntaxError).
    return replace(found, picture=Image.open(BytesIO(b64decode(entry["picture"]))).convert("RGB"))
