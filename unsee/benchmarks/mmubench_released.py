"""MMUBench as its authors released it: the questions about one concept and its pictures, without an index.

Source: the supplement of "Single Image Unlearning", arXiv 2405.12523. It is read as a `ConceptBenchmark`, like the
folders that unsee writes, and not as a `Published` data set: it holds what MMUBench asks about one concept, so that
Efficacy, Generality, G-Eval and C-Dis need no second scoring.

The names of its files vary, so files are known by the keys of their rows, as JSON lists or JSON Lines:

    prompt, target              the questions: "yes", the name, or words of which any shows that the concept is known
    imgid, prompt               multi-hop questions, with a path of the authors' machine and without an answer
    prompt                      questions in other languages, without the language and without a target
    target_phrase (, image)     training rows; "none" stands for no phrase, and more than half have no picture

The pictures (.jpg and .jpeg) lie in folders below; that which a training row names is the one to train on. Its path is
that of another folder, so only the name of the file counts. The concept is the name that most targets have; further
words in targets are its aliases. Targets come with blanks (" yes"), and a question may be there twice.

Multi-hop questions without an answer and prompts without a target cannot be scored, so they are left out and listed;
the attacks "facts" and "languages" ask unsee's own. Training rows beyond their picture are left out as well, because
every method here makes its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from unsee.benchmarks.concept import ConceptBenchmark, Question
from unsee.benchmarks.published.rows import BadRow, Row, read_rows
from unsee.data.folders import pictures_among
from unsee.data.images import open_image
from unsee.data.likeness import Seen
from unsee.errors import UserError
from unsee.metrics.naming import words
from unsee.store.text import whole_characters

YES = "yes"
LARGEST = 16 << 20
"""Bytes of a file that may hold questions, at most."""
_PLACES = ("*", "*/*", "*/*/*")
_PICTURES = (".jpg", ".jpeg", ".png", ".webp")


def is_released(folder: Path) -> bool:
    """Whether a folder holds questions with targets, in JSON files of its own or one folder below."""
    if not folder.is_dir() or (folder / "benchmark.json").exists():
        return False
    rows, _ = _rows(folder)
    return any(_is_question(row) for row in rows)


def read_released(folder: Path) -> ConceptBenchmark:
    """What is asked about the concept of a released supplement. Raises UserError without a question that has the name
    as its target, without the picture to train on, and without another picture."""
    rows, left_out = _rows(folder)
    targets = dict(_targets(rows, left_out))
    names = Counter(name for target in targets.values() if (name := _name_in(target)))
    if not names:
        why = f" (left out: {'; '.join(left_out[:3])})" if left_out else ""
        raise UserError(f"No question in {folder} has a name as its target, so its concept is unknown{why}.")
    concept = names.most_common(1)[0][0]
    parts = {word.text for word in words(concept)}
    # A target that has no word of the name ("a man") is no other name.
    aliases = tuple(name for name in names if name != concept and parts & {word.text for word in words(name)})
    trained = [row for row in rows if "target_phrase" in row.values]
    files = _pictures(folder)
    training = _training_picture(folder, files, trained)
    unusable: dict[Path, str] = {}
    image = open_image(training)
    others = [path for path in files if path != training]
    tested = tuple(picture for _, picture in pictures_among(others, unusable, Seen([image])))
    if not tested:
        raise UserError(f"{folder} holds no picture to test on next to {training.name}; add at least one.")
    left_out += [f"{path.relative_to(folder)}: {why}" for path, why in unusable.items()]
    left_out += _not_asked(rows)
    return ConceptBenchmark(
        concept=concept,
        train_image=image,
        test_images=tested,
        questions=tuple(_question(prompt, target) for (prompt, _), target in targets.items()),
        aliases=aliases,
        left_out=tuple(left_out),
    )


def _rows(folder: Path) -> tuple[list[Row], list[str]]:
    rows: list[Row] = []
    left_out: list[str] = []
    for place in _PLACES[:2]:
        for path in sorted((*folder.glob(f"{place}.json"), *folder.glob(f"{place}.jsonl"))):
            try:
                if not path.is_file() or path.stat().st_size > LARGEST:
                    continue
                found = read_rows(path)
            except (UserError, OSError) as error:
                left_out.append(str(error))
                continue
            rows += found.rows
            left_out += found.left_out
    return rows, left_out


def _is_question(row: Row) -> bool:
    return {"prompt", "target"} <= row.values.keys()


def _targets(rows: Sequence[Row], left_out: list[str]) -> Iterator[tuple[tuple[str, str], str]]:
    """Each distinct question: its prompt and folded target, and the target as it is written."""
    seen: set[tuple[str, str]] = set()
    for row in filter(_is_question, rows):
        try:
            prompt, target = (" ".join(whole_characters(row.text(key)).split()) for key in ("prompt", "target"))
            if not words(prompt) or not words(target):
                raise BadRow(f"{row.where} has no letter or digit in its prompt or its target")
        except BadRow as error:
            left_out.append(str(error))
            continue
        key = prompt, target.casefold()
        if key in seen:
            left_out.append(f"{row.where} asks what an earlier row asks")
        else:
            seen.add(key)
            yield key, target


def _question(prompt: str, target: str) -> Question:
    name = _name_in(target)
    if name == target:
        return Question(prompt, target, "name")
    return Question(prompt, f"{YES} {name}".strip(), "yes_no")


def _name_in(target: str) -> str:
    """The words of a target without "yes"."""
    return " ".join(word for word in target.split() if word.casefold().strip(".,!") != YES)


def _pictures(folder: Path) -> list[Path]:
    """The files of pictures inside the folder, by their path."""
    home = folder.resolve()
    found = (path for place in _PLACES for path in folder.glob(place) if path.suffix.casefold() in _PICTURES)
    return sorted(path for path in found if path.is_file() and path.resolve().is_relative_to(home))


def _training_picture(folder: Path, files: Sequence[Path], trained: Sequence[Row]) -> Path:
    given = [value for row in trained if isinstance(value := row.values.get("image"), str) and value.strip()]
    names = list(dict.fromkeys(PurePosixPath(value.strip().replace("\\", "/")).name for value in given))
    if len(names) != 1:
        some = f"{len(names)} pictures" if names else "no picture"
        raise UserError(f"The training rows in {folder} name {some}; they must name the one picture to train on.")
    found = [path for path in files if path.name == names[0]]
    if not found:
        raise UserError(f"The picture to train on, {names[0]!r}, is not in {folder}; put it there.")
    # Other folders may have a file of that name; the row's own path, as far as it agrees, tells.
    asked = PurePosixPath(given[0].strip().replace("\\", "/")).parts
    return max(found, key=lambda path: len(set(path.parts) & set(asked)))


def _not_asked(rows: Sequence[Row]) -> Iterator[str]:
    """A sentence for each kind of row that cannot be scored."""
    rest = [row for row in rows if not _is_question(row) and "target_phrase" not in row.values]
    hops = [row for row in rest if "imgid" in row.values]
    others = [row for row in rest if "imgid" not in row.values and "prompt" in row.values]
    if hops:
        yield f"{len(hops)} multi-hop questions have no answer; the attack 'facts' asks unsee's own"
    if others:
        yield f"{len(others)} prompts have neither a language nor a target; the attack 'languages' asks unsee's own"
