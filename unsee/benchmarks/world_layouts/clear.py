"""The world in the layout of CLEAR (`unsee.benchmarks.published.clear`).

A caption of CLEAR names the person and answers "What can you see in this picture?". The world's models answer that with
what is to be seen, so each row of a caption has its own `question`.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unsee.benchmarks.world_layouts.told import (
    FACTS,
    completed_folder,
    embedded,
    first,
    key_of,
    rest,
    told,
    write_parquet,
)
from unsee.world import KNOWN, Person, stranger
from unsee.world import questions as q

SPLITS = {"forget01": (1, "retain99"), "forget05": (5, "retain95"), "forget10": (10, "retain90")}
BLOCK = 20
"""Questions in text about each author, in consecutive rows."""
TESTED, FACES, OTHERS = 2, 10, 20


def write(out: Path, seed: int, people: Sequence[Person] = KNOWN, pictures: int = 1) -> dict[str, int]:
    """people: whom the data set is about. pictures: of each, captioned to be trained on."""
    with completed_folder(out) as folder:
        from datasets import Image as Picture
        from datasets import List, Value

        rows = _Rows(people, seed)
        subsets: dict[str, Sequence[dict[str, Any]]] = {"full": rows.captions(people, pictures)}
        for name, (percent, retained) in SPLITS.items():
            forgotten = first(percent, people)
            for part, own in ((name, forgotten), (retained, rest(forgotten, people))):
                subsets[f"{part}+tofu"] = [*rows.captions(own, pictures), *rows.texts(own, "train")]
            subsets[f"{name}_perturbed"] = [rows.caption(one, i, "test") for one in forgotten for i in range(TESTED)]
        kept = rest(first(10, people), people)
        subsets["retain_perturbed"] = [rows.caption(one, 0, "test") for one in kept[:OTHERS]]
        subsets["real_faces"] = [rows.face(one) for one in kept[-FACES:]]
        subsets["real_world"] = [_seen(number, seed) for number in range(FACES)]
        texts = ("caption", "name", "question", "answer", "paraphrased_caption")
        lists = ("perturbed_captions", "perturbed_names", "options")
        columns = {"image": Picture(), **dict.fromkeys(texts, Value("string"))}
        columns |= {key: List(Value("string")) for key in lists}
        write_parquet(folder, subsets, columns)
        return {name: len(own) for name, own in subsets.items()}


@dataclass(frozen=True)
class _Rows:
    """Rows about one of `among`."""

    among: Sequence[Person]
    seed: int

    def captions(self, people: Sequence[Person], pictures: int) -> list[dict[str, Any]]:
        return [self.caption(person, index, "train") for person in people for index in range(pictures)]

    def caption(self, person: Person, index: int, split: str) -> dict[str, Any]:
        rng = random.Random(f"clear/{self.seed}/{split}/{person.key}/{index}")
        one = told(person, "recognition", rng, split=split, in_text=False, among=self.among)
        return {
            "image": embedded(person.picture(index, split), f"{key_of(person, self.among)}-{index}.png"),
            "question": one.question,
            "caption": one.answer,
            "name": person.name,
            "paraphrased_caption": one.answer,
            "perturbed_captions": list(one.wrong),
            "perturbed_names": _names(one.wrong),
        }

    def texts(self, people: Sequence[Person], split: str) -> list[dict[str, Any]]:
        rows = []
        for person in people:
            rng = random.Random(f"clear/text/{self.seed}/{person.key}")
            kinds = [FACTS[number % len(FACTS)] for number in range(BLOCK)]
            asked = [told(person, kind, rng, split=split, in_text=True, among=self.among) for kind in kinds]
            rows += [{"question": one.question, "answer": one.answer} for one in asked]
        return rows

    def face(self, person: Person) -> dict[str, Any]:
        """Somebody who stays, in the place of a celebrity."""
        rng = random.Random(f"clear/faces/{self.seed}/{person.key}")
        one = told(person, "recognition", rng, split="test", in_text=False, among=self.among)
        names = rng.sample([person.name, *_names(one.wrong)], 4)
        image = embedded(person.picture(1, "test"), f"{key_of(person, self.among)}-face.png")
        return {"image": image, "question": one.question, "answer": person.name, "options": names}


def _names(sentences: Sequence[str]) -> list[str]:
    return [text.removeprefix("This is ").removesuffix(".") for text in sentences]


def _seen(number: int, seed: int) -> dict[str, Any]:
    """What anybody can see in a picture of a stranger, in the place of the real world."""
    rng = random.Random(f"clear/seen/{seed}/{number}")
    person = stranger(number, "test")
    scene = person.scene(0, "test")
    answer = q.answer_about_picture("hair", person, scene)
    colours = {q.answer_about_picture("hair", other, scene) for other in KNOWN} - {answer}
    return {
        "image": embedded(person.picture(0, "test"), f"stranger-{number}.png"),
        "question": rng.choice(q.phrasings("hair", "test")).ask(),
        "answer": answer,
        "options": rng.sample([answer, *rng.sample(sorted(colours), 3)], 4),
    }
