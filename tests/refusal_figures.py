"""How well the refusal detector does on the labelled lines: `python -m tests.refusal_figures` prints docs' tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from unsee.metrics import wilson
from unsee.metrics.refusals import is_refusal

DATA = Path(__file__).parent / "data"
HALVES = ("dev", "test")


@dataclass(frozen=True)
class Line:
    """A labelled answer; `group` is the category (English), the style (of other models) or the language."""

    text: str
    refuses: bool
    group: str

    @property
    def is_right(self) -> bool:
        return is_refusal(self.text) == self.refuses


def english(half: str) -> list[Line]:
    rows = _rows(DATA / f"refusals_{half}.tsv")
    return [Line(text, label == "refusal", category) for label, category, text in rows]


def models(half: str) -> list[Line]:
    """English in the styles of models that unsee did not train: LLaVA's, Qwen's, chat assistants', terse ones."""
    rows = _rows(DATA / f"refusals_models_{half}.tsv")
    return [Line(text, label == "refusal", style) for label, style, text in rows]


def other_languages(half: str) -> list[Line]:
    rows = _rows(DATA / f"refusals_languages_{half}.tsv")
    return [Line(text, label == "refusal", language) for language, label, text in rows]


def precision_and_recall(lines: Sequence[Line]) -> tuple[tuple[int, int], tuple[int, int]]:
    """(right, of how many found) and (found, of how many there are)."""
    found = [line for line in lines if is_refusal(line.text)]
    hits = sum(line.refuses for line in found)
    return (hits, len(found)), (hits, sum(line.refuses for line in lines))


def share(part: int, whole: int) -> str:
    low, high = wilson(part, whole)
    return f"{part}/{whole} = {100 * part / whole:.1f} % ({low:.1f} to {high:.1f})"


SETS = {"English": english, "English in other models' styles": models, "six other languages": other_languages}


def summary() -> str:
    rows = ["| lines | refusals | other answers | precision | recall |", "|---|---|---|---|---|"]
    for name, read in SETS.items():
        for half in HALVES:
            lines = read(half)
            refusals = sum(line.refuses for line in lines)
            precision, recall = precision_and_recall(lines)
            counts = f"{refusals} | {len(lines) - refusals}"
            rows.append(f"| {name}, {half} half | {counts} | {share(*precision)} | {share(*recall)} |")
    return "\n".join(rows)


def categories(read: Callable[[str], list[Line]]) -> str:
    """Lines judged rightly, by category, in the order in which the categories appear."""
    halves = {half: read(half) for half in HALVES}
    rows = ["| category | label | dev half | test half |", "|---|---|---|---|"]
    for group, refuses in dict.fromkeys((line.group, line.refuses) for line in halves["test"]):
        cells = [_right(line for line in lines if (line.group, line.refuses) == (group, refuses))
                 for lines in halves.values()]  # fmt: skip
        rows.append(f"| {group} | {'refusal' if refuses else 'answer'} | {' | '.join(cells)} |")
    return "\n".join(rows)


def _right(lines: Iterable[Line]) -> str:
    judged = [line.is_right for line in lines]
    return f"{sum(judged)}/{len(judged)}"


def _rows(file: Path) -> list[tuple[str, str, str]]:
    rows = [tuple(line.split("\t")) for line in file.read_text(encoding="utf-8").splitlines()]
    return [(first, second, text) for first, second, text in rows]


if __name__ == "__main__":
    print(summary(), categories(english), categories(models), sep="\n\n")
