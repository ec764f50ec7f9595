"""`forget --dry-run`: the training data alone."""

from __future__ import annotations

from pathlib import Path

from unsee.commands.forget import prepared
from unsee.commands.forget_options import ForgetOptions
from unsee.methods.rephrasing import get_rephraser
from unsee.requests import ForgetRequest
from unsee.store.locking import locked
from unsee.store.workspace import check_output, workspace
from unsee.terminal import working_on
from unsee.training.data_folder import write_training_data


def build_data(request: ForgetRequest, options: ForgetOptions) -> tuple[Path, ForgetRequest]:
    """Only write the training data that `forget` would use, for reading and editing. Returns its folder, and the
    request with what the world adds to it.

    Raises as `forget` does.
    """
    options = options.settled(request)
    out = options.folder(request.concept, "-data")
    with locked(out):
        check_output(out, overwrite=options.overwrite, resumable=False)
        rephrase = get_rephraser(options.rephrase) if options.rephrase else None
        request, vlm, method, config = prepared(request, options)
        with working_on("Building the training data"):
            samples = method.build([request], vlm, config, options.seed, rephrase)
        with workspace(out, {"data": out.name}, resume=False) as place:
            write_training_data(samples, place.result)
            place.finish()
    return out, request
