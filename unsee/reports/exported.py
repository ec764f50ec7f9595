"""What an export says of itself: `unsee_export.json` for programs and README.md, the model card, for people.

An export is often public, and a page that names whom a model has forgotten discloses the request. So both list requests
by digest and kind, and hold no picture, no answer, no path of a run; names only where the user asks for them.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from unsee.errors import UserError
from unsee.evaluation.plain import Leak
from unsee.metrics import Score
from unsee.models.change import Change
from unsee.store.files import strict_json, write_together
from unsee.store.text import read_text

SCHEMA = "unsee.export/1"
RECORD, CARD = "unsee_export.json", "README.md"
# What the hub's front matter takes for a base model; a path on the exporter's disk is nobody else's business.
_PUBLIC = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+|world:[\w-]+")
_MARKS = re.compile(r"([\\`*_\[\]|#~])")


@dataclass(frozen=True)
class Request:
    """One request that is forgotten in the export. sha256: of the request (`ForgetRequest.digest`); names: the concept
    and its aliases, empty where they are not to be published."""

    sha256: str
    kind: str
    names: tuple[str, ...] = ()
    leaks: tuple[Leak, ...] = ()
    """What plain questions find before and after rounding; empty without rounding."""

    def to_dict(self) -> dict[str, Any]:
        return {
            "sha256": self.sha256,
            "kind": self.kind,
            **({"names": list(self.names)} if self.names else {}),
            **({"leak": [leak.to_dict() for leak in self.leaks]} if self.leaks else {}),
        }


def requests_in(folder: Path) -> list[Request]:
    """The requests that are forgotten in an exported folder already; none where it is no export.

    Raises UserError if its record is damaged, because a list without them would be wrong.
    """
    path = folder / RECORD
    if not path.is_file():
        return []
    try:
        document = json.loads(read_text(path))
        if document["schema"] != SCHEMA:
            raise ValueError(document["schema"])
        return [
            Request(str(each["sha256"]), str(each["kind"]), tuple(map(str, each.get("names", ()))))
            for each in document["requests"]
        ]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UserError(
            f"{path} is damaged, so it is not known what the base model has forgotten before; export that model again."
        ) from error


@dataclass(frozen=True)
class ExportRecord:
    """What is in an exported folder.

    holds: "model" (merged weights) or "adapter". weights: their dtype, and for rounded ones how, such as "int8".
    base: what the user called the base model, with its revision and fingerprint (`unsee.models.provenance`).
    run: method, seed and digests of the run that made the adapter; empty for an adapter of another program.
    parts: SHA-256 of each part of the folder (`unsee.models.identity.of_files`). rank: of an adapter.
    unmeasured: why rounded weights were not asked again; "" where they were, or are not rounded. gguf: SHA-256 of
    llama.cpp's own files of the same weights, by name.
    """

    holds: str
    weights: str
    base: Mapping[str, Any]
    run: Mapping[str, Any]
    requests: Sequence[Request]
    change: Change
    libraries: Mapping[str, str]
    parts: Mapping[str, str | None] = field(default_factory=dict)
    rounded: bool = False
    rank: int | None = None
    unmeasured: str = ""
    gguf: Mapping[str, str] = field(default_factory=dict)

    def write(self, folder: Path) -> None:
        """Write the record and the card into `folder`. Raises SystemFailure if the disk refuses."""
        write_together(folder, {RECORD: strict_json(self.to_dict()), CARD: self.card()})

    def to_dict(self) -> dict[str, Any]:
        return {
            "schema": SCHEMA,
            "holds": self.holds,
            "weights": self.weights,
            **({"rank": self.rank} if self.rank is not None else {}),
            "base": {**self.base, "model": self._base or None},
            "run": dict(self.run),
            "requests": [request.to_dict() for request in self.requests],
            **({"unmeasured": self.unmeasured} if self.unmeasured else {}),
            "change": self.change.to_dict(),
            "sha256": dict(self.parts),
            **({"gguf": dict(self.gguf)} if self.gguf else {}),
            "libraries": dict(self.libraries),
        }

    @property
    def _base(self) -> str:
        """The base model's name where it means something to others."""
        name = str(self.base["model"])
        is_local = Path(name).expanduser().exists()
        return name if _PUBLIC.fullmatch(name) and not is_local else ""

    def card(self) -> str:
        """README.md, as the hub reads it."""
        relation = "adapter" if self.holds == "adapter" else "quantized" if self.rounded else "finetune"
        front = [
            *([f"base_model: {self._base}", f"base_model_relation: {relation}"] if self._base else []),
            f"library_name: {'peft' if self.holds == 'adapter' else 'transformers'}",
            "pipeline_tag: image-text-to-text",
            "tags: [machine-unlearning]",
        ]
        of = self._base or "a vision-language model"
        what = (
            "adapter that makes it forget" if self.holds == "adapter" else "weights, with the requests below forgotten"
        )
        lines = ["---", *front, "---", "", f"# {of}: {what}", "", *self._content(), "", *self._requests(), ""]
        if self.rounded:
            lines += [*self._rounding(), ""]
        lines += [*_LIMITS, ""]
        return "\n".join(lines)

    def _content(self) -> list[str]:
        by = f" by {self.run['method']}" if self.run else ""
        if self.holds == "adapter":
            return [
                f"A LoRA adapter of rank {self.rank} for the language model alone, trained{by} with unsee. PEFT, vLLM "
                "and SGLang put it on the base model."
            ]
        return [
            f"Made{by} with unsee: {self.change.parameters:,} weights differ from the base model's. Stored in "
            f"{self.weights}. The licence and the limits of the base model apply.",
            "",
            "```python",
            "from transformers import AutoModelForImageTextToText, AutoProcessor",
            "",
            'model = AutoModelForImageTextToText.from_pretrained("THIS_FOLDER")',
            'processor = AutoProcessor.from_pretrained("THIS_FOLDER")',
            "```",
            *(
                [
                    "",
                    f"{' and '.join(f'`{name}`' for name in self.gguf)} are the same weights for llama.cpp's server. "
                    "They were not asked anything.",
                ]
                if self.gguf
                else []
            ),
        ]

    def _requests(self) -> list[str]:
        head = ["## What was forgotten", ""]
        if not self.requests:
            return [*head, "Not recorded: the adapter came without its request."]
        named = any(request.names for request in self.requests)
        columns = ["request (SHA-256)", "kind", *(["names"] if named else [])]
        rows = [
            [f"`{request.sha256}`", _text(request.kind), *([_text(", ".join(request.names))] if named else [])]
            for request in self.requests
        ]
        foot = [] if named else ["", "The names are left out on purpose: who asked to be forgotten is not published."]
        return [*head, *_table(columns, rows), *foot]

    def _rounding(self) -> list[str]:
        head = ["## After rounding", ""]
        if self.unmeasured:
            return [*head, f"Not measured: {_text(self.unmeasured)}."]
        rows = [
            [f"`{request.sha256[:12]}`", leak.questions, percent(leak.before), percent(leak.after), percent(leak.floor)]
            for request in self.requests
            for leak in request.leaks
        ]
        columns = ["request", "plain questions", "before", "after", "floor"]
        return [
            *head,
            "Answers to plain questions that give the concept away, with the 95 % interval: of the model that was "
            "evaluated, and of these rounded weights. Floor: the base model, asked the same about strangers.",
            "",
            *_table(columns, rows),
        ]


_LIMITS = (
    "## Limits",
    "",
    "Unlearning changes what the model says; it does not delete the data that the base model was trained on. The audit "
    "of the run, which whoever exported this keeps, says what was tested and what was not. Any further change of the "
    "weights (rounding, merging, training) can bring back what was forgotten, and needs a new test.",
)


def percent(score: Score | None) -> str:
    """A share as a reader sees it: 3.1 % (0.2 to 11.0); "–" for none."""
    if score is None:
        return "–"
    ends = "" if score.low != score.low else f" ({score.low:.1f} to {score.high:.1f})"
    return f"{score.value:.1f} %{ends}"


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return [_row(columns), _row(["---"] * len(columns)), *map(_row, rows)]


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _text(foreign: str) -> str:
    """Foreign text as Markdown shows it: no mark-up, no HTML, one line."""
    return _MARKS.sub(r"\\\1", html.escape(" ".join(foreign.split()), quote=False))
