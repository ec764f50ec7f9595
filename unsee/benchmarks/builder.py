"""Build MMUBench for any model from folders of pictures, one folder per concept.

As in arXiv 2405.12523, section 4: at least 50 pictures per concept; the model is asked for the name on each; a concept
stays only if the model recognises every picture. One picture trains, the others test.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import track

from unsee.benchmarks.concept import ConceptBenchmark, questions_about, slug
from unsee.benchmarks.layout import StoredModel, write_concept, write_index
from unsee.data.folders import files_of, listed, pictures_among
from unsee.data.likeness import Seen
from unsee.data.sample import Probe
from unsee.errors import UserError
from unsee.generation import generate
from unsee.metrics import contains
from unsee.models.vlm import VisionLanguageModel
from unsee.store.new_folder import new_folder

RECOGNITION_QUESTION = "What's the name of the central figure in this photograph?"

NOT_RECOGNISED = "not recognised"


@dataclass(frozen=True)
class ConceptSummary:
    """The outcome for one folder: `recognised` of `pictures` readable, different ones; `reason` is empty if it stayed.

    `left_out` maps the name of a file to why it is not in the benchmark.
    """

    concept: str
    kept: bool
    reason: str
    pictures: int
    recognised: int
    left_out: dict[str, str]


def build_benchmark(
    source: Path,
    vlm: VisionLanguageModel,
    out: Path,
    *,
    min_images: int = 50,
    min_share: float = 1.0,
    question: str = RECOGNITION_QUESTION,
    seed: int = 0,
) -> list[ConceptSummary]:
    """Turn the folders in `source` into a benchmark of the concepts that `vlm` knows, in the new folder `out`.

    A concept is named after its folder, with underscores as spaces. Files that cannot be read as a picture and
    repetitions of a picture are left out and listed. A concept stays if at least `min_images` are left and the model
    names it on at least `min_share` (0 to 1) of them; below 1.0, pictures on which it does not are left out too. The
    training picture is drawn by `seed`. `out` also gets `summary.json`, the list that is returned.

    Raises UserError if there is nothing to read, `out` exists, or no concept is left; SystemFailure if the disk
    refuses. Nothing half-written stays.
    """
    if not 0 < min_share <= 1 or min_images < 2:
        raise UserError("min_share must be above 0 and at most 1, and min_images must be at least 2.")
    folders = _concept_folders(source)
    with new_folder(out) as work:
        summaries: list[ConceptSummary] = []
        slugs: list[str] = []
        for folder in _tracked(folders):
            summary, bench = _build_concept(folder, vlm, min_images, min_share, question, seed)
            summaries.append(summary)
            if bench is not None:
                slugs.append(write_concept(work, bench))
        if not slugs:
            reasons = "; ".join(f"{summary.concept}: {summary.reason}" for summary in summaries[:5])
            more = f"; and {len(summaries) - 5} more" if len(summaries) > 5 else ""
            raise UserError(
                f"No concept in {source} is left ({reasons}{more}); add pictures, lower min_images or min_share, or "
                "use a model that knows them."
            )
        write_index(work, slugs, StoredModel(vlm.name, vlm.revision))
        text = json.dumps([asdict(summary) for summary in summaries], indent=2, ensure_ascii=False)
        (work / "summary.json").write_text(text + "\n", encoding="utf-8")
    return summaries


def _concept_folders(source: Path) -> list[Path]:
    if not source.is_dir():
        raise UserError(f"{source} is not a folder; give one that holds a folder of pictures per concept.")
    folders = sorted(path for path in source.iterdir() if path.is_dir() and not path.name.startswith("."))
    if not folders:
        raise UserError(f"{source} holds no folders; put the pictures of each concept into a folder named after it.")
    seen: dict[str, Path] = {}
    for folder in folders:
        name = slug(_name(folder))
        if not name:
            raise UserError(f"The folder {folder} has no letter or digit in its name; name it after its concept.")
        if name in seen:
            raise UserError(f"The folders {seen[name]} and {folder} name the same concept; merge them.")
        seen[name] = folder
    return folders


def _name(folder: Path) -> str:
    return " ".join(folder.name.replace("_", " ").split())


def _tracked(folders: list[Path]) -> Iterator[Path]:
    console = Console(stderr=True)
    yield from track(folders, "Checking recognition", console=console, transient=True, disable=not console.is_terminal)


def _build_concept(
    folder: Path, vlm: VisionLanguageModel, min_images: int, min_share: float, question: str, seed: int
) -> tuple[ConceptSummary, ConceptBenchmark | None]:
    name = _name(folder)
    refused: dict[Path, str] = {}
    # A repeated picture would stand on both sides of the split between training and test.
    images = {path.name: image for path, image in pictures_among(files_of(folder), refused)}
    left_out = {path.name: why for path, why in refused.items()}
    if len(images) < min_images:
        why = f" ({listed(refused)})" if refused else ""
        reason = f"{len(images)} pictures, {min_images} needed{why}"
        return ConceptSummary(name, False, reason, len(images), 0, left_out), None
    asked = [Probe(file, question, (image,)) for file, image in images.items()]
    responses = generate(vlm, asked, progress=False)
    recognised = {response.probe_id for response in responses if contains(response.text, [name])}
    if len(recognised) < min_share * len(images) or len(recognised) < 2:
        reason = f"recognised on {len(recognised)} of {len(images)} pictures"
        return ConceptSummary(name, False, reason, len(images), len(recognised), left_out), None
    left_out |= {file: NOT_RECOGNISED for file in images if file not in recognised}
    kept = {file: image for file, image in images.items() if file in recognised}
    drawn = list(kept)[random.Random(f"{seed}/{name}").randrange(len(kept))]
    train = kept.pop(drawn)
    seen = Seen([train])
    copies = [file for file, image in kept.items() if image in seen]
    left_out |= dict.fromkeys(copies, f"nearly the training picture {drawn}")
    tests = tuple(image for file, image in kept.items() if file not in copies)
    if not tests:
        reason = f"all pictures are nearly the training picture {drawn}"
        return ConceptSummary(name, False, reason, len(images), len(recognised), left_out), None
    bench = ConceptBenchmark(name, train, tests, questions_about(name))
    return ConceptSummary(name, True, "", len(images), len(recognised), left_out), bench
