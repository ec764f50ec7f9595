"""What `unsee verify` found, in one sentence."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from unsee.evaluation.verification import SMALLEST_MEDIAN, Conclusion, Verification
from unsee.metrics import Score

SCHEMA = "unsee.verification/1"
"""Of the JSON that `unsee verify --json` prints."""


def sentence(found: Verification, name: str, concept: str) -> str:
    """name: what was verified; concept: what its run forgot."""
    leak = "" if found.conclusion == "unknown" else _leak(found.leaks, concept)
    return f"{_SAY[found.conclusion](found, name)}{leak}."


def _evaluated(found: Verification, name: str) -> str:
    near = found.after
    if near.shift is None:
        seen = (
            f" ({'with too few' if near.tokens else 'without'} log-probabilities, "
            "rounding that changes none of them cannot be seen)"
        )
    elif near.shift <= SMALLEST_MEDIAN:
        seen = ", and so are its log-probabilities"
    else:
        kind = found.dtype.removeprefix("torch.")
        seen = (
            f", and the log-odds of its tokens are off by {near.shift:.2g}, which is no more than {kind}, in which "
            "the run computed, brings by itself"
        )
    return f"{name} is the evaluated model: {near.equal} of {near.asked} answers are the same{seen}"


def _rounded(found: Verification, name: str) -> str:
    near = found.after
    differing = near.asked - near.equal
    how = [f"{differing} of {near.asked} answers differ, where the evaluated model was unsure"] if differing else []
    how += [f"the log-odds of its tokens are off by {near.shift:.2g}"] if near.shift is not None else []
    return f"{name} is the evaluated model, rounded: {' and '.join(how)}"


def _before(found: Verification, name: str) -> str:
    count, telling = found.count("before")
    return (
        f"{name} is the model before (the adapter was not loaded): {count} of {telling} answers that tell before from "
        "after are its answers"
    )


def _another(found: Verification, name: str) -> str:
    (after, telling), (before, _) = found.count("after"), found.count("before")
    return (
        f"{name} is another model: of {telling} answers that tell before from after, {after} are the evaluated model's "
        f"and {before} those of the model before; {'; '.join(found.reasons)}"
    )


def _unknown(found: Verification, name: str) -> str:
    return f"Which model {name} is cannot be told: {'; '.join(found.reasons)}"


_SAY: Mapping[Conclusion, Callable[[Verification, str], str]] = {
    "evaluated": _evaluated,
    "rounded": _rounded,
    "before": _before,
    "another": _another,
    "unknown": _unknown,
}


def _leak(leaks: Mapping[str, Score], concept: str) -> str:
    if not {"here", "after"} <= set(leaks):
        return ""
    here, after = (round(leaks[state].value * leaks[state].n / 100) for state in ("here", "after"))
    return f"; it gives {concept} away in {here} of {leaks['here'].n} answers (the evaluated model: {after})"
