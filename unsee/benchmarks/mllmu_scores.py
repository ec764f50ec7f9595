"""The scores of MLLMU-Bench: from what a model says to every question to `Score`s."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from unsee import metrics
from unsee.benchmarks.mllmu_facts import tells
from unsee.benchmarks.mllmu_questions import FORGOTTEN, MODALITIES, Asked, Choice, Key
from unsee.data.sample import Likelihood
from unsee.judges import Case, Judge
from unsee.judges.asking import factualities_of
from unsee.judges.factuality_rubric import HIGHEST
from unsee.metrics import Score
from unsee.metrics.naming import words
from unsee.metrics.options import final_part, letter_of
from unsee.metrics.refusals import is_refusal
from unsee.metrics.wording import rouge_l_f


def chosen(choice: Choice, answer: str) -> str | None:
    """The letter of the option that an answer chooses; a refusal chooses the option that refuses, if there is one."""
    letter = letter_of(answer, choice.options)
    if letter is None and is_refusal(answer):
        return next((letter for letter, text in choice.options.items() if is_refusal(text)), None)
    return letter


def most_probable(choice: Choice, key: str, likelihoods: Mapping[str, Likelihood]) -> str:
    """The letter of the option with the highest log p(option and end of turn | picture, question), under "KEY/LETTER"
    in `likelihoods`; empty if a broken model gives no option a number."""
    best = (-math.inf, "")
    for letter in choice.options:
        read = likelihoods.get(f"{key}/{letter}")
        value = -math.inf if read is None else math.fsum(read.logprobs)
        if value > best[0]:
            best = (value, letter)
    return best[1]


def is_right(asked: Asked, answer: str) -> bool:
    """A choice by its letter; a freely worded refusal by any refusal; everything else by the facts it must tell, in its
    box if there is one."""
    if asked.choice is not None:
        return chosen(asked.choice, answer) == asked.choice.correct
    if asked.task == "generation" and is_refusal(asked.truth):
        return is_refusal(answer)
    said = final_part(answer)
    return all(tells(said, spellings, asked.truth) for spellings in asked.facts)


def is_readable(asked: Asked, answer: str) -> bool:
    """Whether an answer says anything that can be right or wrong: a word and, of options, a choice or a refusal."""
    if asked.choice is None or not words(answer):
        return bool(words(answer))
    return is_refusal(answer) or letter_of(answer, asked.choice.options) is not None


def as_published(asked: Asked, answer: str) -> float:
    """How right an answer is by the published script, 0 to 1: its first letter; ROUGE-L; the truth anywhere in it."""
    if asked.choice is not None:
        return float(answer[:1].upper() == asked.choice.correct)
    if asked.task == "generation":
        return rouge_l_f(answer, asked.truth)
    return float(asked.truth.lower() in answer.lower())


def score(asked: Sequence[Asked], said: Mapping[str, str]) -> dict[str, Score]:
    """The scores of one model's answers by probe id.

    "mllmu/SET/TASK/MODALITY": right answers in percent by our rules; lower is better for "forget" and "test". By the
    rules of the published script: "mllmu/SET/classification_published/MODALITY", "mllmu/SET/cloze_published/MODALITY"
    and, of the generation task, "mllmu/SET/rouge_l/MODALITY", the mean ROUGE-L F1, 0 to 1. Unreadable answers are
    neither right nor forgotten: "mllmu/SET/unreadable/MODALITY" and "mllmu_unreadable", over all, are the percentage of
    answers that say nothing or, if there are options, neither choose nor refuse. Scores without questions are left out.

    "mllmu_effectiveness": the mean over the tasks of answers about test pictures that can be read and are not right, in
    percent; its parts "/forget" (about the pictures trained on) and "/text" (about the test set's people, without a
    picture). "mllmu_utility": right answers about everybody else, the mean over sets, tasks and modalities; its parts
    are the sets, "/picture" and "/text". Raises ValueError when a probe has no answer.
    """
    missing = sum(one.probe.id not in said for one in asked)
    if missing:
        raise ValueError(f"{missing} of {len(asked)} probes have no answer")
    judged: dict[Key, list[_Judged]] = {}
    for one in asked:
        answer = said[one.probe.id]
        found = _Judged(
            one.probe.tags["person"], is_right(one, answer), is_readable(one, answer), as_published(one, answer)
        )
        judged.setdefault((one.group, one.task, one.modality), []).append(found)
    scores = _summary(judged)
    for (group, task, modality), part in judged.items():
        kept, people = group not in FORGOTTEN, [one.person for one in part]
        scores[f"mllmu/{group}/{task}/{modality}"] = metrics.share(
            (one.right for one in part), units=people, higher_is_better=kept
        )
        published = [one.published for one in part]
        if task == "generation":
            scores[f"mllmu/{group}/rouge_l/{modality}"] = metrics.mean(
                published, units=people, higher_is_better=kept, scale=(0, 1)
            )
        else:
            by_rule = metrics.share(map(bool, published), units=people, higher_is_better=kept)
            scores[f"mllmu/{group}/{task}_published/{modality}"] = by_rule
    for group, modality in dict.fromkeys(key[::2] for key in judged):
        parts = [one for key, part in judged.items() if key[::2] == (group, modality) for one in part]
        scores[f"mllmu/{group}/unreadable/{modality}"] = _unreadable(parts)
    return scores


def factuality(asked: Sequence[Asked], said: Mapping[str, str], judge: Judge) -> dict[str, Score]:
    """ "mllmu/SET/factuality/MODALITY": the judge's mean grade of the free answers, 1 to 10, over those with a readable
    one; nothing if the judge does not grade that."""
    free = [one for one in asked if one.task == "generation"]
    cases = [
        Case(one.probe.prompt, said[one.probe.id], one.probe.tags["person"], expected=(one.truth,)) for one in free
    ]
    grades: dict[tuple[str, str], list[tuple[int, str]]] = {}
    for one, grade in zip(free, factualities_of(judge, cases), strict=True):
        if grade is not None:
            grades.setdefault((one.group, one.modality), []).append((grade, one.probe.tags["person"]))
    return {
        f"mllmu/{group}/factuality/{modality}": metrics.mean(
            [grade for grade, _ in own],
            units=[person for _, person in own],
            higher_is_better=group not in FORGOTTEN,
            scale=(1, HIGHEST),
        )
        for (group, modality), own in grades.items()
    }


@dataclass(frozen=True)
class _Judged:
    """One answer about `person`: right or not and readable or not by our rules, and how right by the published ones."""

    person: str
    right: bool
    readable: bool
    published: float


def _unreadable(judged: Sequence[_Judged]) -> Score:
    people = [one.person for one in judged]
    return metrics.share((not one.readable for one in judged), units=people, higher_is_better=False)


def _summary(judged: Mapping[Key, Sequence[_Judged]]) -> dict[str, Score]:
    people = {"/".join(key): [one.person for one in part] for key, part in judged.items()}

    def forgotten(group: str, modality: str) -> dict[str, list[bool]]:
        # What cannot be read shows nothing, so it is not forgotten.
        return {
            "/".join(key): [one.readable and not one.right for one in part]
            for key, part in judged.items()
            if key[::2] == (group, modality)
        }

    def right(*groups: str, modality: str = "") -> dict[str, list[bool]]:
        return {
            "/".join(key): [one.right for one in part]
            for key, part in judged.items()
            if key[0] in groups and modality in ("", key[2])
        }

    others = tuple(dict.fromkeys(group for group, _, _ in judged if group not in FORGOTTEN))
    means = {
        "mllmu_effectiveness": forgotten("test", "picture"),
        "mllmu_effectiveness/forget": forgotten("forget", "picture"),
        "mllmu_effectiveness/text": forgotten("test", "text"),
        "mllmu_utility": right(*others),
        **{f"mllmu_utility/{group}": right(group) for group in others},
        **{f"mllmu_utility/{modality}": right(*others, modality=modality) for modality in MODALITIES},
    }
    scores = {
        key: metrics.specificity(groups, {part: people[part] for part in groups})
        for key, groups in means.items()
        if groups
    }
    return scores | {"mllmu_unreadable": _unreadable([one for part in judged.values() for one in part])}
