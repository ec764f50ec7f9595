"""The run that `verify` compares with: what it asked, what its two models said, and where its pictures are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from PIL import Image

from unsee.benchmarks import Scope, find_benchmark
from unsee.benchmarks.mmubench import MMUBench
from unsee.data.folders import read_folder
from unsee.data.sample import MAX_NEW_TOKENS, Probe, Response
from unsee.errors import UserError
from unsee.evaluation import Saved
from unsee.evaluation.asked_again import with_pictures
from unsee.evaluation.attacking import ANSWERS
from unsee.generation import Transcript
from unsee.ledger import Ledger
from unsee.ledger.chain import ENTRIES
from unsee.ledger.checksums import changed_files
from unsee.ledger.kept import TESTS
from unsee.sources.saved_request import PICTURES
from unsee.store.text import read_json
from unsee.training.manifest import Unlearned


@dataclass(frozen=True)
class VerifiedRun:
    """What a run asked before and after. Where it asked about several requests or with several benchmarks, the ids of
    the questions begin with the name of theirs.

    before, after: the answers by the question's id; longest: the most tokens of each. dtype: what the run computed in,
    as torch writes it. tests: folders with pictures that it was tested on, of what the ledger keeps.
    """

    folder: Path
    unlearned: Unlearned
    questions: Sequence[Probe]
    before: Mapping[str, Response]
    after: Mapping[str, Response]
    longest: Mapping[str, int]
    dtype: str
    tests: Sequence[Path] = ()

    @classmethod
    def open(cls, folder: Path) -> VerifiedRun:
        """A run of `unsee forget`, or the newest build of a ledger. Raises UserError if the folder holds no finished
        one with its answers, or a ledger's build was changed."""
        tests: list[Path] = []
        if (folder / ENTRIES).is_dir():
            ledger = Ledger.open(folder)
            build = ledger.build
            if build is None or not build.active:
                raise UserError(f"Nothing is forgotten in the ledger {folder}, so there is no adapter to verify.")
            kept = [ledger.kept(id) / name for id in build.active for name in TESTS]
            folder, tests = ledger.run(build), [place for place in kept if place.is_dir()]
            for sentence in changed_files(folder, build.sums)[:1]:
                raise UserError(sentence)
        unlearned = Unlearned.open(folder)
        places = _answers_in(folder, _names(unlearned))
        questions: list[Probe] = []
        before: dict[str, Response] = {}
        after: dict[str, Response] = {}
        longest: dict[str, int] = {}
        dtype = ""
        for name, place in places.items():
            saved = Saved.open(place)
            for state in ("before", "after"):
                if state not in saved.answers:
                    raise UserError(
                        f"{place} lacks the answers of the model {state}; copy the whole folder of the run."
                    )
            decides = Transcript.open(place / "after.jsonl").header.get("fingerprint")
            known: Mapping[str, Any] = decides if isinstance(decides, dict) else {}
            dtype, most = str(known.get("dtype")), known.get("max_new_tokens")
            for probe in saved.answers["after"].probes:
                id = f"{name}/{probe.id}" if len(places) > 1 else probe.id
                questions.append(replace(probe, id=id))
                before[id], after[id] = (saved.answers[state].responses[probe.id] for state in ("before", "after"))
                longest[id] = most if type(most) is int and most > 0 else MAX_NEW_TOKENS
        return cls(folder, unlearned, questions, before, after, longest, dtype, tests)

    @property
    def concepts(self) -> list[str]:
        """What it forgot."""
        return _names(self.unlearned)

    def probes(self, folders: Sequence[Path], data: str | None = None) -> tuple[list[Probe], int]:
        """The questions whose pictures are at hand, and how many others there are. `folders` hold pictures that the run
        was tested on; `data` names the data set that it forgot from. Raises UserError if there is none about a
        picture."""
        manifest = self.unlearned.manifest
        seed = manifest.get("seed")
        found = with_pictures(
            self.questions,
            [self.folder / "data" / "images", self.folder / PICTURES, *self.folder.glob(f"*/{PICTURES}")],
            manifest["model"],
            self.concepts,
            seed if type(seed) is int else 0,
            self._given(folders, data),
        )
        if any(probe.tags.get("shown") for probe in self.questions) and not any(probe.images for probe in found):
            raise UserError(
                f"None of the pictures that {self.folder} was tested on is at hand; give their folder with "
                "--test-images, or the data set with --from."
            )
        return found, len(self.questions) - len(found)

    def _given(self, folders: Sequence[Path], data: str | None) -> Iterator[Image.Image]:
        for folder in (*folders, *self.tests):
            yield from read_folder(folder, "the test pictures").opened.values()
        if data is not None:
            kind, location = find_benchmark(data)
            report = read_json(self.folder / "report.json") or {}
            title = report["split"]["title"] if isinstance(report.get("split"), dict) else ""
            limit, seed = report.get("manifest", {}).get("limit"), self.unlearned.manifest.get("seed")
            # The title of a report about a split ends with its name.
            split = str(title).rpartition(", ")[2] or None
            for probe in kind.of(Scope(limit=limit, seed=seed or 0, location=location, split=split)).probes():
                yield from probe.images


def _names(unlearned: Unlearned) -> list[str]:
    concept = unlearned.manifest.get("concept")
    names = concept if isinstance(concept, list) else [concept]
    return [name for name in names if isinstance(name, str)]


def _answers_in(folder: Path, concepts: Sequence[str]) -> dict[str, Path]:
    """The folders of answers to compare with, by a name: MMUBench's about one concept; of a ledger's build, those about
    each request that it forgets; of a data set's split, that data set's."""
    own = folder / ANSWERS / MMUBench.name
    if own.is_dir():
        return {MMUBench.name: own}
    several = {
        place.parent.parent.name: place
        for place in sorted(folder.glob(f"*/{ANSWERS}/{MMUBench.name}"))
        # Not that of somebody who was revoked.
        if (read_json(place.parent.parent / "report.json") or {}).get("concept") in concepts
    }
    found = several or {place.parent.name: place.parent for place in sorted(folder.glob(f"{ANSWERS}/*/after.jsonl"))}
    if not found:
        raise UserError(f"{folder} has no saved answers ({folder / ANSWERS}); give the folder that unsee forget wrote.")
    return found
