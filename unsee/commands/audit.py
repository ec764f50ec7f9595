"""`audit`: tries to bring back what a run has forgotten, and says what came back."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from PIL import Image

from unsee.attacks.base import Attack
from unsee.benchmarks.concept import slug
from unsee.commands.audit_place import FOLDER, place_for
from unsee.commands.run_engines import engines_of_run, is_full
from unsee.data.folders import listed, read_folder
from unsee.data.likeness import Seen
from unsee.errors import UserError
from unsee.evaluation.attacking import ANSWERS, attacked, chosen_attacks, states_of
from unsee.evaluation.auditing import Audit
from unsee.generation import Engine, TransformersEngine
from unsee.models.adapters import load_adapter
from unsee.models.base_note import base_of
from unsee.models.loading import load
from unsee.models.vlm import VisionLanguageModel
from unsee.reports.advice import against, came_back
from unsee.reports.audit import AuditReport
from unsee.reports.grades import Grade, worst_of
from unsee.reports.reading import grade_of_run, said_by_run
from unsee.reports.writing import write_audit
from unsee.requests import ForgetRequest
from unsee.sources.saved_request import saved_requests
from unsee.sources.world import is_of_the_world
from unsee.store.crew import crew, working_in
from unsee.store.text import read_text
from unsee.terminal import working_on
from unsee.training.data_folder import trained_pictures
from unsee.training.manifest import MANIFEST, Unlearned
from unsee.world import find, world_of

Tell = Callable[[str], None]


@dataclass(frozen=True)
class AuditOptions:
    """Which run to attack, and how hard.

    run: the folder of a run of `unsee forget`; or else model, adapter (a folder that unsee or PEFT wrote) and request.
    level: "quick", "standard" or "full". attacks: only these, and the plain questions, which the grade is about.
    test_images: a folder with more pictures of the concept (the embedded world has its own). out: the folder to write;
    by default `audit` in the run's folder, or `audit-NAME`, or with `-LEVEL` next to an audit of a higher level.
    overwrite: ask again what is answered already. oracle: a model like the one before that was trained without the
    concept (a world name, hub id or folder). It is the floor instead of strangers in the concept's place.
    """

    run: str | Path | None = None
    model: str | None = None
    adapter: Path | None = None
    request: ForgetRequest | Path | None = None
    level: str = "standard"
    attacks: tuple[str, ...] = ()
    seed: int = 0
    test_images: Path | None = None
    out: str | Path | None = None
    overwrite: bool = False
    device: str = "auto"
    oracle: str | Path | None = None

    def folder(self) -> Path:
        if self.out:
            return Path(self.out)
        # A few attacks, or another floor, have a page of their own: they do not hide what more of them found.
        with_oracle = ["oracle"] if self.oracle else []
        own = "-".join((FOLDER, *with_oracle, *(slug(Path(name).name) for name in self.attacks)))
        if self.run:
            return Path(self.run) / own
        return Path("runs") / "-".join((FOLDER, *with_oracle, slug(Path(self.adapter or "").name)))


@dataclass(frozen=True)
class Audited:
    """A finished audit: its folder, and what was found about every concept."""

    folder: Path
    report: AuditReport

    @property
    def grade(self) -> Grade:
        return self.report.grade

    def document(self) -> dict[str, Any]:
        """The content of `audit.json`, with the folder under "out"."""
        return {"out": str(self.folder), **json.loads(read_text(self.folder / "audit.json"))}


def audit(options: AuditOptions, tell: Tell = lambda line: None) -> Audited:
    """Try the attacks of a level on the model before and after unlearning, and on a floor: strangers in the concept's
    place, or an oracle. Writes `audit.json` and `audit.html`; `tell` hears what is being tried.

    Of several processes (docs/processes.md) only the first returns; the others end with SystemExit when nothing is
    left to try.

    Raises:
        UserError: an option cannot work, there is no model before to compare with, the oracle knows the concept, or
            another run uses the folder.
        SystemFailure: the disk or the network fails.
        KeyboardInterrupt: what was answered is kept; the same command resumes.
    """
    options = _settled(options)
    attacks = chosen_attacks(options.level, options.attacks)
    requests = _requests(options)
    out = place_for(options.folder(), options.level, chosen=options.out is not None)
    with working_in(out, out / "audit.json", tell) as group:
        options = replace(options, device=group.device(options.device))
        if options.overwrite and not group.helps:
            shutil.rmtree(out / ANSWERS, ignore_errors=True)
        try:
            return _audited(options, attacks, requests, out, (lambda line: None) if group.helps else tell)
        except KeyboardInterrupt as error:
            raise KeyboardInterrupt(f"Interrupted; the same command resumes from {out}.") from error


def _settled(options: AuditOptions) -> AuditOptions:
    """The same options, with a run that was given as the model as the run. Raises UserError if there is nothing to
    audit, or no model before."""
    if options.run is None and options.model is None:
        raise UserError("Give the folder of a run of unsee forget, or --model, --adapter and --request.")
    if options.run is not None:
        given = [name for name in ("model", "adapter") if getattr(options, name)]
        if given:
            raise UserError(f"The run {options.run} brings its own model and adapter; leave --{given[0]} out.")
        if not Path(options.run).is_dir():
            raise UserError(f"There is no folder {options.run}; give the folder of a run of unsee forget.")
        return options
    if options.adapter is None:
        if base_of(str(options.model)) is not None or is_full(Path(str(options.model))):
            return _settled(replace(options, run=options.model, model=None))
        raise UserError(
            f"{options.model} comes without an adapter, so there is no model before unlearning to compare with; give "
            "the folder of a run of unsee forget, or what was trained with --adapter."
        )
    if options.request is None:
        raise UserError("What was forgotten is not known; give the request with --request FILE.")
    return options


def _requests(options: AuditOptions) -> list[ForgetRequest]:
    """What was forgotten, all of it together."""
    given = options.request
    if isinstance(given, ForgetRequest):
        given.check()
        return [given]
    if given is not None:
        return [ForgetRequest.from_yaml(given)]
    return saved_requests(Path(options.run or ""))


def _audited(
    options: AuditOptions, attacks: Sequence[Attack], requests: Sequence[ForgetRequest], out: Path, tell: Tell
) -> Audited:
    tested, notes = _test_images(options, requests)
    with working_on(f"Loading {options.run or options.model}"):
        engine, before, vlm, vlm_before = _engines(options)
        oracle = _oracle(options, vlm)
    name = (vlm_before or vlm).name
    if len(requests) > 1 and not all(is_of_the_world(name, request.concept) for request in requests):
        raise UserError(
            "Several concepts were forgotten together, and it is not known which picture shows which; audit one of "
            "them by giving its --request."
        )
    forgotten = _all_forgotten(options, requests)
    # All of them first: an oracle that is none is refused before anything is attacked.
    to_attack = [
        states_of(
            request, engine, before, vlm, model=name, level=options.level, seed=options.seed, test_images=tested,
            exclude=[other for other in forgotten if other != request.concept], vlm_before=vlm_before, oracle=oracle,
        )
        for request in requests
    ]  # fmt: skip
    found: dict[str, Audit] = {}
    for request, states in zip(requests, to_attack, strict=True):
        tell(f"{request.concept}: {len(attacks)} attacks")
        found[request.concept] = attacked(
            request, states, attacks, out, level=options.level, seed=options.seed, names=options.attacks, tell=tell
        )
    if not tested and not all(is_of_the_world(name, request.concept) for request in requests):
        notes.append(
            "Only the given pictures were asked about, which training has seen; add new ones with --test-images."
        )
    back = set().union(*map(came_back, found.values()))
    advice = against(back, method=_manifest(options).get("method", ""), model=name)
    notes += [f"{one.reason} {one.command}" for one in advice]
    first = requests[0].concept
    report = AuditReport(
        name,
        str(options.run or options.adapter),
        options.level,
        options.seed,
        found,
        {request.concept: request.names for request in requests},
        notes=tuple(notes),
        credit=world_of(find(first)).credit if is_of_the_world(name, first) else "",
        says=said_by_run(options.run),
    )
    report = _with_older_grade(report, options.run)
    if not crew().helps:
        write_audit(report, out)
    return Audited(out, report)


def _with_older_grade(report: AuditReport, run: str | Path | None) -> AuditReport:
    """The audit, with a note if the run's own report was written with a weaker one and has a better grade."""
    older = None if run is None else grade_of_run(run)
    if older is None or worst_of([older, report.grade]).name == older.name:
        return report
    note = f"The report of the run was written before this audit and still says “{older.headline}”; this audit counts."
    return replace(report, notes=(*report.notes, note))


def _engines(
    options: AuditOptions,
) -> tuple[Engine, Engine | None, VisionLanguageModel, VisionLanguageModel | None]:
    """The engines after and before, the weights, and those before if they are a model of their own."""
    if options.run is not None:
        return engines_of_run(Path(options.run), options.device)
    vlm = load(str(options.model), device=options.device)
    assert options.adapter is not None
    load_adapter(vlm, options.adapter)
    engine = TransformersEngine(vlm)
    return engine, engine.without_adapter(), vlm, None


def _oracle(options: AuditOptions, vlm: VisionLanguageModel) -> VisionLanguageModel | None:
    """The oracle, loaded as the model is. Raises UserError if it cannot be loaded."""
    if options.oracle is None:
        return None
    in_4bit = bool(getattr(vlm.base, "is_loaded_in_4bit", False))
    return load(str(options.oracle), device=options.device, load_in_4bit=in_4bit)


def _all_forgotten(options: AuditOptions, requests: Sequence[ForgetRequest]) -> list[str]:
    """The names of everything that the run forgot: none of it is somebody else that the model should know."""
    concept = _manifest(options).get("concept", ())
    named = [concept] if isinstance(concept, str) else list(concept)
    return list(dict.fromkeys([*(request.concept for request in requests), *named]))


def _manifest(options: AuditOptions) -> dict[str, Any]:
    """That of the run; empty where another program trained."""
    folder = Path(options.run or options.adapter or "")
    return Unlearned.open(folder).manifest if (folder / MANIFEST).is_file() else {}


def _test_images(options: AuditOptions, requests: Sequence[ForgetRequest]) -> tuple[tuple[Image.Image, ...], list[str]]:
    """The new pictures to test on, and what was left out. Raises UserError if training has seen them all."""
    if options.test_images is None:
        return (), []
    if len(requests) > 1:
        raise UserError(
            "Several concepts were forgotten; audit one of them by giving its --request, with its pictures."
        )
    trained = trained_pictures(Path(options.run or options.adapter or "") / "data")
    pictures = read_folder(options.test_images, "test pictures").without(Seen((*requests[0].pictures(), *trained)))
    left_out = [f"Not asked about: {listed(pictures.left_out)}."] if pictures.left_out else []
    return tuple(pictures.opened.values()), left_out
