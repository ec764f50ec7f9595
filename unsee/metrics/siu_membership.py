"""The membership inference of SIU (arXiv 2405.12523, section 4.4): are prompts read and answered as before?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from unsee.metrics.intervals import Units, mean
from unsee.metrics.naming import mentions
from unsee.metrics.score import Score
from unsee.metrics.wording import rouge_l_recall

ROUGE_L = "rouge_l"
"""What the paper's own figure is called among the scores of the attack."""
BAND = 1.15
"""How far Min-K% may move, either way, where a prompt still looks as familiar as before."""


def is_suspicious(before: float, after: float, band: float = BAND) -> bool:
    """Whether the ratio of two Min-K% values lies in (1 / band, band), before over after."""
    if after == 0 or before == 0:
        return before == after
    return 1 / band < before / after < band


@dataclass(frozen=True)
class SiuMembership:
    """suspicious: the percent of prompts that look as familiar as before. overlap: the mean ROUGE-L recall of what was
    answered before in the answers to those, in percent, as in the paper; None without one.

    kept: in percent, the part of what was answered before that only somebody who knows the name would say, over all
    prompts; a prompt that is not suspicious counts 0.
    """

    suspicious: Score
    overlap: Score | None
    kept: Score


def siu_membership(
    min_k: Sequence[tuple[float, float]],
    answers: Sequence[tuple[str, str]],
    names: Sequence[str],
    other_names: Sequence[str],
    *,
    units: Units | None = None,
) -> SiuMembership:
    """Min-K% of prompts and the answers to them, each (before, after).

    Raises ValueError without a prompt or another name.
    """
    flags = [is_suspicious(*pair) for pair in min_k]
    belongs: Units = range(len(flags)) if units is None else units
    rows = list(zip(flags, answers, belongs, strict=True))
    recalled = [(100 * rouge_l_recall(after, before), unit) for flag, (before, after), unit in rows if flag]
    kept = [100 * kept_share(before, after, names, other_names) if flag else 0.0 for flag, (before, after), _ in rows]
    percent = (0.0, 100.0)
    return SiuMembership(
        mean([100.0 * flag for flag in flags], units=belongs, higher_is_better=False, scale=percent),
        mean([value for value, _ in recalled], units=[u for _, u in recalled], higher_is_better=False, scale=percent)
        if recalled
        else None,
        mean(kept, units=belongs, higher_is_better=False, scale=percent),
    )


def kept_share(before: str, after: str, names: Sequence[str], other_names: Sequence[str]) -> float:
    """How much of the answer before is still in the answer after, 0 to 1, beyond what any name would share with it.

    (r - r₀) / (1 - r₀), not below 0: r is the ROUGE-L recall of the answer before, and r₀ its mean with the concept's
    name replaced by each of the others. So "This is Otto Berg." keeps nothing of "This is Mara Voss.", of which it has
    half of the words. 0 where the answer before gives no name.
    """
    if not other_names:
        raise ValueError("a name cannot be replaced without another one")
    changed = [_renamed(before, names, other) for other in other_names]
    chance = sum(rouge_l_recall(after, text) for text in changed) / len(changed)
    if changed[0] == before or chance >= 1:
        return 0.0
    return max(0.0, (rouge_l_recall(after, before) - chance) / (1 - chance))


def _renamed(text: str, names: Sequence[str], other: str) -> str:
    parts, last = [], 0
    # The longest first of those that start together; a surname within a name is part of it.
    for start, end in sorted(mentions(text, names), key=lambda place: (place[0], -place[1])):
        if start >= last:
            parts += [text[last:start], other]
            last = end
    return "".join([*parts, text[last:]])
