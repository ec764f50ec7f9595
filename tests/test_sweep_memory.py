"""Each cell's peak is its own."""

import gc
import sys

import numpy as np
import pytest

from unsee.sweep.memory import reset_peak
from unsee.training.manifest import peak_rss_mb


class _Model:
    """It holds 300 MB and refers to itself, as a model with its adapter does."""

    def __init__(self) -> None:
        self.weights = np.ones(300_000_000, dtype=np.uint8)
        self.itself = self


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can reset the peak")
def test_what_the_last_cell_left_is_not_this_ones() -> None:
    gc.disable()  # Python must not come across it by chance
    try:
        model = _Model()
        peak = peak_rss_mb()
        del model
        reset_peak()
        assert peak_rss_mb() < peak - 250
    finally:
        gc.enable()
