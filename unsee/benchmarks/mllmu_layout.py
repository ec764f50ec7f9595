"""MLLMU-Bench on disk, as `MLLMMU/MLLMU-Bench` on the hub lays it out: a folder of Parquet files for each subset.

    forget_5/ forget_10/ forget_15/       whom to forget, each with the picture that the model was trained on
    retain_95/ retain_90/ retain_85/      everybody else
    Test_Set/                             everybody's other pictures: `images`, a list, in the place of `image`
    Retain_Set/                           people outside the training data: celebrities; in the world, strangers
    Full_Set/                             everybody, as in the forget sets

    image, ID, Directory, biography (JSON text), question, answer,
    Classification_Task  {Image_Textual_Questions, Pure_Text_Questions: [{Correct_Answer, Options {A to D}, Question}]}
    Generation_Task, Mask_Task  [{Ground_Truth, Question, Type: "Image_Textual" or "Pure_Text"}]

Seen in the data set's card (its `dataset_info`; splits of `train-*` files, 500, 153, 25, 50 and 75 people) and in the
published `eval.py`, which reads `row["image"]["bytes"]` and `row["images"]`, draws one of these at random and unseeded
(all are asked about here), and takes "__" for the blank. The splits are not nested: somebody of forget_5 is in
retain_90 as a rule. "Directory" is missing in places and not needed. A subset may also be JSON, whose rows name
pictures inside the folder. ft_Data, what the model was trained on before, is read by `unsee.benchmarks.mllmu_training`.
"""

from __future__ import annotations

import io
import json
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pyarrow
import pyarrow.parquet
from PIL import Image

from unsee.benchmarks.mllmu_biography import is_said, read_biography
from unsee.benchmarks.mllmu_files import TASK_COLUMNS, File, subset_files
from unsee.benchmarks.mllmu_questions import LETTERS, Choice, MllmuBenchmark, Open, Profile, Questions, Style
from unsee.benchmarks.published.rows import BadRow, fetched
from unsee.benchmarks.splits import PERCENT
from unsee.benchmarks.tables import HUB
from unsee.data.images import image_key, open_image
from unsee.data.likeness import Seen
from unsee.errors import UserError
from unsee.metrics.options import letter_of
from unsee.store.new_folder import new_folder

CELEBRITIES = "celebrities"
TYPES = {"picture": "Image_Textual", "text": "Pure_Text"}
GROUPS = {modality: f"{name}_Questions" for modality, name in TYPES.items()}
MARK = b"unsee"
"""Key of the metadata in which unsee says what only its own files need: the style and the name of the fourth set."""


def features(several: bool = False) -> Any:
    """The columns as the data set's card has them; `several` pictures in a row, as in Test_Set."""
    from datasets import Features, List, Value  # slow to import, and only writing needs it
    from datasets import Image as Picture

    text = Value("string")
    choice = {"Correct_Answer": text, "Options": dict.fromkeys(LETTERS, text), "Question": text}
    question = {"Ground_Truth": text, "Question": text, "Type": text}
    return Features(
        {
            **({"images": List(Picture())} if several else {"image": Picture()}),
            **dict.fromkeys(("ID", "Directory", "biography", "question", "answer"), text),
            "Classification_Task": {name: List(choice) for name in GROUPS.values()},
            "Generation_Task": List(question),
            "Mask_Task": List(question),
        }
    )


def write_mllmu(out: Path, subsets: Mapping[str, Sequence[Profile]], style: Style, outside: str) -> None:
    """Write subsets to the new folder `out`, complete or not at all.

    `style` and `outside`, the name of the fourth set, are kept for whoever reads the folder with unsee. Raises
    UserError if `out` exists, SystemFailure if the disk refuses.
    """
    with new_folder(out) as work:
        for name, profiles in subsets.items():
            several = name == "Test_Set"
            mark = json.dumps({"style": style, "outside": outside})
            columns = features(several).arrow_schema
            columns = columns.with_metadata({**columns.metadata, MARK: mark.encode()})
            table = pyarrow.Table.from_pylist([_row(profile, several) for profile in profiles], schema=columns)
            (work / name).mkdir()
            pyarrow.parquet.write_table(table, work / name / "train-00000-of-00001.parquet")
        (work / "README.md").write_text(_card(subsets), encoding="utf-8")


def _card(names: Sequence[str] | Mapping[str, object]) -> str:
    """What makes the subsets known to `datasets.load_dataset`."""
    configs = "".join(
        f"- config_name: {name}\n  data_files:\n  - split: train\n    path: {name}/train-*\n" for name in names
    )
    return f"---\nconfigs:\n{configs}---\n\nThe people of a world, in the layout of MLLMU-Bench. Written by unsee.\n"


def _row(profile: Profile, several: bool) -> dict[str, Any]:
    pictures = [{"bytes": _png(image), "path": f"{profile.id}-{i}.png"} for i, image in enumerate(profile.images)]
    modalities = {"picture": profile.with_picture, "text": profile.in_text}
    biography = {**profile.biography, **({"Aliases": list(profile.aliases)} if profile.aliases else {})}

    def open_questions(task: str) -> list[dict[str, str]]:
        return [
            {"Ground_Truth": question.truth, "Question": question.question, "Type": TYPES[modality]}
            for modality, questions in modalities.items()
            for question in getattr(questions, task)
        ]

    return {
        **({"images": pictures} if several else {"image": pictures[0]}),
        "ID": profile.id,
        "Directory": f"images/{profile.id}",
        "biography": json.dumps(biography, ensure_ascii=False),
        "question": profile.question,
        "answer": profile.answer,
        "Classification_Task": {
            GROUPS[modality]: [
                {"Correct_Answer": choice.correct, "Options": dict(choice.options), "Question": choice.question}
                for choice in questions.classification
            ]
            for modality, questions in modalities.items()
        },
        "Generation_Task": open_questions("generation"),
        "Mask_Task": open_questions("cloze"),
    }


def _png(image: Image.Image) -> bytes:
    content = io.BytesIO()
    image.save(content, "PNG")
    return content.getvalue()


def is_mllmu(location: Path | str) -> bool:
    """Whether a folder, or the name of a data set ("hf:..."), looks like this one: in MMUBench's layout it has none of
    these folders."""
    name = Path(location).as_posix().removeprefix(HUB)
    folders = ("Test_Set", *(f"forget_{p}" for p in PERCENT))
    return any((Path(name) / folder).is_dir() for folder in folders) or (
        name != Path(location).as_posix() and name.casefold().endswith("/mllmu-bench")
    )


def load_mllmu(folder: Path | str, percent: int, *, limit: int | None = None, seed: int = 0) -> MllmuBenchmark:
    """Read the sets of a forget split. With `limit`, at most so many people of each, drawn by `seed`.

    The test set is about the people of the forget set, in new pictures. Left out and listed are questions that cannot
    be asked or scored (a right answer that is no option, an empty text, a truth without a letter or digit), pictures
    that `open_image` refuses, test pictures that were trained on or stand there twice, and people without a picture
    that is left. Raises UserError for files or columns that are missing, damaged or of another type.
    """
    if percent not in PERCENT:
        raise UserError(f"There is no forget split of {percent} %; choose from {', '.join(map(str, PERCENT))}.")
    folder = _local(Path(folder), percent, "Test_Set", "Retain_Set")
    forget, test = _Subset(folder / f"forget_{percent}"), _Subset(folder / "Test_Set", "images")
    retain, outside = _Subset(folder / f"retain_{100 - percent}"), _Subset(folder / "Retain_Set")
    rng = random.Random(f"mllmu/{seed}")
    ids = _drawn(forget.ids(), limit, rng)
    left_out: list[str] = []
    style, name = forget.mark()
    sets = {
        "forget": tuple(forget.profiles(ids, left_out)),
        "test": tuple(test.profiles(ids, left_out)),
        "retain": tuple(retain.profiles(_drawn(retain.ids(), limit, rng), left_out)),
        name: tuple(outside.profiles(_drawn(outside.ids(), limit, rng), left_out)),
    }
    sets["test"] = tuple(_only_new(sets["test"], sets["forget"], left_out))
    for key, profiles in sets.items():
        if not profiles:
            why = f" (left out: {'; '.join(left_out[:3])})" if left_out else ""
            raise UserError(f"The {key} set in {folder} holds nobody to ask about{why}.")
    return MllmuBenchmark(f"forget {percent} %", sets, style, tuple(left_out))


def load_training(folder: Path | str, percent: int, people: int, seed: int = 0) -> MllmuBenchmark:
    """The sets "forget" and, at most so many people of it, "retain". Raises UserError as `load_mllmu`."""
    folder = _local(Path(folder), percent)
    rng = random.Random(f"mllmu/training/{seed}")
    left_out: list[str] = []
    sets = {}
    for key, subset, most in (("forget", f"forget_{percent}", None), ("retain", f"retain_{100 - percent}", people)):
        rows = _Subset(folder / subset)
        sets[key] = tuple(rows.profiles(_drawn(rows.ids(), most, rng), left_out))
    return MllmuBenchmark(f"forget {percent} %", sets, left_out=tuple(left_out))


def _local(location: Path, percent: int, *further: str) -> Path:
    """The folder with the subsets of a split and `further` ones. Raises UserError."""
    return fetched(location, (f"forget_{percent}", f"retain_{100 - percent}", *further))


def _drawn(ids: list[str], limit: int | None, rng: random.Random) -> set[str]:
    return set(ids) if limit is None or limit >= len(ids) else set(rng.sample(ids, limit))


class _Subset:
    """The files of one subset: their types are checked at once, rows are read when asked for."""

    def __init__(self, folder: Path, pictures: str = "image") -> None:
        self.folder = folder
        self.files = subset_files(folder)
        for file in self.files:
            # The files of Test_Set have a list of pictures, but one picture will do.
            self.pictures = "image" if pictures not in file.columns and "image" in file.columns else pictures
            missing = [name for name in (self.pictures, "ID", *TASK_COLUMNS) if name not in file.columns]
            if missing:
                raise UserError(f"{file.path} has no column {missing[0]!r}; it is not in the layout of MLLMU-Bench.")

    def mark(self) -> tuple[Style, str]:
        """The style and the name of the fourth set: what unsee wrote there, else those of the published data."""
        try:
            content = json.loads(self.files[0].metadata.get(MARK, b"{}"))
            style, outside = content.get("style"), content.get("outside")
        except (ValueError, AttributeError, RecursionError):
            style, outside = None, None
        known = style in get_args(Style) and isinstance(outside, str) and outside.isalpha()
        return (style, outside) if known else ("instructed", CELEBRITIES)

    def ids(self) -> list[str]:
        found = [value for file in self.files for row in file.rows(["ID"]) for value in row.values()]
        if not all(isinstance(value, str) and value for value in found):
            raise UserError(f"The column 'ID' in {self.folder} must hold text.")
        if len(set(found)) < len(found):
            raise UserError(f"The column 'ID' in {self.folder} names somebody twice; remove one of the rows.")
        return found

    def profiles(self, wanted: set[str], left_out: list[str]) -> Iterator[Profile]:
        optional = ("biography", "question", "answer")
        for file in self.files:
            left_out += file.left_out
            columns = [self.pictures, "ID", *TASK_COLUMNS, *(name for name in optional if name in file.columns)]
            for row in file.rows(columns):
                if row["ID"] in wanted:
                    profile = _profile(row, self.pictures, file, left_out)
                    if profile.images:
                        yield profile


def _profile(row: Mapping[str, Any], pictures: str, file: File, left_out: list[str]) -> Profile:
    who = f"{row['ID']} in {file.path}"
    given = row[pictures] if pictures == "images" else [row[pictures]]
    if not isinstance(given, list) or not given:
        raise UserError(f"{who} has no picture in the column {pictures!r}.")
    biography, aliases = read_biography(row.get("biography"))
    task = row["Classification_Task"]
    asked = {
        modality: Questions(
            tuple(_choices(task, GROUPS[modality], who, left_out)),
            tuple(_open(row["Generation_Task"], "Generation_Task", TYPES[modality], who, left_out)),
            tuple(_open(row["Mask_Task"], "Mask_Task", TYPES[modality], who, left_out)),
        )
        for modality in TYPES
    }
    return Profile(
        row["ID"],
        tuple(_pictures(given, who, file, left_out)),
        asked["picture"],
        asked["text"],
        biography,
        aliases,
        *(str(row.get(name) or "") for name in ("question", "answer")),
    )


def _only_new(tested: Sequence[Profile], trained: Sequence[Profile], left_out: list[str]) -> Iterator[Profile]:
    """The test set without repeated pictures and those that were trained on, and the people who have no other."""
    trained_on = {profile.id: Seen(profile.images) for profile in trained}
    for profile in tested:
        distinct = {image_key(image): image for image in profile.images}
        new = tuple(image for image in distinct.values() if image not in trained_on.get(profile.id, ()))
        if len(new) < len(profile.images):
            left_out.append(f"{len(profile.images) - len(new)} test pictures of {profile.id}: twice, or trained on")
        if new:
            yield replace(profile, images=new)


def _pictures(given: Sequence[Any], who: str, file: File, left_out: list[str]) -> Iterator[Image.Image]:
    for value in given:
        try:
            content = file.picture(value, who)
        except BadRow as error:
            left_out.append(str(error))
            continue
        try:
            yield open_image(content, f"of {who}")
        except UserError as error:
            left_out.append(str(error))


def _choices(task: Any, group: str, who: str, left_out: list[str]) -> Iterator[Choice]:
    for entry in _entries(task.get(group) if isinstance(task, Mapping) else task, "Classification_Task", who):
        options = entry.get("Options")
        given = {k: v for k, v in options.items() if is_said(v)} if isinstance(options, Mapping) else {}
        # The letter of the right option, which its text follows or replaces in places.
        key = entry.get("Correct_Answer")
        correct = letter_of(key, given) if isinstance(key, str) else None
        if is_said(entry.get("Question")) and len(given) > 1 and correct is not None:
            yield Choice(entry["Question"], given, correct)
        else:
            left_out.append(f"{who}: a question of Classification_Task lacks its text, options or right answer")


def _open(task: Any, column: str, kind: str, who: str, left_out: list[str]) -> Iterator[Open]:
    for entry in _entries(task, column, who):
        if entry.get("Type") not in TYPES.values():
            raise UserError(f"{column} of {who} has a question of the type {entry.get('Type')!r}; see the layout.")
        if entry["Type"] != kind:
            continue
        if is_said(entry.get("Question")) and is_said(entry.get("Ground_Truth")):
            yield Open(entry["Question"], entry["Ground_Truth"])
        else:
            left_out.append(f"{who}: a question of {column} lacks its text or its truth")


def _entries(value: Any, column: str, who: str) -> list[Mapping[str, Any]]:
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(entry, Mapping) for entry in value):
        raise UserError(f"{column} of {who} does not hold a list of questions; it is not in the layout of MLLMU-Bench.")
    return value
