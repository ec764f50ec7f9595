"""The pictures of a real folder: with other files among them, copies, and damaged pictures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from unsee.data.images import image_key, open_image
from unsee.data.likeness import Seen
from unsee.errors import UserError

NO_PICTURE, TRAINED_ON = "no picture", "also trained on"
_LISTED = 10
# Pictures that phones, cameras and drawing programs save, for which Pillow has no reader.
_NOT_READ_HERE = (".heic", ".heif", ".avif", ".jxl", ".svg", ".dng", ".cr2", ".cr3", ".nef", ".arw", ".raf", ".raw")


@dataclass(frozen=True)
class Pictures:
    """What a folder holds: each different picture by its file, and the files left out, with the reason."""

    folder: Path
    opened: Mapping[Path, Image.Image]
    left_out: Mapping[Path, str]

    def without(self, seen: Seen) -> Pictures:
        """The pictures that training has not seen. Raises UserError if none is left."""
        new = {path: picture for path, picture in self.opened.items() if picture not in seen}
        known = dict.fromkeys((path for path in self.opened if path not in new), TRAINED_ON)
        return Pictures(self.folder, new, {**self.left_out, **known}).needed("pictures that training has not seen")

    def needed(self, what: str) -> Pictures:
        """These pictures, if there are any; `what` the folder should hold. Raises UserError if there are none."""
        if self.opened:
            return self
        why = f" that can be used ({listed(self.left_out)})" if self.left_out else ""
        raise UserError(f"The folder {self.folder} holds no picture{why}; put {what} there.")


def read_folder(folder: Path, what: str = "pictures") -> Pictures:
    """The pictures of a folder in the order of their names, whatever their files are called. `what` it should hold.

    Raises UserError if it is not a folder or no picture can be used.
    """
    if not folder.is_dir():
        raise UserError(f"{folder} is not a folder; give one with {what}.")
    left_out: dict[Path, str] = {}
    opened = dict(pictures_among(files_of(folder), left_out))
    return Pictures(folder, opened, left_out).needed(what)


def files_of(folder: Path) -> list[Path]:
    """The files of a folder by name, without hidden ones and folders; nothing if there is no folder."""
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if not path.is_dir() and not path.name.startswith("."))


def pictures_among(
    files: Iterable[Path], left_out: dict[Path, str], trained_on: Seen | None = None
) -> Iterator[tuple[Path, Image.Image]]:
    """The different pictures among `files` that are not `trained_on`, one after the other; the other files go into
    `left_out` with the reason."""
    first: dict[str, str] = {}
    for path in files:
        try:
            picture = open_image(path)
        except UserError as error:
            # The ending shows whether the file is meant to be a picture; Thumbs.db and README.txt are not.
            meant = path.suffix.casefold() in {*Image.registered_extensions(), *_NOT_READ_HERE}
            left_out[path] = str(error) if meant else NO_PICTURE
            continue
        twin = first.setdefault(image_key(picture), path.name)
        if twin != path.name:
            left_out[path] = f"the same picture as {twin}"
        elif trained_on is not None and picture in trained_on:
            left_out[path] = TRAINED_ON
        else:
            yield path, picture


def listed(left_out: Mapping[Path, str]) -> str:
    """The first of the files left out, with the reasons, as a part of a sentence."""
    some = "; ".join(f"{path.name}: {why}" for path, why in list(left_out.items())[:_LISTED])
    return some if len(left_out) <= _LISTED else f"{some}; and {len(left_out) - _LISTED} more"
