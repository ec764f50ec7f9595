"""Training data that a person can read, edit and train on: one JSON line per sample, the pictures next to it.

Layout: `samples.jsonl` and `images/<hash of the picture's content>.png`. A row has the keys `prompt`,
`answer`, `images` (paths relative to the folder), `masked` (a phrase of the answer, or null), `tags`, `rejected` (an
answer that must lose, or null), `counterparts` (as many pictures as `images`, or none) and `counterpart_prompt` (a
text, or null).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from unsee.data.folders import files_of, pictures_among
from unsee.data.images import image_key, open_image
from unsee.data.sample import Sample
from unsee.errors import UserError, did_you_mean
from unsee.store.text import lines, read_text

ROWS = "samples.jsonl"
_KEYS = ("prompt", "answer", "images", "masked", "tags", "rejected", "counterparts", "counterpart_prompt")


def write_training_data(samples: Sequence[Sample], folder: Path) -> None:
    """Write samples; the rows last, so that a folder with rows is complete. Raises OSError as the disk does."""
    pictures = folder / "images"
    pictures.mkdir(parents=True, exist_ok=True)
    rows = []
    for sample in samples:
        images, instead = ([_saved(p, pictures) for p in shown] for shown in (sample.images, sample.counterparts))
        further = (sample.rejected, instead, sample.counterpart_prompt)
        values = (sample.prompt, sample.answer, images, sample.masked, dict(sample.tags), *further)
        rows.append(json.dumps(dict(zip(_KEYS, values, strict=True)), ensure_ascii=False))
    temporary = folder / f".{ROWS}.tmp"
    temporary.write_text("".join(row + "\n" for row in rows), encoding="utf-8")
    temporary.replace(folder / ROWS)


def _saved(picture: Image.Image, folder: Path) -> str:
    """The picture's path in its row; its file is written unless it is there."""
    name = f"{image_key(picture)}.png"
    if not (folder / name).exists():
        open_image(picture).save(folder / name, format="PNG")
    return f"images/{name}"


def read_training_data(folder: Path) -> list[Sample]:
    """Read samples back. Raises UserError that names the line for anything that does not fit."""
    path = folder / ROWS
    try:
        rows = lines(read_text(path))
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"No training data can be read from {path}: {error}.") from error
    # Pictures are shared between rows: open each file once.
    opened: dict[str, Image.Image] = {}
    samples = [_read_row(line, folder, f"{path}:{n}", opened) for n, line in enumerate(rows, 1) if line.strip()]
    if not samples:
        raise UserError(f"{path} holds no samples; write at least one line.")
    return samples


def trained_pictures(folder: Path) -> list[Image.Image]:
    """The pictures of the training data in a folder; none if there is no training data."""
    return [picture for _, picture in pictures_among(files_of(folder / "images"), {})]


def data_digest(samples: Sequence[Sample]) -> str:
    """SHA-256 (hex) of the samples: texts, tags and pixels, in order."""
    digest = hashlib.sha256()
    for sample in samples:
        pictures = [image_key(picture) for picture in sample.images]
        row = [sample.prompt, sample.answer, pictures, sample.masked, sorted(sample.tags.items()), sample.rejected]
        # Where there is none, the digest is that of data without the key.
        row += [[image_key(picture) for picture in sample.counterparts]] if sample.counterparts else []
        row += [sample.counterpart_prompt] if sample.counterpart_prompt is not None else []
        digest.update(json.dumps(row).encode() + b"\n")
    return digest.hexdigest()


def _read_row(line: str, folder: Path, where: str, opened: dict[str, Image.Image]) -> Sample:
    try:
        row: Any = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise UserError(f"{where} is not valid JSON: {error}.") from error
    if not isinstance(row, dict):
        raise UserError(f"{where} must be a JSON object with the keys {', '.join(_KEYS)}.")
    for key in row:
        if key not in _KEYS:
            raise UserError(f"{where} has an unknown key {key!r}{did_you_mean(key, _KEYS)}")
    for key in ("prompt", "answer"):
        if not isinstance(row.get(key), str) or not row[key].strip():
            raise UserError(f"{where} needs {key!r}, a text that is not empty.")
    images, instead = row.get("images") or [], row.get("counterparts") or []
    masked, tags = row.get("masked"), row.get("tags") or {}
    for key, names in (("images", images), ("counterparts", instead)):
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise UserError(f"{where}: {key!r} must be a list of paths.")
    if instead and len(instead) != len(images):
        raise UserError(f"{where}: 'counterparts' must be as many pictures as 'images', or none.")
    if masked is not None and (not isinstance(masked, str) or masked not in row["answer"]):
        raise UserError(f"{where}: 'masked' must be null or a phrase that occurs in the answer exactly.")
    if not isinstance(tags, dict) or not all(isinstance(value, str) for value in tags.values()):
        raise UserError(f"{where}: 'tags' must map texts to texts.")
    rejected, asked = row.get("rejected"), row.get("counterpart_prompt")
    for key, text, what in (("rejected", rejected, "an answer"), ("counterpart_prompt", asked, "a question")):
        if text is not None and (not isinstance(text, str) or not text.strip()):
            raise UserError(f"{where}: {key!r} must be null or {what} that is not empty.")
    for name in (*images, *instead):
        if name not in opened:
            opened[name] = open_image(folder / name)
    shown, counterparts = (tuple(opened[name] for name in names) for names in (images, instead))
    return Sample(row["prompt"], row["answer"], shown, masked, tags, rejected, counterparts, asked)
