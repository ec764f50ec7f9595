"""YAML read without forgiving anything, and checks whose errors say where and what was meant."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from unsee.errors import UserError, did_you_mean
from unsee.store.text import read_text

_LARGEST = 2**31 - 1


class _Loader(yaml.SafeLoader):
    """Refuses a key that stands twice in a mapping, of which plain YAML keeps the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for index, key in enumerate(keys):
            if key in keys[:index]:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key!r} occurs twice", node.value[index][0].start_mark
                )
        return super().construct_mapping(node, deep)


def read_yaml(path: Path, what: str) -> Any:
    """The content of a YAML file; `what` names it in errors. Raises UserError."""
    try:
        return yaml.load(read_text(path), _Loader)
    except FileNotFoundError:
        raise UserError(f"There is no {what} at {path}; check the path.") from None
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or error
        raise UserError(f"The {what} {path} cannot be read: {why}.") from error
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        raise UserError(f"The {what} {path} is not valid YAML: {' '.join(str(error).split())}.") from error


def mapping(value: Any, known: Sequence[str], where: str) -> Mapping[str, Any]:
    """`value` as a mapping with no key but the known ones. Raises UserError."""
    if not isinstance(value, Mapping):
        raise UserError(f"{where} must be a mapping with the keys {', '.join(known)}; found {kind_of(value)}.")
    for key in value:
        if key not in known:
            raise UserError(f"{where} has an unknown key {str(key)!r}{did_you_mean(str(key), known)}")
    return value


def text(value: Any, where: str) -> str:
    """`value` as a text that is not empty. Raises UserError."""
    if not isinstance(value, str):
        raise UserError(f"{where} must be text; found {kind_of(value)} (put quotes around it).")
    if not value.strip():
        raise UserError(f"{where} is empty; fill it in or remove it.")
    return value.strip()


def texts(value: Any, where: str) -> tuple[str, ...]:
    """A list of texts, none of them twice; a single text counts as a list of one. Raises UserError."""
    items = [value] if isinstance(value, str) else value
    if not isinstance(items, list) or not items:
        raise UserError(f"{where} must be a list of texts with at least one; found {kind_of(value)}.")
    return unique([text(item, f"{where}[{number}]") for number, item in enumerate(items)], where)


def whole(value: Any, where: str, least: int) -> int:
    """A whole number from `least` on, of a size that seeds can have. Raises UserError."""
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= _LARGEST:
        raise UserError(f"{where} must be a whole number, at least {least}; found {kind_of(value)}.")
    return value


def wholes(value: Any, where: str, least: int) -> tuple[int, ...]:
    """A list of whole numbers, none of them twice. Raises UserError."""
    if not isinstance(value, list) or not value:
        raise UserError(f"{where} must be a list of whole numbers with at least one; found {kind_of(value)}.")
    return unique([whole(item, f"{where}[{number}]", least) for number, item in enumerate(value)], where)


def unique(items: Sequence[Any], where: str) -> tuple[Any, ...]:
    """Raises UserError for an item that stands twice."""
    for index, item in enumerate(items):
        if item in items[:index]:
            raise UserError(f"{where} holds {item!r} twice; remove one of the two.")
    return tuple(items)


def kind_of(value: Any) -> str:
    """What a value is, for an error message: numbers and short texts as they are."""
    if value is None:
        return "nothing"
    if isinstance(value, int) and abs(value) > _LARGEST:
        return "a number that large"
    if isinstance(value, (str, int, float)):
        return str(value).lower() if isinstance(value, bool) else f"{value!r:.40}"
    return f"an empty {type(value).__name__}" if value in ([], {}) else f"a {type(value).__name__}"
