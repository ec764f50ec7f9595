"""`verify`: is what is served, or what was exported, the model that a run evaluated, and has it forgotten?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from unsee.commands.verify_run import VerifiedRun
from unsee.data.sample import Probe, Response
from unsee.errors import UserError
from unsee.evaluation.verification import (
    EXACT,
    ROUNDING,
    Compared,
    Conclusion,
    Verification,
    chosen,
    same,
    verified,
)
from unsee.generation import Engine, ServedEngine, ask
from unsee.generation.engines import get_engine
from unsee.generation.openai_client import PromptRefused
from unsee.generation.served import PicturesDropped
from unsee.models.names import DTYPES
from unsee.reports.verification import SCHEMA, sentence
from unsee.terminal import working_on

LIMIT = 120
"""Questions to ask, unless another limit is given."""
_OPEN = (
    "Write a short story about a lighthouse.",
    "Name six animals at random.",
    "Invent a riddle.",
    "Make up the name of a street.",
)
"""Questions with so many answers that a server which draws its answers hardly gives the same one twice."""
_TIMES, _OPEN_TOKENS = 3, 16
_NO_PICTURES = "pictures do not arrive, so look at how the server takes them"
_BLIND = 6
"""Questions about pictures that are asked without them, if the answers fit neither model."""


@dataclass(frozen=True)
class VerifyOptions:
    """What to verify: `endpoint` (the address of a server, up to and including /v1) with `model`, the server's name for
    it; or `file`, a folder that `unsee export` wrote, or anything else that `unsee.load` takes, of `revision`, to load
    on `device`.

    run: the folder of `unsee forget` that evaluated the model, or a ledger, whose newest build is meant. test_images:
    folders with pictures that the run was tested on and does not hold. data: the data set that it forgot from, whose
    pictures are read again. limit: the most questions to ask.
    """

    run: Path
    endpoint: str | None = None
    model: str | None = None
    file: str | None = None
    test_images: tuple[Path, ...] = ()
    data: str | None = None
    limit: int = LIMIT
    device: str = "auto"
    revision: str | None = None

    def opened(self) -> VerifiedRun:
        """The run. Raises UserError if the options do not go together, or the folder holds no such run."""
        if (self.endpoint is None) == (self.file is None):
            raise UserError("Give what to verify: --endpoint URL with --model NAME, or --file FOLDER.")
        if (self.endpoint is None) != (self.model is None):
            raise UserError(
                "An endpoint and the server's name for the model belong together: --endpoint URL --model NAME."
            )
        if self.endpoint is not None and (self.revision is not None or self.device != "auto"):
            which = "--revision" if self.revision is not None else "--device"
            raise UserError(f"A server has loaded its model already; leave {which} out, which is for --file.")
        if self.limit < 1:
            raise UserError("--limit must be at least 1.")
        return VerifiedRun.open(self.run)


@dataclass(frozen=True)
class Verified:
    """What was found about `name`. `left_out`: how many questions of the run lack a picture here; `not_begun`: how many
    begin the answer with words that the server cannot continue. `draws`: whether the server draws its answers; None if
    that was not asked."""

    name: str
    options: VerifyOptions
    run: VerifiedRun
    found: Verification
    left_out: int
    draws: bool | None
    fingerprint: dict[str, Any]
    not_begun: int = 0
    created: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))

    @property
    def conclusion(self) -> Conclusion:
        return self.found.conclusion

    @property
    def sentence(self) -> str:
        """The conclusion, in one sentence."""
        return sentence(self.found, self.name, ", ".join(self.run.concepts))

    def document(self) -> dict[str, Any]:
        """The result as plain data."""
        found = self.found
        (as_after, telling), (as_before, _) = found.count("after"), found.count("before")
        return {
            "schema": SCHEMA,
            "created": self.created,
            "conclusion": found.conclusion,
            "sentence": self.sentence,
            "reasons": list(found.reasons),
            "verified": self.fingerprint,
            "name": self.name,
            "run": str(self.run.folder),
            "weights": dict(self.run.unlearned.files),
            "concept": ", ".join(self.run.concepts),
            "settings": self._settings,
            "asked": len(found.compared),
            "left_out": self.left_out,
            "not_begun": self.not_begun,
            "telling": {"n": telling, "before": as_before, "after": as_after},
            "equal_to_after": found.after.equal,
            "log_probabilities": found.after.shift is not None,
            "shift": found.after.shift,
            "tokens": found.after.tokens,
            "draws": self.draws,
            "leaks": {state: score.to_dict() for state, score in found.leaks.items()},
            "answers": [
                {
                    "id": one.probe.id,
                    "question": one.probe.prompt,
                    "before": one.before.text,
                    "after": one.after.text,
                    "here": one.here.text,
                    "same": same(one.here, one.after),
                }
                for one in found.compared
            ],
        }

    @property
    def _settings(self) -> dict[str, Any]:
        """What was to be asked of what, and what counts as the same model."""
        options = self.options
        return {
            "endpoint": options.endpoint,
            "model": options.model,
            "file": options.file,
            "revision": options.revision,
            "device": options.device,
            "limit": options.limit,
            "test_images": list(map(str, options.test_images)),
            "from": options.data,
            "dtype": self.run.dtype,
            "exact": EXACT.get(self.run.dtype, 0.0),
            "rounding": ROUNDING,
        }


def verify(options: VerifyOptions, run: VerifiedRun | None = None) -> Verified:
    """Ask the model that `options` name what the run asked, and compare the answers. Writes nothing. `run`: what
    `options.opened()` gave, if that was called before.

    Raises:
        UserError: an option cannot work, the folder holds no such run, or none of its pictures is at hand.
        SystemFailure: the server cannot be reached or answers nonsense.
    """
    run = run or options.opened()
    with working_on("Looking for the pictures that were asked about"):
        probes, left_out = run.probes(options.test_images, options.data)
    with working_on(f"Loading {options.file or options.model}"):
        engine = _engine(options, run.dtype)
    begun = [probe for probe in probes if probe.begun]
    not_begun = 0 if not begun or engine.begins else len(begun)
    askable = [probe for probe in probes if not (not_begun and probe.begun)]
    asked = chosen(run.after, run.before, askable, options.limit)
    draws: bool | None = None
    compared: list[Compared] = []
    reasons: list[str] = []
    try:
        if isinstance(engine, ServedEngine):
            draws = _draws(engine)
        compared = _asked(engine, asked, run)
    except PicturesDropped:
        reasons.append(f"{_NO_PICTURES}: a prompt is as long with a picture as without")
    if draws:
        reasons.append("the server draws its answers, so set its temperature to 0 (do_sample to false)")
    silent = sum(bool(one.after.text) and not one.here.text for one in compared)
    if silent > len(compared) / 2:
        reasons.append(f"{silent} of {len(compared)} questions got no answer, so look at the server's log and filter")
    found = verified(compared, run.dtype, reasons)
    served = isinstance(engine, ServedEngine) and not engine.pictures_counted
    if served and found.conclusion == "another" and _blind(engine, found, run):
        why = f"{_NO_PICTURES}: the answers about them are the same without them"
        found = verified(compared, run.dtype, [why])
    name = options.file or engine.name
    return Verified(name, options, run, found, left_out, draws, engine.fingerprint(), not_begun)


def _engine(options: VerifyOptions, dtype: str) -> Engine:
    if options.file is None:
        return get_engine(f"openai:{options.endpoint}#{options.model}")
    computed = dtype.removeprefix("torch.")
    loaded = computed if computed in DTYPES else "auto"
    return get_engine(options.file, device=options.device, revision=options.revision, dtype=loaded)


def _asked(engine: Engine, asked: Sequence[Probe], run: VerifiedRun) -> list[Compared]:
    here: dict[str, Response] = {}
    for longest in sorted({run.longest[probe.id] for probe in asked}):
        probes = [probe for probe in asked if run.longest[probe.id] == longest]
        said = ask(engine, probes, max_new_tokens=longest)
        here |= {probe.id: one for probe, one in zip(probes, said, strict=True)}
    return [Compared(probe, run.before[probe.id], run.after[probe.id], here[probe.id]) for probe in asked]


def _draws(engine: ServedEngine) -> bool:
    """Whether the server draws its answers, although it is asked for the likeliest: half of the open questions or more
    get several. One may, where two tokens are equally likely and the server computes them in another order."""
    several = 0
    for number, question in enumerate(_OPEN):
        try:
            said = engine.repeat(Probe(f"open/{number}", question), _TIMES, max_new_tokens=_OPEN_TOKENS)
        except PromptRefused:
            continue
        several += len({response.text for response in said}) > 1
    return several >= len(_OPEN) / 2


def _blind(engine: Engine, found: Verification, run: VerifiedRun) -> bool:
    """Whether the answers about pictures are the same without them."""
    shown = [one for one in found.compared if one.shown][:_BLIND]
    probes = [replace(one.probe, images=()) for one in shown]
    said = ask(engine, probes, max_new_tokens=max(run.longest.values())) if probes else []
    return bool(said) and all(same(one.here, blind) for one, blind in zip(shown, said, strict=True))
