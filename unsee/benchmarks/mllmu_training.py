"""What the model of MLLMU-Bench was trained on before it forgets: the subset ft_Data, which the published baselines
unlearn and retain, too.

    image, ID, metadata: JSON text, [{"Question", "Answer"}]
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from unsee.benchmarks.mllmu_biography import is_said
from unsee.benchmarks.mllmu_files import File, subset_files
from unsee.benchmarks.published.question import Question
from unsee.benchmarks.published.rows import BadRow, fetched
from unsee.errors import UserError
from unsee.store.text import parsed, whole_characters

FT_DATA = "ft_Data"
_COLUMNS = ("image", "ID", "metadata")


def read_training(location: Path, parts: Mapping[str, str]) -> tuple[tuple[Question, ...], tuple[str, ...]]:
    """The questions with answers about these people, each in the part that `parts` has for the person's ID; and a
    sentence for what cannot be read. Nothing if the data set lacks ft_Data.

    Raises UserError for files that are damaged or of another layout.
    """
    folder = fetched(location, (FT_DATA,)) / FT_DATA
    questions: list[Question] = []
    left_out: list[str] = []
    for file in subset_files(folder) if folder.is_dir() else ():
        missing = [name for name in _COLUMNS if name not in file.columns]
        if missing:
            raise UserError(f"{file.path} has no column {missing[0]!r}; it is not in the layout of MLLMU-Bench.")
        left_out += file.left_out
        for row in file.rows(_COLUMNS):
            if not is_said(row["ID"]) or row["ID"] not in parts:
                continue
            try:
                questions += _questions(row, parts[row["ID"]], file, left_out)
            except BadRow as error:
                left_out.append(str(error))
    return tuple(questions), tuple(left_out)


def _questions(row: Mapping[str, Any], part: str, file: File, left_out: list[str]) -> Iterator[Question]:
    who = f"{row['ID']} in {file.path}"
    picture = file.picture(row["image"], who)
    for number, pair in enumerate(_pairs(row["metadata"], who), 1):
        given = [pair.get(name) if isinstance(pair, Mapping) else None for name in ("Question", "Answer")]
        if all(map(is_said, given)):
            question, answer = (whole_characters(str(text).strip()) for text in given)
            key = f"{part}/{row['ID']}/{FT_DATA}/{number}"
            yield Question(key, part, row["ID"], "generation", question, answer, picture)
        else:
            left_out.append(f"{who} has no question with an answer at place {number} of 'metadata'")


def _pairs(value: Any, who: str) -> list[Any]:
    try:
        content = parsed(value) if isinstance(value, str) else value
    except ValueError:
        content = None
    if not isinstance(content, list):
        raise BadRow(f"{who} has no list of questions in 'metadata'")
    return content
