"""Strict JSON, and files that appear whole or not at all."""

from __future__ import annotations

import json
import math
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from unsee.errors import SystemFailure
from unsee.store.modes import ordinary_mode


def strict_json(document: Mapping[str, Any]) -> str:
    """`document` as JSON that any parser reads: no NaN, no infinity.

    Such a number becomes null, and the nearest object around it gains `reason`, which names the field and what stood
    there. What JSON has no type for (paths, dates, versions) becomes its text; numpy scalars become numbers.
    """
    return json.dumps(_object(document), ensure_ascii=False, allow_nan=False, indent=2) + "\n"


def _object(mapping: Mapping[Any, Any]) -> dict[str, Any]:
    reasons: list[str] = []
    plain = {str(key): _plain(value, str(key), reasons) for key, value in mapping.items()}
    if reasons:
        plain["reason"] = "; ".join([*([str(plain["reason"])] if plain.get("reason") else []), *reasons])
    return plain


def _plain(value: Any, where: str, reasons: list[str]) -> Any:
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float):
        if math.isfinite(value):
            return float(value)
        reasons.append(f"{where} was {'not a number' if math.isnan(value) else 'infinite'}")
        return None
    if isinstance(value, Mapping):
        return _object(value)
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(item, f"{where}[{index}]", reasons) for index, item in enumerate(value)]
    if hasattr(value, "item") and getattr(value, "ndim", None) == 0:
        return _plain(value.item(), where, reasons)
    return str(value)


def write_together(folder: Path, texts: Mapping[str, str]) -> None:
    """Write each text to `folder` under its name, in UTF-8, all under temporary names first, then renamed.

    Raises:
        SystemFailure: the folder cannot be made or written; what stood there before is untouched.
    """
    written: dict[str, Path] = {}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            handle, temporary = tempfile.mkstemp(prefix=f".{name}.", dir=folder)
            written[temporary] = folder / name
            with os.fdopen(handle, "wb") as file:
                # A name from the command line may hold lone surrogates, which UTF-8 cannot say.
                file.write(text.encode("utf-8", "replace"))
                file.flush()
                os.fsync(file.fileno())
            ordinary_mode(Path(temporary))
        for temporary in list(written):
            os.replace(temporary, written[temporary])
            del written[temporary]
    except OSError as error:
        raise SystemFailure(f"The folder {folder} cannot be written: {error.strerror or error}.") from error
    finally:
        for temporary in written:
            Path(temporary).unlink(missing_ok=True)
