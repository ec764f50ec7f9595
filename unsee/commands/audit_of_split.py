"""The audit at the end of `forget --from`: each subject of the split is attacked by itself."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from unsee.commands.audit_place import FOLDER, NO_AUDIT
from unsee.commands.forget_options import ForgetOptions
from unsee.evaluation.attacking import attacked, chosen_attacks, states_of
from unsee.evaluation.auditing import Audit
from unsee.generation import Engine, TransformersEngine
from unsee.reports.audit import AuditReport
from unsee.reports.writing import write_audit
from unsee.requests import ForgetRequest
from unsee.store.workspace import Workspace
from unsee.terminal import say

NOT_ATTACKED = "No attack was tried on this run."


@dataclass
class AuditOfSplit:
    """Attacks what was forgotten together: with `options.limit`, so many of the `requests`. Attacks are about pictures,
    so who is forgotten in text alone is left out."""

    requests: Sequence[ForgetRequest]
    options: ForgetOptions
    report: AuditReport | None = field(default=None, init=False)

    def of(self, engine: TransformersEngine, before: Engine | None, place: Workspace) -> None:
        """Try the attacks of the level, if there is one; answers are kept in the workspace, to resume from."""
        options = self.options
        shown = [request for request in self.requests if request.images and request.where != "text"][: options.limit]
        if options.audit == NO_AUDIT or not shown:
            return
        attacks, names = chosen_attacks(options.audit), [request.concept for request in self.requests]
        audits: dict[str, Audit] = {}
        for number, request in enumerate(shown):
            say(f"Attacking {number + 1} of {len(shown)}: {request.concept}")
            states = states_of(
                request, engine, before, engine.vlm, model=options.model, level=options.audit, seed=options.seed,
                exclude=[name for name in names if name != request.concept],
            )  # fmt: skip
            folder = place.work / FOLDER
            audits[request.concept] = attacked(request, states, attacks, folder, level=options.audit, seed=options.seed)
        of = {request.concept: request.names for request in shown}
        self.report = AuditReport(options.model, str(place.out), options.audit, options.seed, audits, of)

    def notes(self) -> Iterable[str]:
        """What the attacks found, for the report: the worst of all."""
        if self.report is None:
            yield NOT_ATTACKED
            return
        attacked, all_of_them = len(self.report.audits), len(self.requests)
        worst = self.report.grade
        yield (
            f"Attacked ({self.options.audit}) {attacked} of {all_of_them}, the worst of whom says: {worst.headline}. "
            f"{worst.sentence} The page {FOLDER}/audit.html has everybody."
        )

    def write(self, place: Workspace) -> None:
        """Write the audit with its answers and its page into the run's folder."""
        if self.report is None:
            return
        folder = place.result / FOLDER
        shutil.copytree(place.work / FOLDER, folder, dirs_exist_ok=True)
        write_audit(self.report, folder)
