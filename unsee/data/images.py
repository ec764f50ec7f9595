"""Where a picture enters the program, whatever it came as: untrusted input."""

from __future__ import annotations

import hashlib
import io
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, UnidentifiedImageError

from unsee.errors import UserError

Picture = Path | str | bytes | Image.Image
"""The path of a file, the content of one (which takes the least memory where there are many), or what Pillow made of
it."""

# No photo of a person needs more, and a small file can claim to be far larger (a decompression bomb).
MAX_PIXELS = 50_000_000
# The longest strip that every model's image processor takes (Qwen's refuse longer ones).
MAX_ASPECT = 200
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What brings a picture upright, by its EXIF orientation."""
# What follows the first picture in these are further views and layers of it.
_OF_ONE_VIEW = ("MPO", "PSD")
# What Pillow's readers raise on a damaged file.
_DAMAGE = (
    OSError, SyntaxError, ValueError, EOFError, LookupError, TypeError, RuntimeError, ArithmeticError, struct.error
)  # fmt: skip
# The whitest grey of a picture with 16 bits, with 31 (a sign and no use for it) and with 32.
_WHITES = (2**16 - 1, 2**31 - 1, 2**32 - 1)


def open_image(picture: Picture, name: str = "that was given") -> Image.Image:
    """The picture as RGB of 8 bits: turned upright as its EXIF orientation says, white behind transparency.

    A file, its content and the object that Pillow makes of either give the same pixels, and nothing but pixels: no
    place, camera or comment. Grey of 16 or 32 bits is scaled to 8; so are decimal numbers from 0 to 1. Of a camera
    picture with further views (MPO) the first counts, and layers (PSD) count together. What is such a picture already
    comes back as it is.

    `name` says in errors which picture it is, where it came from no file. Raises `UserError` if it is missing,
    unreadable, empty, no picture, animated, damaged, a strip of more than 200:1 or of more than 50 million pixels. The
    size is checked from the header, before any pixel is decoded.
    """
    if isinstance(picture, Image.Image):
        with _explained(name):
            return _as_rgb(picture, name)
    content: Path | io.BytesIO
    if isinstance(picture, bytes):
        content, size = io.BytesIO(picture), len(picture)
    else:
        content = Path(picture)
        name = str(content)
        try:
            if not content.is_file():
                what = "is a folder" if content.is_dir() else "does not exist"
                raise UserError(f"The picture {name} {what}; give the path of an image file.")
            size = content.stat().st_size
        except OSError as error:
            # A name that is too long, a folder that may not be entered.
            raise UserError(f"The picture {name} cannot be opened: {error.strerror or error}.") from error
    if size == 0:
        raise UserError(f"The picture {name} is empty (0 bytes).")
    with _explained(name), Image.open(content) as image:
        return _as_rgb(image, name)


def image_key(image: Image.Image) -> str:
    """Content hash of a picture: equal for equal pixels, whatever file they came from."""
    pixels = open_image(image)
    digest = hashlib.sha256(repr(pixels.size).encode())
    digest.update(pixels.tobytes())
    return digest.hexdigest()[:24]


@contextmanager
def _explained(name: str) -> Iterator[None]:
    """What goes wrong in the block as a sentence about the picture `name`."""
    try:
        with warnings.catch_warnings():
            # Pillow warns of large pictures, where the limit here is lower, and of EXIF entries that are of no use.
            warnings.simplefilter("ignore")
            yield
    except (Image.DecompressionBombError, MemoryError) as error:
        raise _too_large(name) from error
    except UnidentifiedImageError as error:
        raise UserError(f"The file {name} is not a picture in a readable format; convert it to PNG or JPEG.") from error
    except PermissionError as error:
        raise UserError(f"The picture {name} cannot be read: permission denied; change its permissions.") from error
    except _DAMAGE as error:
        reason = " ".join(str(error).split())
        raise UserError(
            f"The picture {name} is damaged or cut short ({reason}); save it again or choose another."
        ) from error


def _as_rgb(image: Image.Image, name: str) -> Image.Image:
    width, height = image.size
    if not width or not height:
        raise UserError(f"The picture {name} has no pixels ({width}x{height}).")
    if width * height > MAX_PIXELS:
        raise _too_large(name, f"{width}x{height}")
    if max(image.size) > MAX_ASPECT * min(image.size):
        raise UserError(
            f"The picture {name} is a strip ({width}x{height}; at most {MAX_ASPECT} times as long as wide); crop it."
        )
    frames = 1 if image.format in _OF_ONE_VIEW else getattr(image, "n_frames", 1)
    if frames > 1:
        what = f"has {frames} pages" if image.format == "TIFF" else f"is animated ({frames} frames)"
        raise UserError(f"The picture {name} {what}; save one of them as PNG or JPEG.")
    if type(image) is Image.Image and image.mode == "RGB" and not image.info and not image.getexif():
        return image
    shown = _in_eight_bits(_upright(image), name)
    if shown.has_transparency_data:
        # A bare conversion to RGB would show the colours hidden below it.
        layer = shown.convert("RGBA")
        shown = Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer)
    shown = shown.convert("RGB")
    shown.info = {}
    return shown


def _upright(image: Image.Image) -> Image.Image:
    """As `ImageOps.exif_transpose`, which stumbles over other EXIF entries that are damaged: it writes all of them."""
    # TIFF files are turned while they are loaded.
    image.load()
    turn = _TURNS.get(image.getexif().get(ExifTags.Base.Orientation, 1))
    return image if turn is None else image.transpose(turn)


def _in_eight_bits(image: Image.Image, name: str) -> Image.Image:
    """Grey of more than 8 bits scaled to 8, where Pillow would cut it off at 255; other pictures as they are."""
    if image.mode != "F" and not image.mode.startswith("I"):
        return image
    grey = np.asarray(image)
    if image.mode == "F":
        if not ((grey >= 0) & (grey <= 1)).all():
            raise UserError(
                f"The picture {name} holds decimal numbers outside of 0 (black) to 1 (white), so its greys cannot be "
                "known; save it as PNG or JPEG."
            )
        scaled = grey * 255
    else:
        # Pillow reads 32 bits without a sign as if they had one.
        unsigned = grey.astype(np.uint32)
        brightest = unsigned.max()
        white = next(white for white in _WHITES if brightest <= white)
        scaled = unsigned.astype(np.float32) * (255 / white)
    eight = Image.fromarray(np.rint(scaled).astype(np.uint8))
    key = image.info.get("transparency")
    if key is not None:
        eight.putalpha(Image.fromarray(np.where(grey == key, 0, 255).astype(np.uint8)))
    return eight


def _too_large(name: str, size: str = "its size") -> UserError:
    limit = MAX_PIXELS // 1_000_000
    return UserError(f"The picture {name} is too large ({size}; at most {limit} million pixels); scale it down.")
