"""Trains the oracles of a comparison that do not exist yet, before its first cell: `oracle: true` of a recipe."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from unsee.data.sample import Sample
from unsee.errors import UserError
from unsee.methods import get_method
from unsee.models.loading import load
from unsee.requests import Example, ForgetRequest
from unsee.sweep.cells import Cell
from unsee.sweep.oracle import Making, find_oracle
from unsee.sweep.published import asked_about
from unsee.sweep.recipe import FINE_TUNING
from unsee.sweep.whom import WORLD
from unsee.terminal import say
from unsee.training import parse_overrides, unlearn
from unsee.world.oracle import BUILDS_IN

Build = Callable[[str, Path, Sequence[str], str], object]
"""Trains a model of the world: called with its name, the folder for it, whom not to teach, and the device. Resumes
what was interrupted."""


def train_oracles(cells: Sequence[Cell], results: Path, build: Build | None, device: str = "auto") -> None:
    """Train what `cells` need and the results do not hold; first say what that takes. Raises UserError."""
    found = (find_oracle(cell.arm, cell.model, cell.unit, cell.size) for cell in cells)
    wanted = {making.digest(): making for oracle in found if oracle and (making := oracle.making)}
    missing = [making for making in wanted.values() if not (results / making.folder).exists()]
    for making in missing:
        say(f"An oracle is trained first: {plan_of(making)} It is kept in {results / making.folder}.")
    for making in missing:
        out = results / making.folder
        out.parent.mkdir(parents=True, exist_ok=True)
        if making.base is not None:
            _fine_tune(making, out, device)
        elif build is None:
            raise UserError(f"There is no oracle yet; train it with {command_of(making)} --out {out}.")
        else:
            build(making.model.removeprefix(f"{WORLD}:"), out, making.people, device)
            # The pictures and the states of its training, in case it had been interrupted.
            shutil.rmtree(out.with_name(f"{out.name}.part"), ignore_errors=True)


def plan_of(making: Making) -> str:
    """What training it takes, in a sentence or two."""
    if making.base is None:
        return f"{command_of(making)}, {BUILDS_IN}."
    given = "".join(f" --set {setting}" for setting in making.settings)
    return (
        f"{making.base}, fine-tuned on what {making.data} retains; unsee plan -m {making.base} --method {FINE_TUNING}"
        f"{given} says what that takes."
    )


def command_of(making: Making) -> str:
    """The command that trains a model of the world without them."""
    without = "".join(f' --without "{person}"' for person in making.people)
    return f"unsee world build {making.model.removeprefix(f'{WORLD}:')}{without}"


def _fine_tune(making: Making, out: Path, device: str) -> None:
    assert making.base is not None
    assert making.data is not None
    bench = asked_about(making.data)
    requests = bench.to_forget(making.data.where).requests
    fine_tune(making.base, bench.retained(), requests, out, making.settings, device)


def fine_tune(
    base: str,
    examples: Sequence[Example],
    requests: Sequence[ForgetRequest],
    out: Path,
    settings: Sequence[str],
    device: str = "auto",
) -> None:
    """Teach the model `base` the examples, and write the adapter to `out`; resumes. requests: what the folder says
    that it is about. settings: of the method `FINE_TUNING`, as KEY=VALUE. Raises UserError."""
    method: Any = get_method(FINE_TUNING)
    samples = [
        Sample(one.question, one.answer, () if picture is None else (picture,), tags={"role": "retain"})
        for one in examples
        for picture in (one.picture(),)
    ]
    config = parse_overrides(method.config, settings)
    vlm = load(base, device=device)
    unlearn(vlm, method, config, requests, out, samples=samples, progress=False, resume=True)
