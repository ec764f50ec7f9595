"""What a report says in addition to its figures: what was not measured, and what to do about problems."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from unsee.data.images import image_key
from unsee.data.sample import Sample
from unsee.evaluation.request_benchmark import RequestBenchmark
from unsee.kinds.words import PEOPLE, Words
from unsee.metrics import Score
from unsee.reports.verdict import KEPT_FROM
from unsee.requests import ForgetRequest


def others_lost(
    samples: Sequence[Sample],
    request: ForgetRequest,
    before: Mapping[str, Score],
    after: Mapping[str, Score],
    words: Words = PEOPLE,
) -> tuple[str, ...]:
    """What to do if others are recognised less often and the retained data showed none of them."""
    key = "specificity/recognition"
    if key not in after or after[key].value >= KEPT_FROM / 100 * before[key].value:
        return ()
    own = set(map(image_key, request.pictures()))
    retained = [sample for sample in samples if sample.tags.get("role") == "retain"]
    if not retained or any(image_key(image) not in own for sample in retained for image in sample.images):
        return ()
    note = "{Others} are recognised less often, and training had no pictures of them; add some with --others FOLDER."
    return (words.fill(note),)


def others_unnamed(asked: RequestBenchmark, before: Mapping[str, Score]) -> tuple[str, ...]:
    """What to say if the model could not name any of the others in their pictures before."""
    if "specificity/recognition" in before or not any(item.probe.images for item in asked.recall):
        return ()
    note = "The model named {nobody} in the pictures of {others}, so whether it still recognises them was not measured."
    return (asked.words.fill(note),)


def facts_unknown(asked: RequestBenchmark, before: Mapping[str, Score]) -> tuple[str, ...]:
    """What to say if the model knew nothing about the concept in text before."""
    if "text_facts" in before or not any(item.is_about_concept for item in asked.recall):
        return ()
    return (
        "The model answered no question about the concept in text before, so whether such knowledge is kept was "
        "not measured.",
    )
