"""How ASRU trains: stage 1 steers a layer, stage 2 sharpens by rewards."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file

from unsee.data.sample import Sample
from unsee.methods.asru.boundary import boundary_prompts, lost_prompts
from unsee.methods.asru.config import ASRUConfig
from unsee.methods.asru.held_out import HeldOut
from unsee.methods.asru.prompts import (
    Prompts,
    check_apart,
    secrets_of,
)
from unsee.methods.asru.rewards import RefusalDetector
from unsee.methods.asru.steering import Steering, steer
from unsee.methods.asru.sweep import candidates, chosen, sweep_layers
from unsee.models.vision_cache import VisionCache
from unsee.models.vlm import VisionLanguageModel
from unsee.requests import ForgetRequest
from unsee.store.text import read_text
from unsee.training.procedure import Procedure


class TwoStages(Procedure):
    """Stage 1 leaves a delta, stage 2 an adapter on top of it."""

    def __init__(self, config: ASRUConfig, refuses: RefusalDetector, requests: Sequence[ForgetRequest]) -> None:
        self.config, self.refuses, self.requests = config, refuses, requests

    def train(
        self, vlm: VisionLanguageModel, samples: Sequence[Sample], work: Path, seed: int, progress: bool
    ) -> dict[str, Any]:
        check_apart(samples)
        config, cache = self.config, VisionCache(vlm)
        prompts, held_out = (Prompts.of(samples, held_out=which) for which in (False, True))
        secrets = secrets_of(self.requests, samples)
        asked = HeldOut(held_out.forget, held_out.retain, self.refuses, config.longest, cache, secrets)
        (work / "training.jsonl").write_text("", encoding="utf-8")
        counts = {role: len(some) for role, some in vars(prompts).items()}
        report: dict[str, Any] = {"prompts": counts, "steps": 0, "notes": []}
        layer = config.layer_of(len(vlm.decoder_layers))
        if config.stages != "reinforcement":
            started = time.monotonic()
            steering = self._solved(vlm, prompts, held_out, asked, work / "checkpoints", seed, progress)
            report["steering"] = {**steering.report(), "seconds": round(time.monotonic() - started, 3)}
            layer = steering.layer
            steering.apply(vlm)
        if config.stages != "steering":
            # Only here: TRL takes seconds to import.
            from unsee.methods.asru.reinforcement import reinforce

            where = len(vlm.decoder_layers) // 2 if layer is None else layer
            # Without stage 1 nothing is lost yet.
            candidates = [*prompts.retain, *prompts.altered] if vlm.originals else []
            lost = lost_prompts(vlm, candidates, config.longest, cache)
            boundary = boundary_prompts(vlm, prompts.retain, prompts.forget, where, config.boundary, lost, cache)
            report["prompts"] |= {"lost": len(lost), "boundary": len(boundary)}
            watched = replace(asked, retain=(*held_out.retain, *held_out.altered))
            done = reinforce(vlm, prompts.forget, boundary, watched, config, work, seed, progress)
            report |= {"reinforcement": done, "steps": done["steps_taken"]}
            report["notes"] += [done["stopped"]] if done["stopped"] else []
        return report

    def _solved(
        self,
        vlm: VisionLanguageModel,
        prompts: Prompts,
        held_out: Prompts,
        asked: HeldOut,
        folder: Path,
        seed: int,
        progress: bool,
    ) -> Steering:
        """Stage 1, or the result of an interrupted run. The model does not change."""
        kept, told = folder / "steering.safetensors", folder / "steering.json"
        if told.is_file():
            known = json.loads(read_text(told))
            return Steering.of(load_file(kept), known["parameter"], known["report"])
        depth = len(vlm.decoder_layers)
        layer = self.config.layer_of(depth)
        layers = candidates(depth) if layer is None else [layer]
        if layer is None or len(self.config.strengths) > 1:
            tried = sweep_layers(vlm, prompts, held_out, asked, self.config, layers, seed, progress=progress)
            steering = chosen(tried)
        else:
            [steering] = steer(vlm, prompts, held_out, self.config, layers, seed, asked.cache)[layer]
        folder.mkdir(parents=True, exist_ok=True)
        save_file(steering.tensors(), kept)
        told.write_text(json.dumps({"parameter": steering.parameter, "report": steering.report()}), encoding="utf-8")
        return steering
