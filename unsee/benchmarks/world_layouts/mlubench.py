"""The world in the layout of MLUBench (`unsee.benchmarks.published.mlubench`): four tasks, one after the other."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from unsee.benchmarks.world_layouts.told import KINDS, completed_folder, png, told, write_json
from unsee.world import KNOWN, Person

TASKS = "ABCD"
FORGOTTEN, RETAINED = 2, 6
"""People of each task."""
PICTURES = 2


def write(out: Path, seed: int) -> dict[str, int]:
    with completed_folder(out) as folder:
        people = random.Random(f"mlubench/{seed}").sample(KNOWN, len(TASKS) * (FORGOTTEN + RETAINED))
        counts = {}
        for number, task in enumerate(TASKS):
            own = people[number * (FORGOTTEN + RETAINED) : (number + 1) * (FORGOTTEN + RETAINED)]
            for part, members in (("forget", own[:FORGOTTEN]), ("retain", own[FORGOTTEN:])):
                rows = [row for person in members for row in _rows(folder, person, seed)]
                write_json(folder / "Tasks" / f"Task{task}" / f"task{task}_{part}.json", rows)
                counts[f"task{task}_{part}"] = len(rows)
        return counts


def _rows(folder: Path, person: Person, seed: int) -> Sequence[dict[str, Any]]:
    rng = random.Random(f"mlubench/{seed}/{person.key}")
    place = Path("downloaded_images", "people", person.name.replace(" ", "_"))
    (folder / place).mkdir(parents=True, exist_ok=True)
    rows = []
    for index in range(PICTURES):
        path = place / f"{index}.png"
        (folder / path).write_bytes(png(person.picture(index, "train")))
        for kind in KINDS:
            one = told(person, kind, rng, split="train", in_text=False)
            turns = [{"from": "human", "value": f"<image>\n{one.question}"}, {"from": "gpt", "value": one.answer}]
            # Ids repeat, as in the published files.
            rows.append({"id": f"{index}", "image": path.as_posix(), "conversations": turns})
    return rows
