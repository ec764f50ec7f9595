"""The people of the embedded world as the files of a published data set, so that its whole protocol runs offline on
models that know the people. One file for each layout, with a function `write`.

Only questions are written that the world's models were taught: answers are whole sentences, and so are options. The
folder says so in its file `STYLE`, and so unsee asks in the style "completed" (`mllmu_questions.Style`).
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import cast

from unsee.errors import UserError, did_you_mean

LAYOUTS = ("mllmu", "clear", "fiubench", "umu", "mlubench", "mmubench")


def write_world(layout: str, out: Path, seed: int = 0) -> Mapping[str, int]:
    """Write the new folder `out`, complete or not at all; the number of rows in each of its parts.

    Raises UserError for an unknown layout and if `out` exists, SystemFailure if the disk refuses.
    """
    if layout not in LAYOUTS:
        raise UserError(f"There is no layout {layout!r}{did_you_mean(layout, LAYOUTS)}")
    written = importlib.import_module(f"{__name__}.{layout}").write
    return cast(Mapping[str, int], written(out, seed))
