"""What the oracles of the world answered: models built by the same recipe, but never taught the people of a split.

Shipped are their answers, which are smaller than their weights: the transcript that a cell of a comparison leaves
behind (`recipes/oracle_answers.yaml`).
"""

from __future__ import annotations

from pathlib import Path

_FOLDER = Path(__file__).parent / "oracles"


def saved_answers(model: str, percent: int) -> Path | None:
    """The transcript of the oracle of `model` ("world:tiny-llava") for a split; None where none ships."""
    path = _FOLDER / f"{model.removeprefix('world:')}-{percent}.jsonl"
    return path if model.startswith("world:") and path.is_file() else None
