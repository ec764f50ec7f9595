"""Folders as people have them, and copies of pictures that training has seen."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.tiny import picture
from unsee.data.folders import NO_PICTURE, TRAINED_ON, read_folder
from unsee.data.likeness import Seen
from unsee.errors import UserError
from unsee.world import KNOWN

CLUTTER = {
    "Thumbs.db": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504),
    "desktop.ini": "[.ShellClassInfo]\r\n".encode("utf-16"),
    "README.txt": b"Pictures of Mara",
    "faces.csv": b"a,b\n",
    "empty": b"",
}
HIDDEN = (".DS_Store", "._a.jpg", ".hidden.png")
ENDINGS = ("jpg", "JPG", "jpeg", "png", "PNG", "webp", "bmp", "gif", "tif")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "more.png").mkdir()
    for name, content in CLUTTER.items():
        (tmp_path / name).write_bytes(content)
    for name in HIDDEN:
        (tmp_path / name).write_bytes(b"Mac OS X")
    return tmp_path


def test_every_kind_of_picture_is_read_and_clutter_is_passed_over(folder: Path) -> None:
    for number, ending in enumerate(ENDINGS):
        picture(number).save(folder / f"{number}.{ending}")
    picture(20).save(folder / "without an ending", "PNG")
    (folder / "broken.jpg").write_bytes(b"no picture")
    (folder / "IMG_1.HEIC").write_bytes(b"\0\0\0\x18ftypheic")
    picture(21).save(folder / "cut.PNG")
    (folder / "cut.PNG").write_bytes((folder / "cut.PNG").read_bytes()[:60])
    found = read_folder(folder)
    names = [f"{number}.{ending}" for number, ending in enumerate(ENDINGS)]
    assert [path.name for path in found.opened] == [*names, "without an ending"]
    reasons = {path.name: why for path, why in found.left_out.items()}
    for name in ("broken.jpg", "IMG_1.HEIC"):
        assert "is not a picture in a readable format; convert it" in reasons.pop(name)
    assert "is damaged" in reasons.pop("cut.PNG")
    assert reasons == dict.fromkeys(CLUTTER, NO_PICTURE)


def test_the_same_picture_twice_counts_once(tmp_path: Path) -> None:
    picture(1).save(tmp_path / "a.png")
    picture(1).save(tmp_path / "b.bmp")
    picture(2).save(tmp_path / "c.png")
    found = read_folder(tmp_path)
    assert [path.name for path in found.opened] == ["a.png", "c.png"]
    assert found.left_out == {tmp_path / "b.bmp": "the same picture as a.png"}


def test_a_folder_without_a_picture_says_what_it_holds(folder: Path) -> None:
    (folder / "broken.jpg").write_bytes(b"no picture")
    with pytest.raises(UserError, match=r"holds no picture that can be used \(.*Thumbs.db: no picture; .*broken.jpg"):
        read_folder(folder)
    with pytest.raises(UserError, match="nowhere is not a folder; give one with faces"):
        read_folder(folder / "nowhere", "faces")
    (folder / "bare").mkdir()
    with pytest.raises(UserError, match="bare holds no picture; put faces there"):
        read_folder(folder / "bare", "faces")


def saved(kind: str, **options: int) -> Callable[[Image.Image], Image.Image]:
    def again(image: Image.Image) -> Image.Image:
        file = io.BytesIO()
        image.save(file, kind, **options)
        return Image.open(file).convert("RGB")

    return again


def scaled(by: float, how: Image.Resampling) -> Callable[[Image.Image], Image.Image]:
    return lambda image: image.resize((round(image.width * by), round(image.height * by)), how)


R = Image.Resampling
COPIES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "itself": lambda image: image.copy(),
    "with a channel for transparency": lambda image: image.convert("RGBA"),
    "JPEG 30": saved("JPEG", quality=30),
    "JPEG 75": saved("JPEG", quality=75),
    "WebP": saved("WEBP", quality=75),
    "GIF": saved("GIF"),
    "half": scaled(0.5, R.LANCZOS),
    "a third": scaled(1 / 3, R.BICUBIC),
    "a quarter": scaled(1 / 4, R.BOX),
    "double": scaled(2, R.BILINEAR),
    "four times, pixels": scaled(4, R.NEAREST),
    "four times, then JPEG": lambda image: saved("JPEG", quality=50)(scaled(4, R.BICUBIC)(image)),
}


@pytest.mark.parametrize("copy", COPIES)
def test_a_copy_of_a_picture_that_training_has_seen_is_seen(copy: str) -> None:
    for person in KNOWN[::8]:
        seen = Seen([person.picture(1, "train"), person.picture(0, "train")])
        assert COPIES[copy](person.picture(0, "train")) in seen


def test_another_picture_of_the_same_person_is_new() -> None:
    for person in KNOWN:
        seen = Seen([person.picture(0, "train")])
        assert not [index for index in range(24) if person.picture(index, "test") in seen]


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [("white", "white", True), ("white", "black", False), ((10, 10, 10), (11, 10, 10), False)],
)
def test_pictures_of_one_colour_are_copies_only_in_the_same(
    first: str | tuple[int, int, int], second: str | tuple[int, int, int], same: bool
) -> None:
    assert (Image.new("RGB", (40, 30), first) in Seen([Image.new("RGB", (90, 9), second)])) is same


def test_faint_detail_counts_as_much_as_strong() -> None:
    """Two pale pages with different writing are two."""
    noise = np.random.default_rng(0).integers(250, 256, (2, 32, 32, 3), np.uint8)
    first, second = (Image.fromarray(page) for page in noise)
    assert first not in Seen([second])
    assert first in Seen([second, first])
    assert first not in Seen([])


def test_pictures_that_training_has_seen_are_left_out_and_listed(tmp_path: Path) -> None:
    mara = KNOWN[0]
    mara.picture(0, "train").resize((50, 50)).save(tmp_path / "copy.jpg")
    mara.picture(1, "train").save(tmp_path / "new.png")
    found = read_folder(tmp_path).without(Seen([mara.picture(0, "train")]))
    assert [path.name for path in found.opened] == ["new.png"]
    assert found.left_out == {tmp_path / "copy.jpg": TRAINED_ON}
    with pytest.raises(UserError, match=r"copy\.jpg: also trained on; new\.png: also trained on"):
        found.without(Seen([mara.picture(1, "train")]))
