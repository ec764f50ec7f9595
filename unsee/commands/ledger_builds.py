"""`forget --on-top-of` and `ledger revoke`: one adapter, trained anew on every active request, and an entry."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from unsee.commands.audit_place import check_level
from unsee.commands.forget import pictures_to_test, prepared
from unsee.commands.forget_options import ForgetOptions
from unsee.commands.forget_run import loaded
from unsee.commands.inquiry import seen_in_training
from unsee.commands.ledger_attempt import Attempt, Rebuilt
from unsee.data.images import image_key
from unsee.errors import UserError
from unsee.ledger import Entry, Ledger
from unsee.ledger.kept import Kept, without_names
from unsee.methods import get_method
from unsee.methods.rephrasing import get_rephraser
from unsee.models.identity import of_files
from unsee.models.recipe import recipe_for
from unsee.requests import ForgetRequest
from unsee.sources.choice import AUTO
from unsee.sources.saved_request import saved_digest
from unsee.store.hashing import SUMS, sha256_of
from unsee.store.locking import locked
from unsee.store.sameness import differences
from unsee.store.workspace import workspace
from unsee.terminal import working_on
from unsee.training import parse_overrides
from unsee.training.data_folder import data_digest, read_training_data

_REQUEST = "request"
"""Where a workspace holds the new request."""


def forget_on_top(request: ForgetRequest, options: ForgetOptions, folder: Path, note: str = "") -> Rebuilt:
    """Train one adapter on the request and everything active in the ledger, ask about all of it, and add the entry.

    The model, and how to load it, are the ledger's. The settings are those of its newest build, except for what
    `options.settings` says. The run is in the ledger, so `options.out` is not used; `options.resume` continues an
    interrupted attempt.

    Raises:
        UserError: an option cannot work, the ledger is damaged or in use, the model is not the ledger's or does not
            know the concept; or somebody is still recognised after the training. The ledger is then as it was.
        SystemFailure, KeyboardInterrupt: as `forget`.
    """
    started = time.monotonic()
    request.check()
    with locked(folder):
        ledger = Ledger.open(folder)
        id = ledger.new_id(request.concept, request.names)
        options = _of_the_ledger(ledger, options, request)
        edited = read_training_data(options.data) if options.data else None
        given = pictures_to_test(request, options, seen_in_training(request, edited or ()))
        asked: dict[str, Any] = {"request": request.digest(), "data": data_digest(edited) if edited else None}
        asked |= {name: [*map(image_key, pictures.opened.values())] for name, pictures in given.items()}
        attempt = Attempt.of(ledger, "forget", id, ledger.active, options, asked)
        if attempt.is_finished:
            return attempt.added(note)
        rephrase = get_rephraser(options.rephrase) if options.rephrase else None
        earlier = _read(ledger, ledger.active)
        known, vlm, method, config = prepared(request, options)
        attempt.check_revision(vlm)
        with workspace(attempt.out, attempt.identity, resume=options.resume) as place:
            kept = place.work / _REQUEST
            if not kept.is_dir():
                with working_on("Building the training data"):
                    known = without_names(known, [name for one in earlier for name in one.request.names])
                    own = edited or method.build([known], vlm, config, options.seed, rephrase)
                Kept(id, known, own, given).write(kept)
            sums = sha256_of(kept / SUMS)
            # As it will be read from the ledger in a year.
            new = Kept.read(id, kept, sums)
            attempt.train(vlm, [*earlier, new], None, place, started, {"request": _described(new), "sums": sums})
            ledger.keep(id, kept)
            place.finish()
        return attempt.added(note)


def revoke(folder: Path, id: str, options: ForgetOptions, note: str = "") -> Rebuilt:
    """Train the adapter anew without one request, from the saved data of the others; ask about them and about the
    revoked one; and add the entry. `id`: the request's, or its name.

    Raises as `forget_on_top`, also if the revoked one is not recognised again.
    """
    started = time.monotonic()
    with locked(folder):
        ledger = Ledger.open(folder)
        entry = ledger.active_request(id)
        rest = [other for other in ledger.active if other != entry]
        options = _of_the_ledger(ledger, options)
        attempt = Attempt.of(ledger, "revoke", entry.id, rest, options, {})
        if attempt.is_finished:
            return attempt.added(note)
        (gone,), kept = _read(ledger, [entry]), _read(ledger, rest)
        vlm = loaded(options)
        attempt.check_revision(vlm)
        with workspace(attempt.out, attempt.identity, resume=options.resume) as place:
            attempt.train(vlm, kept, gone, place, started, {})
            place.finish()
        return attempt.added(note)


def _of_the_ledger(ledger: Ledger, options: ForgetOptions, request: ForgetRequest | None = None) -> ForgetOptions:
    """The options with what the ledger settles: the model, the method and, unless given, the settings. Raises
    UserError if they say something else."""
    check_level(options.audit)
    about, build = ledger.model, ledger.build
    name = options.model or about["model"]
    files = of_files(name)
    # The files of a hub model are named by its commit, which is known once it is loaded.
    if files != about["files"] or (name != about["model"] and None in files.values()):
        ways = ", ".join(differences(about["files"], files)) or "name"
        raise UserError(
            f"The ledger {ledger.folder} is about the model {about['model']} as it was when the ledger began; {name} "
            f"is another one ({ways}): restore it, or begin another ledger."
        )
    recipe = None if Path(name).exists() else recipe_for(name)
    options = replace(
        options,
        model=name,
        revision=about["revision"],
        load_in_4bit=about["4bit"],
        dtype=recipe.dtype if recipe else options.dtype,
    )
    if build is None and request is not None:
        options = options.settled(request)
    elif build is not None:
        if options.method not in (AUTO, build.method):
            raise UserError(
                f"The training data in {ledger.folder} are for the method {build.method}, not for {options.method}; "
                "leave --method out, or begin another ledger."
            )
        # By key: more steps must not bring the other settings back to the method's own.
        settings = {one.partition("=")[0].strip(): one for one in (*build.settings, *options.settings)}
        options = replace(options, method=build.method, settings=tuple(settings.values()))
    if build is None and recipe is not None:
        own = recipe.settings(options.method, bool(request and request.others))
        options = replace(options, settings=(*own, *options.settings))
    if parse_overrides(get_method(options.method).config, options.settings).full:
        raise UserError("A ledger keeps adapters, so it cannot train all weights; leave full=true out.")
    return options


def _read(ledger: Ledger, entries: Sequence[Entry]) -> list[Kept]:
    """What the ledger keeps of these requests. Raises UserError if any of it was changed."""
    return [Kept.read(entry.id, ledger.kept(entry.id), entry.content["sums"]) for entry in entries]


def _described(kept: Kept) -> dict[str, Any]:
    """What an entry says of a request."""
    request = kept.request
    return {
        "concept": request.concept,
        "aliases": list(request.aliases),
        "kind": request.what.name,
        "sha256": saved_digest(request),
        "pictures": [image_key(picture) for picture in request.pictures()],
    }
