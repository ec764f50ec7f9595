"""OFFSIDE (`zh121800/OFFSIDE` on GitHub): rumours about the transfers of 80 football players, to be forgotten.

    forget_set.json, retain_set.json     lists of {"messages": [{"role": "user", "content": "<image>\\n…"}, {"role":
                                         "assistant", "content"}], "images": "./finetune_set/364.jpg"}
    forget_set_part.json                 of the forget set, what is private: club, fee, date of the transfer
    test_set.json                        the retain set's questions about altered pictures
    classification_forget_set.json …     [{"Question", "Options": {"A": …}, "Correct_Answer": "A", "images" or "image"}]
    the pictures, at their paths from here

or everything in one file (enhanced_finetuneset.json, train_data.json), where the number of a picture tells its set:
modulo 5, 1 to 3 are retained, 4 is to be forgotten (the rumour), and 0 is for learning the truth again later. Five
pictures in a row show one player. `images` is one path, a text; a question may name "<image>" again in its middle; a
row without a picture is asked in text alone. What is to be learned again afterwards is not asked, because no model knew
it before.

The split "complete" is to forget all about the rumour's picture, "selective" what is private: all else about it is
asked as "shared" and should stay.

What is faulty in the authors' scripts, and how ours differs:
- A choice counts only as "The answer is B" or as one capital letter that is the whole answer ("B." is wrong), and only
A to D. Ours reads the letter however it is given.
- Free answers have BLEU and ROUGE, cut off after 32 tokens: "€35.00m" for "€10.00m" shares most of its sentence. Ours
asks whether the answer tells the facts. BLEU also counts pairs, threes and fours of words, of which a right answer of
one word has none: it gets 0.18. BLEU and ROUGE-L are given as published; ROUGE-1 and ROUGE-2 are not.
- Answers that could not be generated are left out of the averages. Ours count them as unreadable.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar

from unsee.benchmarks.mllmu_questions import LETTERS, Choice
from unsee.benchmarks.published.base import Published
from unsee.benchmarks.published.question import DataSet, Question
from unsee.benchmarks.published.rows import BadRow, Row, end_inside, first_row, read_rows
from unsee.benchmarks.tables import HUB
from unsee.errors import UserError
from unsee.metrics.naming import words
from unsee.metrics.options import letter_of
from unsee.metrics.wording import bleu, rouge_l_f

_WHOLE = ("enhanced_finetuneset.json", "train_data.json")
_PRIVATE = "forget_set_part.json"
_SETS = ("forget", "retain", "test")
_BY_NUMBER = {1: "retain", 2: "retain", 3: "retain", 4: "forget"}
_PICTURES_OF_ONE = 5
_IMAGE_AT_AN_END = re.compile(r"\A\s*<image>\s*|:?\s*<image>\s*\Z")
_ASKS_FOR_NAME = re.compile(r"\b(?:name|who|identity|identify)\b", re.IGNORECASE)
_NAMES = re.compile(r"\b(?:is|named|called) ([^\W\d_a-z].*?)\.?\Z")
_STRICT = re.compile(r"[Tt]he answer is ([A-D])|\A([A-D])\Z")


class Offside(Published):
    """A rumour's picture of each player to forget, and the others to keep."""

    name = "offside"
    version = 1
    title = "OFFSIDE"
    splits = ("complete", "selective")
    parts = ("forget", "shared", "retain", "test")
    figures: ClassVar[Mapping[str, str]] = {
        "rouge_l": "ROUGE-L F1",
        "bleu": "BLEU-4",
        "choice": "the letter in one of two exact forms",
    }

    @classmethod
    def recognises(cls, location: Path) -> bool:
        if not location.is_dir():
            return False
        in_sets = all(_is_chat(first_row(location / f"{name}_set.json")) for name in ("forget", "retain"))
        return in_sets or any("finetune_set" in str(first_row(location / name).get("images")) for name in _WHOLE)

    @classmethod
    def read(cls, location: Path, split: str) -> DataSet:
        if location.as_posix().startswith(HUB):
            raise UserError(f"{cls.title} is not read from the hub; give the folder with its files and pictures.")
        reader = _Reader(location)
        private = reader.private() if split == "selective" else None
        questions = [replace(one, part=_part(one, private)) for one in reader.questions()]
        return DataSet(split, tuple(questions), reader.names, left_out=tuple(reader.left_out))

    @classmethod
    def published(cls, question: Question, answer: str) -> Mapping[str, float]:
        if question.choice is None:
            return {"rouge_l": rouge_l_f(answer, question.answer), "bleu": bleu(answer, question.answer)}
        found = _STRICT.search(answer)
        return {"choice": float(found is not None and (found[1] or found[2]) == question.choice.correct)}


class _Reader:
    """The questions of a folder; `names` are those of the players met. What cannot be read is in `left_out`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.left_out: list[str] = []
        self.names: dict[str, str] = {}

    def questions(self) -> Iterator[Question]:
        sets = [name for name in _SETS if (self.folder / f"{name}_set.json").is_file()]
        if {"forget", "retain"} <= set(sets):
            for name in sets:
                yield from self._of(self.folder / f"{name}_set.json", name)
        else:
            whole = next((path for name in _WHOLE if (path := self.folder / name).is_file()), None)
            if whole is None:
                raise UserError(
                    f"There is neither a forget_set.json with a retain_set.json nor a {_WHOLE[0]} in {self.folder}; "
                    f"give the folder with the files of {Offside.title}."
                )
            yield from self._of(whole, None)
        for name in _SETS:
            path = self.folder / f"classification_{name}_set.json"
            if path.is_file():
                yield from self._of(path, name)

    def private(self) -> set[tuple[str, str]]:
        """The players and questions to which the selective split is limited. Raises UserError."""
        path = self.folder / _PRIVATE
        if not path.is_file():
            raise UserError(f"The split 'selective' needs {path}; choose the split 'complete', or get that file.")
        return {(one.subject, one.prompt) for one in self._of(path, "forget")}

    def _of(self, path: Path, part: str | None) -> Iterator[Question]:
        found = read_rows(path)
        self.left_out += found.left_out
        for number, row in enumerate(found.rows, 1):
            try:
                place = _place(row)
                own = part or _BY_NUMBER.get(_number(row, place) % _PICTURES_OF_ONE)
                if own is None:
                    continue
                picture = end_inside(path.parent, place, row.where) if place else None
                subject = _subject(place, row)
                key = f"offside/{path.stem}/{number}"
                if "question" in row.values:
                    choice = _choice(row)
                    yield Question(
                        key, own, subject, "classification", choice.question, choice.correct, picture, choice
                    )
                    continue
                prompt, answer = _said(row)
                if _ASKS_FOR_NAME.search(prompt) and (name := _NAMES.search(answer)):
                    self.names.setdefault(subject, name[1])
                yield Question(key, own, subject, "generation", prompt, answer, picture)
            except BadRow as error:
                self.left_out.append(str(error))


def _part(one: Question, private: set[tuple[str, str]] | None) -> str:
    """Of what is to be forgotten, what is not private stays if only that is."""
    is_kept = private is not None and one.part == "forget" and (one.subject, one.prompt) not in private
    return "shared" if is_kept else one.part


def _is_chat(row: Mapping[str, Any]) -> bool:
    return {"messages", "images"} <= row.keys()


def _place(row: Row) -> str:
    """The path of the picture; empty if there is none. Raises BadRow for several."""
    value = row.values.get("images") or row.values.get("image")
    if isinstance(value, Sequence) and not isinstance(value, str) and len(value) == 1:
        value = value[0]
    if value and not isinstance(value, str):
        raise BadRow(f"{row.where} does not have one path in 'images'")
    return value or ""


def _number(row: Row, place: str) -> int:
    digits = re.search(r"\d{1,9}", PurePosixPath(place).stem)
    if digits is None:
        raise BadRow(f"{row.where} has no number in the name of its picture, {place!r}, that tells its set")
    return int(digits.group())


def _subject(place: str, row: Row) -> str:
    """The player: five pictures in a row are one's."""
    try:
        return str((_number(row, place) - 1) // _PICTURES_OF_ONE + 1)
    except BadRow:
        return place or row.where


def _said(row: Row) -> tuple[str, str]:
    """The question without marks for the picture, and its answer."""
    turns = row.values.get("messages")
    said: dict[str, str] = {}
    for turn in turns if isinstance(turns, list) else ():
        if isinstance(turn, Mapping) and isinstance(turn.get("content"), str):
            said.setdefault(str(turn.get("role")), turn["content"].strip())
    prompt = _IMAGE_AT_AN_END.sub("", said.get("user", "")).replace("<image>", "the image").strip()
    if not words(prompt) or not words(said.get("assistant", "")):
        raise BadRow(f"{row.where} has no question with an answer in 'messages'")
    return prompt, said["assistant"]


def _choice(row: Row) -> Choice:
    listed = row.values.get("options")
    options = {
        str(letter).strip().upper(): text.strip()
        for letter, text in (listed.items() if isinstance(listed, Mapping) else ())
        if isinstance(text, str) and text.strip()
    }
    is_choice = len(options) > 1 and set(options) <= set(LETTERS)
    correct = letter_of(row.text("correct_answer"), options) if is_choice else None
    if correct is None:
        raise BadRow(f"{row.where} has no options A to D of which 'Correct_Answer' is one")
    return Choice(_IMAGE_AT_AN_END.sub("", row.text("question")).replace("<image>", "the image"), options, correct)
