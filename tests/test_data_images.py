"""Pictures from users: every kind of bad file gets one clear sentence."""

from __future__ import annotations

import random
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from unsee.data.images import open_image
from unsee.data.views import view
from unsee.errors import UserError


def test_picture_becomes_rgb_and_upright(tmp_path: Path) -> None:
    image = Image.new("L", (20, 10), 200)
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    image.save(tmp_path / "a.jpg", exif=exif)
    opened = open_image(tmp_path / "a.jpg")
    assert (opened.mode, opened.size) == ("RGB", (10, 20))


def test_transparency_becomes_white(tmp_path: Path) -> None:
    Image.new("RGBA", (4, 4), (255, 0, 0, 0)).save(tmp_path / "a.png")
    assert open_image(str(tmp_path / "a.png")).getpixel((0, 0)) == (255, 255, 255)


def test_missing_file_and_folder(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="does not exist"):
        open_image(tmp_path / "none.png")
    with pytest.raises(UserError, match="is a folder"):
        open_image(tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "empty"), (b"not a picture at all", "no picture"), (b"\x89PNG\r\n\x1a\n", "no picture")],
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

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

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
