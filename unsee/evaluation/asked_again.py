"""The saved questions of a run with their pictures, to ask them again.

A run saves of each picture only the digest. The pictures are those of its request and its training data, which are in
its folder, those that the embedded world draws again, and those of folders that the user gives.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from PIL import Image

from unsee.data.folders import files_of, pictures_among
from unsee.data.images import image_key
from unsee.data.sample import Probe
from unsee.sources.world import is_of_the_world


def with_pictures(
    questions: Sequence[Probe],
    folders: Sequence[Path],
    model: str,
    concepts: Collection[str],
    seed: int,
    given: Iterable[Image.Image] = (),
) -> list[Probe]:
    """Those of the saved questions whose pictures are at hand, with them.

    folders: where the run keeps pictures; model, concepts and seed: its base model, what it forgot and its seed; given:
    pictures that the user has.
    """
    missing = {digest for probe in questions for digest in _shown(probe)}
    found: dict[str, Image.Image] = {}
    for picture in _pictures(folders, model, concepts, seed, given):
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


def _pictures(
    folders: Sequence[Path], model: str, concepts: Collection[str], seed: int, given: Iterable[Image.Image]
) -> Iterator[Image.Image]:
    """Every picture that the run may have asked about; those that take longer to get come later."""
    yield from given
    for folder in folders:
        yield from (picture for _, picture in pictures_among(files_of(folder), {}))
    for concept in concepts:
        if is_of_the_world(model, concept):
            together = [other for other in concepts if other != concept and is_of_the_world(model, other)]
            yield from _drawn(concept, seed, together)


def _drawn(concept: str, seed: int, together: Collection[str]) -> Iterator[Image.Image]:
    """The pictures of the world's benchmark about a concept, once each; `together` is forgotten with it."""
    from unsee.benchmarks.concept import probes
    from unsee.benchmarks.world import world_benchmark

    shown = (image for probe in probes(world_benchmark(concept, seed=seed, exclude=together)) for image in probe.images)
    yield from {id(image): image for image in shown}.values()
