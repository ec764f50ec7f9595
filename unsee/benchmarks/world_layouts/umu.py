"""The world in the layout of UMU-Bench (`unsee.benchmarks.published.umu`): Python literals in Parquet."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

from unsee.benchmarks.mllmu_questions import LETTERS
from unsee.benchmarks.splits import PERCENT
from unsee.benchmarks.world_layouts.told import (
    FACTS,
    PICTURE,
    Told,
    biography,
    completed_folder,
    embedded,
    first,
    key_of,
    rest,
    told,
    write_parquet,
)
from unsee.world import Person
from unsee.world import questions as q

FILLED = tuple(kind for kind in FACTS if kind != "country")
"""A sentence about the country begins like one about the city."""
REAL = 10
KEPT = 2
"""Kinds of questions of each task about somebody who stays."""


def write(out: Path, seed: int) -> dict[str, int]:
    with completed_folder(out) as folder:
        from datasets import Image as Picture
        from datasets import Value

        subsets = {}
        for percent in PERCENT:
            people = first(percent)
            subsets[f"forget_{percent}"] = [_row(person, seed, True) for person in people]
            subsets[f"retain_{100 - percent}"] = [_row(person, seed, False) for person in rest(people)]
        # People who stay, in other pictures, in the place of celebrities.
        subsets["Real_Person_Set"] = [_row(person, seed, False, 1) for person in rest(first(PERCENT[-1]))[:REAL]]
        texts = ("ID", "Biography", "MM_QA", "UM_QA", "Classify", "Cloze", "Generation")
        write_parquet(folder, subsets, {"image": Picture(), **dict.fromkeys(texts, Value("string"))})
        return {name: len(rows) for name, rows in subsets.items()}


def _row(person: Person, seed: int, forgotten: bool, picture: int = 0) -> dict[str, Any]:
    """Of somebody who stays a test picture, and two kinds of questions in wordings that no training has seen."""
    rng = random.Random(f"umu/{seed}/{person.key}")
    split = "train" if forgotten else "test"
    kinds = FACTS if forgotten else rng.sample(FACTS, KEPT)
    pictured = {kind: told(person, kind, rng, split=split, in_text=False) for kind in kinds}
    in_text = {kind: told(person, kind, rng, split=split, in_text=True) for kind in kinds}
    recognised = told(person, "recognition", rng, split=split, in_text=False)
    options = {kind: _options(one, rng) for kind, one in pictured.items()}
    filled = [kind for kind in kinds if kind in FILLED]
    return {
        "image": embedded(person.picture(picture, split), f"{key_of(person)}.png"),
        "ID": key_of(person),
        "Biography": repr(biography(person)),
        "MM_QA": _columns([recognised, *pictured.values()]),
        "UM_QA": _columns([*in_text.values()]),
        "Classify": repr(
            {
                "unimodal": {kind: _choice(in_text[kind], *options[kind]) for kind in kinds},
                "muitimodal": {kind: _choice(pictured[kind], *options[kind]) for kind in kinds},
            }
        ),
        "Cloze": repr(
            {
                "unimodal": {kind: _blank(kind, person, person.name) for kind in filled},
                "muitimodal": {kind: _blank(kind, person, PICTURE) for kind in filled},
            }
        ),
        "Generation": repr(
            {
                "unimodal": {kind: _open(one) for kind, one in in_text.items()},
                "muitimodal": {kind: _open(one) for kind, one in {"recognition": recognised, **pictured}.items()},
            }
        ),
    }


def _columns(asked: list[Told]) -> str:
    return repr(
        {"question": {one.kind: one.question for one in asked}, "answer": {one.kind: one.answer for one in asked}}
    )


def _options(one: Told, rng: random.Random) -> tuple[dict[str, str], str]:
    """The options by letter, and the right one."""
    texts = rng.sample([one.answer, *one.wrong], len(LETTERS))
    return dict(zip(LETTERS, texts, strict=True)), LETTERS[texts.index(one.answer)]


def _choice(one: Told, options: dict[str, str], letter: str) -> dict[str, Any]:
    return {"question": one.question, "answer": f"{letter}. {options[letter]}", "options": options}


def _open(one: Told) -> dict[str, str]:
    return {"question": one.question, "answer": one.answer}


def _blank(kind: str, person: Person, subject: str) -> dict[str, str]:
    value = str(person.profile()[kind])
    head, _, tail = q.fact_sentence(kind, person, subject).rpartition(value)
    return {"question": f"{head}__{tail}", "answer": value}
