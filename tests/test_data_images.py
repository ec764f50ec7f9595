"""Pictures from users: every kind of bad file gets one clear sentence."""

from __future__ import annotations

import contextlib
import io
import random
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image, ImageOps

from unsee.data.images import image_key, open_image
from unsee.data.views import view
from unsee.errors import UserError

RED, BLUE, WHITE, BLACK = (255, 0, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0)
HIDDEN, PINK = (0, 255, 0), (255, 127, 127)


def row(mode: str, pixels: list[Any], **info: Any) -> Image.Image:
    """A picture one pixel high."""
    image = Image.new(mode, (len(pixels), 1))
    image.putdata(pixels)
    image.info.update(info)
    return image


def palette(**info: Any) -> Image.Image:
    image = row("P", [0, 1, 2], **info)
    image.putpalette([*RED, *BLUE, *HIDDEN])
    return image


def numbers(values: list[float], kind: Any) -> Image.Image:
    return Image.fromarray(np.array([values], kind))


def turned(mode: str) -> Image.Image:
    """Red, blue: to be shown with the blue below the red."""
    image = row(mode, [RED, BLUE])
    image.getexif()[ExifTags.Base.Orientation] = 6
    return image


def grey(*shades: int) -> list[tuple[int, int, int]]:
    return [(shade, shade, shade) for shade in shades]


def pixels_of(image: Image.Image) -> list[tuple[int, ...]]:
    return [tuple(pixel) for pixel in np.asarray(image).reshape(-1, 3).tolist()]


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


# What it is, how it is made, as what it is saved, and what is to be seen.
LOOKS: dict[str, tuple[Image.Image, str, list[tuple[int, int, int]]]] = {
    "colours": (row("RGB", [RED, BLUE]), "PNG", [RED, BLUE]),
    "grey": (row("L", [0, 100, 255]), "PNG", grey(0, 100, 255)),
    "black and white": (row("1", [0, 255]), "PNG", [BLACK, WHITE]),
    "palette": (palette(), "PNG", [RED, BLUE, HIDDEN]),
    "ink": (row("CMYK", [(0, 255, 255, 0), (0, 0, 0, 255)]), "TIFF", [RED, BLACK]),
    "hidden colour": (row("RGBA", [(*HIDDEN, 0), (*RED, 255)]), "PNG", [WHITE, RED]),
    "hidden colour, large format": (row("RGBA", [(*HIDDEN, 0), (*RED, 255)]), "TIFF", [WHITE, RED]),
    "half transparent": (row("RGBA", [(*RED, 128), (*RED, 255)]), "PNG", [PINK, RED]),
    "hidden grey": (row("LA", [(0, 0), (100, 255)]), "PNG", grey(255, 100)),
    "hidden in the palette": (palette(transparency=2), "PNG", [RED, BLUE, WHITE]),
    "half hidden in the palette": (palette(transparency=bytes([128, 255, 0])), "PNG", [PINK, BLUE, WHITE]),
    "hidden shade": (row("L", [0, 100, 255], transparency=100), "PNG", grey(0, 255, 255)),
    "hidden key": (row("RGB", [HIDDEN, RED], transparency=HIDDEN), "PNG", [WHITE, RED]),
    "16 bits": (numbers([0, 100 * 257, 65535], np.uint16), "PNG", grey(0, 100, 255)),
    "16 bits, hidden": (row("I;16", [0, 25700, 65535], transparency=25700), "PNG", grey(0, 255, 255)),
    "16 bits, the other way round": (row("I;16B", [0, 100 * 257, 65535]), "TIFF", grey(0, 100, 255)),
    "16 of 32 bits": (numbers([0, 100 * 257, 65535], np.int32), "TIFF", grey(0, 100, 255)),
    "31 bits": (numbers([0, 2**30, 2**31 - 1], np.int32), "TIFF", grey(0, 128, 255)),
    "decimal": (numbers([0, 0.4, 1], np.float32), "TIFF", grey(0, 102, 255)),
    "on its side": (turned("RGB"), "PNG", [RED, BLUE]),
    "on its side, large format": (turned("RGB"), "TIFF", [RED, BLUE]),
}
WAYS: dict[str, Callable[[Image.Image, Path], Any]] = {
    "object": lambda image, path: image,
    "object of the file": lambda image, path: Image.open(path),
    "file": lambda image, path: path,
    "path": lambda image, path: str(path),
    "content": lambda image, path: path.read_bytes(),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("look", LOOKS)
def test_a_picture_looks_the_same_whatever_it_came_as(look: str, way: str, tmp_path: Path) -> None:
    image, kind, seen = LOOKS[look]
    kept = {"transparency": image.info["transparency"]} if "transparency" in image.info else {}
    image.save(tmp_path / "a", kind, exif=image.getexif(), **kept)
    opened = open_image(WAYS[way](image, tmp_path / "a"))
    assert (opened.mode, opened.info) == ("RGB", {})
    assert pixels_of(opened) == seen
    assert opened.size == ((1, 2) if "side" in look else (len(seen), 1))
    assert open_image(opened) is opened
    assert image_key(opened) == image_key(WAYS[way](image, tmp_path / "a"))


def test_32_bits_without_a_sign(tmp_path: Path) -> None:
    """As a TIFF file may hold them; Pillow reads the brighter half as negative."""
    values = np.array([0, 2**31, 2**32 - 1], "<u4")
    entries = [(256, 4, 3), (257, 4, 1), (258, 3, 32), (259, 3, 1), (262, 3, 1), (273, 4, 8), (278, 4, 1), (279, 4, 12)]
    fields = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in entries)
    directory = struct.pack("<H", len(entries)) + fields + bytes(4)
    (tmp_path / "a.tif").write_bytes(b"II*\0" + struct.pack("<I", 8 + 12) + values.tobytes() + directory)
    assert pixels_of(open_image(tmp_path / "a.tif")) == grey(0, 128, 255)


@pytest.mark.parametrize("values", [[0.0, 255.0], [-1.0, 1.0], [0.0, float("nan")]])
def test_decimal_greys_of_no_known_range_are_refused(values: list[float], tmp_path: Path) -> None:
    numbers(values, np.float32).save(tmp_path / "a.tif")
    with pytest.raises(UserError, match=r"a\.tif holds decimal numbers outside of 0"):
        open_image(tmp_path / "a.tif")


def test_a_camera_picture_with_a_second_view_is_its_first(tmp_path: Path) -> None:
    view_of = [Image.new("RGB", (16, 16), shade) for shade in ("red", "blue")]
    view_of[0].save(tmp_path / "a.jpg", "MPO", save_all=True, append_images=view_of[1:], quality=100, subsampling=0)
    for way in WAYS.values():
        red, green, blue = open_image(way(Image.open(tmp_path / "a.jpg"), tmp_path / "a.jpg")).getpixel((8, 8))
        assert red > 250
        assert green + blue < 10


def layered(colour: tuple[int, int, int], layers: int) -> bytes:
    """A Photoshop file of 16 by 16 pixels of a colour, with so many empty layers; Pillow cannot write one."""

    def sized(content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + content

    record = struct.pack(">4iH", 0, 0, 0, 0, 1) + struct.pack(">HI", 0, 2) + b"8BIMnorm" + bytes((255, 0, 0, 0))
    records = (record + sized(sized(b"") + sized(b"") + b"\x03one")) * layers
    info = struct.pack(">h", layers) + records + bytes(2 * layers)
    header = b"8BPS" + struct.pack(">H6xHIIHH", 1, 3, 16, 16, 8, 3)
    flat = b"".join(bytes([value]) * 256 for value in colour)
    return header + sized(b"") + sized(b"") + sized(sized(info) + sized(b"")) + bytes(2) + flat


def test_layers_are_no_animation(tmp_path: Path) -> None:
    (tmp_path / "a.psd").write_bytes(layered((200, 10, 20), 2))
    assert getattr(Image.open(tmp_path / "a.psd"), "n_frames", 1) == 2
    assert open_image(tmp_path / "a.psd").getpixel((8, 8)) == (200, 10, 20)


def test_pages_are_called_pages(tmp_path: Path) -> None:
    pages = [Image.new("RGB", (8, 8), shade) for shade in ("red", "blue")]
    pages[0].save(tmp_path / "a.tif", save_all=True, append_images=pages[1:])
    with pytest.raises(UserError, match="has 2 pages; save one of them"):
        open_image(tmp_path / "a.tif")


@pytest.mark.parametrize(("size", "fine"), [((200, 1), True), ((201, 1), False), ((3, 600), True), ((3, 601), False)])
def test_a_strip_that_no_model_takes_is_refused_by_name(size: tuple[int, int], fine: bool, tmp_path: Path) -> None:
    Image.new("RGB", size).save(tmp_path / "a.png")
    if fine:
        assert open_image(tmp_path / "a.png").size == size
        return
    with pytest.raises(UserError, match=r"a\.png is a strip"):
        open_image(tmp_path / "a.png")
    with pytest.raises(UserError, match="that was given is a strip"):
        open_image(Image.new("RGB", size))


@pytest.mark.parametrize(
    ("given", "message"),
    [(Image.new("RGB", (0, 5)), "has no pixels"), (Image.new("1", (9000, 9000)), "too large"), (b"", "is empty")],
)
def test_what_came_from_no_file_is_named_as_it_is_called(given: Image.Image | bytes, message: str) -> None:
    with pytest.raises(UserError, match=f"The picture of Mara Voss .*{message}"):
        open_image(given, "of Mara Voss")


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_turn_is_that_of_pillow(orientation: int, tmp_path: Path) -> None:
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (3, 5, 3), np.uint8))
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    image.save(tmp_path / "a.png", exif=exif)
    turned = ImageOps.exif_transpose(Image.open(tmp_path / "a.png"))
    opened = open_image(tmp_path / "a.png")
    assert (opened.size, opened.tobytes()) == (turned.size, turned.tobytes())


def saved(kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    noise = Image.effect_noise((24, 16), 60).convert("RGB")
    noise.save(file, kind, exif=exif, **options)
    return file.getvalue()


SOUND = [*map(saved, ("PNG", "JPEG", "WEBP", "GIF", "TIFF", "BMP")), saved("JPEG", progressive=True)]


@settings(deadline=None, max_examples=300)
@given(data=st.data())
def test_a_damaged_file_opens_or_is_a_user_error(data: st.DataObject) -> None:
    content = bytearray(data.draw(st.sampled_from(SOUND)))
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(UserError):
        assert open_image(bytes(content)).mode == "RGB"


def test_a_name_that_no_file_can_have(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be opened: File name too long"):
        open_image(tmp_path / f"{300 * 'x'}.png")


def test_missing_file_and_folder(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="does not exist"):
        open_image(tmp_path / "none.png")
    with pytest.raises(UserError, match="is a folder"):
        open_image(tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "empty"), (b"not a picture at all", "not a picture"), (b"\x89PNG\r\n\x1a\n", "not a picture")],
)
def test_file_that_is_no_picture(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(UserError, match=message):
        open_image(tmp_path / "a.png")


@pytest.mark.parametrize("ending", ["png", "jpg", "webp"])
def test_picture_that_is_cut_short(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"a.{ending}"
    Image.effect_noise((64, 64), 60).convert("RGB").save(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(UserError, match=r"damaged or cut short|no picture"):
        open_image(path)


def test_animation(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (8, 8), (shade, 0, 0)) for shade in (0, 100, 200)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    with pytest.raises(UserError, match="animated \\(3 frames\\)"):
        open_image(tmp_path / "a.gif")


@pytest.mark.parametrize("side", [8_000, 20_000, 60_000])
def test_gigantic_picture_is_refused_from_its_header(tmp_path: Path, side: int) -> None:
    """A file of a hundred bytes that claims 64 million pixels and more."""

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
    body = chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + header + body)
    with pytest.raises(UserError, match="too large"):
        open_image(tmp_path / "a.png")


@settings(deadline=None)
@given(width=st.integers(8, 60), height=st.integers(8, 60), seed=st.integers(0, 99))
def test_a_view_is_an_altered_picture_of_the_same_size(width: int, height: int, seed: int) -> None:
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    shown = Image.fromarray(pixels)
    altered = view(shown, random.Random(seed))
    assert (altered.mode, altered.size) == ("RGB", shown.size)
    assert altered.tobytes() == view(shown, random.Random(seed)).tobytes() != shown.tobytes()
    assert np.array_equal(np.asarray(shown), pixels)
    # What comes into view at the edges has the picture's own colour; at most a patch has another.
    plain = Image.new("RGB", (width, height), (120, 120, 120))
    assert len(view(plain, random.Random(seed)).getcolors()) <= 2
