"""MLUBench: four tasks of unlearning, one after the other.

Source: "MLUBench: A Benchmark for Lifelong Unlearning Evaluation in MLLMs", arXiv 2606.12809; the authors' MLUBench.zip
with its pictures, and their `metrics.py`. 127 real entities of nine classes (people, films, plants, logos and more).

    Tasks/TaskA/taskA_forget.json      whom or what to forget first; TaskB, TaskC and TaskD follow
    Tasks/TaskA/taskA_retain.json      what to keep then
    downloaded_images/CLASS/ENTITY/    the pictures

    [{"id", "image": "downloaded_images/CLASS/ENTITY/FILE", "conversations": [{"from": "human", "value": "<image>\\n…"},
                                                                             {"from": "gpt", "value": "…"}]}]

Ids repeat, so questions are known by their row. The entity stands only in the path of the picture; paths are not ASCII
in places, and a path may be saved in another normal form of Unicode. Some questions and answers keep rests of Markdown
("**What is …?", "**\\n   - …"), which are cut off.

The split "task_2" is the second task of a model that has been through the first: give `unsee forget` the model or the
adapter that "task_1" made. It learns from the task's own questions alone. Asked are these, as "forget" and "retain",
and the earlier tasks' as "earlier", which should stay forgotten, and "earlier_retain", which should stay. No entity is
in two tasks; of one that were to be kept after it was to be forgotten, nothing is asked.

What is faulty in the published protocol, and how ours differs:
- A judge (GPT-4o) gives 0, 1 or 2. About what should be forgotten it gives 0 to a right answer and to gibberish alike,
so a broken model looks like one that remembers; about what should stay, it is not shown the true answer. Ours asks
whether the answer tells the facts, and counts what cannot be read as neither. ROUGE-L is as published.
- Nearly half of the answers are descriptions with many facts ("What is the central theme of this film?"). No other
right answer would tell all of them, so these questions have ROUGE-L and probabilities only (`MOST_FACTS`).
- The script strips the characters of "<image>" from both ends of a question, not the word, so the judge reads some
questions without their last letters.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar

from unsee.benchmarks.mllmu_biography import is_said
from unsee.benchmarks.mllmu_facts import demanded
from unsee.benchmarks.published.base import Published
from unsee.benchmarks.published.question import DataSet, Facts, Question, Task
from unsee.benchmarks.published.rows import BadRow, Row, inside, read_rows
from unsee.benchmarks.tables import HUB
from unsee.errors import UserError
from unsee.metrics.naming import contains
from unsee.metrics.wording import rouge_l_f
from unsee.store.text import whole_characters

MOST_FACTS = 6
"""A true answer with more facts than this is a description."""
IMAGE = "<image>"
_PLACES = ("", "*/", "Tasks/", "Tasks/*/", "*/Tasks/*/")
_FILE = re.compile(r"(?:^|/)task[ _-]?([a-d1-4])(?![a-z0-9])[^/]*(?:/[^/]*)?(forget|retain)[^/]*\.jsonl?$")
_ASKS_FOR_NAME = re.compile(r"\b(?:names?|titled?|call(?:ed)?|referred to|known as)\b", re.IGNORECASE)
_KIND = re.compile(r"(?<=\w) (?:Logo|TV Show|TV Series)$")
_MARKDOWN = re.compile(r"\A[\s*#-]+(?=\S)|\*\*")


class MLUBench(Published):
    """Entities to forget in four tasks, each on top of the ones before; asked with their pictures."""

    name = "mlubench"
    version = 1
    title = "MLUBench"
    members = "entities"
    splits = ("task_1", "task_2", "task_3", "task_4")
    parts = ("forget", "retain", "earlier", "earlier_retain")
    forgotten = ("forget", "earlier")
    optional = ("earlier",)
    figures: ClassVar[Mapping[str, str]] = {"rouge_l": "ROUGE-L F1"}

    @classmethod
    def recognises(cls, location: Path) -> bool:
        return location.is_dir() and any(part == "forget" for _, part in _files(location))

    @classmethod
    def read(cls, location: Path, split: str) -> DataSet:
        if location.as_posix().startswith(HUB):
            raise UserError(f"{cls.title} is not read from the hub; give the folder with its Tasks and pictures.")
        files, last = _files(location), cls.splits.index(split) + 1
        questions: list[Question] = []
        left_out: list[str] = []
        names: dict[str, str] = {}
        gone: set[str] = set()
        for task in range(1, last + 1):
            for part in ("forget", "retain"):
                path = files.get((task, part))
                if path is None:
                    raise UserError(
                        f"There is no file with what task {task} of {cls.title} should {part} in {location}; give the "
                        "folder that holds Tasks and the pictures."
                    )
                found = read_rows(path)
                left_out += found.left_out
                for number, row in enumerate(found.rows, 1):
                    try:
                        entity = _entity(row)
                        if part == "retain" and entity in gone:
                            raise BadRow(f"{row.where} is about {entity!r}, which is to be forgotten")
                        own = part if task == last else "earlier" if part == "forget" else "earlier_retain"
                        questions.append(_question(row, f"task_{task}/{part}/{number}", own, entity, location))
                    except BadRow as error:
                        left_out.append(str(error))
                        continue
                    names[entity] = name_of(entity)
                    if part == "forget":
                        gone.add(entity)
        # Descriptions are learned as any other answer is.
        training = tuple(replace(one, task="generation") for one in questions if one.part in ("forget", "retain"))
        return DataSet(split, tuple(questions), names, training, tuple(left_out))

    @classmethod
    def published(cls, question: Question, answer: str) -> Mapping[str, float]:
        return {"rouge_l": rouge_l_f(answer, question.answer)}


def name_of(entity: str) -> str:
    """The name in a folder's name: "Eiffel_Tower" is "Eiffel Tower", "Apple_Logo" is "Apple"."""
    return _KIND.sub("", " ".join(entity.replace("_", " ").split()))


def _files(folder: Path) -> dict[tuple[int, str], Path]:
    """The files by the number of the task and by "forget" or "retain"."""
    found: dict[tuple[int, str], Path] = {}
    for place in _PLACES:
        for path in sorted((*folder.glob(f"{place}*.json"), *folder.glob(f"{place}*.jsonl"))):
            match = _FILE.search(path.relative_to(folder).as_posix().casefold())
            if match:
                found.setdefault(("1a2b3c4d".index(match[1]) // 2 + 1, match[2]), path)
    return found


def _entity(row: Row) -> str:
    path = PurePosixPath(row.text("image"))
    if not is_said(path.parent.name):
        raise BadRow(f"{row.where} has the picture {str(path)!r}, whose folder names no entity")
    return whole_characters(unicodedata.normalize("NFC", path.parent.name))


def _question(row: Row, key: str, part: str, entity: str, folder: Path) -> Question:
    prompt, answer = _said(row)
    facts = facts_of(prompt, answer, name_of(entity))
    task: Task = "generation" if len(facts) <= MOST_FACTS else "description"
    picture = inside(folder, row.text("image"), row.where)
    return Question(key, part, entity, task, prompt, answer, picture, facts=facts)


def facts_of(prompt: str, answer: str, name: str) -> Facts:
    """What a right answer tells of an entity: its name if that is asked for, else what the true answer adds to it."""
    if _ASKS_FOR_NAME.search(prompt):
        return ((name,),) if contains(answer, [name]) else demanded({}, (), prompt, answer)
    return demanded({}, (), f"{prompt} ({name})", answer)


def _said(row: Row) -> tuple[str, str]:
    """The question and its answer, without marks."""
    turns = row.values.get("conversations")
    said: dict[str, str] = {}
    for who, text in _turns(turns):
        said.setdefault(who, _MARKDOWN.sub("", text.replace(IMAGE, "").strip()).strip())
    if not is_said(said.get("human")) or not is_said(said.get("gpt")):
        raise BadRow(f"{row.where} has no question with an answer in 'conversations'")
    return said["human"], said["gpt"]


def _turns(turns: Any) -> Iterator[tuple[str, str]]:
    for turn in turns if isinstance(turns, list) else ():
        if isinstance(turn, Mapping) and isinstance(turn.get("from"), str) and isinstance(turn.get("value"), str):
            yield turn["from"], whole_characters(turn["value"])
