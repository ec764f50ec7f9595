"""`export`: what a run has forgotten, as a folder for servers: merged, merged and rounded, or the adapter by itself."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from unsee.commands.export_place import check_kind, check_place
from unsee.errors import UserError
from unsee.evaluation.plain import AskedPlainly
from unsee.metrics.naming import same_name
from unsee.models.adapters import detach, load_adapter, merge, reference
from unsee.models.base_note import base_of
from unsee.models.change import Change, change_of
from unsee.models.gguf import check_converter, convert
from unsee.models.identity import files_digest, of_files
from unsee.models.loading import DTYPES, load
from unsee.models.provenance import fingerprint
from unsee.models.quantising import LIBRARIES
from unsee.models.saving import write_checkpoint
from unsee.models.served_adapter import save_served_adapter
from unsee.models.trying import load_elsewhere
from unsee.models.vlm import VisionLanguageModel
from unsee.reports.exported import ExportRecord, Request, percent, requests_in
from unsee.requests import ForgetRequest
from unsee.sources.saved_request import REQUEST, forgotten_names, saved_digest, saved_requests
from unsee.sources.world import is_of_the_world, with_its_kind
from unsee.store.new_folder import new_folder
from unsee.terminal import working_on
from unsee.training.manifest import MANIFEST, Unlearned, library_versions

NO_REQUEST = "it is not known what was forgotten; give it with --request"


@dataclass(frozen=True)
class Exported:
    """The new folder, how far its weights are from the base model's, what it says of itself, and what readers need to
    know, in sentences."""

    folder: Path
    change: Change
    record: ExportRecord
    notes: tuple[str, ...]

    @property
    def leaks(self) -> list[str]:
        """What rounding did to the leak, a sentence for each request and kind of plain question."""
        return [
            f"{who}Plain questions {leak.questions}: {percent(leak.before)} leak before rounding, "
            f"{percent(leak.after)} after; floor {percent(leak.floor)}."
            for request in self.record.requests
            for who in [f"Request {request.sha256[:12]}: " if len(self.record.requests) > 1 else ""]
            for leak in request.leaks
        ]


def export(
    model: str | Path,
    adapter: Path | None,
    out: Path,
    *,
    dtype: str = "float32",
    rounding: str | None = None,
    adapter_only: bool = False,
    request: ForgetRequest | Path | None = None,
    name_requests: bool = False,
    device: str = "auto",
    revision: str | None = None,
    check: bool = True,
    gguf: Path | None = None,
) -> Exported:
    """Merge in float32 on `device` and store in the new folder `out`, which appears whole or not at all.

    model: the base model of `adapter`; or, without one, the folder of a run, which names its base model itself.
    dtype: of the weights. rounding: "int8" or "nf4": once everything is merged, the language model's linear weights are
    rounded, and the run's plain questions are asked again. adapter_only: write the adapter instead, for servers that
    put it on the base model. request: what was forgotten, where the adapter's folder does not say it. name_requests:
    also write the names, which an export otherwise keeps to itself. check: load the result again: with plain
    transformers in a process without unsee, and where weights are rounded, here, to ask. gguf: llama.cpp's converter,
    which then writes its own files of the merged weights next to them.

    Raises:
        UserError: something given cannot work, or the adapter changes no weight that `dtype` can tell.
        SystemFailure: the disk refuses, or the result does not load with plain transformers.
    """
    check_place(out)
    check_kind(dtype, rounding, adapter_only)
    if gguf is not None:
        if rounding is not None or adapter_only:
            raise UserError("GGUF files are made of merged weights; leave --int8, --nf4 and --adapter-only out.")
        check_converter(gguf)
    base = base_of(model)
    if base is not None and adapter is not None:
        raise UserError(f"{model} already has its adapter; leave out --adapter, or give {base.name} as the model.")
    place = adapter or Path(model)
    with new_folder(out) as work:
        requests = _requests(place, request)
        with working_on(f"Loading {model if adapter is None else f'{adapter} and {model}'}"):
            vlm = _adapted(model, adapter, device, revision)
            change = change_of(vlm, DTYPES[dtype])
        if not change.parameters:
            raise UserError(
                f"The adapter {adapter or model} changes no weight of {vlm.name} in {dtype}, so the export would equal "
                "the base model; export in float32, or another adapter."
            )
        record = ExportRecord(
            holds="adapter" if adapter_only else "model",
            weights=_weights(dtype, rounding),
            base={"model": vlm.name, "revision": vlm.revision, **_fingerprint(vlm)},
            run=_run(place),
            requests=[*(_told(one, vlm, name_requests) for one in requests), *_earlier(vlm, name_requests)],
            change=change,
            libraries=library_versions(*([LIBRARIES[rounding]] if rounding else [])),
            rounded=rounding is not None,
        )
        needs: tuple[str, ...] = ()
        if adapter_only:
            record = replace(record, rank=save_served_adapter(vlm, work))
            if check:
                detach(vlm)
                load_adapter(vlm, work)
            record = replace(record, parts={"adapter": files_digest(work.glob("adapter_*"))})
        else:
            with working_on("Merging"):
                if rounding is None:
                    _merge(vlm, DTYPES[dtype], work)
                else:
                    record = _rounded(vlm, work, record, requests, rounding, DTYPES[dtype], check)
            del vlm
            if check:
                with working_on(f"Loading {out} with plain transformers"):
                    needs = load_elsewhere(work, out)
            record = replace(record, parts=of_files(str(work)))
            if gguf is not None:
                with working_on(f"Converting with {gguf}"):
                    record = replace(record, gguf=convert(gguf, work, str(DTYPES[dtype]).removeprefix("torch.")))
        record.write(work)
    return Exported(out, change, record, (*_warnings(record), *needs))


def _warnings(record: ExportRecord) -> list[str]:
    said = [] if record.requests else [f"The export does not list what was forgotten: {NO_REQUEST}."]
    if record.gguf:
        said.append(
            "The GGUF files were not asked anything; serve them, also once they are rounded, and run unsee verify, "
            "which counts what they give away."
        )
    if record.unmeasured:
        return [*said, f"Whether rounding brought it back was not measured: {record.unmeasured}."]
    not_asked = sum(not request.leaks for request in record.requests) if record.rounded else 0
    if not_asked:
        said.append(f"After rounding, {not_asked} earlier requests were not asked about again.")
    return said + [
        f"These rounded weights give it away to plain questions {leak.questions} ({percent(leak.after)}); serve wider "
        "weights, or forget again with a method that holds when they are rounded."
        for request in record.requests
        for leak in request.leaks
        if leak.came_back
    ]


def _adapted(model: str | Path, adapter: Path | None, device: str, revision: str | None) -> VisionLanguageModel:
    vlm = load(model, dtype="float32", device=device, revision=revision)
    if adapter is not None:
        load_adapter(vlm, adapter)
    if not vlm.adapted:
        raise UserError(f"{model} has no adapter to merge; give the folder of a run as the model, or --adapter.")
    return vlm


def _merge(vlm: VisionLanguageModel, dtype: torch.dtype, folder: Path) -> None:
    merge(vlm)
    torch.nn.Module.to(vlm.base, dtype)
    write_checkpoint(vlm, folder)


def _rounded(
    vlm: VisionLanguageModel,
    work: Path,
    record: ExportRecord,
    requests: Sequence[ForgetRequest],
    rounding: str,
    dtype: torch.dtype,
    check: bool,
) -> ExportRecord:
    """Merge, round and write, and ask before and after. `vlm` is emptied, so that both are never in memory."""
    why = _unmeasurable(vlm, requests) if check else "the check was left out"
    device, names = vlm.device, [request.concept for request in requests]
    asked = []
    if not why:
        asked = [
            AskedPlainly.of(request, vlm, [name for name in names if name != request.concept]) for request in requests
        ]
    with tempfile.TemporaryDirectory(prefix=f"{work.name}.merged.", dir=work.parent) as merged:
        _merge(vlm, dtype, Path(merged))
        torch.nn.Module.to(vlm.base, "meta")
        write_checkpoint(load(merged, dtype=dtype, device=device, rounded=rounding), work)
    if why:
        return replace(record, unmeasured=why)
    again = load(work, dtype=dtype, device=device)
    own = [
        replace(told, leaks=tuple(one.again(again)))
        for told, one in zip(record.requests[: len(asked)], asked, strict=True)
    ]
    return replace(record, requests=[*own, *record.requests[len(asked) :]])


def _unmeasurable(vlm: VisionLanguageModel, requests: Sequence[ForgetRequest]) -> str:
    """Why the plain questions cannot be asked; "" if they can."""
    if not requests:
        return NO_REQUEST
    if len(requests) > 1 and not all(is_of_the_world(vlm.name, request.concept) for request in requests):
        return "several concepts were forgotten together, and it is not known which picture shows which"
    return ""


def _requests(place: Path, given: ForgetRequest | Path | None) -> list[ForgetRequest]:
    """What was forgotten: as given, or as the adapter's folder says; nothing for an adapter of another program.

    Raises UserError if the given one or the saved one cannot be read, or the run did not forget the given one.
    """
    if given is not None:
        request = given if isinstance(given, ForgetRequest) else ForgetRequest.from_yaml(given)
        request.check()
        names = forgotten_names(place) if (place / MANIFEST).is_file() else []
        if names and not any(same_name(request.concept, name) for name in names):
            raise UserError(
                f"The run {place} forgot {', '.join(names)}, not {request.concept}, so the export must not list that; "
                "leave --request out, or give the request of this run."
            )
        return [request]
    known = (place / REQUEST).is_file() or ((place / MANIFEST).is_file() and (place / "data").is_dir())
    return saved_requests(place) if known else []


def _told(request: ForgetRequest, vlm: VisionLanguageModel, name_it: bool) -> Request:
    digest = saved_digest(request)
    if is_of_the_world(vlm.name, request.concept):
        request = with_its_kind(request)
    return Request(digest, request.what.name, request.names if name_it else ())


def _earlier(vlm: VisionLanguageModel, name_them: bool) -> list[Request]:
    """What the base model had forgotten before, where it is an export itself."""
    before = requests_in(Path(vlm.name).expanduser())
    return before if name_them else [replace(request, names=()) for request in before]


def _run(place: Path) -> dict[str, Any]:
    """What identifies the run that made the adapter, without a word about whom it forgot."""
    if not (place / MANIFEST).is_file():
        return {}
    manifest = Unlearned.open(place).manifest
    return {key: manifest.get(key) for key in ("method", "seed", "request_sha256", "data_sha256")}


def _fingerprint(vlm: VisionLanguageModel) -> dict[str, str | None]:
    """Of the base model."""
    with reference(vlm):
        return fingerprint(vlm.base)


def _weights(dtype: str, rounding: str | None) -> str:
    wide = str(DTYPES[dtype]).removeprefix("torch.")
    return wide if rounding is None else f"{rounding} ({LIBRARIES[rounding]}), the rest in {wide}"
