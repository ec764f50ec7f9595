"""`unlearn`: a request and a method in, a folder with an adapter and its manifest out."""

from __future__ import annotations

import dataclasses
import errno
import json
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import torch
from peft import PeftModel
from transformers import set_seed
from transformers.trainer_utils import get_last_checkpoint

from unsee.data.sample import Sample
from unsee.errors import SystemFailure, UserError
from unsee.models.adapters import add_lora, load_adapter, reference, save_adapter, train_all_weights
from unsee.models.change import Change, change_between, change_of
from unsee.models.collation import encode_samples
from unsee.models.finite import check_finite
from unsee.models.identity import of_model
from unsee.models.masking import settle_masked_adapter
from unsee.models.saving import write_checkpoint
from unsee.models.vlm import VisionLanguageModel
from unsee.requests import ForgetRequest, digest_of
from unsee.store.modes import ordinary_mode
from unsee.store.sameness import differences
from unsee.store.text import read_text
from unsee.training.config import TrainingConfig
from unsee.training.data_folder import data_digest, read_training_data, write_training_data
from unsee.training.manifest import (
    MANIFEST,
    Unlearned,
    describe_run,
    git_commit,
    library_versions,
    peak_gpu_mb,
    peak_rss_mb,
    result_files,
)
from unsee.training.objective import Objective
from unsee.training.procedure import Procedure
from unsee.training.processes import join_processes, number_of_processes, on_main, process_number
from unsee.training.reference import TrainingSet
from unsee.training.tensor_file import TensorFile
from unsee.training.trainer import DIVERGED, Checkpoints, Finite, Progress, UnlearningTrainer

_RUN = "run.json"
UNMOVED = "Training changed no weight, so this is still the model before; use more steps or a larger learning_rate."


class WeightsBefore:
    """The trainable weights of a model as they are now, on the disk in `folder`, to tell later how far they moved."""

    def __init__(self, model: torch.nn.Module, folder: Path) -> None:
        self._weights = [weight for weight in model.parameters() if weight.requires_grad]
        self._before = TensorFile(len(self._weights), folder)
        for number, weight in enumerate(self._weights):
            self._before[number] = weight

    def change(self) -> Change:
        pairs = zip(self._before, self._weights, strict=True)
        return change_between((before.to(now.device), now.detach()) for before, now in pairs if before is not None)


class TrainableMethod(Protocol):
    """What `unlearn` needs of a method (see `unsee.methods.base`)."""

    name: Any

    def build(
        self, requests: Sequence[ForgetRequest], vlm: VisionLanguageModel, config: Any, seed: int
    ) -> list[Sample]: ...

    def objective(
        self, requests: Sequence[ForgetRequest], vlm: VisionLanguageModel, config: Any
    ) -> Objective | Procedure: ...


def unlearn(
    vlm: VisionLanguageModel,
    method: TrainableMethod,
    config: TrainingConfig,
    requests: ForgetRequest | Sequence[ForgetRequest],
    out: Path,
    *,
    samples: Sequence[Sample] | None = None,
    seed: int = 0,
    progress: bool = True,
    resume: bool = False,
) -> Unlearned:
    """Unlearn one request or several together and write the result to the folder `out`. `vlm` is the unlearned model
    afterwards.

    Everything is written to a hidden folder next to `out`, which gets its name at the end. Ctrl-C keeps that folder
    with a checkpoint; `resume=True` continues it to the result of an uninterrupted run. Launched with `accelerate
    launch`, every process calls this alike; the main one alone builds the data and writes.

    samples: training data to use instead of what the method builds (for example edited by hand).

    Raises:
        UserError: `out` exists, `vlm` carries an adapter already, what is to be resumed is another run, or a loss, a
            gradient or a weight became NaN or infinite; nothing is left behind then.
        SystemFailure: the disk is full; nothing is left behind.
        KeyboardInterrupt: after the checkpoint is written.
    """
    started = time.monotonic()
    join_processes(vlm.device)
    requests = [requests] if isinstance(requests, ForgetRequest) else list(requests)
    if not requests:
        raise UserError("There is nothing to forget; give at least one request.")
    for request in requests:
        request.check()
    base = of_model(vlm)
    identity = {"method": method.name, "config": _plain(config), "request": digest_of(requests), "seed": seed}
    identity |= {"base": base}
    if on_main(out.exists):
        return _finished(vlm, out, identity, resume)
    if vlm.adapted:
        raise UserError(f"{vlm.name} already carries an adapter; export it and unlearn from the export.")
    work = out.parent / f".{out.name}.partial"
    resuming = on_main(lambda: _prepare(work, identity, resume))
    with _cleaning(work):
        objective = method.objective(requests, vlm, config)

        def data() -> Sequence[Sample]:
            if resuming:
                return read_training_data(work / "data")
            found = method.build(requests, vlm, config, seed) if samples is None else samples
            if not found:
                raise UserError(f"{method.name} has nothing to train on; give at least one sample.")
            work.mkdir(parents=True)
            write_training_data(found, work / "data")
            (work / _RUN).write_text(json.dumps(identity), encoding="utf-8")
            return found

        used = on_main(data)
        run = describe_run(
            method=method.name,
            config=config,
            request=identity["request"],
            data=data_digest(used),
            base=base,
            seed=seed,
        )
        concepts = [request.concept for request in requests]
        run |= {"concept": concepts[0] if len(concepts) == 1 else concepts}
        run |= {"samples": len(used), "steps": config.steps, "processes": number_of_processes()}
        if isinstance(objective, Procedure):
            run |= objective.train(vlm, used, work, seed, progress)
        else:
            run |= _train(vlm, objective, config, used, work, seed, progress, method.name)
            settle_masked_adapter(vlm)
        if config.gradient_checkpointing:
            # The trainer switches it on, and nobody off: the next run of this process may be without.
            vlm.base.activation_checkpointing_disable()
        run |= {"result": _result(vlm, config)}
        if not config.full:
            run |= {"change": change_of(vlm).to_dict()}

        def finish() -> dict[str, Any]:
            check_finite(vlm.model.named_parameters(), "The model after training", DIVERGED)
            _save(vlm, config, work)
            if not run["change"]["parameters"]:
                run["notes"] = [*run.get("notes", ()), UNMOVED]
            spent = {"seconds": round(time.monotonic() - started, 3), "peak_rss_mb": round(peak_rss_mb(), 1)}
            spent |= peak_gpu_mb(vlm.device)
            made_by = {"libraries": library_versions(), "git_commit": git_commit()}
            done = {**run, **spent, **made_by, "files": result_files(work)}
            (work / MANIFEST).write_text(json.dumps(done, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
            shutil.rmtree(work / "checkpoints", ignore_errors=True)
            (work / _RUN).unlink()
            ordinary_mode(work)
            work.rename(out)
            return done

        return Unlearned(out, on_main(finish))


def _train(
    vlm: VisionLanguageModel,
    objective: Objective,
    config: TrainingConfig,
    samples: Sequence[Sample],
    work: Path,
    seed: int,
    progress: bool,
    name: str,
) -> dict[str, Any]:
    """Train in place; returns what was measured. Raises KeyboardInterrupt after Ctrl-C, with a checkpoint in `work`."""
    set_seed(seed)
    if config.full:
        train_all_weights(vlm, objective.modules)
    else:
        rank, alpha, dropout = config.lora_rank, config.lora_alpha, config.lora_dropout
        add_lora(vlm, rank=rank, alpha=alpha, dropout=dropout, targets=objective.modules, seed=seed)
    before = WeightsBefore(vlm.base, work.parent) if config.full and process_number() == 0 else None
    training_set = TrainingSet(encode_samples(samples, vlm), objective, vlm, work.parent)
    started = time.monotonic()
    # Under autocast like the training, so that what differs is what was learned.
    with reference(vlm), torch.autocast(vlm.device.type, torch.bfloat16, enabled=config.bf16):
        # Without gradients, four batches take no more memory than one in training.
        training_set.remember_reference(vlm.model, vlm.device, 4 * config.batch)
        training_set.see_pictures()
    objective.prepare(vlm, training_set, seed)
    between = time.monotonic()
    trainer = UnlearningTrainer(vlm, training_set, config, work / "checkpoints", seed)
    checkpoints = Checkpoints()
    trainer.add_callback(checkpoints)
    trainer.add_callback(Finite())
    if progress:
        trainer.add_callback(Progress(name, trainer.rounds))
    checkpoint = get_last_checkpoint(str(work / "checkpoints")) if (work / "checkpoints").is_dir() else None
    if checkpoint is None or not trainer.ended_with(checkpoint):
        checkpoints.train(trainer, checkpoint)
    vlm.model.eval()
    lines = [json.dumps(entry) + "\n" for entry in trainer.state.log_history]
    on_main(lambda: (work / "training.jsonl").write_text("".join(lines), encoding="utf-8"))
    return {
        "steps": trainer.state.global_step,
        **({"change": before.change().to_dict()} if before else {}),
        "resumed": checkpoint is not None,
        "seconds_reference": round(between - started, 3),
        "seconds_training": round(time.monotonic() - between, 3),
        "pictures_encoded": training_set.cache.runs,
    }


def _result(vlm: VisionLanguageModel, config: TrainingConfig) -> str:
    """What the folder will hold: "model", "adapter", "delta", or "delta+adapter": an adapter on top of a delta."""
    parts = {"delta": vlm.originals is not None, "adapter": isinstance(vlm.model, PeftModel)}
    return "model" if config.full else "+".join(part for part, there in parts.items() if there)


def _save(vlm: VisionLanguageModel, config: TrainingConfig, folder: Path) -> None:
    if config.full:
        write_checkpoint(vlm, folder)
    else:
        save_adapter(vlm, folder)


def _finished(vlm: VisionLanguageModel, out: Path, identity: dict[str, Any], resume: bool) -> Unlearned:
    """The run that `out` holds, if it is the one asked for and resuming is allowed."""
    if not resume:
        raise UserError(f"The output folder {out} already exists; choose another, or remove it.")
    done = Unlearned.open(out)
    have = {
        "method": done.manifest["method"],
        "config": done.manifest["hyperparameters"],
        "request": done.manifest["request_sha256"],
        "seed": done.manifest["seed"],
        "base": done.manifest.get("base"),
    }
    if have != identity:
        ways = ", ".join(differences(have, identity))
        raise UserError(f"The output folder {out} holds another run (it differs in {ways}); choose another folder.")
    if done.full:
        raise UserError(f"The output folder {out} holds this run, and it is finished; load the model from there.")
    load_adapter(vlm, out)
    return done


def _prepare(work: Path, identity: dict[str, Any], resume: bool) -> bool:
    """True if `work` holds the beginning of this run and it should be resumed; else clears it."""
    if not work.exists():
        return False
    path = work / _RUN
    if not resume or not path.is_file():
        shutil.rmtree(work)
        return False
    have = json.loads(read_text(path))
    if have != identity:
        ways = ", ".join(differences(have, identity))
        raise UserError(
            f"The interrupted run in {work} is another one (it differs in {ways}); "
            "use its settings, or start again without resuming."
        )
    return True


@contextmanager
def _cleaning(work: Path) -> Iterator[None]:
    """Leave `work` behind only if a later run can resume it: after Ctrl-C, with the training data written."""
    if process_number() > 0:
        yield
        return
    try:
        yield
    except KeyboardInterrupt:
        if not (work / _RUN).is_file():
            shutil.rmtree(work, ignore_errors=True)
        raise
    except Exception as error:
        full = _disk_is_full(error, work.parent)
        shutil.rmtree(work, ignore_errors=True)
        if full:
            raise SystemFailure(f"The disk of {work.parent} is full; make room and run again.") from error
        raise


def _disk_is_full(error: BaseException, folder: Path) -> bool:
    """Whether a full disk is behind an error; safetensors and torch.save raise errors of their own."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return True
    if "No space left" in str(error):
        return True
    if "inline_container" in str(error):  # torch.save says only that a write went wrong
        return shutil.disk_usage(folder).free < 1_000_000
    return error.__context__ is not None and _disk_is_full(error.__context__, folder)


def _plain(config: TrainingConfig) -> dict[str, Any]:
    """The settings as they come back from JSON."""
    return json.loads(json.dumps(dataclasses.asdict(config)))
