"""CLEAR (arXiv 2410.18057), `therem/CLEAR` on the hub: TOFU's authors with pictures of their faces.

    forget10_perturbed/   also 01 and 05: {image, caption, name, perturbed_captions, paraphrased_caption,
    retain_perturbed/     perturbed_names}
    real_faces/           {image, answer, options}, a question in some releases: celebrities
    real_world/           {image, question, answer, options}: what pictures of other things show
    forget10+tofu/        what is unlearned: rows {image, caption}, and rows {question, answer} without image or name
    retain90+tofu/        what is retained, likewise

Each is a folder of Parquet files, or a configuration with one split, "train". The rows without a picture are TOFU's
questions: 20 about each author, in consecutive rows, and the author is told by nothing else. A name is shortened in
places, and a caption may have less of it than the column `name`.

The released scripts (`mm/eval.py`, `mm/calculate_metrics.py`) differ from the paper in more than TOFU's do. The answers
for ROUGE are generated without the picture, which is not passed on. The wording of a caption question is drawn without
a seed every time. The losses of wrong answers are averaged over the whole set (a mean without its axis), so that every
question has the same. And the harmonic mean has the recognition of faces to retain in it, with ROUGE of a name, though
none of those to forget. Here the picture is shown and the wording stays the same; the other two are in the published
figures, and not in unsee's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from statistics import fmean

from unsee.benchmarks.base import Answers
from unsee.benchmarks.published.question import DataSet, Question
from unsee.benchmarks.published.rows import BadRow, Row, columns_of, files_of, hub_name, local_copy, subset
from unsee.benchmarks.published.tofu import BLOCK
from unsee.benchmarks.published.truth import Told, TruthScored
from unsee.metrics.naming import normalise

DESCRIBE = "What can you see in this picture?"
NAME = "The name of the person on the image is"
SPLITS = {"forget10": "retain90", "forget05": "retain95", "forget01": "retain99"}
TEXT_TO_RETAIN = 400
"""Questions in text alone about authors to retain: as many as TOFU has, of thousands."""


class Clear(TruthScored):
    """Captions of a person's pictures, the name of the face, and questions in text alone. A caption is right if it
    names the person: what else the picture shows is no secret."""

    name = "clear"
    version = 1
    title = "CLEAR"
    splits = tuple(SPLITS)
    parts = ("forget", "forget_name", "retain", "retain_name", "real_faces", "real_world")
    forgotten = ("forget", "forget_name")
    utility_parts = ("retain", "real_faces", "real_world")
    among = ("real_faces", "real_world")
    published_parts = ("retain", "retain_name", "real_faces", "real_world")
    published_among = ("retain_name", "real_faces", "real_world")
    difference = (
        "The released script averages the losses of wrong answers over the whole set instead of each question, counts "
        "the recognition of faces too, and its ROUGE splits words at letters other than a to z."
    )

    @classmethod
    def recognises(cls, location: Path) -> bool:
        folder = local_copy(location)
        if folder is None:
            return (hub_name(location) or "").casefold().endswith("/clear")
        return any("perturbed_captions" in columns_of(folder, f"{split}_perturbed") for split in cls.splits)

    @classmethod
    def read(cls, location: Path, split: str) -> DataSet:
        reader = _Reader(location, split)
        questions = [
            *reader.captions("forget"),
            *reader.captions("retain"),
            *reader.options("real_faces"),
            *reader.options("real_world"),
        ]
        training = [*reader.mixed("forget", split), *reader.mixed("retain", SPLITS[split])]
        in_text = [one for one in training if one.picture is None]
        retained = [one for one in in_text if one.part == "retain"][:TEXT_TO_RETAIN]
        questions += [*(one for one in in_text if one.part == "forget"), *retained]
        whole = {one.part for one in training} == {"forget", "retain"}
        left_out = tuple(dict.fromkeys(reader.left_out))
        return DataSet(split, tuple(questions), reader.names, tuple(training) if whole else (), left_out)

    @classmethod
    def sets(cls, questions: Sequence[Question], answers: Answers, published: bool) -> dict[str, list[Told]]:
        found = super().sets(questions, answers, published)
        if not published:
            return found
        means = {part: fmean(loss for one in told for loss in one.wrong) for part, told in found.items()}
        return {part: [replace(one, compared=(means[part],)) for one in told] for part, told in found.items()}


class _People:
    """Who is who: a shortened name is that of the only person whose name has all of its words."""

    def __init__(self, names: Iterable[str]) -> None:
        self._words = {name: set(normalise(name).split()) for name in names}

    def whole(self, name: str) -> str:
        """The name in full."""
        own = set(normalise(name).split())
        longer = [other for other, words in self._words.items() if own < words]
        longest = [one for one in longer if not any(self._words[one] < self._words[other] for other in longer)]
        return longest[0] if len(longest) == 1 else name

    def named_in(self, text: str) -> str | None:
        """The person of whose name a text has most; None if it has nothing of any, or as much of several."""
        there = normalise(text).split()
        counts = {name: sum(map(there.count, words)) / len(words) for name, words in self._words.items() if words}
        most = max(counts.values(), default=0)
        found = {self.whole(name) for name, count in counts.items() if most and count == most}
        return found.pop() if len(found) == 1 else None


class _Reader:
    """What a copy of the data set holds. Rows that cannot be read are in `left_out`."""

    def __init__(self, location: Path, split: str) -> None:
        self.location = location
        self.left_out: list[str] = []
        self._captions = {"forget": self._rows(f"{split}_perturbed"), "retain": self._rows("retain_perturbed")}
        names = {part: self._names(rows) for part, rows in self._captions.items()}
        self._people = {part: _People(found) for part, found in names.items()}
        self.names = {key_of(whole): whole for name in names["forget"] if (whole := self._people["forget"].whole(name))}

    def captions(self, part: str) -> Iterator[Question]:
        """Two questions about each picture: what it shows, and who that is."""
        for row in self._captions[part]:
            with self._listed():
                name, caption, picture = row.said("name"), row.said("caption"), row.picture("image")
                whole = self._people[part].whole(name)
                own = Question(
                    f"clear/{part}/{row.place}", part, key_of(whole), "generation", _prompt(row), caption, picture,
                    facts=(_spellings(whole, name, caption),),
                    paraphrase=next(iter(row.texts("paraphrased_caption")), ""),
                    perturbed=_wrong(row.texts("perturbed_captions"), caption),
                )  # fmt: skip
                yield own
                yield replace(
                    own, id=f"{own.id}/name", part=f"{part}_name", prompt=NAME, answer=name, paraphrase="",
                    perturbed=_wrong(row.texts("perturbed_names"), name),
                )  # fmt: skip

    def options(self, part: str) -> Iterator[Question]:
        """Celebrities' faces, or pictures of other things."""
        for row in self._rows(part):
            with self._listed():
                answer = row.said("answer")
                face = part == "real_faces"
                yield Question(
                    f"clear/{part}/{row.place}",
                    part,
                    f"{part}/{key_of(answer) if face else row.place}",
                    "generation",
                    NAME if face and "question" not in row.values else row.text("question"),
                    answer,
                    row.picture("image"),
                    facts=((answer,),) if face else (),
                    perturbed=_wrong(row.texts("options"), answer),
                )

    def mixed(self, part: str, name: str) -> list[Question]:
        """What is unlearned or retained: captions, then questions in text; none if a copy lacks it."""
        both = f"{name}+tofu"
        if (copy := local_copy(self.location)) is not None:
            both = next((one for one in (both, name) if files_of(copy, one)), "")
        rows = self._rows(both) if both else []
        pictured = [row for row in rows if _has_picture(row)]
        in_text = [row for row in rows if not _has_picture(row)]
        return [*self._trained_captions(part, pictured), *self._in_text(part, in_text)]

    def _trained_captions(self, part: str, rows: Sequence[Row]) -> Iterator[Question]:
        people = self._people[part]
        for row in rows:
            with self._listed():
                caption = row.said("caption")
                name = next(iter(row.texts("name")), None) or people.named_in(caption)
                subject = key_of(people.whole(name)) if name else f"{part}/picture {row.place}"
                place = f"clear/{part}/training/{row.place}"
                yield Question(place, part, subject, "generation", _prompt(row), caption, row.picture("image"))

    def _in_text(self, part: str, rows: Sequence[Row]) -> Iterator[Question]:
        """Whom a block is about is told by the names in it."""
        for start in range(0, len(rows), BLOCK):
            block = rows[start : start + BLOCK]
            said = " ".join(text for row in block for key in ("question", "answer") for text in row.texts(key))
            name = self._people[part].named_in(said)
            subject = key_of(name) if name else f"{part}/author {start // BLOCK}"
            for number, row in enumerate(block, start):
                with self._listed():
                    question, answer = row.text("question"), row.said("answer")
                    yield Question(f"clear/{part}/text/{number}", part, subject, "generation", question, answer)

    def _rows(self, name: str) -> list[Row]:
        found = subset(self.location, name)
        self.left_out += found.left_out
        return found.rows

    def _names(self, rows: Iterable[Row]) -> list[str]:
        return list(dict.fromkeys(name for row in rows for name in row.texts("name")))

    @contextmanager
    def _listed(self) -> Iterator[None]:
        """A row that cannot be read is left out."""
        try:
            yield
        except BadRow as error:
            self.left_out.append(str(error))


def key_of(name: str) -> str:
    return normalise(name) or name


def _spellings(whole: str, name: str, caption: str) -> tuple[str, ...]:
    """The name in full, as the row has it, and what the caption has of it."""
    there = set(normalise(caption).split())
    told = " ".join(word for word in whole.split() if set(normalise(word).split()) <= there)
    return tuple(dict.fromkeys(text for text in (whole, name, told) if text))


def _wrong(texts: Iterable[str], answer: str) -> tuple[str, ...]:
    """Wrong answers. An option that is the true answer would count it twice."""
    return tuple(text for text in texts if normalise(text) != normalise(answer))


def _prompt(row: Row) -> str:
    """The question about a caption; files of unsee's world bring their own."""
    return next(iter(row.texts("question")), DESCRIBE)


def _has_picture(row: Row) -> bool:
    value = row.values.get("image")
    return value is not None and not (isinstance(value, Mapping) and value.get("bytes") is None)
