"""Reading a picture that a user gives: untrusted input."""

from __future__ import annotations

import io
import warnings
from pathlib import Path

from PIL import Image, ImageOps, UnidentifiedImageError

from unsee.errors import UserError

# No camera picture of a person needs more, and a small file can claim to be far larger (a decompression bomb).
MAX_PIXELS = 50_000_000


def open_image(path: str | Path) -> Image.Image:
    """The picture in `path` as RGB, turned upright as its EXIF orientation says.

    Raises `UserError` if the file is missing, unreadable, empty, no picture, animated, damaged or of more than
    50 million pixels. The size is checked from the header, before any pixel is decoded.
    """
    path = Path(path)
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "does not exist"
        raise UserError(f"The picture {path} {what}; give the path of an image file.")
    return _opened(path, path)


def read_image(content: bytes, name: str) -> Image.Image:
    """The picture that stands in `content`, as `open_image` gives it; `name` says in errors which one it is.

    Raises `UserError` as `open_image` does.
    """
    return _opened(io.BytesIO(content), name)


def _opened(source: Path | io.BytesIO, path: Path | str) -> Image.Image:
    try:
        size = source.stat().st_size if isinstance(source, Path) else source.getbuffer().nbytes
        if size == 0:
            raise UserError(f"The picture {path} is empty (0 bytes).")
        with warnings.catch_warnings():
            # Pillow warns from 89 million pixels on; the limit here is lower and gives the user a sentence.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(source) as image:
                return _checked(image, path)
    except (Image.DecompressionBombError, MemoryError) as error:
        raise _too_large(path) from error
    except UnidentifiedImageError as error:
        raise UserError(f"{path} is no picture in a format that can be read; convert it to PNG or JPEG.") from error
    except PermissionError as error:
        raise UserError(f"The picture {path} may not be read: permission denied.") from error
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise UserError(
            f"The picture {path} is damaged or cut short ({error}); save it again or choose another."
        ) from error


def pictures_in(folder: Path, what: str = "pictures") -> tuple[Path, ...]:
    """The files of a folder in the order of their names, hidden ones left out; `what` it should hold.

    Raises `UserError` if it is no folder or has no file.
    """
    if not folder.is_dir():
        raise UserError(f"{folder} is no folder; give one with {what}.")
    files = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    if not files:
        raise UserError(f"The folder {folder} holds no picture; put {what} there.")
    return tuple(files)


def _checked(image: Image.Image, path: Path | str) -> Image.Image:
    if image.width * image.height > MAX_PIXELS:
        raise _too_large(path, f"{image.width}x{image.height}")
    frames = getattr(image, "n_frames", 1)
    if frames > 1:
        raise UserError(f"The picture {path} is animated ({frames} frames); save one frame as PNG or JPEG.")
    upright = ImageOps.exif_transpose(image)
    if upright.mode in ("RGBA", "LA", "PA") or "transparency" in upright.info:
        # White behind transparency: a bare conversion to RGB would show the colours hidden below it.
        layer = upright.convert("RGBA")
        upright = Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer)
    return upright.convert("RGB")


def _too_large(path: Path | str, size: str = "its size") -> UserError:
    limit = MAX_PIXELS // 1_000_000
    return UserError(f"The picture {path} is too large ({size}; at most {limit} million pixels); scale it down.")
