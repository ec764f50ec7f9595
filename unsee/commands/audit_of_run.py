"""The audit at the end of `forget`."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from unsee.commands.audit_place import FOLDER, NO_AUDIT, check_level
from unsee.evaluation.attacking import attacked, chosen_attacks, states_of
from unsee.evaluation.auditing import Audit
from unsee.evaluation.robustness import NO_NEW_PICTURES, NOT_ATTACKED, Robustness, robustness, unmeasured
from unsee.generation import Engine, TransformersEngine
from unsee.reports import Report
from unsee.reports.audit import AuditReport
from unsee.reports.writing import write_audit
from unsee.requests import ForgetRequest
from unsee.sources.saved_request import save_request, saved_digest
from unsee.store.workspace import Workspace


class AuditOfRun:
    """Attacks what a run has forgotten. `request` is as the user gave it: the run's folder keeps it, so that `unsee
    audit` can ask the same and more."""

    def __init__(self, request: ForgetRequest, level: str, seed: int) -> None:
        """Raises UserError for an unknown level."""
        check_level(level)
        self.request, self.level, self.seed = request, level, seed
        self.audit: Audit | None = None

    @property
    def saved_request(self) -> str:
        """The digest of the request in the run's folder."""
        return saved_digest(self.request)

    def of(
        self,
        engine: TransformersEngine,
        before: Engine | None,
        new_pictures: Sequence[Image.Image],
        work: Path,
        exclude: Sequence[str] = (),
    ) -> Audit | None:
        """What the attacks found, if there is an audit; answers are kept in `work`, to resume from. `exclude` names
        what else was forgotten, which is nobody's other."""
        if self.level == NO_AUDIT:
            return None
        states = states_of(
            self.request, engine, before, engine.vlm, model=engine.name, level=self.level, seed=self.seed,
            test_images=new_pictures, exclude=exclude,
        )  # fmt: skip
        attacks = chosen_attacks(self.level)
        self.audit = attacked(self.request, states, attacks, work / FOLDER, level=self.level, seed=self.seed)
        return self.audit

    def robustness(self, *, new_pictures: bool) -> Robustness:
        """MMUBench's columns that attacks give. Like its Generality they are about new pictures only."""
        if self.audit is None:
            return unmeasured(NOT_ATTACKED)
        return robustness({self.request.concept: self.audit}) if new_pictures else unmeasured(NO_NEW_PICTURES)

    def write(self, report: Report, place: Workspace) -> None:
        """Write the request, and the audit with its answers and its page, into the run's folder."""
        save_request(self.request, place.result)
        if self.audit is None:
            return
        folder = place.result / FOLDER
        shutil.copytree(place.work / FOLDER, folder, dirs_exist_ok=True)
        names = {report.concept: self.request.names}
        audits = {report.concept: self.audit}
        whole = AuditReport(
            report.model, str(place.out), self.level, self.seed, audits, names, credit=report.credit,
            says={report.concept: report.says},
        )  # fmt: skip
        write_audit(whole, folder)
