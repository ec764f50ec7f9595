"""One worker: runs cells one after another with one model in memory, and writes each cell's files."""

from __future__ import annotations

import gc
import json
import shutil
import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from unsee.errors import SystemFailure, UserError
from unsee.evaluation import Measured
from unsee.evaluation.robustness import NOT_ATTACKED
from unsee.methods import get_method
from unsee.metrics import Score
from unsee.models.adapters import detach
from unsee.models.loading import load
from unsee.models.provenance import fingerprint
from unsee.models.vlm import VisionLanguageModel
from unsee.store.files import strict_json, write_together
from unsee.store.text import read_json
from unsee.sweep import memory
from unsee.sweep.asking import UnitEvaluation
from unsee.sweep.attacking import Attacked, audit_cell, not_attacked
from unsee.sweep.cells import CELL, FAILED, MANIFEST, SCORES, UNMEASURED, Cell, state_of
from unsee.sweep.oracle import Oracle, find_oracle
from unsee.sweep.published import asked_about
from unsee.sweep.units import benchmarks_of, mllmu_of, requests_to_forget
from unsee.terminal import say
from unsee.training import unlearn
from unsee.training.manifest import git_commit, library_versions

SCHEMA = "unsee.cell/1"
RUN = "run"
ORACLE_UNTRIED = "an oracle, which never knew it, is not attacked"
# What a cell's row says about its run, taken from the run's manifest.
_FROM_MANIFEST = (
    "model_revision", "steps", "samples", "seconds", "peak_rss_mb", "data_sha256", "request_sha256", "libraries",
    "git_commit",
)  # fmt: skip


@dataclass(frozen=True)
class Outcome:
    """The outcome of a cell: its scores after, or the sentence it failed with. `seconds` are for the whole cell."""

    cell: Cell
    seconds: float
    scores: Mapping[str, Score] = field(default_factory=dict)
    error: str | None = None


class Worker:
    """Keeps the model of the last cell, and its answers about the last unit, for the next cell."""

    def __init__(self, results: Path, device: str = "auto") -> None:
        self.results, self.device = results, device
        self._vlm: VisionLanguageModel | None = None
        self._loaded = ""
        self._weights: dict[str, str | None] = {}
        self._evaluation: UnitEvaluation | None = None
        self._unit: Path | None = None
        self._impossible: dict[Path, str] = {}

    def run(self, cell: Cell) -> Outcome:
        """Run a cell, or resume an interrupted run of it.

        Any error in it is written to its folder and returned; only a disk that cannot be written (SystemFailure) and
        Ctrl-C are raised.
        """
        started = time.monotonic()
        folder = self._clear(cell)
        try:
            scores = self._run(cell, folder)
            return Outcome(cell, time.monotonic() - started, scores)
        except KeyboardInterrupt:
            raise
        except Exception as error:
            # The state of the model is unknown now.
            self._forget_model()
            sentence = _sentence(error)
            plain = isinstance(error, (UserError, SystemFailure))
            document = {"error": sentence, "traceback": None if plain else traceback.format_exc()}
            write_together(folder, {FAILED: strict_json(document)})
            return Outcome(cell, time.monotonic() - started, error=sentence)

    def ask_before(self, cell: Cell) -> None:
        """Have the model before answer everything about the cell's unit; if that fails, the cells will report it."""
        try:
            self.prepare(cell)
        except Exception:
            self._forget_model()

    def prepare(self, cell: Cell) -> UnitEvaluation:
        """Load the cell's model and have it answer, before unlearning, everything about the cell's unit.

        Raises any error; a second call raises it again without another attempt.
        """
        if cell.before in self._impossible:
            raise UserError(self._impossible[cell.before])
        try:
            vlm = self._model(cell.model)
            if self._unit != cell.before or self._evaluation is None:
                self._evaluation, self._unit = self._asked_before(cell, vlm), cell.before
        except Exception as error:
            self._impossible[cell.before] = _sentence(error)
            raise
        return self._evaluation

    def _clear(self, cell: Cell) -> Path:
        """The cell's folder, empty unless an interrupted run of the same cell left something there."""
        folder = self.results / cell.folder
        unfinished = state_of(cell, self.results) == "new" and read_json(folder / CELL) is not None
        if not unfinished:
            shutil.rmtree(folder, ignore_errors=True)
            write_together(folder, {CELL: strict_json(cell.identity())})
        return folder

    def _run(self, cell: Cell, folder: Path) -> Mapping[str, Score]:
        evaluation = self.prepare(cell)
        before = evaluation.answered_before
        assert before is not None
        oracle = find_oracle(cell.arm, cell.model, cell.unit, cell.size)
        if oracle is not None:
            cost = _provenance(evaluation.vlm)
            asking = time.monotonic()
            after = self._asked_oracle(oracle, evaluation, folder)
        else:
            cost = self._unlearned(cell, evaluation, folder)
            asking = time.monotonic()
            after = evaluation.after(folder, reread=not cell.config.full)
        # The oracle is a model of its own, which no attack was meant for.
        if cell.unit.data is not None:
            # What attacks fill are columns of MMUBench.
            attacked = Attacked()
        elif oracle is not None:
            attacked = not_attacked(ORACLE_UNTRIED)
        else:
            known = self.results / cell.before
            attacked = audit_cell(cell, evaluation, after, folder, known) if cell.audit else not_attacked(NOT_ATTACKED)
        after = replace(after, scores={**after.scores, **attacked.after})
        document = {
            "schema": SCHEMA,
            "cell": cell.identity(),
            **cost,
            "seconds_evaluating": round(time.monotonic() - asking, 3),
            "before": {key: score.to_dict() for key, score in {**before.scores, **attacked.before}.items()},
            "after": {key: score.to_dict() for key, score in after.scores.items()},
            UNMEASURED: dict(attacked.unmeasured),
        }
        write_together(folder, {SCORES: strict_json(document)})
        if not cell.keep_adapter:
            shutil.rmtree(folder / RUN, ignore_errors=True)
        self._restore()
        return after.scores

    def _unlearned(self, cell: Cell, evaluation: UnitEvaluation, folder: Path) -> dict[str, Any]:
        """Make the model forget, or use the result that is already there; returns the cost."""
        vlm, arm = evaluation.vlm, cell.arm
        config = cell.config
        requests = requests_to_forget(
            cell.unit, vlm, cell.seed, evaluation.benches, cell.benchmark, arm.needs, cell.kind
        )
        if config.full and (folder / RUN / MANIFEST).is_file():
            # Trained in full before the interruption: the folder is the model.
            vlm.model = load(str(folder / RUN), device=self.device).model
            manifest = read_json(folder / RUN / MANIFEST) or {}
        else:
            memory.reset_peak()
            method: Any = get_method(arm.method)
            done = unlearn(vlm, method, config, requests, folder / RUN, seed=cell.seed, progress=False, resume=True)
            manifest = done.manifest
        write_together(folder, {MANIFEST: strict_json(manifest)})
        return {key: manifest.get(key) for key in (*_FROM_MANIFEST, "peak_gpu_mb")}

    def _asked_oracle(self, oracle: Oracle, evaluation: UnitEvaluation, folder: Path) -> Measured:
        if oracle.answers is not None:
            return evaluation.saved(oracle.answers, folder)
        made = str(self.results / oracle.making.folder) if oracle.making else oracle.checkpoint
        return evaluation.after(folder, by=load(made or "", device=self.device))

    def _asked_before(self, cell: Cell, vlm: VisionLanguageModel) -> UnitEvaluation:
        folder = self.results / cell.before
        asked = json.loads(json.dumps(cell.asked()))
        if read_json(folder / CELL) != asked:
            shutil.rmtree(folder, ignore_errors=True)
        data = asked_about(cell.unit.data) if cell.unit.data else None
        benches = [] if data else benchmarks_of(cell.unit, cell.size, cell.benchmark, cell.kind)
        asked_of = [data] if data else benches
        for line in dict.fromkeys(line for bench in asked_of for line in bench.left_out):
            say(f"Not asked about: {line}", "yellow")
        evaluation = UnitEvaluation(vlm, benches, cell.size, mllmu_of(cell.unit, cell.size), data)
        write_together(folder, {CELL: strict_json(asked)})
        before = evaluation.before(folder)
        scores = {key: score.to_dict() for key, score in before.scores.items()}
        write_together(folder, {SCORES: strict_json({"before": scores})})
        return evaluation

    def _model(self, name: str) -> VisionLanguageModel:
        if self._vlm is None or self._loaded != name:
            self._forget_model()
            self._vlm, self._loaded = load(name, device=self.device), name
            self._weights = fingerprint(self._vlm.base)
        return self._vlm

    def _restore(self) -> None:
        """Undo the cell: remove the adapter or the delta, or reload the model if all weights were trained."""
        assert self._vlm is not None
        detach(self._vlm)
        if fingerprint(self._vlm.base) != self._weights:
            self._forget_model()

    def _forget_model(self) -> None:
        self._vlm, self._evaluation, self._unit = None, None, None
        gc.collect()


def _provenance(vlm: VisionLanguageModel) -> dict[str, Any]:
    """The row of a cell that was not trained here."""
    known = {"model_revision": vlm.revision, "libraries": library_versions(), "git_commit": git_commit()}
    return {key: known.get(key) for key in (*_FROM_MANIFEST, "peak_gpu_mb")}


def _sentence(error: BaseException) -> str:
    """One line: our own errors as they are, others with their kind."""
    words = " ".join(str(error).split())
    return words if isinstance(error, (UserError, SystemFailure)) else f"{type(error).__name__}: {words}"[:500]
