"""What a manifest says a run took."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="only Linux tells")
def test_a_process_is_not_measured_by_the_size_of_the_one_that_started_it() -> None:
    large = bytearray(b"x") * (1 << 30)
    code = (
        "import psutil; from unsee.training.manifest import peak_rss_mb; "
        "print(peak_rss_mb(), psutil.Process().memory_info().rss)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    peak, resident = map(float, ran.stdout.split())
    assert 0 < peak < resident / 1e6 + 200
    assert len(large) / 1e6 > 1000
