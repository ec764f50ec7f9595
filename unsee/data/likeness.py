"""Whether training has seen a picture, or almost the same picture in another file."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
from PIL import Image

from unsee.data.images import open_image

_SIDE = 16
_SHARE = 0.1
"""How far two pictures may lie apart and still be one, as a share of the contrast of the paler one.

Measured on the embedded world, whose pictures of one person resemble each other more than photos do: JPEG files down
to quality 30, WebP files of quality 75 and smoothly scaled copies, from a quarter of the size to four times, lie at
most 0.095 from their picture; of 98,400 pairs of different pictures of one person the nearest two lie 0.104 apart.
"""


class Seen:
    """Pictures that training has seen. `picture in seen`: is one of them the same, or a copy saved again, in another
    format or another size? A part, a mirror image or another picture of the same person does not count.

    The colours of both are compared at 16 by 16 pixels, as perceptual hashes do.
    """

    def __init__(self, pictures: Iterable[Image.Image]) -> None:
        # The same picture shows in many rows of training data.
        distinct = {id(picture): picture for picture in pictures}
        small = [_small(picture) for picture in distinct.values()]
        self._small = np.stack(small) if small else np.empty((0, _SIDE, _SIDE, 3))
        self._contrast = np.array([_contrast(one) for one in small])

    def __contains__(self, picture: Image.Image) -> bool:
        small = _small(picture)
        apart = np.sqrt(((self._small - small) ** 2).sum(axis=(1, 2, 3)))
        return bool((apart <= _SHARE * np.minimum(self._contrast, _contrast(small))).any())


def _small(picture: Image.Image) -> npt.NDArray[np.float64]:
    return np.asarray(open_image(picture).resize((_SIDE, _SIDE), Image.Resampling.BILINEAR), np.float64)


def _contrast(small: npt.NDArray[np.float64]) -> float:
    """How far the colours lie from their mean, together."""
    return float(np.sqrt(((small - small.mean(axis=(0, 1))) ** 2).sum()))
