"""The settings that suit one model: a YAML file for `unsee forget --recipe` and `unsee plan --recipe`.

Keys: `model` (hub id, folder or world name), `dtype` (default auto), `set` (settings of every method), `methods` (a
method's name to settings of its own) and `beside_others` (the same, for requests with pictures of other people).
Options on the command line override it. A model of the world may ship with a recipe, which is then used by default.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from unsee.errors import UserError
from unsee.models.shipped import TRAINED
from unsee.store.strict_yaml import mapping, read_yaml, text

_KEYS = ("model", "dtype", "set", "methods", "beside_others")


@dataclass(frozen=True)
class ModelRecipe:
    """A model with the dtype to load it in, and settings: those of all methods and those of single ones."""

    model: str
    dtype: str = "auto"
    shared: Mapping[str, Any] = field(default_factory=dict)
    methods: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    beside_others: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> ModelRecipe:
        """Raises UserError that names what does not fit."""
        content = mapping(read_yaml(path, "recipe"), _KEYS, str(path))
        if "model" not in content:
            raise UserError(f"{path} needs the key 'model': a hub id, a folder or a world name.")
        return cls(
            text(content["model"], f"{path}: 'model'"),
            text(content.get("dtype", "auto"), f"{path}: 'dtype'"),
            _settings(content.get("set"), f"{path}: 'set'"),
            _of_methods(content, "methods", path),
            _of_methods(content, "beside_others", path),
        )

    def settings(self, method: str, others: bool = False) -> tuple[str, ...]:
        """The settings of a method as texts such as "steps=6"; `others`: for a request with pictures of other
        people."""
        chosen = {**self.shared, **self.methods.get(method, {})}
        if others:
            chosen |= self.beside_others.get(method, {})
        return tuple(f"{key}={value}" for key, value in chosen.items())


def recipe_for(model: str | None, given: Path | None = None) -> ModelRecipe | None:
    """The given recipe, or else the one that a model of the world ships with, if it has one. Raises UserError."""
    if given:
        return ModelRecipe.read(given)
    kind, _, name = (model or "").partition(":")
    brought = TRAINED / name / "recipe.yaml"
    if kind != "world" or Path(name).name != name or not brought.is_file():
        return None
    return ModelRecipe.read(brought)


def _of_methods(content: Mapping[str, Any], key: str, path: Path) -> dict[str, Mapping[str, Any]]:
    methods = _settings(content.get(key), f"{path}: {key!r}")
    return {name: _settings(own, f"{path}: '{key}.{name}'") for name, own in methods.items()}


def _settings(value: Any, where: str) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise UserError(f"{where} must map names to values.")
    return value
