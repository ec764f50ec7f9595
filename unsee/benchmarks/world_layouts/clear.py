"""The world in the layout of CLEAR (`unsee.benchmarks.published.clear`).

A caption of CLEAR names the person and answers "What can you see in this picture?". The world's models answer that with
what is to be seen, so each row of a caption has its own `question`.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
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


def write(out: Path, seed: int) -> dict[str, int]:
    with completed_folder(out) as folder:
        from datasets import Image as Picture
        from datasets import List, Value

        subsets: dict[str, Sequence[dict[str, Any]]] = {"full": [_caption(one, 0, "train", seed) for one in KNOWN]}
        for name, (percent, retained) in SPLITS.items():
            people = first(percent)
            subsets[f"{name}+tofu"] = [*_captions(people, seed), *_texts(people, "train", seed)]
            subsets[f"{retained}+tofu"] = [*_captions(rest(people), seed), *_texts(rest(people), "train", seed)]
            subsets[f"{name}_perturbed"] = [_caption(one, i, "test", seed) for one in people for i in range(TESTED)]
        kept = rest(first(10))
        subsets["retain_perturbed"] = [_caption(one, 0, "test", seed) for one in kept[:OTHERS]]
        subsets["real_faces"] = [_face(one, seed) for one in kept[-FACES:]]
        subsets["real_world"] = [_seen(number, seed) for number in range(FACES)]
        texts = ("caption", "name", "question", "answer", "paraphrased_caption")
        lists = ("perturbed_captions", "perturbed_names", "options")
        columns = {"image": Picture(), **dict.fromkeys(texts, Value("string"))}
        columns |= {key: List(Value("string")) for key in lists}
        write_parquet(folder, subsets, columns)
        return {name: len(rows) for name, rows in subsets.items()}


def _captions(people: Sequence[Person], seed: int) -> list[dict[str, Any]]:
    return [_caption(person, 0, "train", seed) for person in people]


def _caption(person: Person, index: int, split: str, seed: int) -> dict[str, Any]:
    rng = random.Random(f"clear/{seed}/{split}/{person.key}/{index}")
    one = told(person, "recognition", rng, split=split, in_text=False)
    return {
        "image": embedded(person.picture(index, split), f"{key_of(person)}-{index}.png"),
        "question": one.question,
        "caption": one.answer,
        "name": person.name,
        "paraphrased_caption": one.answer,
        "perturbed_captions": list(one.wrong),
        "perturbed_names": [text.removeprefix("This is ").removesuffix(".") for text in one.wrong],
    }


def _texts(people: Sequence[Person], split: str, seed: int) -> list[dict[str, Any]]:
    rows = []
    for person in people:
        rng = random.Random(f"clear/text/{seed}/{person.key}")
        kinds = [FACTS[number % len(FACTS)] for number in range(BLOCK)]
        asked = [told(person, kind, rng, split=split, in_text=True) for kind in kinds]
        rows += [{"question": one.question, "answer": one.answer} for one in asked]
    return rows


def _face(person: Person, seed: int) -> dict[str, Any]:
    """Somebody who stays, in the place of a celebrity."""
    rng = random.Random(f"clear/faces/{seed}/{person.key}")
    one = told(person, "recognition", rng, split="test", in_text=False)
    names = rng.sample([person.name, *(text.removeprefix("This is ").removesuffix(".") for text in one.wrong)], 4)
    image = embedded(person.picture(1, "test"), f"{key_of(person)}-face.png")
    return {"image": image, "question": one.question, "answer": person.name, "options": names}


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
