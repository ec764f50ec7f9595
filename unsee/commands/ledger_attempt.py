"""One try at the next build of a ledger: asked, trained, asked again, and added.

Everyone is asked about again, those of earlier requests too, and the entry is added only if all are forgotten that
should be (and the one who was revoked is recognised again). Until then nothing in the ledger has changed.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from unsee.commands.audit_of_run import AuditOfRun
from unsee.commands.audit_place import NO_AUDIT
from unsee.commands.forget_options import ForgetOptions
from unsee.commands.forget_run import training_log
from unsee.commands.inquiry import Inquiry, planned_for
from unsee.data.sample import Sample
from unsee.errors import UserError
from unsee.generation import TransformersEngine
from unsee.judges import get_judge
from unsee.ledger import Build, Entry, Ledger, Result
from unsee.ledger.checksums import changed_files, write_checksums
from unsee.ledger.entries import Kind, build_from
from unsee.ledger.kept import Kept, trained_together
from unsee.methods import get_method
from unsee.metrics import Score
from unsee.models.identity import of_model
from unsee.models.vlm import VisionLanguageModel
from unsee.reports import Cost, Report
from unsee.reports.grades import KNOWN_FROM
from unsee.reports.verdict import FORGOTTEN_FROM, PARTLY_FROM
from unsee.requests import ForgetRequest
from unsee.store.files import strict_json, write_together
from unsee.store.hashing import SUMS, sha256_of
from unsee.store.plugins import code_digest
from unsee.store.sameness import differences
from unsee.store.text import read_json
from unsee.store.workspace import Workspace
from unsee.terminal import at_a_terminal, say
from unsee.training import parse_overrides, unlearn
from unsee.training.manifest import peak_rss_mb

_BUILD = "build.json"
"""In the folder of a run: what its entry will say, so that a process killed before the entry can still be resumed."""
_ASKED = "asked"
"""Where a workspace holds the answers about each."""
_SHARED = ("seed", "judge", "rephrase", "limit", "max_new_tokens", "audit", "dtype")
"""Options that are the same in a resumed attempt."""
_REVOKED = (
    "This request was revoked: the model should recognise {concept} again, so that nothing is forgotten is right."
)
_GIVEN = ("efficacy", "efficacy/not_given_away")


@dataclass(frozen=True)
class Rebuilt:
    """A ledger with its new entry."""

    ledger: Ledger

    @property
    def entry(self) -> Entry:
        return self.ledger.entries[-1]

    @property
    def build(self) -> Build:
        assert self.entry.build is not None
        return self.entry.build

    def document(self) -> dict[str, Any]:
        """For programs: the entry, its SHA-256 and the folder of the run."""
        return {
            "ledger": str(self.ledger.folder),
            "run": str(self.ledger.run(self.build)),
            "sha256": self.ledger.head,
            "entry": json.loads(self.entry.text),
        }


@dataclass(frozen=True)
class Attempt:
    """One try at the next build of a ledger, in the folder `out`. `identity` is what a resumed one must share."""

    ledger: Ledger
    kind: Kind
    id: str
    options: ForgetOptions
    out: Path
    identity: Mapping[str, Any]

    @classmethod
    def of(
        cls,
        ledger: Ledger,
        kind: Kind,
        id: str,
        active: Sequence[Entry],
        options: ForgetOptions,
        asked: Mapping[str, Any],
    ) -> Attempt:
        identity = {
            "kind": kind,
            "id": id,
            "active": {entry.id: entry.content["sums"] for entry in active},
            "model": ledger.model,
            "method": options.method,
            "code": [code_digest(spec) for spec in (options.method, options.judge)],
            "settings": asdict(parse_overrides(get_method(options.method).config, options.settings)),
            **{key: getattr(options, key) for key in _SHARED},
            **asked,
        }
        out = ledger.next_run(id if kind == "forget" else f"without-{id}")
        return cls(ledger, kind, id, options, out, json.loads(json.dumps(identity)))

    @property
    def is_finished(self) -> bool:
        """Whether the attempt to resume was trained and asked, and lacks only its entry. Raises UserError if another
        one is there."""
        if not self.options.resume or not self.out.exists():
            return False
        have = (read_json(self.out / _BUILD) or {}).get("identity")
        if have != self.identity:
            ways = ", ".join(differences(have or {}, self.identity))
            raise UserError(f"{self.out} holds another attempt ({ways}); run again without --resume to replace it.")
        return True

    def check_revision(self, vlm: VisionLanguageModel) -> None:
        """Raises UserError if a hub model is at another commit than in the ledger's newest build."""
        build = self.ledger.build
        known = build.base.get("revision") if build is not None else vlm.revision
        if known != vlm.revision:
            raise UserError(
                f"The ledger {self.ledger.folder} is about {vlm.name} at the commit {known}, and this "
                f"is {vlm.revision}; begin another ledger for it."
            )

    def train(
        self,
        vlm: VisionLanguageModel,
        active: Sequence[Kept],
        gone: Kept | None,
        place: Workspace,
        started: float,
        content: Mapping[str, Any],
    ) -> None:
        """Ask about everyone, train on the `active` requests, ask again, and write the run into `place`. `gone` is the
        request that is revoked, `content` what its entry holds beside the build."""
        options, samples = self.options, trained_together(active)
        base, engine = of_model(vlm), TransformersEngine(vlm)
        everyone = [*active, *([gone] if gone else [])]
        inquiries = {}
        for one in everyone:
            others = [other.request for other in active if other is not one]
            level = NO_AUDIT if one is gone else options.audit
            inquiries[one.id] = self._inquiry(one, others, level, samples, vlm, place)
        for one in everyone:
            say(f"Asking about {one.request.concept} before.")
            inquiries[one.id].ask_before(engine)
        method: Any = get_method(options.method)
        manifest: Mapping[str, Any] = {"steps": 0, "seconds": 0.0}
        if active:
            say(f"Training on {len(samples)} samples of {len(active)} request{'s' if len(active) > 1 else ''}.")
            config = parse_overrides(method.config, options.settings)
            requests = [one.request for one in active]
            manifest = unlearn(
                vlm, method, config, requests, place.result, samples=samples, seed=options.seed,
                progress=at_a_terminal(), resume=options.resume,
            ).manifest  # fmt: skip
        else:
            place.result.mkdir(exist_ok=True)
        results = {}
        for one in everyone:
            say(f"Asking about {one.request.concept} again.")
            inquiry = inquiries[one.id]
            inquiry.ask_after(engine)
            report = inquiry.report(
                vlm,
                method.name,
                samples,
                {
                    **manifest,
                    "run": dict(self.identity),
                    "limit": options.limit,
                    "max_new_tokens": options.max_new_tokens,
                },
                Cost(
                    manifest["seconds"],
                    round(time.monotonic() - started, 3),
                    round(peak_rss_mb(), 1),
                    manifest["steps"],
                ),
                training_log(place.result),
                (_REVOKED.format(concept=one.request.concept),) if one is gone else (),
            )
            inquiry.write(report)
            results[one.id] = _result(report, one.id, active=one is not gone)
        weights = {path.name: sha256_of(path) for path in sorted(place.result.glob("*.safetensors"))}
        build = Build(
            run=self.out.name,
            sums="0" * 64,
            weights=weights,
            active=tuple(one.id for one in active),
            method=options.method,
            settings=options.settings,
            seed=options.seed,
            base=base,
            audit=options.audit,
            results=results,
        )
        document = {"identity": dict(self.identity), "content": dict(content), "build": build.to_plain()}
        write_together(place.result, {_BUILD: strict_json(document)})
        write_checksums(place.result)

    def _inquiry(
        self,
        one: Kept,
        others: Sequence[ForgetRequest],
        level: str,
        samples: Sequence[Sample],
        vlm: VisionLanguageModel,
        place: Workspace,
    ) -> Inquiry:
        """What to ask about one request while the `others` are active; `level` is the audit's."""
        options = self.options
        together = tuple(name for other in others for name in other.names)
        audit = AuditOfRun(one.request, level, options.seed)
        own = Workspace(place.out / one.id, place.work / _ASKED / one.id, place.result / one.id)
        planned = planned_for(one.request, vlm, samples, one.tests, options, together)
        return Inquiry.of(one.request, planned, audit, own, get_judge(options.judge), options, together=together)

    def added(self, note: str) -> Rebuilt:
        """The ledger with the entry about the finished run. Raises UserError if the run does not do what it should, or
        was changed since, such as by a later attempt that was killed."""
        sums = sha256_of(self.out / SUMS)
        self._check(changed_files(self.out, sums))
        document = read_json(self.out / _BUILD) or {}
        if self.kind == "forget":
            self._check(changed_files(self.ledger.kept(self.id), document["content"]["sums"], closed=True))
        build = build_from({**document["build"], "sums": sums})
        for id, result in build.results.items():
            if not result.as_wanted:
                what = "should be forgotten" if id in build.active else "should be recognised again"
                raise UserError(
                    f"Nothing was added to {self.ledger.folder}: {id} {what}, and the report says "
                    f"{result.headline!r} ({self.out / result.report}); run again with other settings, such as more "
                    "steps (--set steps=...)."
                )
        return Rebuilt(self.ledger.append(self.kind, self.id, note, build, document["content"]))

    def _check(self, changed: Sequence[str]) -> None:
        if changed:
            raise UserError(
                f"Nothing was added to {self.ledger.folder}: {changed[0].removesuffix('.')}, or run again without "
                "--resume."
            )


def _result(report: Report, id: str, *, active: bool) -> Result:
    verdict, wanted = report.verdict, as_wanted(report, active)
    headline = verdict.headline if active else _headline_of_revoked(report, wanted)
    grade = "" if report.grade is None else report.grade.name
    return Result(wanted, headline, verdict.sentence, grade, f"{id}/report.html")


def _headline_of_revoked(report: Report, wanted: bool) -> str:
    """A verdict is about forgetting, and of the revoked the opposite is wanted."""
    if not wanted:
        return "Not recognised again"
    return "Recognised again" if _was_known(report) else "Nothing to recognise: not known before either"


def _was_known(report: Report) -> bool:
    """Whether the model before gave the concept away often enough for there to be something to forget: in new pictures,
    or in the given one if only that was asked about."""
    forgetting = report.verdict.forgetting
    if forgetting != "unmeasured":
        return forgetting != "unknown_before"
    return not 100 - _least(report.before) < KNOWN_FROM


def as_wanted(report: Report, active: bool) -> bool:
    """Forgotten, or recognised as before if the request is not active any more; and the model not broken."""
    verdict = report.verdict
    if verdict.keeping == "broken":
        return False
    # Forced: there was nothing to forget.
    if not _was_known(report):
        return True
    if verdict.forgetting != "unmeasured":
        return verdict.forgetting == ("forgotten" if active else "not")
    # Only the given picture was asked about.
    was, now = (100 - _least(scores) for scores in (report.before, report.after))
    return now <= 100 - FORGOTTEN_FROM if active else now > was * (1 - PARTLY_FROM / 100)


def _least(scores: Mapping[str, Score]) -> float:
    """The lowest share of answers about the given picture that do not give the concept away; NaN if none was asked."""
    return min((scores[key].value for key in _GIVEN if key in scores), default=math.nan)
