"""Cells on a Ray cluster: every worker is an actor that holds one model and runs one cell at a time.

All machines of the cluster must see the folder of the results. A cell's numbers do not depend on the worker: each cell
has its own seed, and the model before has answered before the first cell of its unit starts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unsee.errors import SystemFailure, UserError
from unsee.store.files import strict_json, write_together
from unsee.sweep.cells import FAILED, Cell
from unsee.sweep.engine import Tell
from unsee.sweep.running import Outcome, Worker


@dataclass(frozen=True)
class _Task:
    """A cell to run, or the model before to be asked about its unit."""

    cell: Cell
    prepares: bool


class _Schedule:
    """What is left to do. A unit's cells wait until the model before was asked about it."""

    def __init__(self, cells: Sequence[Cell]) -> None:
        self._unprepared = list({cell.before: cell for cell in cells}.values())
        self._waiting = list(cells)
        self._ready: list[Cell] = []

    def next_for(self, last: Path | None) -> _Task | None:
        """A task for a worker that was asked about `last` before; None if there is none to be had now."""
        own = [cell for cell in self._ready if cell.before == last]
        if not own and self._unprepared:
            return _Task(self._unprepared.pop(0), prepares=True)
        if not self._ready:
            return None
        cell = (own or self._ready)[0]
        self._ready.remove(cell)
        return _Task(cell, prepares=False)

    def prepared(self, unit: Path) -> None:
        self._ready += [cell for cell in self._waiting if cell.before == unit]
        self._waiting = [cell for cell in self._waiting if cell.before != unit]


def run_on_ray(cells: Sequence[Cell], results: Path, tell: Tell, workers: int | None = None) -> None:
    """Run cells on the running Ray cluster, or on one started on this machine for the purpose.

    `workers`: how many at a time; by default one per GPU of the cluster, or per CPU where it has none. Raises UserError
    without Ray, KeyboardInterrupt after Ctrl-C.
    """
    try:
        import ray
    except ImportError as error:
        raise UserError("Ray is not installed; install unsee[ray], or run without --engine ray.") from error
    started = not ray.is_initialized()
    if started:
        _join_or_start(ray, workers)
    try:
        _drive(ray, cells, results.resolve(), tell, workers)
    finally:
        if started:
            ray.shutdown()


def _join_or_start(ray: Any, workers: int | None) -> None:
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
    try:
        try:
            ray.init(address="auto", **quiet)
        except ConnectionError:
            ray.init(address="local", num_cpus=workers, include_dashboard=False, **quiet)
    except (RuntimeError, OSError, ValueError) as error:
        raise SystemFailure(f"No Ray cluster can be joined or started: {' '.join(str(error).split())}") from error


def _drive(ray: Any, cells: Sequence[Cell], results: Path, tell: Tell, workers: int | None) -> None:
    resources = ray.cluster_resources()
    gpus = int(resources.get("GPU", 0))
    count = min(workers or gpus or int(resources.get("CPU", 1)), len(cells))
    actor = ray.remote(Worker).options(num_cpus=1, num_gpus=1 if gpus else 0)
    schedule = _Schedule(cells)
    idle: list[tuple[Any, Path | None]] = [(actor.remote(results), None) for _ in range(count)]
    busy: dict[Any, tuple[Any, _Task]] = {}
    while True:
        resting = []
        for worker, last in idle:
            task = schedule.next_for(last)
            if task is None:
                resting.append((worker, last))
            else:
                call = worker.ask_before if task.prepares else worker.run
                busy[call.remote(task.cell)] = (worker, task)
        idle = resting
        if not busy:
            return
        (done, *_), _ = ray.wait(list(busy), num_returns=1)
        worker, task = busy.pop(done)
        idle.append((_heard(ray, done, worker, actor, task, results, tell), task.cell.before))
        if task.prepares:
            schedule.prepared(task.cell.before)


def _heard(ray: Any, done: Any, worker: Any, actor: Any, task: _Task, results: Path, tell: Tell) -> Any:
    """Pass on what a worker found; returns the worker, or another one if it died."""
    try:
        outcome = ray.get(done)
    except ray.exceptions.RayActorError:
        sentence = "The process that ran this cell died, perhaps because it ran out of memory."
        if not task.prepares:
            write_together(results / task.cell.folder, {FAILED: strict_json({"error": sentence, "traceback": None})})
            tell(Outcome(task.cell, 0.0, error=sentence))
        return actor.remote(results)
    except ray.exceptions.RayTaskError as error:
        raise error.cause from error
    if not task.prepares:
        tell(outcome)
    return worker
