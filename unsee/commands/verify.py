"""`verify`: is what is served, or what was exported, the model that a run evaluated, and has it forgotten?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from PIL import Image

from unsee.benchmarks.mmubench import MMUBench
from unsee.commands.forget_run import ANSWERS
from unsee.data.folders import read_folder
from unsee.data.sample import MAX_NEW_TOKENS, Probe
from unsee.errors import UserError
from unsee.evaluation import Saved
from unsee.evaluation.asked_again import with_pictures
from unsee.evaluation.verification import Compared, Conclusion, Verification, chosen, same, verified
from unsee.generation import Engine, ServedEngine, Transcript, ask
from unsee.generation.engines import get_engine
from unsee.generation.openai_client import PromptRefused
from unsee.generation.served import PicturesDropped
from unsee.models.loading import DTYPES
from unsee.reports.verification import sentence
from unsee.terminal import working_on
from unsee.training.manifest import Unlearned

SCHEMA = "unsee.verification/1"
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
_BLIND = 6
"""Questions about pictures that are asked without them, if the answers fit neither model."""


@dataclass(frozen=True)
class VerifyOptions:
    """What to verify: `endpoint` (the address of a server, up to and including /v1) with `model`, the server's name for
    it; or `file`, a folder that `unsee export` wrote, or anything else that `unsee.load` takes, of `revision`.

    run: the folder of `unsee forget` that evaluated the model. test_images: folders with pictures that the run was
    tested on and does not hold. limit: the most questions to ask.
    """

    run: Path
    endpoint: str | None = None
    model: str | None = None
    file: str | None = None
    test_images: tuple[Path, ...] = ()
    limit: int = LIMIT
    device: str = "auto"
    revision: str | None = None


@dataclass(frozen=True)
class Verified:
    """What was found about `name`. `left_out`: how many questions of the run lack a picture here. `draws`: whether the
    server draws its answers; None if that was not asked."""

    name: str
    options: VerifyOptions
    concept: str
    found: Verification
    left_out: int
    draws: bool | None
    fingerprint: dict[str, Any]

    @property
    def conclusion(self) -> Conclusion:
        return self.found.conclusion

    @property
    def sentence(self) -> str:
        """The conclusion, in one sentence."""
        return sentence(self.found, self.name, self.concept)

    def document(self) -> dict[str, Any]:
        """The result as plain data."""
        found = self.found
        (as_after, telling), (as_before, _) = found.count("after"), found.count("before")
        return {
            "schema": SCHEMA,
            "conclusion": found.conclusion,
            "sentence": self.sentence,
            "reasons": list(found.reasons),
            "verified": self.fingerprint,
            "name": self.name,
            "run": str(self.options.run),
            "concept": self.concept,
            "asked": len(found.compared),
            "left_out": self.left_out,
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


def verify(options: VerifyOptions) -> Verified:
    """Ask the model that `options` name what the run asked, and compare the answers. Writes nothing.

    Raises:
        UserError: an option cannot work, the folder holds no such run, or none of its pictures is at hand.
        SystemFailure: the server cannot be reached or answers nonsense.
    """
    if (options.endpoint is None) == (options.file is None):
        raise UserError("Give what to verify: --endpoint URL with --model NAME, or --file FOLDER.")
    if (options.endpoint is None) != (options.model is None):
        raise UserError("An endpoint and the server's name for the model belong together: --endpoint URL --model NAME.")
    if options.limit < 1:
        raise UserError("--limit must be at least 1.")
    run = _Run.open(options.run)
    with working_on("Looking for the pictures that were asked about"):
        probes, left_out = run.probes(options.test_images)
    asked = chosen(run.saved.answers["after"], run.saved.answers["before"], probes, options.limit)
    with working_on(f"Loading {options.file or options.model}"):
        engine = _engine(options, run.dtype)
    draws: bool | None = None
    compared: list[Compared] = []
    reasons: list[str] = []
    try:
        if isinstance(engine, ServedEngine):
            draws = _draws(engine)
        compared = _asked(engine, asked, run)
    except PicturesDropped:
        reasons.append("pictures do not arrive: a prompt is as long with a picture as without")
    if draws:
        reasons.append("the server draws its answers, so set its temperature to 0 (do_sample to false)")
    silent = sum(bool(one.after.text) and not one.here.text for one in compared)
    if silent > len(compared) / 2:
        reasons.append(f"{silent} of {len(compared)} questions got no answer, so look at the server's log and filter")
    found = verified(compared, run.dtype, reasons)
    served = isinstance(engine, ServedEngine) and not engine.pictures_counted
    if served and found.conclusion == "another" and _blind(engine, found, run.max_new_tokens):
        why = "pictures do not arrive: the answers about them are the same without them"
        found = verified(compared, run.dtype, [why])
    return Verified(
        options.file or engine.name, options, ", ".join(run.concepts), found, left_out, draws, engine.fingerprint()
    )


@dataclass(frozen=True)
class _Run:
    """What `verify` needs of a run. `dtype` is the type that it computed in, as torch writes it."""

    folder: Path
    unlearned: Unlearned
    saved: Saved
    dtype: str
    max_new_tokens: int

    @classmethod
    def open(cls, folder: Path) -> _Run:
        """Raises UserError if the folder holds no finished run with its answers."""
        unlearned = Unlearned.open(folder)
        answers = folder / ANSWERS / MMUBench.name
        if not answers.is_dir():
            raise UserError(f"{folder} has no saved answers ({answers}); give the folder that unsee forget wrote.")
        saved = Saved.open(answers)
        for state in ("before", "after"):
            if state not in saved.answers:
                raise UserError(f"{answers} lacks the answers of the model {state}; copy the whole folder of the run.")
        decides = Transcript.open(answers / "after.jsonl").header.get("fingerprint")
        known = decides if isinstance(decides, dict) else {}
        longest = known.get("max_new_tokens")
        return cls(
            folder, unlearned, saved, str(known.get("dtype")),
            longest if type(longest) is int and longest > 0 else MAX_NEW_TOKENS,
        )  # fmt: skip

    @property
    def concepts(self) -> list[str]:
        """What it forgot."""
        concept = self.unlearned.manifest.get("concept")
        names = concept if isinstance(concept, list) else [concept]
        return [name for name in names if isinstance(name, str)]

    def probes(self, folders: Sequence[Path]) -> tuple[list[Probe], int]:
        """The questions whose pictures are at hand, and how many others there are. Raises UserError if there is none
        about a picture."""
        given: list[Image.Image] = [
            picture for folder in folders for picture in read_folder(folder, "the test pictures").opened.values()
        ]
        manifest = self.unlearned.manifest
        seed = manifest.get("seed")
        questions = list(self.saved.answers["after"].probes)
        found = with_pictures(
            questions, self.folder, manifest["model"], self.concepts, seed if type(seed) is int else 0, given
        )
        if not any(probe.images for probe in found):
            raise UserError(
                f"None of the pictures that {self.folder} was tested on is at hand; give their folder with "
                "--test-images."
            )
        return found, len(questions) - len(found)


def _engine(options: VerifyOptions, dtype: str) -> Engine:
    if options.file is None:
        return get_engine(f"openai:{options.endpoint}#{options.model}")
    computed = dtype.removeprefix("torch.")
    loaded = computed if computed in DTYPES else "auto"
    return get_engine(options.file, device=options.device, revision=options.revision, dtype=loaded)


def _asked(engine: Engine, asked: Sequence[Probe], run: _Run) -> list[Compared]:
    before, after = (run.saved.answers[state].responses for state in ("before", "after"))
    said = ask(engine, asked, max_new_tokens=run.max_new_tokens)
    return [Compared(probe, before[probe.id], after[probe.id], here) for probe, here in zip(asked, said, strict=True)]


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


def _blind(engine: Engine, found: Verification, max_new_tokens: int) -> bool:
    """Whether the answers about pictures are the same without them."""
    shown = [one for one in found.compared if one.shown][:_BLIND]
    probes = [replace(one.probe, images=()) for one in shown]
    said = ask(engine, probes, max_new_tokens=max_new_tokens) if probes else []
    return bool(said) and all(same(one.here, blind) for one, blind in zip(shown, said, strict=True))
