"""UnLOK-VQA (Patil et al., TMLR 2024), `vaidehi99/UnLOK-VQA` on the hub: facts about photos to delete, one at a time.

    one .json or .parquet     {id, src, pred, loc: [...], loc_ans: [...], rephrase: [...], image_id, ...}
    000000480208.jpg          the photo of COCO 2017 with that `image_id`; also in images, train2017 or val2017

`src` is the question whose answer `pred` is to be deleted, a word or two. `loc` are questions about the same photo that
do not depend on it, each after "nq question: ", with the answers `loc_ans`. The photos are not part of the release;
"retain.json" next to it is a pool of other rows from which the authors' script draws ten for every deletion. It is not
asked about, nor are the generated pictures of the attacks.

What is faulty in the authors' script, and how ours differs:
- An answer counts if it holds the true one as a piece of text: "no" is in "snow", and "Ski" in "skilled". Ours looks
  for whole words that are not denied, and reads yes and no in other words too.
- Every fact is deleted from a fresh model. A model that unlearned all of them at once, which is what this evaluates,
  has a harder task, and its figures do not compare with the paper's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import ClassVar

from unsee.benchmarks.published.base import Published
from unsee.benchmarks.published.question import DataSet, Question
from unsee.benchmarks.published.rows import BadRow, Row, Rows, first_row, inside, read_rows
from unsee.benchmarks.tables import HUB
from unsee.data.images import Picture
from unsee.errors import UserError
from unsee.metrics.naming import words

_COLUMNS = frozenset(("src", "pred", "loc", "loc_ans", "image_id"))
_PREFIX = "nq question: "
_PHOTOS = ("", "images", "train2017", "val2017", "coco2017/train2017", "coco2017/val2017")


class UnLOKVQA(Published):
    """Facts about photos, and other questions about the same photos ("retain")."""

    name = "unlok"
    version = 1
    title = "UnLOK-VQA"
    splits = ("all",)
    figures: ClassVar[Mapping[str, str]] = {"contained": "the true answer is a piece of the text"}

    @classmethod
    def recognises(cls, location: Path) -> bool:
        if location.as_posix().startswith(HUB):
            return location.as_posix().partition("?")[0].casefold().endswith("/unlok-vqa")
        return location.is_dir() and _file(location) is not None

    @classmethod
    def read(cls, location: Path, split: str) -> DataSet:
        found, folder = _rows(location)
        questions: list[Question] = []
        left_out, names = list(found.left_out), {}
        for row in found.rows:
            try:
                own = _Photo(row, folder)
                if own.key in names:
                    raise BadRow(f"{row.where} has the id {own.key} of a row before it")
                questions.append(own.fact())
                names[own.key] = own.fact().answer
            except BadRow as error:
                left_out.append(str(error))
                continue
            questions += own.neighbours()
            left_out += own.left_out
        return DataSet(split, tuple(questions), names, left_out=tuple(left_out))

    @classmethod
    def published(cls, question: Question, answer: str) -> Mapping[str, float]:
        return {"contained": float(question.answer.strip().lower() in answer.strip().lower())}


class _Photo:
    """What a row asks about its photo. Raises BadRow if it has no id or no photo; a neighbour that cannot be asked is
    in `left_out`."""

    def __init__(self, row: Row, folder: Path | None) -> None:
        self.row, self.left_out = row, list[str]()
        self.key = _whole(row, "id")
        self.picture = _picture(row, folder)

    def fact(self) -> Question:
        prompt, answer = self.row.text("src"), self.row.said("pred")
        other = tuple(text for text in dict.fromkeys(self.row.texts("rephrase")) if text != prompt)
        return self._question("forget", 0, prompt, answer, other)

    def neighbours(self) -> Iterator[Question]:
        asked, answers = (self.row.values.get(key) for key in ("loc", "loc_ans"))
        if not isinstance(asked, list) or not isinstance(answers, list) or len(asked) != len(answers):
            self.left_out.append(f"{self.row.where} has not as many answers in 'loc_ans' as questions in 'loc'")
            return
        # Some questions are asked twice.
        for number, (prompt, answer) in enumerate(dict.fromkeys(zip(map(str, asked), map(str, answers), strict=True))):
            plain = prompt.removeprefix(_PREFIX).strip()
            if plain and words(answer):
                yield self._question("retain", number, plain, answer.strip())
            else:
                self.left_out.append(f"question {number + 1} in 'loc' of {self.row.where} is empty or has no answer")

    def _question(self, part: str, number: int, prompt: str, answer: str, reworded: tuple[str, ...] = ()) -> Question:
        return Question(
            f"unlok/{part}/{self.key}/{number}",
            part,
            self.key,
            "generation",
            f"{prompt}\nAnswer the question in one word.",
            answer,
            self.picture,
            facts=((answer,),),
            reworded=reworded,
        )


def _picture(row: Row, folder: Path | None) -> Picture:
    if row.values.get("image") is not None:
        return row.picture("image")
    name = f"{int(_whole(row, 'image_id')):012d}.jpg"
    for home in [folder / place for place in _PHOTOS] if folder is not None else ():
        try:
            return inside(home, name, row.where)
        except BadRow:
            continue
    raise BadRow(f"{row.where} is about the photo {name} of COCO 2017, which is not there; put it into the folder")


def _whole(row: Row, key: str) -> str:
    """A whole number, as text. Raises BadRow."""
    value = row.values.get(key)
    text = str(value).strip() if isinstance(value, int | str) and not isinstance(value, bool) else ""
    if not (text.isascii() and text.isdigit() and len(text) <= 12):
        raise BadRow(f"{row.where} has no whole number in {key!r}")
    return str(int(text))


def _rows(location: Path) -> tuple[Rows, Path | None]:
    """The rows, and the folder in which photos may be. Raises UserError."""
    if location.as_posix().startswith(HUB):
        return read_rows(location), None
    path = _file(location)
    if path is None:
        raise UserError(f"There is no file with the questions of {UnLOKVQA.title} in {location}; give its folder.")
    return read_rows(path), location


def _file(folder: Path) -> Path | None:
    """The file with the questions: the first with their columns, and not the pool of other rows."""
    for place in (folder, folder / "data"):
        for path in sorted((*place.glob("*.json"), *place.glob("*.jsonl"), *place.glob("*.parquet"))):
            if not path.stem.startswith("retain") and first_row(path).keys() >= _COLUMNS:
                return path
    return None
