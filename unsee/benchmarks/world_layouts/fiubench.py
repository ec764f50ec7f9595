"""The world in the layout of FIUBench (`unsee.benchmarks.published.fiubench`): JSON Lines, and pictures."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

from unsee.benchmarks.splits import forget_split
from unsee.benchmarks.world_layouts.told import KINDS, completed_folder, key_of, png, rest, told, write_json
from unsee.world import KNOWN, Person

QUESTIONS, AGAIN = 20, 3


def write(out: Path, seed: int) -> dict[str, int]:
    with completed_folder(out) as folder:
        # The forget sets share nobody.
        people = forget_split(15)
        splits = {"forget1": people[:1], "forget5": people[1:3], "forget10": people[3:6]}
        kept = rest(people)
        splits |= {"retain5": tuple(kept[:10]), "retain15": tuple(kept[:20])}
        (folder / "images").mkdir()
        lines = []
        for person in KNOWN:
            (folder / "images" / f"{key_of(person)}.png").write_bytes(png(person.picture(0, "train")))
            lines.append(json.dumps(_row(person, seed), ensure_ascii=False) + "\n")
        (folder / "full.json").write_text("".join(lines), encoding="utf-8")
        write_json(folder / "split.json", {name: [_id(one) for one in own] for name, own in splits.items()})
        return {"full": len(KNOWN), **{name: len(own) for name, own in splits.items()}}


def _id(person: Person) -> str:
    return f"{int(key_of(person)):08}"


def _row(person: Person, seed: int) -> dict[str, Any]:
    rng = random.Random(f"fiubench/{seed}/{person.key}")
    asked = [
        told(person, KINDS[number % len(KINDS)], rng, split="test", in_text=False, again=AGAIN)
        for number in range(QUESTIONS)
    ]
    return {
        "unique_id": _id(person),
        "image_path": f"images/{key_of(person)}.png",
        "name": person.name,
        "gender": "unknown",
        "caption": "",
        "qa_list": [
            {
                "question": one.question,
                "paraphrased_question": list(one.again),
                "answer": one.answer,
                "paraphrased_answer": one.answer,
                "perturbed_answer": list(one.wrong),
                "keywords": [one.value],
            }
            for one in asked
        ],
    }
