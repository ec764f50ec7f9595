"""What a command checks before it loads the libraries, which takes seconds."""

from __future__ import annotations

from unsee.errors import UserError


def check_asked(benchmarks: list[str], judge: str) -> None:
    """Raises UserError if there is no such benchmark or judge, or if a table is not there. Reads no data and loads no
    model."""
    # Here, because they bring in numpy, which --help does without.
    from unsee.benchmarks import find_benchmark
    from unsee.benchmarks.tables import HUB
    from unsee.judges import find_judge

    for spec in benchmarks:
        _, location = find_benchmark(spec)
        if location is not None and not location.as_posix().startswith(HUB) and not location.exists():
            raise UserError(f"There is no file {location}; give the path of a table.")
    find_judge(judge)
