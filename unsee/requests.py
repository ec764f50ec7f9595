"""`ForgetRequest`: whom or what to forget, read from the command line or from a YAML file and checked."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal, get_args

import yaml
from PIL import Image

from unsee.data.images import Picture, open_image
from unsee.errors import UserError, did_you_mean
from unsee.kinds import PERSON, Kind, get_kind, present_name
from unsee.metrics.naming import same_name
from unsee.store.text import read_text

Where = Literal["pictures", "text", "both"]
"""In what something is to be forgotten. "pictures": it is kept in text; "text": it is kept in pictures."""
LONGEST_NAME = 200
"""Characters of a name, at most: longer than any that is in use, and short enough for every file system."""


@dataclass(frozen=True)
class Example:
    """A question with its answer, and the picture it is about where there is one."""

    question: str
    answer: str
    image: Picture | None = None

    def picture(self) -> Image.Image | None:
        """The picture, opened as RGB. Raises UserError for one that cannot be used."""
        return None if self.image is None else _opened(self.image)


@dataclass(frozen=True)
class ForgetRequest:
    """One concept to forget and what to keep.

    concept: the name the model must stop giving, such as "Mara Voss".
    images: at least one picture of the concept (paths, contents of files, or pictures already open).
    aliases: other names of the same concept; they count as the name everywhere.
    facts: (question, answer) pairs about the concept, asked in text; if empty, the model's own answers are used.
    neighbours: names of other concepts to keep; if empty, well-known ones are used.
    kind: what it is, such as "person" or "brand" (`unsee kinds` lists them), or "FILE.py:NAME"; if None, a person.
    substitutes: names that the pictures may get instead; if empty, one is invented as such things are named.
    descriptions: how the training data says that the concept looks instead, such as "has long red hair"; if empty,
        it only says that the concept looks different.
    forget: questions about the pictures with their true answers, for methods that train on what is to be forgotten;
        a question without a picture is about those in `images`. If empty, they are built from the name.
    retain: questions with the answers to keep, about other pictures or in text; if none is in text, the facts and the
        model's own answers about C and the neighbours are used.
    unseen: pictures of people, or others of the kind, that the model has never met; ASRU learns from them what not
        knowing looks like.
    others: pictures of other people, or others of the kind, the model should still recognise; the training data
        retains the model's present answers about them.
    where: in what it is to be forgotten: "pictures", "text" or "both". Except for "pictures", an example of `forget`
        without a picture is a question in text; for "text" there need not be any picture.
    """

    concept: str
    images: tuple[Picture, ...]
    aliases: tuple[str, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    neighbours: tuple[str, ...] = ()
    kind: str | None = None
    substitutes: tuple[str, ...] = ()
    descriptions: tuple[str, ...] = ()
    forget: tuple[Example, ...] = ()
    retain: tuple[Example, ...] = ()
    unseen: tuple[Picture, ...] = ()
    others: tuple[Picture, ...] = ()
    where: Where = "pictures"

    def __post_init__(self) -> None:
        for field in ("images", "unseen", "others"):
            if isinstance(getattr(self, field), Picture):
                raise UserError(f"The {field} of a request are several; write {field}=(picture,) for one.")
        # A line break or a tab within a name is a slip of whoever typed it, and would be in all training data.
        object.__setattr__(self, "concept", _one_line(self.concept))
        for field in ("aliases", "neighbours", "substitutes"):
            object.__setattr__(self, field, tuple(map(_one_line, getattr(self, field))))
        if self.kind is not None:
            object.__setattr__(self, "kind", present_name(self.kind))

    @classmethod
    def from_yaml(cls, path: Path | str) -> ForgetRequest:
        """Read a request; relative picture paths start at the file's folder.

        Raises UserError for a file that cannot be read, an unknown or missing key, or a value of the wrong type.
        """
        path = Path(path)
        try:
            content = yaml.safe_load(read_text(path))
        except FileNotFoundError:
            raise UserError(f"There is no request file at {path}; check the path.") from None
        except (OSError, UnicodeDecodeError) as error:
            why = getattr(error, "strerror", None) or error
            raise UserError(f"The request file {path} cannot be read: {why}.") from error
        except (yaml.YAMLError, ValueError, RecursionError) as error:
            raise UserError(f"The request file {path} is not valid YAML: {' '.join(str(error).split())}.") from error
        return cls.from_mapping(content, folder=path.parent, where=str(path))

    @classmethod
    def from_mapping(cls, content: Any, *, folder: Path, where: str = "the request") -> ForgetRequest:
        """Check a parsed document against the fields of the class and build the request. Raises UserError."""
        if not isinstance(content, Mapping):
            raise UserError(f"{where} must be a mapping with the keys concept and images; found {_kind_of(content)}.")
        known = [field.name for field in fields(cls)]
        for key in content:
            if key not in known:
                raise UserError(f"{where} has an unknown key {str(key)!r}{did_you_mean(str(key), known)}")
        place = _place(content.get("where"), where)
        for key in ("concept", "images") if place != "text" else ("concept",):
            if content.get(key) is None:
                raise UserError(f"{where} has no {key!r}; add it.")
        request = cls(
            concept=_text(content["concept"], "concept", where),
            images=tuple(folder / Path(p).expanduser() for p in _texts(content.get("images"), "images", where)),
            aliases=_texts(content.get("aliases"), "aliases", where),
            facts=_facts(content.get("facts"), where),
            neighbours=_texts(content.get("neighbours"), "neighbours", where),
            kind=None if content.get("kind") is None else _text(content["kind"], "kind", where),
            substitutes=_texts(content.get("substitutes"), "substitutes", where),
            descriptions=_texts(content.get("descriptions"), "descriptions", where),
            forget=_examples(content.get("forget"), "forget", folder, where),
            retain=_examples(content.get("retain"), "retain", folder, where),
            unseen=tuple(folder / Path(p).expanduser() for p in _texts(content.get("unseen"), "unseen", where)),
            others=tuple(folder / Path(p).expanduser() for p in _texts(content.get("others"), "others", where)),
            where=place,
        )
        request.check()
        return request

    @property
    def names(self) -> tuple[str, ...]:
        """The concept's name and its aliases."""
        return (self.concept, *self.aliases)

    @property
    def what(self) -> Kind:
        """What the concept is: how one speaks of it. Raises UserError for an unknown kind."""
        return get_kind(self.kind or PERSON)

    def check(self) -> None:
        """Raise UserError for every mistake that shows without a model; opens every picture."""
        others = (("neighbour", self.neighbours), ("substitute", self.substitutes))
        _check_name("concept", self.concept, "give the name to forget")
        for label, values in (("alias", self.aliases), *others):
            for value in values:
                _check_name(label, value, "remove it or give a name")
        if not self.images and self.where != "text":
            raise UserError(f"The request to forget {self.concept!r} has no picture; give at least one image.")
        of_the_kind = self.what.plural
        for label, values in others:
            for value in values:
                if any(same_name(value, name) for name in self.names):
                    raise UserError(f"{value!r} is both the concept to forget and a {label}; remove one of the two.")
        for label, examples in (("forget", self.forget), ("retain", self.retain)):
            for number, example in enumerate(examples):
                if not (example.question.strip() and example.answer.strip()):
                    raise UserError(
                        f"{label}[{number}] in the request to forget {self.concept!r} has an empty question or answer; "
                        "fill it in or remove it."
                    )
                example.picture()
        own_pictures = {_picture_digest(picture) for picture in self.pictures()}
        unseen = {_picture_digest(picture) for picture in self.unseen_pictures()}
        known = {_picture_digest(picture) for picture in self.other_pictures()}
        if own_pictures & unseen:
            raise UserError(
                f"A picture of {self.concept!r} is also among the unseen pictures; give pictures of {of_the_kind} that "
                "the model has never met."
            )
        if unseen & known:
            raise UserError(
                f"A picture under 'others' is also under 'unseen', which is for {of_the_kind} that the model has never "
                "met; remove it from one of the two."
            )
        if own_pictures & known:
            raise UserError(
                f"A picture of {self.concept!r} is also among the pictures of other {of_the_kind}; remove it from "
                "'others'."
            )

    def pictures(self) -> tuple[Image.Image, ...]:
        """The pictures, opened as RGB. Raises UserError for one that cannot be used."""
        return tuple(map(_opened, self.images))

    def unseen_pictures(self) -> tuple[Image.Image, ...]:
        """The unseen pictures, opened as RGB. Raises UserError for one that cannot be used."""
        return tuple(map(_opened, self.unseen))

    def other_pictures(self) -> tuple[Image.Image, ...]:
        """The pictures of other people, opened as RGB. Raises UserError for one that cannot be used."""
        return tuple(map(_opened, self.others))

    def digest(self) -> str:
        """SHA-256 (hex) of the request's content: the pixels count, not where the files lie."""
        content: dict[str, Any] = {
            "concept": self.concept,
            "images": [_picture_digest(picture) for picture in self.pictures()],
            "aliases": self.aliases,
            "facts": self.facts,
            "neighbours": self.neighbours,
            "kind": self.what.name,
            "substitutes": self.substitutes,
            "descriptions": self.descriptions,
            "forget": [_example_digest(example) for example in self.forget],
            "retain": [_example_digest(example) for example in self.retain],
            "unseen": [_picture_digest(picture) for picture in self.unseen_pictures()],
        }
        if self.others:
            content["others"] = [_picture_digest(picture) for picture in self.other_pictures()]
        if self.where != "pictures":
            content["where"] = self.where
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def digest_of(requests: Sequence[ForgetRequest]) -> str:
    """SHA-256 (hex) of several requests in their order; for a single request, its own digest."""
    digests = [request.digest() for request in requests]
    return digests[0] if len(digests) == 1 else hashlib.sha256("".join(digests).encode()).hexdigest()


def _place(value: Any, where: str) -> Where:
    for known in get_args(Where):
        if value == known:
            return known
    if value is None:
        return "pictures"
    raise UserError(f"'where' in {where} must be {', '.join(get_args(Where))}; found {str(value)[:40]!r}.")


def _one_line(name: str) -> str:
    return " ".join(name.split())


def _check_name(label: str, name: str, advice: str) -> None:
    """Raise UserError if `name` cannot be the name of a concept; `label` says whose it is."""
    if not name:
        raise UserError(f"The {label} name is blank; {advice}.")
    if len(name) > LONGEST_NAME:
        raise UserError(
            f"The {label} name {name[:40] + '…'!r} has {len(name)} characters; the most is {LONGEST_NAME}: {advice}."
        )
    if any(unicodedata.category(letter) == "Cc" for letter in name):
        raise UserError(f"The {label} name {name!r} holds a control character; {advice} without it.")
    if not any(letter.isalnum() for letter in name):
        raise UserError(f"The {label} name {name!r} holds no letter or digit; {advice}.")


def _opened(picture: Picture) -> Image.Image:
    return open_image(picture, "of the request")


def _picture_digest(picture: Image.Image) -> str:
    return hashlib.sha256(f"{picture.size}".encode() + picture.tobytes()).hexdigest()


def _example_digest(example: Example) -> list[str | None]:
    picture = example.picture()
    return [example.question, example.answer, None if picture is None else _picture_digest(picture)]


def _kind_of(value: Any) -> str:
    return "nothing" if value is None else f"a {type(value).__name__}"


def _text(value: Any, key: str, where: str) -> str:
    if not isinstance(value, str):
        raise UserError(f"{key!r} in {where} must be text; found {_kind_of(value)} (put quotes around it).")
    return value.strip()


def _texts(value: Any, key: str, where: str) -> tuple[str, ...]:
    """A list of texts; a single text counts as a list of one."""
    if value is None:
        return ()
    if isinstance(value, str):
        return (value.strip(),)
    if not isinstance(value, list):
        raise UserError(f"{key!r} in {where} must be a list of texts; found {_kind_of(value)}.")
    return tuple(_text(item, f"{key}[{number}]", where) for number, item in enumerate(value))


def _facts(value: Any, where: str) -> tuple[tuple[str, str], ...]:
    """A list of mappings {question, answer}."""
    return tuple((row["question"], row["answer"]) for row in _rows(value, "facts", where))


def _examples(value: Any, key: str, folder: Path, where: str) -> tuple[Example, ...]:
    """A list of mappings {question, answer}, each perhaps with an image."""
    return tuple(
        Example(row["question"], row["answer"], folder / Path(row["image"]).expanduser() if "image" in row else None)
        for row in _rows(value, key, where, optional=("image",))
    )


def _rows(value: Any, key: str, where: str, optional: tuple[str, ...] = ()) -> list[dict[str, str]]:
    """A list of mappings with the keys question and answer, and perhaps those in `optional`; no text is empty."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise UserError(f"{key!r} in {where} must be a list of question and answer pairs; found {_kind_of(value)}.")
    needed = {"question", "answer"}
    also = "".join(f" (and perhaps {name})" for name in optional)
    rows = []
    for number, item in enumerate(value):
        if not isinstance(item, Mapping) or not needed <= set(item) <= needed | set(optional):
            raise UserError(f"'{key}[{number}]' in {where} must have exactly the keys question and answer{also}.")
        row = {str(name): _text(text, f"{key}[{number}].{name}", where) for name, text in item.items()}
        for name, text in row.items():
            if not text:
                raise UserError(f"'{key}[{number}]' in {where} has an empty {name}; fill it in or remove it.")
        rows.append(row)
    return rows
