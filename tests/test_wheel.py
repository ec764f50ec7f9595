"""The wheel holds all of unsee, and works where there is nothing but the wheel."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet")


def run(*command: object, cwd: Path) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PYTEST"))}
    words = [str(word) for word in command]
    done = subprocess.run(words, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy: setuptools leaves its work in the folder, and takes what an earlier build left there."""
    clone = tmp_path_factory.mktemp("clone")
    for name in ("pyproject.toml", "README.md", "LICENSE", "NOTICE"):
        shutil.copy(ROOT / name, clone)
    shutil.copytree(ROOT / "unsee", clone / "unsee", ignore=shutil.ignore_patterns("__pycache__"))
    run(*PIP, "wheel", "--no-deps", "--no-index", "--no-build-isolation", "--wheel-dir", clone / "dist", ".", cwd=clone)
    [built] = (clone / "dist").glob("unsee-*.whl")
    return built


def test_every_file_of_the_package_is_in_the_wheel(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if name.startswith("unsee/")}
    files = (path for path in (ROOT / "unsee").rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    assert packed == {path.relative_to(ROOT).as_posix() for path in files}
    assert "unsee/py.typed" in packed


def test_the_demo_runs_from_the_wheel_away_from_the_clone(wheel: Path, tmp_path: Path) -> None:
    home = tmp_path / "venv"
    venv.create(home)
    python = home / "bin" / "python"
    run(*PIP, "--python", python, "install", "--no-deps", "--no-index", wheel, cwd=tmp_path)
    # What unsee needs is taken from here. A .pth file in a folder that a .pth file names is not read, so the clone,
    # installed here to be edited, stays out of it.
    site = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=tmp_path).strip())
    here = [path for path in sys.path if path.endswith(("site-packages", "dist-packages"))]
    (site / "libraries.pth").write_text("\n".join(here) + "\n")
    where = run(python, "-c", "import unsee; print(unsee.__file__)", cwd=tmp_path).strip()
    assert Path(where).is_relative_to(home)

    away = tmp_path / "away"
    away.mkdir()
    document = json.loads(run(home / "bin" / "unsee", "demo", "--json", cwd=away))
    assert document["verdict"]["forgetting"] == "forgotten"
    assert (away / "runs" / "demo" / "report.html").is_file()
