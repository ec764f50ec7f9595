"""The saved questions of a run with their pictures, to ask them again.

A run saves of each picture only the digest. The pictures are those of its request and its training data, which are in
its folder, those that the embedded world draws again, and those of folders that the user gives.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from PIL import Image

from unsee.data.images import image_key
from unsee.data.sample import Probe
from unsee.requests import ForgetRequest
from unsee.sources.saved_request import saved_requests
from unsee.sources.world import is_of_the_world
from unsee.training.data_folder import trained_pictures


def with_pictures(
    questions: Sequence[Probe], run: Path, model: str, seed: int, given: Iterable[Image.Image] = ()
) -> list[Probe]:
    """Those of the saved questions whose pictures are at hand, with them.

    run: the folder of the run; model and seed: its base model and its seed; given: pictures that the user has. Raises
    UserError if the folder does not say what was forgotten.
    """
    missing = {digest for probe in questions for digest in _shown(probe)}
    found: dict[str, Image.Image] = {}
    for picture in _pictures(run, model, seed, given):
        if not missing:
            break
        digest = image_key(picture)
        if digest in missing:
            found[digest] = picture
            missing.remove(digest)
    return [
        replace(probe, images=tuple(found[digest] for digest in _shown(probe)))
        for probe in questions
        if all(digest in found for digest in _shown(probe))
    ]


def _shown(probe: Probe) -> list[str]:
    return probe.tags.get("shown", "").split()


def _pictures(run: Path, model: str, seed: int, given: Iterable[Image.Image]) -> Iterator[Image.Image]:
    """Every picture that the run may have asked about; those that take longer to get come later."""
    yield from given
    requests = saved_requests(run)
    for request in requests:
        yield from (*request.pictures(), *request.other_pictures())
    yield from trained_pictures(run / "data")
    for request in requests:
        if is_of_the_world(model, request.concept):
            yield from _drawn(request, seed)


def _drawn(request: ForgetRequest, seed: int) -> Iterator[Image.Image]:
    """The pictures of the world's benchmark about a request, once each."""
    from unsee.benchmarks.concept import probes
    from unsee.benchmarks.world import world_benchmark

    shown = (image for probe in probes(world_benchmark(request.concept, seed=seed)) for image in probe.images)
    yield from {id(image): image for image in shown}.values()
