"""CoVUBench (arXiv 2605.03547), `herbwood27/CoVUBench` on the hub: invented characters and logos to forget.

    data/forget5-*.parquet (10, 15, 20)     what to forget, in percent of all concepts
    data/retain-*.parquet                   all concepts: those of the forget split are left out here
    data/test-*.parquet                     all concepts in other pictures: only those of the forget split are asked

    question, answer, name (of the concept), type, keywords (JSON text, lists in a dict), question_type, image

"multi_modal" and "caption" questions have their picture shown; all others are asked in text alone, though their rows
hold a picture too. The layout and the rules were read in a public evaluator that others wrote for this data set.

What is faulty in these rules, and how ours differs:
- Keyword recall counts a keyword within other words too, and a denied one. Ours looks for whole words. A right answer
tells all the keywords that the true answer tells and the question does not.
- Where there are no keywords, the rules give no figure. Ours asks whether the answer tells the facts.
- A caption tells more than any other right caption would, so it has figures only.
- The dissimilarity by a model of sentences is not computed: it calls gibberish forgotten.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

from unsee.benchmarks.mllmu_facts import demanded, tells
from unsee.benchmarks.published.base import Published
from unsee.benchmarks.published.question import DataSet, Facts, Question, Task
from unsee.benchmarks.published.rows import BadRow, Row, Rows, first_row, read_rows
from unsee.benchmarks.tables import HUB
from unsee.errors import UserError
from unsee.metrics.naming import normalise, words
from unsee.metrics.wording import rouge_l_recall
from unsee.store.text import parsed

_COLUMNS = frozenset(("question", "answer", "name", "type", "keywords", "question_type"))
_SHOWN = ("multi_modal", "caption")
_DEEPEST = 8


class CoVUBench(Published):
    """Concepts to forget, also in other pictures ("test"), and all others."""

    name = "covubench"
    version = 1
    title = "CoVUBench"
    splits = ("forget5", "forget10", "forget15", "forget20")
    parts = ("forget", "test", "retain")
    forgotten = ("forget", "test")
    figures: ClassVar[Mapping[str, str]] = {
        "keyword_recall": "share of the keywords in the text",
        "rouge_l_recall": "ROUGE-L recall",
    }

    @classmethod
    def recognises(cls, location: Path) -> bool:
        if location.as_posix().startswith(HUB):
            return location.as_posix().casefold().endswith("/covubench")
        if not location.is_dir():
            return False
        files = [path for split in cls.splits for path in _files(location, split)[:1]]
        return bool(files) and first_row(files[0]).keys() >= _COLUMNS

    @classmethod
    def read(cls, location: Path, split: str) -> DataSet:
        questions: list[Question] = []
        left_out: list[str] = []
        names: dict[str, str] = {}
        for part, source in (("forget", split), ("test", "test"), ("retain", "retain")):
            found = _rows(location, source)
            left_out += found.left_out
            for number, row in enumerate(found.rows, 1):
                try:
                    name = row.said("name")
                    if part == "forget":
                        names[name] = name
                    # The files of the other parts are about all concepts.
                    elif (name in names) != (part == "test"):
                        continue
                    questions.append(_question(row, f"covubench/{source}/{number}", part, name))
                except BadRow as error:
                    left_out.append(str(error))
        return DataSet(split, tuple(questions), names, left_out=tuple(left_out))

    @classmethod
    def published(cls, question: Question, answer: str) -> Mapping[str, float]:
        figures = {"rouge_l_recall": rouge_l_recall(answer, question.answer)}
        if question.keywords:
            said = normalise(answer)
            told = sum(normalise(keyword) in said for keyword in question.keywords)
            figures["keyword_recall"] = told / len(question.keywords)
        return figures


def _question(row: Row, key: str, part: str, name: str) -> Question:
    kind, prompt, answer = row.text("question_type"), row.text("question"), row.said("answer")
    task: Task = "description" if kind == "caption" else "generation"
    keywords = _keywords(row)
    return Question(
        key,
        part,
        name,
        task,
        prompt,
        answer,
        row.picture("image") if kind in _SHOWN else None,
        facts=() if task == "description" else _facts(prompt, answer, keywords),
        keywords=keywords,
    )


def _facts(prompt: str, answer: str, keywords: tuple[str, ...]) -> Facts:
    told = [(one,) for one in keywords if tells(answer, (one,)) and not tells(prompt, (one,))]
    return tuple(told) or demanded({}, (), prompt, answer)


def _keywords(row: Row) -> tuple[str, ...]:
    """The keywords, in whatever lists and objects they stand. Raises BadRow for what is no JSON."""
    value = row.values.get("keywords")
    try:
        found = parsed(value) if isinstance(value, str) and value.strip() else value
    except ValueError:
        raise BadRow(f"{row.where} has no JSON in 'keywords'") from None
    return tuple(dict.fromkeys(text.strip() for text in _texts(found) if words(text)))


def _texts(value: Any, depth: int = 0) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict) and depth < _DEEPEST:
        for one in value.values() if isinstance(value, dict) else value:
            yield from _texts(one, depth + 1)


def _rows(location: Path, source: str) -> Rows:
    """The rows of one split. Raises UserError."""
    if location.as_posix().startswith(HUB):
        return read_rows(Path(f"{location.as_posix()}?split={source}"))
    files = _files(location, source)
    if not files:
        raise UserError(f"There is no file {source}-*.parquet in {location}; give the folder of {CoVUBench.title}.")
    parts = [read_rows(path) for path in files]
    return Rows([row for part in parts for row in part.rows], [line for part in parts for line in part.left_out])


def _files(location: Path, source: str) -> list[Path]:
    return sorted(location.glob(f"{source}-*.parquet")) or sorted(location.glob(f"data/{source}-*.parquet"))
