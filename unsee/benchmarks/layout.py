"""MMUBench on disk: `benchmark.json`, and per concept a folder with its questions and pictures.

    benchmark.json               schema, version, the model whose recognition was checked, the concepts' folders
    concepts/SLUG/concept.json   name, aliases, questions, multi_hop, facts
    concepts/SLUG/train/         the one picture to train on, in any format
    concepts/SLUG/test/          all others

The layout of the authors' own release is read too (`unsee.benchmarks.mmubench_released`).

A question is {"prompt", "keyword", "kind"}, a fact {"prompt", "keywords"} with every accepted answer. What must be kept
is not stored: it is asked of the other concepts in the same folder (see `load_benchmark`).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

from PIL import Image

from unsee.benchmarks.concept import ConceptBenchmark, Question, slug
from unsee.benchmarks.mmubench_released import is_released, read_released
from unsee.data.folders import files_of, listed, pictures_among
from unsee.data.likeness import Seen
from unsee.data.sample import Probe
from unsee.errors import UserError
from unsee.metrics.naming import words
from unsee.store.new_folder import new_folder
from unsee.store.text import read_text

SCHEMA = "unsee.mmubench"
VERSION = 1
# Number of pictures of each other concept to ask about, to see whether it is still recognised.
PICTURES_OF_OTHERS = 5


@dataclass(frozen=True)
class StoredModel:
    """The model that recognised every picture when the benchmark was built."""

    name: str
    revision: str | None = None


def write_concept(folder: Path, bench: ConceptBenchmark) -> str:
    """Write one concept below `folder`; returns the name of its own folder. Raises UserError if that is taken."""
    own = folder / "concepts" / bench.slug
    if own.exists():
        raise UserError(
            f"Two concepts have the name {bench.concept!r} except for case, accents or punctuation; rename one."
        )
    (own / "train").mkdir(parents=True)
    (own / "test").mkdir()
    bench.train_image.save(own / "train" / "0000.png")
    for number, image in enumerate(bench.test_images):
        image.save(own / "test" / f"{number:04}.png")
    document = {
        "name": bench.concept,
        "aliases": list(bench.aliases),
        "questions": [vars(question) for question in bench.questions],
        "multi_hop": [vars(question) for question in bench.multi_hop],
        "facts": [{"prompt": probe.prompt, "keywords": list(probe.expect)} for probe in bench.text_facts],
    }
    _write_json(own / "concept.json", document)
    return own.name


def write_index(folder: Path, slugs: Sequence[str], model: StoredModel | None = None) -> None:
    """Write `benchmark.json`, which makes a folder of concepts a benchmark."""
    document = {
        "schema": SCHEMA,
        "version": VERSION,
        "model": vars(model) if model else None,
        "concepts": list(slugs),
    }
    _write_json(folder / "benchmark.json", document)


def write_benchmark(out: Path, benches: Sequence[ConceptBenchmark], model: StoredModel | None = None) -> None:
    """Write a whole benchmark to the new folder `out`, complete or not at all.

    Probes about others (`specificity`, `two_people`) are not stored. Raises UserError if `out` exists or two concepts
    share a name, SystemFailure if the disk refuses.
    """
    with new_folder(out) as work:
        write_index(work, [write_concept(work, bench) for bench in benches], model)


def concepts_in(folder: Path | str) -> tuple[str, ...]:
    """The names of a benchmark's concepts, without reading a picture. Raises UserError as `load_benchmark` does."""
    if is_released(Path(folder)):
        return (read_released(Path(folder)).concept,)
    return tuple(_Stored(Path(folder) / "concepts" / name).name for name in _concept_folders(Path(folder)))


def load_benchmark(folder: Path | str, only: Sequence[str] | None = None) -> list[ConceptBenchmark]:
    """Read a benchmark; with `only`, these concepts (by name), so that not every picture comes into memory.

    What must be kept is asked of the other concepts: "recognition" (the first naming question on each of their first
    `PICTURES_OF_OTHERS` test pictures) and "facts" (theirs, in text). Files that are no pictures or damaged ones are
    left out and listed, and so are test pictures that are there twice or to train on as well. Raises UserError for
    anything else that is missing, damaged or of the wrong shape, naming the file.
    """
    folder = Path(folder)
    if is_released(folder):
        return _released(folder, only)
    stored = [_Stored(folder / "concepts" / name) for name in _concept_folders(folder)]
    taken = Counter(slug(concept.name) for concept in stored)
    for concept in stored:
        if taken[slug(concept.name)] > 1:
            raise UserError(f"The benchmark {folder} has two concepts called {concept.name!r}; rename one.")
    if only is not None:
        missing = [name for name in only if slug(name) not in taken]
        if missing:
            there = ", ".join(concept.name for concept in stored)
            raise UserError(f"The benchmark {folder} has no concept {missing[0]!r}; it has {there}.")
    wanted = set(taken) if only is None else {slug(name) for name in only}
    benches = {slug(concept.name): concept.open() for concept in stored if slug(concept.name) in wanted}
    recognition = {concept.name: concept.recognition(benches.get(slug(concept.name))) for concept in stored}
    found = []
    for bench in benches.values():
        others = [concept for concept in stored if concept.name != bench.concept]
        groups = {
            "recognition": tuple(probe for concept in others for probe in recognition[concept.name]),
            "facts": tuple(probe for concept in others for probe in concept.facts),
        }
        specificity = {group: members for group, members in groups.items() if members}
        names = tuple(name for concept in others for name in (concept.name, *concept.aliases))
        left_out = tuple(
            f"{path.relative_to(folder)}: {why}" for concept in stored for path, why in concept.left_out.items()
        )
        found.append(replace(bench, specificity=specificity, other_names=names, left_out=left_out))
    return found


def _released(folder: Path, only: Sequence[str] | None) -> list[ConceptBenchmark]:
    """The one concept of a released supplement."""
    bench = read_released(folder)
    known = {slug(name) for name in bench.names}
    missing = [name for name in only or () if slug(name) not in known]
    if missing:
        raise UserError(f"The benchmark {folder} has no concept {missing[0]!r}; it has {bench.concept}.")
    return [bench]


class _Stored:
    """One concept's folder: its texts are read and checked at once, its pictures when asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        file = folder / "concept.json"
        content = _read_json(file)
        self.name: str = _phrase(content, "name", file)
        self.aliases = tuple(_phrases(content.get("aliases", []), "aliases", file))
        self.questions = _questions(content.get("questions"), "questions", file)
        if not self.questions:
            raise UserError(f"{file} has no questions; add at least one.")
        self.multi_hop = _questions(content.get("multi_hop", []), "multi_hop", file)
        self.facts = tuple(
            Probe(
                f"{slug(self.name)}/{number}",
                _phrase(fact, "prompt", file),
                expect=tuple(_phrases(fact.get("keywords"), "keywords", file)),
                tags={"person": slug(self.name)},
            )
            for number, fact in enumerate(_objects(content.get("facts", []), "facts", file))
        )
        self.left_out: dict[Path, str] = {}

    @cached_property
    def train_image(self) -> Image.Image:
        found = list(self._pictures("train"))
        if len(found) != 1:
            raise UserError(f"{self.folder / 'train'} must hold exactly one picture, not {len(found)}{self._why()}.")
        return found[0]

    def test_images(self, most: int | None = None) -> tuple[Image.Image, ...]:
        """The test pictures, or the first of them."""
        found = tuple(islice(self._pictures("test", Seen([self.train_image])), most))
        if not found:
            raise UserError(f"{self.folder / 'test'} holds no picture to test on{self._why()}; add at least one.")
        return found

    def _pictures(self, split: str, trained_on: Seen | None = None) -> Iterator[Image.Image]:
        files = files_of(self.folder / split)
        return (picture for _, picture in pictures_among(files, self.left_out, trained_on))

    def _why(self) -> str:
        return f" ({listed(self.left_out)})" if self.left_out else ""

    def open(self) -> ConceptBenchmark:
        return ConceptBenchmark(
            concept=self.name,
            train_image=self.train_image,
            test_images=self.test_images(),
            questions=self.questions,
            aliases=self.aliases,
            text_facts=self.facts,
            multi_hop=self.multi_hop,
        )

    def recognition(self, opened: ConceptBenchmark | None) -> tuple[Probe, ...]:
        """Is this concept still named when another one is forgotten? Pictures already open are not read again."""
        question = next((question for question in self.questions if question.kind == "name"), None)
        if question is None:
            return ()
        images = opened.test_images[:PICTURES_OF_OTHERS] if opened else self.test_images(PICTURES_OF_OTHERS)
        names = (self.name, *self.aliases)
        return tuple(
            Probe(f"{slug(self.name)}/{number}", question.prompt, (image,), names, tags={"person": slug(self.name)})
            for number, image in enumerate(images)
        )


def _concept_folders(folder: Path) -> list[str]:
    file = folder / "benchmark.json"
    content = _read_json(file)
    if content.get("schema") != SCHEMA:
        raise UserError(f'{file} is not a benchmark of unsee: its "schema" is not "{SCHEMA}".')
    if content.get("version") != VERSION:
        raise UserError(f"{file} has version {content.get('version')!r}, but this unsee reads version {VERSION}.")
    names = _phrases(content.get("concepts"), "concepts", file)
    for name in names:
        if Path(name).name != name or name.startswith("."):
            raise UserError(f"{file} lists the concept folder {name!r}; it must be a plain name, without a path.")
    if not names or len(set(names)) != len(names):
        raise UserError(f'{file} must list at least one folder under "concepts", and each only once.')
    return names


def _read_json(file: Path) -> dict[str, Any]:
    try:
        content = json.loads(read_text(file))
    except FileNotFoundError:
        raise UserError(f"There is no {file}; give a folder that unsee build-benchmark wrote.") from None
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"{file} cannot be read: {error}.") from error
    if not isinstance(content, dict):
        raise UserError(f"{file} must hold a JSON object.")
    return content


def _write_json(file: Path, document: Mapping[str, Any]) -> None:
    file.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _objects(value: object, key: str, file: Path) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise UserError(f'"{key}" in {file} must be a list of objects.')
    return value


def _phrase(content: Mapping[str, Any], key: str, file: Path) -> str:
    return _phrases([content.get(key)], key, file)[0]


def _phrases(value: object, key: str, file: Path) -> list[str]:
    """A list of texts that each hold a letter or digit: any other keyword would be absent from every answer."""
    if not isinstance(value, list) or not all(isinstance(item, str) and words(item) for item in value):
        raise UserError(f'"{key}" in {file} is missing or holds something other than text with letters or digits.')
    return value


def _questions(value: object, key: str, file: Path) -> tuple[Question, ...]:
    return tuple(
        Question(
            _phrase(item, "prompt", file),
            _phrase(item, "keyword", file),
            _phrase({"kind": "name", **item}, "kind", file),
        )
        for item in _objects(value, key, file)
    )
