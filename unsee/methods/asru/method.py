"""ASRU: activation steering meets reinforcement unlearning, arXiv 2605.15687, ICML 2026."""

from __future__ import annotations

import copy
import random
from collections.abc import Sequence
from typing import TYPE_CHECKING

from unsee.data.sample import Sample
from unsee.methods.asru.config import ASRUConfig
from unsee.methods.asru.prompts import (
    check_apart,
    forget_prompts,
    general_prompts,
    hold_out,
    in_views,
    own_words,
    retain_prompts,
    retained_in_views,
    unseen_prompts,
)
from unsee.methods.asru.rewards import RefusalDetector
from unsee.methods.base import Method
from unsee.metrics.refusals import is_refusal
from unsee.requests import ForgetRequest

if TYPE_CHECKING:
    from unsee.models.vlm import VisionLanguageModel
    from unsee.training.procedure import Procedure


class ASRU(Method[ASRUConfig]):
    """Steers a layer's activations towards never having seen the person, then sharpens with rewards what to refuse."""

    name = "asru"
    title = "Activation Steering and Reinforcement Unlearning"
    source = "arXiv 2605.15687, ICML 2026"
    config = ASRUConfig
    teaches_refusal = True
    needs = ("forget", "retain", "unseen")

    def __init__(self, refuses: RefusalDetector = is_refusal) -> None:
        self.refuses = refuses

    def samples(
        self, request: ForgetRequest, vlm: VisionLanguageModel, config: ASRUConfig, rng: random.Random
    ) -> list[Sample]:
        # First, because what follows asks the model, which takes a while.
        config.layer_of(len(vlm.decoder_layers))
        found = forget_prompts(request, vlm, config.forget, rng)
        found += own_words(retain_prompts(request, vlm, config.retain, rng), vlm, self.refuses)
        found += general_prompts(vlm, config.general, rng)
        check_apart(found)
        found = in_views(found, config.views, request, vlm, rng)
        if config.stages != "reinforcement":
            found += unseen_prompts(request, vlm, config.unseen, self.refuses, rng)
        found = hold_out(found, config.held_out)
        if config.stages != "steering":
            # With its own random draws, so that stage 1 is the same with and without stage 2.
            found += retained_in_views(found, config.views, vlm, copy.copy(rng))
        return found

    def objective(self, requests: Sequence[ForgetRequest], vlm: VisionLanguageModel, config: ASRUConfig) -> Procedure:
        from unsee.methods.asru.stages import TwoStages

        config.layer_of(len(vlm.decoder_layers))
        return TwoStages(config, self.refuses, requests)
