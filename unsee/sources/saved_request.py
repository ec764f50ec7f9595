"""The request in the folder of its run, so that the run can be audited later.

`request.yaml` is a request as `ForgetRequest.from_yaml` reads it; its pictures are those of the training data, or are
next to it in `request/`. Examples to train on stay out: they are in the training data.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml
from PIL import Image

from unsee.data.images import image_key
from unsee.errors import UserError
from unsee.requests import ForgetRequest
from unsee.store.files import write_together
from unsee.store.text import read_json
from unsee.training.data_folder import read_training_data
from unsee.training.manifest import Unlearned

REQUEST, PICTURES = "request.yaml", "request"
SAVED = "saved_request_sha256"
"""Where the manifest in a report holds the digest of the saved request."""


def save_request(request: ForgetRequest, folder: Path) -> None:
    """Write the request into the folder of its run. Raises as the disk does."""

    def places(pictures: Iterable[Image.Image]) -> list[str]:
        return [_place(picture, folder) for picture in pictures]

    content: dict[str, Any] = {
        "concept": request.concept,
        "aliases": list(request.aliases),
        "kind": request.kind,
        "images": places(request.pictures()),
        "facts": [{"question": question, "answer": answer} for question, answer in request.facts],
        "neighbours": list(request.neighbours),
        "unseen": places(request.unseen_pictures()),
        "others": places(request.other_pictures()),
    }
    text = yaml.safe_dump({key: value for key, value in content.items() if value}, allow_unicode=True, sort_keys=False)
    write_together(folder, {REQUEST: text})


def saved_requests(folder: Path) -> list[ForgetRequest]:
    """What a run forgot: the request that it saved, or those that a ledger's build did; for a run that saved none, what
    its manifest, report and training data tell: the names, and the pictures that were trained to be forgotten.

    Raises UserError if the folder holds no run, or not enough of it.
    """
    if (folder / REQUEST).is_file():
        return [saved_part(folder, folder)]
    names = forgotten_names(folder)
    parts = _parts(folder, names)
    if parts:
        return parts
    if not names:
        raise UserError(f"The manifest in {folder} does not say what was forgotten; give the request with --request.")
    if not (folder / "data").is_dir():
        raise UserError(
            f"{folder} has no {REQUEST} and no training data to tell what was forgotten; give it with --request."
        )
    forget = [sample for sample in read_training_data(folder / "data") if sample.tags.get("role") == "forget"]
    shown = {image_key(image): image for sample in forget for image in sample.images}
    if len(names) == 1:
        report = read_json(folder / "report.json") or {}
        aliases = tuple(report.get("request", {}).get("aliases", ()))
        return [ForgetRequest(names[0], tuple(shown.values()), aliases)]
    # Whose picture is whose is not known; the world has its own, and needs none of these.
    return [ForgetRequest(name, tuple(shown.values())) for name in names]


def saved_digest(request: ForgetRequest) -> str:
    """The digest of what `save_request` writes of a request."""
    return replace(request, substitutes=(), descriptions=(), forget=(), retain=()).digest()


def saved_part(folder: Path, run: Path) -> ForgetRequest:
    """The request that a run saved: in its own folder, or in that of one of several concepts. Raises UserError if it
    cannot be read, or is not what the run forgot."""
    path = folder / REQUEST
    advice = "restore it, or give what was forgotten with --request"
    try:
        request = ForgetRequest.from_yaml(path)
        digest = saved_digest(request)
    except UserError as error:
        raise UserError(f"What the run forgot cannot be read: {str(error).removesuffix('.')}; {advice}.") from error
    names = forgotten_names(run)
    about = (read_json(folder / "report.json") or {}).get("manifest")
    saved = about.get(SAVED) if isinstance(about, dict) else None
    if saved == digest:
        return request
    if names and _same(request.concept) not in map(_same, names):
        raise UserError(f"{path} is about {request.concept}, but the run forgot {', '.join(names)}; {advice}.")
    if saved is not None:
        raise UserError(f"{path} was changed after the run, so it may not say what was forgotten; {advice}.")
    return request


def _parts(folder: Path, names: Sequence[str]) -> list[ForgetRequest]:
    """The requests of a ledger's build, each of which is saved next to its own report; none unless all are there."""
    found: dict[str, ForgetRequest] = {}
    for path in sorted(folder.glob(f"*/{REQUEST}")):
        concept = (read_json(path.parent / "report.json") or {}).get("concept")
        # That of somebody who was revoked is none of what the run forgot.
        if concept in names:
            found[str(concept)] = saved_part(path.parent, folder)
    return [found[name] for name in names] if len(found) == len(names) else []


def forgotten_names(folder: Path) -> list[str]:
    """The names of what a run forgot, by its manifest. Raises UserError without a manifest."""
    concept = Unlearned.open(folder).manifest.get("concept")
    return [concept] if isinstance(concept, str) else [str(name) for name in concept or ()]


def _same(name: str) -> str:
    return " ".join(name.split()).casefold()


def _place(picture: Image.Image, folder: Path) -> str:
    """Where in the folder the picture is, saved there if the training data do not hold it."""
    name = f"{image_key(picture)}.png"
    if (folder / "data" / "images" / name).is_file():
        return f"data/images/{name}"
    (folder / PICTURES).mkdir(parents=True, exist_ok=True)
    if not (folder / PICTURES / name).is_file():
        picture.save(folder / PICTURES / name, format="PNG")
    return f"{PICTURES}/{name}"
