"""Logs of TOFU's released scripts: the loss of every answer, from which all its figures follow without a model.

`evaluate_util.py` writes `eval_log_aggregated.json`, an object with one log for each set, by the name of its file:

    eval_log.json                     retain
    eval_log_forget.json              forget
    eval_real_author_wo_options.json  real_authors
    eval_real_world_wo_options.json   world_facts

A log is {"avg_gt_loss", "avg_paraphrased_loss": {question: loss}, "average_perturb_loss": {question: [loss, ...]},
"rougeL_recall": {question: recall}, ...}, each loss the mean of -log p over an answer's tokens.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from unsee.benchmarks.published.rows import document
from unsee.benchmarks.published.tofu import BLOCK, Tofu
from unsee.benchmarks.published.truth import Sets, Told
from unsee.errors import UserError
from unsee.metrics import Score, mean

AGGREGATED = "eval_log_aggregated.json"
_SETS = {
    "eval_log.json": "retain",
    "eval_log_forget.json": "forget",
    "eval_real_author_wo_options.json": "real_authors",
    "eval_real_world_wo_options.json": "world_facts",
}


def is_log(path: Path) -> bool:
    """Whether a file is a log, by its name, or a folder holds one."""
    return (path / AGGREGATED).is_file() or (path.name.endswith(AGGREGATED) and path.is_file())


def read_log(path: Path) -> Sets:
    """What a log, or the one in a folder, tells about the questions of each set.

    Raises UserError if it is missing, damaged or no such log.
    """
    if path.is_dir():
        path = path / AGGREGATED
    content = document(path)
    logs = {part: content[file] for file, part in _SETS.items() if file in content} if isinstance(content, dict) else {}
    if not logs:
        raise UserError(f"{path} is no log of TOFU's scripts: it has none of {', '.join(_SETS)}.")
    return {part: _told(part, log, f"the log {part!r} of {path}") for part, log in logs.items()}


def log_scores(log: Sets, oracle: Sets | None = None) -> dict[str, Score]:
    """All figures of TOFU, by the keys of its benchmark. "_published" are those of the released script; the others are
    by the paper's equations. `oracle` is the log of a model that never knew, for the forget quality.

    Raises UserError if the two logs have not as many questions about the forget set.
    """
    own, other = (len((each or {}).get("forget", ())) for each in (log, oracle))
    if oracle is not None and own != other:
        raise UserError(
            f"The log has {own} questions about the forget set, that of the oracle {other}; evaluate both on the same "
            "split."
        )
    scores: dict[str, Score] = {}
    for published in (False, True):
        scores |= Tofu.figures_of(log, published)
        scores |= Tofu.quality_of(log, oracle or {}, published)
    for part, told in log.items():
        for name, values in (
            ("rouge_l_recall", [one.rouge for one in told]),
            ("probability", [one.probability() for one in told]),
            ("choice_probability", [one.probability(among=True) for one in told]),
        ):
            scores[f"tofu/{part}/{name}/text"] = mean(
                values,
                units=[one.unit for one in told],
                higher_is_better=part not in Tofu.forgotten,
                scale=(0, 1),
            )
    return scores


def _told(part: str, log: Any, where: str) -> list[Told]:
    """Raises UserError unless every question has every figure."""
    columns = {
        name: log.get(name) if isinstance(log, dict) else None
        for name in ("avg_gt_loss", "avg_paraphrased_loss", "average_perturb_loss", "rougeL_recall")
    }
    asked = columns["avg_gt_loss"]
    for name, column in columns.items():
        if not isinstance(column, dict) or not column or not isinstance(asked, dict) or column.keys() != asked.keys():
            raise UserError(f"{where} does not hold {name!r} for the same questions as 'avg_gt_loss'.")
    found = []
    for place, question in enumerate(asked or ()):
        told = {name: column[question] for name, column in columns.items() if column is not None}
        wrong = told["average_perturb_loss"]
        if not isinstance(wrong, list) or not wrong:
            raise UserError(f"{where} has no losses of wrong answers for question {question!r}.")
        truth, paraphrase, rouge = (told[name] for name in ("avg_gt_loss", "avg_paraphrased_loss", "rougeL_recall"))
        for value in (truth, paraphrase, rouge, *wrong):
            if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
                raise UserError(f"{where} has {value!r}, which is no finite number, for question {question!r}.")
        unit = place // BLOCK if part in ("forget", "retain") else place
        found.append(Told(f"{part}/{unit}", float(rouge), float(truth), float(paraphrase), tuple(map(float, wrong))))
    return found
