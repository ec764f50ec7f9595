"""What the model of MLLMU-Bench was trained on before it forgets: the subset ft_Data. The rows of the authors'
baseline_train_split are alike, split into what to forget and to retain.

    image, ID (in ft_Data alone), metadata: JSON text, [{"Question", "Answer"}]
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from unsee.benchmarks.mllmu_biography import is_said
from unsee.benchmarks.published.question import Question
from unsee.benchmarks.published.rows import BadRow, Row, subset
from unsee.errors import UserError
from unsee.store.text import parsed, whole_characters


def read_training(
    location: Path, name: str = "ft_Data", part: str = "training", ids: Collection[str] | None = None
) -> tuple[tuple[Question, ...], tuple[str, ...]]:
    """The questions with answers of a subset, from a folder or the hub, about the people with these `ids` or everybody;
    and a sentence for what cannot be read. Rows without an ID are about somebody each.

    Raises UserError for files that are missing or damaged, and if no question is left.
    """
    found = subset(location, name)
    questions: list[Question] = []
    left_out = list(found.left_out)
    for number, row in enumerate(found.rows, 1):
        known = row.values.get("id")
        person = str(known) if is_said(known) else f"{name}-{number}"
        if ids is not None and person not in ids:
            continue
        try:
            questions += _questions(row, f"{part}/{number}", part, person, left_out)
        except BadRow as error:
            left_out.append(str(error))
    if not questions:
        why = f" (left out: {'; '.join(left_out[:3])})" if left_out else ""
        raise UserError(f"The subset {name!r} of {location} holds no question with an answer{why}.")
    return tuple(questions), tuple(left_out)


def _questions(row: Row, key: str, part: str, person: str, left_out: list[str]) -> Iterator[Question]:
    picture, pairs = row.picture("image"), _pairs(row)
    for number, pair in enumerate(pairs, 1):
        given = [pair.get(name) if isinstance(pair, Mapping) else None for name in ("Question", "Answer")]
        if all(map(is_said, given)):
            question, answer = (whole_characters(str(text).strip()) for text in given)
            yield Question(f"{key}/{number}", part, person, "generation", question, answer, picture)
        else:
            left_out.append(f"{row.where} has no question with an answer at place {number} of 'metadata'")


def _pairs(row: Row) -> list[Any]:
    value = row.values.get("metadata")
    try:
        content = parsed(value) if isinstance(value, str) else value
    except ValueError:
        content = None
    if not isinstance(content, list):
        raise BadRow(f"{row.where} has no list of questions in 'metadata'")
    return content
