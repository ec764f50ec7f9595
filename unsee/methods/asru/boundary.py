"""Boundary prompts: the retain prompts that stage 1 has lost, then those nearest to what is forgotten, where refusals
spread first."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch.nn import functional

from unsee.data.sample import Sample
from unsee.errors import UserError
from unsee.methods.asru.held_out import say
from unsee.methods.asru.secrets import contains_truth
from unsee.methods.asru.states import read_residuals
from unsee.models.adapters import reference
from unsee.models.vision_cache import VisionCache
from unsee.models.vlm import VisionLanguageModel

_FIRST = 4.0
"""More than two cosines can differ by."""


def lost_prompts(
    vlm: VisionLanguageModel, samples: Sequence[Sample], longest: int, cache: VisionCache | None = None
) -> list[Sample]:
    """The samples that the model before unlearning answers truthfully, and that `vlm` in its present state does not.

    Answers are greedy and of at most `longest` tokens.
    """
    pictures = cache or VisionCache(vlm)
    now = say(vlm, samples, longest, pictures)
    wrong = [sample for sample, said in zip(samples, now, strict=True) if not contains_truth(said, sample.answer)]
    with reference(vlm):
        before = say(vlm, wrong, longest, pictures)
    return [sample for sample, said in zip(wrong, before, strict=True) if contains_truth(said, sample.answer)]


def boundary_prompts(
    vlm: VisionLanguageModel,
    retain: Sequence[Sample],
    forget: Sequence[Sample],
    layer: int,
    share: float,
    lost: Sequence[Sample] = (),
    cache: VisionCache | None = None,
) -> list[Sample]:
    """As many prompts as the `share` of the retain samples (at least one): first those `lost`, which need not be among
    `retain`, then those nearest to the forget prompts for the model before unlearning.

    The nearness of a sample is the cosine to its nearest forget sample, between the residual streams after `layer` at
    the last prompt token minus the mean over both sets, because what all prompts share says nothing. If forget prompts
    have pictures, only prompts with pictures are chosen. The order is kept.

    Raises UserError if there is nothing to choose from.
    """
    pictured = any(sample.images for sample in forget)
    known = {id(sample) for sample in lost}
    first = [sample for sample in lost if sample.images or not pictured]
    others = [sample for sample in retain if (sample.images or not pictured) and id(sample) not in known]
    candidates = [*first, *others]
    if not candidates or not forget:
        raise UserError(
            f"Stage 2 of asru needs prompts to forget and prompts to retain{' about pictures' if pictured else ''}; "
            "give at least two of each, because some are held out for validation."
        )
    wanted = min(len(candidates), max(1, round(share * len(retain))))
    pictures = cache or VisionCache(vlm)
    with reference(vlm):
        near, far = (read_residuals(vlm, some, [layer], cache=pictures)[layer] for some in (forget, candidates))
    middle = torch.cat([near, far]).mean(0)
    nearest = (functional.normalize(far - middle) @ functional.normalize(near - middle).T).amax(1)
    nearest[: len(first)] += _FIRST
    chosen = sorted(nearest.topk(wanted).indices.tolist())
    return [candidates[number] for number in chosen]
