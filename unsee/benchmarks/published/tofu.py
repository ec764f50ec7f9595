"""TOFU (arXiv 2401.06121), `locuslab/TOFU` on the hub: questions about fictitious authors, in text alone.

    forget10_perturbed.json         also 01 and 05: the authors to forget, 20 questions each, in consecutive blocks
    retain_perturbed.json           other authors of the data set
    real_authors_perturbed.json     real ones
    world_facts_perturbed.json

The files are JSON Lines in spite of their names; a copy may also have a folder of Parquet files for each. A row is
{question, answer, paraphrased_answer, perturbed_answer: [five], ...}; in the last two files there is no paraphrase, so
the answer itself serves, and three wrong answers. The author is told by the place of the row alone.

The released scripts ask the first 300 questions of each file only, and their two programs do not agree on the truth
ratio (`unsee.benchmarks.published.truth`); unsee asks all. Logs of these scripts: `unsee.benchmarks.published.logs`.
"""

from __future__ import annotations

from pathlib import Path

from unsee.benchmarks.published.question import DataSet, Question
from unsee.benchmarks.published.rows import BadRow, Row, columns_of, hub_name, local_copy, subset
from unsee.benchmarks.published.truth import TruthScored

BLOCK = 20
"""Questions about an author, in consecutive rows."""
SETS = {"retain": "retain_perturbed", "real_authors": "real_authors_perturbed", "world_facts": "world_facts_perturbed"}


class Tofu(TruthScored):
    """Text alone. Its authors have no picture, so a method can only forget them in text."""

    name = "tofu"
    version = 1
    title = "TOFU"
    splits = ("forget10", "forget05", "forget01")
    parts = ("forget", *SETS)
    utility_parts = published_parts = tuple(SETS)
    among = published_among = ("real_authors", "world_facts")
    difference = (
        "The released script averages the losses of wrong answers, not their probabilities as equation 1 of the paper "
        "does, and its ROUGE splits words at letters other than a to z."
    )

    @classmethod
    def recognises(cls, location: Path) -> bool:
        name = hub_name(location)
        folder = local_copy(location)
        if folder is None:
            return name is not None and name.casefold().endswith("/tofu")
        needed = {"question", "answer", "perturbed_answer"}
        return any(needed <= columns_of(folder, f"{split}_perturbed") for split in cls.splits)

    @classmethod
    def read(cls, location: Path, split: str) -> DataSet:
        questions: list[Question] = []
        left_out: list[str] = []
        for part, name in {"forget": f"{split}_perturbed", **SETS}.items():
            found = subset(location, name)
            left_out += found.left_out
            for row in found.rows:
                try:
                    questions.append(_question(part, row))
                except BadRow as error:
                    left_out.append(str(error))
        return DataSet(split, tuple(questions), left_out=tuple(left_out))


def _question(part: str, row: Row) -> Question:
    # Of the last two sets no row shares its subject with another.
    number = row.place // BLOCK if part in ("forget", "retain") else row.place
    answer = row.said("answer")
    return Question(
        f"tofu/{part}/{row.place}",
        part,
        f"{part}/{number}",
        "generation",
        row.text("question"),
        answer,
        paraphrase=next(iter(row.texts("paraphrased_answer")), ""),
        perturbed=tuple(text for text in row.texts("perturbed_answer") if text != answer),
    )
