"""A table of questions, checked row by row: what `unsee.benchmarks.own` asks.

picture    a path, relative to the table or absolute; several separated by semicolons, or a list; empty for text only
question   what to ask
keyword    what a right answer contains; several accepted ones separated by semicolons, or a list
answer     the right answer; a short one counts as a keyword
concept    the person or thing that the question is about
split      "forget", "retain", or the name of another group to retain; if empty, "forget" for a row with a concept, and
           "retain" for one without
choices    texts to choose from, separated by semicolons, or a list; the answer is one of them, or its letter

Other columns are ignored. Every fault is one sentence that names the table, the column and the rows.
"""

from __future__ import annotations

import difflib
import math
import string
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image

from unsee.benchmarks.tables import Table, read_table
from unsee.data.images import Picture, image_key, open_image
from unsee.errors import UserError, did_you_mean
from unsee.metrics import normalise
from unsee.metrics.naming import words

FORGET, RETAIN = "forget", "retain"
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "picture": ("picture", "pictures", "image", "images", "path"),
    "question": ("question", "prompt"),
    "keyword": ("keyword", "keywords"),
    "answer": ("answer", "label"),
    "concept": ("concept", "name"),
    "split": ("split",),
    "choices": ("choices", "options"),
}
"""The names that each column may have; if several are there, the first counts."""
SHORT = 3
"""Most words of an answer that counts as a keyword."""
_NEAR = 0.8
"""How similar a column or a split must be to a known one to count as a misspelling of it."""


@dataclass(frozen=True)
class Row:
    """One question. An answer is right if it has one of `keywords`, says what `answer` says, or chooses the letter
    `keywords[0]` of `choices`. `pictures` are not yet opened."""

    number: int
    question: str
    pictures: tuple[Picture, ...] = ()
    keywords: tuple[str, ...] = ()
    answer: str = ""
    concept: str = ""
    split: str = RETAIN
    choices: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class OwnTable:
    """The rows of a table, with their texts checked."""

    name: str
    rows: tuple[Row, ...]
    picture_column: str = "picture"

    def opened(self, rows: Sequence[Row]) -> dict[int, tuple[Image.Image, ...]]:
        """The pictures of some of the rows, by the rows' numbers; one that is in many rows is opened once.

        Raises UserError that names the rows whose pictures cannot be used.
        """
        faults = _Faults(self.name)
        by_source: dict[Picture, Image.Image] = {}
        by_content: dict[str, Image.Image] = {}
        found = {}
        for row in rows:
            for source in row.pictures:
                if source not in by_source and (picture := _opened(source, row, self.picture_column, faults)):
                    by_source[source] = by_content.setdefault(image_key(picture), picture)
            found[row.number] = tuple(by_source[source] for source in row.pictures if source in by_source)
        faults.check()
        return found


def read_questions(location: Path) -> OwnTable:
    """Read a table and check all except its pictures, which `OwnTable.opened` checks.

    Raises UserError that names every kind of fault and its rows, then also those of the pictures.
    """
    table = read_table(location, [name for names in COLUMNS.values() for name in names])
    called = _columns(table)
    faults = _Faults(table.name)
    rows = [_row(number, content, called, table, faults) for number, content in table.rows]
    first: dict[object, int] = {}
    for row in rows:
        asked = (row.question, row.pictures, tuple(row.choices.values()), row.split, row.concept)
        if first.setdefault(asked, row.number) != row.number:
            faults.add(row.number, "the same question is asked again in {rows}; delete the repetition")
    picture_column = called.get("picture", "picture")
    if faults:
        # Nobody should have to mend the texts first to hear about the pictures.
        usable: set[Picture] = set()
        for row in rows:
            for source in row.pictures:
                if source not in usable and _opened(source, row, picture_column, faults):
                    usable.add(source)
    faults.check()
    return OwnTable(table.name, tuple(rows), picture_column)


def _opened(source: Picture, row: Row, column: str, faults: _Faults) -> Image.Image | None:
    try:
        return open_image(source, f"in row {row.number}")
    except UserError as error:
        what = f"the column {column!r} has a picture that cannot be used in {{rows}}"
        faults.add(row.number, what, str(error))
        return None


class _Faults:
    """The faults, with the rows they are in."""

    def __init__(self, table: str) -> None:
        self.table = table
        self._rows: dict[str, list[int]] = {}
        self._first: dict[str, str] = {}

    def add(self, number: int, what: str, detail: str = "") -> None:
        """`what` is a sentence without its full stop and with {rows} in it; only the first detail is shown."""
        rows = self._rows.setdefault(what, [])
        if number not in rows[-1:]:
            rows.append(number)
        self._first.setdefault(what, detail)

    def __bool__(self) -> bool:
        return bool(self._rows)

    def check(self) -> None:
        """Raises UserError if there is any."""
        sentences = []
        for what, rows in self._rows.items():
            detail = self._first[what].rstrip(".")
            told = f" ({detail})" if detail else ""
            sentences.append(f"{self.table}: {what.format(rows=numbered(rows))}{told}.")
        if sentences:
            raise UserError(" ".join(sentences))


def numbered(rows: Sequence[int]) -> str:
    """ "row 3", "rows 3 and 7", "12 rows (3, 4, 7 …)"."""
    if len(rows) == 1:
        return f"row {rows[0]}"
    if len(rows) <= 3:
        return f"rows {', '.join(map(str, rows[:-1]))} and {rows[-1]}"
    return f"{len(rows)} rows ({', '.join(map(str, rows[:3]))} …)"


def _columns(table: Table) -> dict[str, str]:
    """The name of each column that is there. Raises UserError if one is missing or seems to be misspelt."""
    called = {
        column: next(name for name in names if name in table.columns)
        for column, names in COLUMNS.items()
        if any(name in table.columns for name in names)
    }
    unknown = [name for name in table.columns if not any(name in names for names in COLUMNS.values())]
    for column in (column for column in COLUMNS if column not in called):
        if column == "question" or (column == "answer" and "keyword" not in called):
            wanted = "question" if column == "question" else "answer or keyword"
            raise UserError(f"{table.name} has no column for the {wanted}{did_you_mean(column, table.columns)}")
        near = difflib.get_close_matches(column, unknown, n=1, cutoff=_NEAR)
        # Without this check, a misspelt picture column would turn every question into one in text.
        if near:
            raise UserError(f"{table.name} has a column {near[0]!r}, which unsee does not know; call it {column!r}.")
    return called


def _row(number: int, content: Mapping[str, Any], called: Mapping[str, str], table: Table, faults: _Faults) -> Row:
    def texts(column: str, *, several: bool) -> tuple[str, ...]:
        name = called.get(column)
        try:
            return tuple(_texts(content.get(name) if name else None, several))
        except TypeError:
            faults.add(number, f"the column {name!r} holds something other than text in {{rows}}")
            return ()

    def text(column: str) -> str:
        return next(iter(texts(column, several=False)), "")

    concept, question, answer = text("concept"), text("question"), text("answer")
    keywords = texts("keyword", several=True)
    options = texts("choices", several=True)
    choices = dict(zip(string.ascii_uppercase, options, strict=False))
    if not question:
        faults.add(number, f"the column {called['question']!r} is empty in {{rows}}; write a question there")
    if concept and not words(concept):
        faults.add(number, f"the column {called['concept']!r} has no letter or digit in {{rows}}; write a name")
    if len(options) == 1 or len(options) > len(choices):
        most = len(string.ascii_uppercase)
        faults.add(number, f"the column {called['choices']!r} does not hold 2 to {most} texts in {{rows}}")
    if not keywords and not answer:
        faults.add(number, "there is neither an answer nor a keyword in {rows}; write one")
    elif choices:
        right = _letter(keywords[0] if keywords else answer, choices)
        keywords, answer = ((right,), "") if right else ((), "")
        if not right:
            faults.add(number, "the answer is not one of the choices in {rows}; write its text or its letter")
    elif keywords or len(words(answer)) <= SHORT:
        keywords, answer = keywords or (answer,), ""
        if not all(words(keyword) for keyword in keywords):
            faults.add(number, "an answer or keyword has no letter or digit in {rows}, so no answer can contain it")
    pictures = tuple(_pictures(number, content, called.get("picture", ""), table, faults))
    split = _split(number, text("split"), concept, faults)
    return Row(number, question, pictures, keywords, answer, concept, split, choices)


def _texts(value: Any, several: bool) -> Iterator[str]:
    """The texts of a cell that are not empty. Raises TypeError for anything else."""
    if isinstance(value, (list, tuple)) and several:
        for item in value:
            yield from _texts(item, False)
    elif isinstance(value, str) and _can_be_written(value):
        parts = value.split(";") if several else [value]
        yield from (part.strip() for part in parts if part.strip())
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        if not math.isnan(value):
            yield str(value)
    elif value is not None:
        raise TypeError


def _can_be_written(text: str) -> bool:
    """JSON may hold halves of characters, which no file and no terminal accepts."""
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _letter(answer: str, choices: Mapping[str, str]) -> str | None:
    """The letter of the choice that the right answer names, by its text or else by its letter."""
    found = [letter for letter, text in choices.items() if normalise(text) == normalise(answer)]
    if not found:
        found = [letter for letter in choices if letter == answer.strip("().: ").upper()]
    return found[0] if len(found) == 1 else None


def _split(number: int, given: str, concept: str, faults: _Faults) -> str:
    split = given.casefold()
    if not split:
        return FORGET if concept else RETAIN
    if split not in (FORGET, RETAIN) and difflib.get_close_matches(split, (FORGET, RETAIN), n=1, cutoff=_NEAR):
        faults.add(
            number, f"the split {given!r} is nearly {FORGET!r} or {RETAIN!r} in {{rows}}; write that, or another name"
        )
    return split


def _pictures(number: int, content: Mapping[str, Any], column: str, table: Table, faults: _Faults) -> Iterator[Picture]:
    """Paths, or the contents of files. A data set from elsewhere cannot name files outside of itself."""
    value = content.get(column)
    for item in value if isinstance(value, (list, tuple)) else (value,):
        if isinstance(item, Mapping):
            # As `datasets` stores pictures: the content, or else its path.
            item = item.get("bytes") or item.get("path")
        if isinstance(item, bytes):
            yield item
        elif isinstance(item, str) and _can_be_written(item):
            for part in filter(None, map(str.strip, item.split(";"))):
                path = table.folder / Path(part).expanduser()
                if table.within is None or _lies_in(path, table.within):
                    yield path
                else:
                    what = f"the column {column!r} names a file outside of the data set in {{rows}}"
                    faults.add(number, what, part)
        elif item is not None:
            faults.add(number, f"the column {column!r} has neither a path nor a picture in {{rows}}")


def _lies_in(path: Path, folders: Sequence[Path]) -> bool:
    try:
        real = path.resolve()
    except (OSError, ValueError):
        # Links in a circle, or a name that no file can have.
        return False
    return any(real.is_relative_to(folder) for folder in folders)
