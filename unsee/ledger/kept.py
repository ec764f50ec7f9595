"""What a ledger keeps of a request, so that the model can be built again in a year: the request, its training data, and
the pictures to test on.

    requests/ID/request.yaml, request/   the request (see `unsee.sources.saved_request`)
                data/                    its own training data (see `unsee.training.data_folder`)
                test_images/, test_others/   the new pictures that it came with, if any
                SHA256SUMS
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from unsee.data.folders import Pictures, read_folder
from unsee.data.images import image_key
from unsee.data.sample import Sample
from unsee.errors import UserError
from unsee.ledger.checksums import changed_files, write_checksums
from unsee.metrics.naming import contains
from unsee.requests import ForgetRequest
from unsee.sources.saved_request import REQUEST, save_request
from unsee.store.new_folder import new_folder
from unsee.training.data_folder import read_training_data, write_training_data

DATA = "data"
TESTS = ("test_images", "test_others")


@dataclass(frozen=True)
class Kept:
    """A request with its training data, and the pictures to test on by the name of their folder, of `TESTS`."""

    id: str
    request: ForgetRequest
    samples: Sequence[Sample]
    tests: Mapping[str, Pictures] = field(default_factory=dict)

    def write(self, folder: Path) -> None:
        """Write it to `folder`, which must not exist."""
        with new_folder(folder) as work:
            write_training_data(self.samples, work / DATA)
            # Examples to train on are in the training data by now.
            save_request(self.request, work)
            for name, pictures in self.tests.items():
                (work / name).mkdir()
                for picture in pictures.opened.values():
                    picture.save(work / name / f"{image_key(picture)}.png", format="PNG")
            write_checksums(work)

    @classmethod
    def read(cls, id: str, folder: Path, sums: str) -> Kept:
        """Read what has the checksums with the digest `sums`. Raises UserError if any of it was changed."""
        for sentence in changed_files(folder, sums, closed=True)[:1]:
            raise UserError(sentence)
        request = ForgetRequest.from_yaml(folder / REQUEST)
        tests = {name: read_folder(folder / name, "test pictures") for name in TESTS if (folder / name).is_dir()}
        return cls(id, request, read_training_data(folder / DATA), tests)


def trained_together(kept: Sequence[Kept]) -> list[Sample]:
    """The training data of requests that are forgotten together, one after another.

    What one of them keeps, another may want forgotten: the data of a request from last year name somebody who asks this
    year. So a sample with a picture that names another of the requests, or shows its own picture, is left out as long
    as that other request is active. Knowledge in text alone is kept of everybody.
    """
    joined: list[Sample] = []
    for one in kept:
        others = [other.request for other in kept if other.id != one.id]
        names = [name for request in others for name in request.names]
        pictures = {image_key(picture) for request in others for picture in request.pictures()}
        # The samples share their pictures.
        shown = {id(image): image for sample in one.samples for image in sample.images}
        theirs = {key for key, image in shown.items() if image_key(image) in pictures}
        joined += [sample for sample in one.samples if not _is_about(sample, names, theirs)]
    return joined


def _is_about(sample: Sample, names: Sequence[str], pictures: Container[int]) -> bool:
    """Whether a sample with a picture gives one of the names, or has one of the pictures, by their `id`."""
    if not sample.images:
        return False
    texts = (sample.prompt, sample.answer, sample.rejected or "")
    return any(contains(text, names) for text in texts) or any(id(image) in pictures for image in sample.images)


def without_names(request: ForgetRequest, names: Sequence[str]) -> ForgetRequest:
    """The request without neighbours that are forgotten too: nobody keeps them."""
    return replace(request, neighbours=tuple(name for name in request.neighbours if not contains(name, names)))
