"""Specificity: what must stay, averaged over groups of questions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from unsee.metrics.intervals import Units, mean_of_shares
from unsee.metrics.score import Score


def specificity(groups: Mapping[str, Sequence[bool]], units: Mapping[str, Units] | None = None) -> Score:
    """Specificity: the mean over groups of the share answered right, in percent; higher is better.

    `groups` maps a group's name to whether each of its questions was answered right, and `units` to whom or what each
    question is about; several groups may ask about the same person. Every group has the same weight, as every benchmark
    has in the paper; n is the number of questions. Raises `ValueError` without a group or with an empty one.
    """
    return mean_of_shares(groups, units)
