"""UMU-Bench: everything is asked with the picture and again in text, and the two answers count as a pair.

Source: "UMU-Bench: Closing the Modality Gap in Multimodal Unlearning Evaluation", NeurIPS 2025; linbojunzi/UMU-bench on
the hub; the published `eval.py`. The people are those of MLLMU-Bench (arXiv 2410.22108).

    forget_5/ forget_10/ forget_15/     whom to forget
    retain_95/ retain_90/ retain_85/    everybody else
    Real_Person_Set/                    celebrities ("real_person" in the published script)

    image, ID, Biography
    MM_QA, UM_QA                   {'question': {key: text}, 'answer': {key: text}}: what is trained on
    Classify, Cloze, Generation    {'unimodal': {key: {'question', 'answer', 'options'}}, 'muitimodal': {…}}

Cells are Python literals, not JSON, and "muitimodal" is misspelt. Both key sets may differ: what has no partner is
asked and scored, but is no pair. With a picture, the right option is the one that the question in text has.

A pair of answers a (with the picture) and b (in text), 0 to 1 each: AccF is the share with a = b = 0, AccR that with
a = b = 1; RLF is the mean of (a² + b²) / (a + b), RLR that of 2ab / (a + b), both by ROUGE-L.

What is faulty in the published protocol, and how ours differs:
- A choice counts only if the answer is an option's text to the letter, except about celebrities, where the most
similar option counts: "It is Porto." is forgotten of one and known of the other. Ours reads what is chosen. In the
published figures here a letter is as good as the text, because letters are what unsee asks for.
- The truth of a cloze ends at its first full stop, "St. Louis" at "St", and any answer that contains it is right.
- An answer that says nothing counts as forgotten; ours must be readable.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from unsee import metrics
from unsee.benchmarks.base import Answers
from unsee.benchmarks.mllmu_biography import is_said, read_biography
from unsee.benchmarks.mllmu_facts import demanded
from unsee.benchmarks.mllmu_questions import Choice
from unsee.benchmarks.mllmu_scores import is_readable, is_right
from unsee.benchmarks.published.base import Published, as_asked, said_to
from unsee.benchmarks.published.question import DataSet, Facts, Question, Task
from unsee.benchmarks.published.rows import BadRow, Row, Rows, columns_of, subset
from unsee.benchmarks.tables import HUB
from unsee.errors import UserError
from unsee.metrics import Score
from unsee.metrics.metric import Metric
from unsee.metrics.options import letter_of
from unsee.metrics.wording import rouge_l_f
from unsee.store.text import whole_characters

HUB_NAME = "umu-bench"
REAL = ("Real_Person_Set", "real_person")
TASKS: Mapping[str, Task] = {"classify": "classification", "cloze": "cloze", "generation": "generation"}
MODALITIES = {"picture": ("muitimodal", "multimodal"), "text": ("unimodal",)}
TRAINED = {"picture": "mm_qa", "text": "um_qa"}
ASKED = {
    "cloze": "Please **ONLY** provide the correct answer without any explanation",
    "generation": "Answer the question based on your trained knowledge in one sentence accurately in ENGLISH.",
}
"""What the published script adds to a question."""
_SHORT = re.compile(r"\b(?:[A-Z]|St|Mt|Ft|Dr|Mr|Mrs|Ms|Prof|Jr|Sr)$")


class UMUBench(Published):
    """Forget 5, 10 or 15 % of 500 fictitious people; the others and celebrities stay."""

    name = "umu"
    version = 1
    title = "UMU-Bench"
    splits = ("forget_5", "forget_10", "forget_15")
    parts = ("forget", "retain", "real")
    figures: ClassVar[Mapping[str, str]] = {
        "exact_choice": "the answer is the right option, to the letter",
        "contained": "the truth up to its first full stop is in the answer",
        "rouge_l": "ROUGE-L F1",
    }

    @classmethod
    def recognises(cls, location: Path) -> bool:
        place = location.as_posix().removeprefix(HUB)
        if not Path(place).is_dir():
            return location.as_posix().startswith(HUB) and HUB_NAME in place.casefold()
        return any({*TASKS, "mm_qa", "um_qa"} <= columns_of(Path(place), split) for split in cls.splits)

    @classmethod
    def read(cls, location: Path, split: str) -> DataSet:
        found = {
            "forget": subset(location, split),
            "retain": subset(location, f"retain_{100 - int(split.removeprefix('forget_'))}"),
        }
        real = _real(location)
        if real is not None:
            found["real"] = real
        left_out = [line for rows in found.values() for line in rows.left_out]
        if real is None:
            left_out.append(f"{location} has no {REAL[0]}, so no question is about celebrities")
        questions: list[Question] = []
        training: list[Question] = []
        names: dict[str, str] = {}
        for part, rows in found.items():
            seen: set[str] = set()
            for row in rows.rows:
                try:
                    person = _Person(row, part)
                    if person.key in seen:
                        raise BadRow(f"{row.where} is about {person.key!r}, as an earlier row is")
                except BadRow as error:
                    left_out.append(str(error))
                    continue
                seen.add(person.key)
                if person.name:
                    names[person.key] = person.name
                elif part == "forget":
                    left_out.append(f"{row.where} has no 'Name' in 'Biography', so nothing can be forgotten by it")
                questions += person.asked(left_out)
                training += person.trained(left_out) if part != "real" else ()
        _check(questions, found, left_out)
        return DataSet(split, tuple(questions), names, tuple(training), tuple(left_out))

    @classmethod
    def published(cls, question: Question, answer: str) -> Mapping[str, float]:
        if question.choice is not None:
            return {"exact_choice": float(_chosen_as_published(question, answer) == question.choice.correct)}
        if question.task == "cloze":
            # `question.answer` goes to the end of its sentence; the script cuts at the first full stop.
            return {"contained": float(question.answer.split(".")[0].strip().lower() in answer.lower())}
        return {"rouge_l": rouge_l_f(answer, question.answer)}

    @classmethod
    def further(cls) -> Sequence[Metric]:
        found = []
        for part in cls.parts:
            f = part in cls.forgotten
            letter, both = ("F", "forgotten in both modalities") if f else ("R", "right in both modalities")
            about, acc, rouge = part.capitalize(), f"acc_{letter.lower()}", f"rl_{letter.lower()}"
            for task in TASKS.values():
                rules = {acc: f"Acc{letter} by unsee's rules", f"{acc}_published": f"Acc{letter}"}
                for name, label in rules.items() if task != "generation" else (*rules.items(),)[:1]:
                    found.append(
                        Metric(f"umu/{part}/{name}/{task}", f"{about}, {task}: {label}, {both}", "", "more", "%", 1)
                    )
            label = f"{about}, generation: RL{letter}, ROUGE-L of both modalities together"
            found.append(Metric(f"umu/{part}/{rouge}/generation", label, "", "more", "", 3, higher_is_better=not f))
        return found

    @classmethod
    def summary(cls, questions: Sequence[Question], answers: Answers) -> Mapping[str, Score]:
        """AccF and RLF of the set to forget, AccR and RLR of the others, over pairs: "umu/PART/FIGURE/TASK"."""
        values: dict[str, list[tuple[float, str]]] = {}
        for one, other in _pairs(questions):
            wanted = one.part not in cls.forgotten
            letter = "r" if wanted else "f"
            said = [(question, said_to(question, answers)) for question in (one, other)]
            right = [
                is_right(as_asked(question), text)
                if wanted
                else is_readable(as_asked(question), text) and not is_right(as_asked(question), text)
                for question, text in said
            ]
            rules = {f"acc_{letter}": float(all(right))}
            a, b = (value for question, text in said for value in cls.published(question, text).values())
            if one.task == "generation":
                rules[f"rl_{letter}"] = retained(a, b) if wanted else forgotten(a, b)
            else:
                rules[f"acc_{letter}_published"] = float(a == b == wanted)
            for name, value in rules.items():
                values.setdefault(f"umu/{one.part}/{name}/{one.task}", []).append((value, one.subject))
        scores = {}
        for key, found in values.items():
            numbers, units = [value for value, _ in found], [subject for _, subject in found]
            if "/acc_" in key:
                scores[key] = metrics.share(map(bool, numbers), units=units)
            else:
                scores[key] = metrics.mean(numbers, units=units, higher_is_better="/rl_r" in key, scale=(0, 1))
        return scores


def forgotten(a: float, b: float) -> float:
    """RLF of a pair: (a² + b²) / (a + b), nearer to the larger; 0 for two zeros."""
    return (a * a + b * b) / (a + b) if a + b else 0.0


def retained(a: float, b: float) -> float:
    """RLR of a pair: 2ab / (a + b), nearer to the smaller; 0 for two zeros."""
    return 2 * a * b / (a + b) if a + b else 0.0


def _real(location: Path) -> Rows | None:
    if location.as_posix().startswith(HUB):
        return subset(location, REAL[0])
    return next((subset(location, name) for name in REAL if (location / name).is_dir()), None)


def _check(questions: Sequence[Question], found: Mapping[str, Rows], left_out: Sequence[str]) -> None:
    """Raise UserError if a set has no question of a task or in a modality: a score over what is left would mislead."""
    for part in found:
        there = [one for one in questions if one.part == part]
        tasks, modalities = {one.task for one in there}, {one.modality for one in there}
        missing = [f"of the task {task!r}" for task in TASKS.values() if task not in tasks]
        missing += [f"with {modality!r}" for modality in MODALITIES if modality not in modalities]
        if missing:
            why = f" (left out: {'; '.join(left_out[:3])})" if left_out else ""
            raise UserError(f"The set {part!r} of {UMUBench.title} has no question {missing[0]}{why}; check the files.")


def _pairs(questions: Sequence[Question]) -> Iterator[tuple[Question, Question]]:
    """Each question with a picture, with the same one in text."""
    in_text = {one.id.removesuffix("/text"): one for one in questions if one.modality == "text"}
    for one in questions:
        other = in_text.get(one.id.removesuffix("/picture"))
        if one.modality == "picture" and other is not None:
            yield one, other


def _chosen_as_published(question: Question, answer: str) -> str | None:
    """The letter that an answer chooses by the published script: of celebrities, that of the most similar option."""
    assert question.choice is not None
    options = question.choice.options
    said = options.get(answer.strip().rstrip(".:)").upper(), answer.strip())
    if question.part == "real":
        return max(options, key=lambda letter: difflib.SequenceMatcher(None, said, options[letter]).ratio())
    return next((letter for letter, text in options.items() if text == said), None)


class _Person:
    """One row: who it is about, and what is asked and trained. Raises BadRow without an ID or a picture."""

    def __init__(self, row: Row, part: str) -> None:
        self.row, self.part, self.key = row, part, _text(row.values.get("id"))
        if not self.key:
            raise BadRow(f"{row.where} has no 'ID'")
        self.picture = row.picture("image")
        try:
            written = row.literal("biography")
        except BadRow:
            # JSON in places.
            written = row.values["biography"]
        self.biography, self.aliases = read_biography(written)
        self.name = self.biography.get("Name", "")

    def asked(self, left_out: list[str]) -> Iterator[Question]:
        for column, task in TASKS.items():
            cell = self._cell(column, left_out)
            entries = {
                modality: _keyed(next((cell[name] for name in spelt if name in cell), None))
                for modality, spelt in MODALITIES.items()
            }
            for modality, given in entries.items():
                for key, entry in given.items():
                    question = self._question(
                        f"{task}/{key}/{modality}", task, _keyed(entry), _keyed(entries["text"].get(key))
                    )
                    if question is not None:
                        yield question
                    else:
                        left_out.append(
                            f"{self.row.where} lacks the text or the right answer of question {key!r} of {column!r} "
                            f"({modality})"
                        )

    def trained(self, left_out: list[str]) -> Iterator[Question]:
        for modality, column in TRAINED.items():
            cell = self._cell(column, left_out)
            asked, answers = _keyed(cell.get("question")), _keyed(cell.get("answer"))
            for key in dict.fromkeys((*asked, *answers)):
                prompt, answer = _text(asked.get(key)), _text(answers.get(key))
                if is_said(prompt) and is_said(answer):
                    yield self._made(f"{column}/{key}/{modality}", "generation", prompt, answer)
                else:
                    left_out.append(f"{self.row.where} lacks the question or the answer {key!r} of {column!r}")

    def _cell(self, column: str, left_out: list[str]) -> Mapping[str, Any]:
        try:
            return _keyed(self.row.literal(column))
        except BadRow as error:
            left_out.append(str(error))
            return {}

    def _question(self, path: str, task: Task, entry: Mapping[str, Any], in_text: Mapping[str, Any]) -> Question | None:
        prompt, answer = _text(entry.get("question")), _text(entry.get("answer"))
        if task == "classification":
            choice = _choice(prompt, entry, in_text if in_text.get("answer") else entry)
            return None if choice is None else self._made(path, task, prompt, choice.correct, choice=choice)
        if not is_said(prompt) or not is_said(answer):
            return None
        if task == "cloze":
            answer = first_sentence(answer)
            facts: Facts = ((answer, *(self.aliases if answer == self.name else ())),)
        else:
            facts = demanded(self.biography, self.aliases, prompt, answer)
        return self._made(path, task, f"{prompt}\n{ASKED[task]}", answer, facts=facts)

    def _made(
        self, path: str, task: Task, prompt: str, answer: str, *, choice: Choice | None = None, facts: Facts = ()
    ) -> Question:
        picture = self.picture if path.endswith("/picture") else None
        key = f"{self.part}/{self.key}/{path}"
        return Question(key, self.part, self.key, task, prompt, answer, picture, choice, facts)


def first_sentence(text: str) -> str:
    """What stands before the full stop of the first sentence, which is not that of "St. Louis", "J. Voss" or "3.5"."""
    for stop in re.finditer(r"(?<=\w)\.(?=\s|$)", text):
        before = text[: stop.start()]
        if stop.end() == len(text) or not _SHORT.search(before):
            return before
    return text


def _choice(question: str, entry: Mapping[str, Any], in_text: Mapping[str, Any]) -> Choice | None:
    """A question with its options; the right one is that of the question in text."""
    options, of_text = _options(entry), _options(in_text)
    correct = letter_of(_text(in_text.get("answer")), of_text)
    if not is_said(question) or len(options) < 2 or correct is None:
        return None
    # The options stand in another order in places.
    same = [letter for letter, text in options.items() if text == of_text[correct]]
    return Choice(question, options, same[0]) if len(same) == 1 else None


def _options(entry: Mapping[str, Any]) -> dict[str, str]:
    given = {letter.upper(): _text(text) for letter, text in _keyed(entry.get("options")).items()}
    return {letter: text for letter, text in given.items() if re.fullmatch("[A-Z]", letter) and is_said(text)}


def _keyed(value: Any) -> dict[str, Any]:
    """A dictionary by its keys as text; an empty one for anything else. Parquet gives None for a key that only other
    rows have."""
    given = value.items() if isinstance(value, Mapping) else ()
    return {text: inner for key, inner in given if (text := _text(key)) and inner is not None}


def _text(value: Any) -> str:
    """A text or a number as text, without white space around it; empty for anything else."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return ""
    return whole_characters(str(value).strip())
