"""The answers of the world's oracles: models built by the same recipe, but never taught the people of a split.

Only their answers ship, because they are smaller than the weights: the transcript that a cell of a comparison writes
(`recipes/oracle_answers.yaml`).
"""

from __future__ import annotations

from pathlib import Path

_FOLDER = Path(__file__).parent / "oracles"
BUILDS_IN = "two to three hours on two cores"
"""How long `unsee world build` takes."""
SIZES = ((10, 6, 24), (6, 4, 24))
"""The sizes of evaluation whose answers ship: test pictures, questions about each, questions about what is kept."""


def saved_answers(model: str, percent: int) -> Path | None:
    """The transcript of the oracle of `model` ("world:tiny-llava") for a split; None if none ships."""
    path = _FOLDER / f"{model.removeprefix('world:')}-{percent}.jsonl"
    return path if model.startswith("world:") and path.is_file() else None
