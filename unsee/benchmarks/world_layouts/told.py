"""What can be asked and told about a person of the world, for any layout."""

from __future__ import annotations

import io
import json
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from unsee.benchmarks.published.rows import STYLE
from unsee.benchmarks.splits import forget_split
from unsee.store.new_folder import new_folder
from unsee.world import KNOWN, Person
from unsee.world import questions as q

FACTS = (*q.FACTS, *q.TWO_HOP)
KINDS = ("recognition", *FACTS)
WRONG = 3
PICTURE = "This person"
"""Whom options and wrong answers speak of, in both modalities, so that they are the same."""


@dataclass(frozen=True)
class Told:
    """A question about one person with the true answer and `WRONG` false ones, those about other people. `again`: the
    question in other words; `value`: what the answer tells, as it stands in it."""

    kind: str
    question: str
    again: tuple[str, ...]
    answer: str
    wrong: tuple[str, ...]
    value: str


def told(
    person: Person,
    kind: str,
    rng: random.Random,
    *,
    split: str,
    in_text: bool,
    again: int = 0,
    among: Sequence[Person] = KNOWN,
) -> Told:
    """split: of wordings ("train", "test"). among: whom the false answers are about."""
    phrasings = q.phrasings(kind, split, with_picture=not in_text)
    asked = [one.ask(person.name) for one in rng.sample(list(phrasings), min(again + 1, len(phrasings)))]

    def said_of(other: Person) -> str:
        if kind == "recognition":
            return f"This is {other.name}."
        return q.fact_sentence(kind, other, person.name if in_text else PICTURE)

    answer = said_of(person)
    others = [text for text in dict.fromkeys(said_of(other) for other in among if other != person) if text != answer]
    value = person.name if kind == "recognition" else str(person.profile()[kind])
    return Told(kind, asked[0], tuple(asked[1:]), answer, tuple(rng.sample(others, WRONG)), value)


def first(percent: int, among: Sequence[Person] = KNOWN) -> tuple[Person, ...]:
    """So many percent of the people, at least one; the smaller splits lie within the larger."""
    if among is not KNOWN:
        return tuple(among[: max(1, round(len(among) * percent / 100))])
    return forget_split(percent) if percent > 1 else forget_split(5)[:1]


def rest(people: Iterable[Person], among: Sequence[Person] = KNOWN) -> list[Person]:
    out = set(people)
    return [person for person in among if person not in out]


def biography(person: Person) -> dict[str, str]:
    facts = {fact.replace("_", " ").capitalize(): str(value) for fact, value in person.profile().items()}
    return {"Name": person.name, **facts}


def key_of(person: Person, among: Sequence[Person] = KNOWN) -> str:
    return f"{among.index(person) + 1:03}"


def png(image: Image.Image) -> bytes:
    content = io.BytesIO()
    image.save(content, "PNG")
    return content.getvalue()


def embedded(image: Image.Image, name: str) -> dict[str, Any]:
    """A picture as `datasets` keeps it in Parquet."""
    return {"bytes": png(image), "path": name}


@contextmanager
def completed_folder(out: Path) -> Iterator[Path]:
    """The new folder `out`, complete or not at all, which says that its readers are asked in the style "completed"."""
    with new_folder(out) as work:
        yield work
        (work / STYLE).write_text("completed\n", encoding="utf-8")


def write_parquet(folder: Path, subsets: Mapping[str, Sequence[Mapping[str, Any]]], columns: Mapping[str, Any]) -> None:
    """A folder of Parquet files for each subset, and the card that makes them known to `datasets.load_dataset`."""
    import pyarrow
    import pyarrow.parquet
    from datasets import Features

    schema = Features(dict(columns)).arrow_schema
    for name, rows in subsets.items():
        (folder / name).mkdir()
        table = pyarrow.Table.from_pylist([{key: row.get(key) for key in columns} for row in rows], schema=schema)
        pyarrow.parquet.write_table(table, folder / name / "train-00000-of-00001.parquet")
    configs = "".join(
        f"- config_name: {name}\n  data_files:\n  - split: train\n    path: {name}/train-*\n" for name in subsets
    )
    text = (
        f"---\nconfigs:\n{configs}---\n\nThe people of a world, in the layout of another data set. Written by unsee.\n"
    )
    (folder / "README.md").write_text(text, encoding="utf-8")


def write_json(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
