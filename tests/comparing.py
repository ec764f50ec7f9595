"""What the tests of comparisons share: a small recipe over the shipped model, run once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

RECIPE: dict[str, Any] = {
    "models": ["world:tiny-qwen3vl"],
    "methods": [
        {"method": "siu", "set": {"steps": 2, "learnt": 0}},
        {"method": "ga", "label": "ga, two steps", "set": {"steps": 2}},
        {"method": "po", "set": {"steps": 2}},
    ],
    "concepts": ["Tobias Lindqvist"],
    "evaluation": {"test_pictures": 1, "questions": 2, "kept": 3},
}


def write_recipe(folder: Path, **changes: Any) -> Path:
    path = folder / "small_recipe.yaml"
    path.write_text(yaml.safe_dump({**RECIPE, **changes}), encoding="utf-8")
    return path
