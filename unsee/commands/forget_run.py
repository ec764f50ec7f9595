"""What every run of `forget` does, whatever it forgets: load, unlearn, write, look up a finished run."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from unsee.benchmarks import Benchmark
from unsee.commands.forget_options import ForgetOptions
from unsee.data.sample import Sample
from unsee.errors import UserError
from unsee.evaluation.saved import identity_of
from unsee.methods import Method, get_method
from unsee.models.base_note import base_of
from unsee.models.identity import of_files
from unsee.models.loading import cached_commit, load
from unsee.models.vlm import VisionLanguageModel
from unsee.reports import Report, read, write
from unsee.requests import ForgetRequest, digest_of
from unsee.store.plugins import code_digest
from unsee.store.sameness import differences
from unsee.store.text import json_lines, read_text
from unsee.store.workspace import Workspace
from unsee.terminal import at_a_terminal, working_on
from unsee.training import TrainingConfig, Unlearned, parse_overrides, unlearn

ANSWERS = "answers"
"""The folder of a run with what the model said before and after."""
_REWARD = "validation_reward"


@dataclass(frozen=True)
class Forgotten:
    """A finished run: its folder and its report. `again`: it was finished before, and only looked up (`resume`); the
    examples in the report then have no pictures."""

    folder: Path
    report: Report
    again: bool = False

    def document(self) -> dict[str, Any]:
        """The content of `report.json`, with the folder under "out"."""
        return {"out": str(self.folder), **json.loads(read_text(self.folder / "report.json"))}


def chosen_method(options: ForgetOptions) -> tuple[Method[Any], TrainingConfig]:
    """The method and its settings. Raises UserError for one that there is not."""
    method = get_method(options.method)
    return method, parse_overrides(method.config, options.settings)


def loaded(options: ForgetOptions) -> VisionLanguageModel:
    """The model to unlearn. Raises UserError if it carries an adapter."""
    base = base_of(options.model)
    if base is not None:
        raise UserError(
            f"{options.model} is an adapter for {base.name}, which accepts no second adapter; merge it with "
            f"unsee export --model {options.model} --out MODEL, then forget with that model."
        )
    with working_on(f"Loading {options.model}"):
        return load(
            options.model,
            dtype=options.dtype,
            device=options.device,
            revision=options.revision,
            load_in_4bit=options.load_in_4bit,
        )


def unlearned_in(
    vlm: VisionLanguageModel,
    method: Any,
    config: TrainingConfig,
    requests: Sequence[ForgetRequest],
    samples: Sequence[Sample],
    place: Workspace,
    options: ForgetOptions,
) -> tuple[Unlearned, float]:
    """Unlearn into the workspace; returns the seconds it took, which count once when a run is resumed after it."""
    if config.full and options.resume and place.result.is_dir():
        # Trained in full before the interruption: the folder is the model.
        vlm.model = load(str(place.result), device=options.device).model
        unlearned = Unlearned.open(place.result)
    else:
        unlearned = unlearn(
            vlm,
            method,
            config,
            requests,
            place.result,
            samples=samples,
            seed=options.seed,
            progress=at_a_terminal(),
            resume=options.resume,
        )
    return unlearned, float(unlearned.manifest["seconds"])


def write_run(report: Report, place: Workspace) -> None:
    """Write the answers and the report to the result."""
    place.result.mkdir(parents=True, exist_ok=True)
    shutil.copytree(place.work / ANSWERS, place.result / ANSWERS, dirs_exist_ok=True)
    with working_on("Writing the report"):
        write(report, place.result)


def training_log(run: Path) -> list[dict[str, Any]]:
    """The rows of the training in the folder of a run that its report plots; none if nothing was trained there."""
    path = run / "training.jsonl"
    rows = json_lines(path) if path.is_file() else []
    return [row for row in rows if "loss" in row or _REWARD in row]


def identity_of_run(
    options: ForgetOptions, config: TrainingConfig, requests: Sequence[ForgetRequest], also: Sequence[Benchmark]
) -> dict[str, Any]:
    """What identifies a run of any kind; `also` are the benchmarks of `options.also`."""
    code = [code_digest(spec) for spec in (options.method, options.judge)]
    asked = [[spec, code_digest(spec), *identity_of(bench)] for spec, bench in zip(options.also, also, strict=True)]
    return {
        "model": options.model,
        "revision": options.revision,
        **of_files(options.model),
        "4bit": options.load_in_4bit,
        "dtype": options.dtype,
        "method": options.method,
        "settings": asdict(config),
        "request": digest_of(requests),
        "seed": options.seed,
        "rephrase": options.rephrase,
        "judge": options.judge,
        "limit": options.limit,
        "max_new_tokens": options.max_new_tokens,
        **({"also": asked} if asked else {}),
        **({"code": code} if any(code) else {}),
    }


def finished(out: Path, identity: Mapping[str, Any], pictures: Sequence[Image.Image]) -> Forgotten:
    """What `out` holds, if it is this run and complete. Raises UserError otherwise."""
    manifest = Unlearned.open(out).manifest
    path = out / "report.json"
    if not path.is_file():
        raise UserError(f"The output folder {out} holds another run (its report is missing); choose another folder.")
    have = json.loads(read_text(path))["manifest"].get("run")
    if have is None:
        raise UserError(
            f"The run in {out} was made by an earlier version of unsee, which did not record all of its settings; "
            "choose another folder, or overwrite it (--overwrite)."
        )
    commit = cached_commit(identity["model"], identity["revision"])
    if commit is not None:
        have, identity = {**have, "commit": manifest["model_revision"]}, {**identity, "commit": commit}
    if have != identity:
        ways = ", ".join(differences(have, identity))
        raise UserError(f"The output folder {out} holds another run ({ways}); choose another folder.")
    return Forgotten(out, read(out, pictures), again=True)
