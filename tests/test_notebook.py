"""docs/tour.ipynb runs from its first cell to its last and prints what it shows."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

NOTEBOOK = Path(__file__).parents[1] / "docs" / "tour.ipynb"


def code_cells() -> list[dict[str, Any]]:
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    return [cell for cell in cells if cell["cell_type"] == "code"]


def shown(cell: dict[str, Any]) -> str:
    return "".join(line for output in cell["outputs"] for line in output["text"])


def without_figures(text: str) -> str:
    """Another processor may add up in another order, so that a figure differs; spaces only keep columns apart."""
    return re.sub(" +", " ", re.sub(r"\d+", "#", text))


def test_the_notebook_prints_what_it_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"__name__": "__main__"}
    for number, cell in enumerate(code_cells(), 1):
        exec(compile("".join(cell["source"]), f"cell {number}", "exec"), names)
        assert without_figures(capsys.readouterr().out) == without_figures(shown(cell))
    assert (tmp_path / "runs" / "lookalike-lucia-ferrante" / "report.html").is_file()


def test_the_notebook_shows_text_alone_in_the_order_of_its_cells() -> None:
    cells = code_cells()
    assert [cell["execution_count"] for cell in cells] == [*range(1, len(cells) + 1)]
    assert all([output["name"] for output in cell["outputs"]] == ["stdout"] for cell in cells)
    assert not re.search(r"/(home|root|tmp|Users|work)/", NOTEBOOK.read_text(encoding="utf-8"))
