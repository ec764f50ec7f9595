"""`unsee world build`: train a checkpoint, check it, describe it, and put it in its place in one move."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from unsee.errors import UserError
from unsee.models.assembled import NAME as SMALL
from unsee.models.loading import usable_device
from unsee.store.text import json_lines, read_text
from unsee.world.making import check_build
from unsee.world.making.ability import general_ability
from unsee.world.making.card import model_card
from unsee.world.making.checking import check
from unsee.world.making.recipe import RECIPES, Progress, RecipeConfig, make_checkpoint


def build_checkpoint(
    name: str,
    out: Path,
    progress: Progress,
    config: RecipeConfig | None = None,
    without: Sequence[str] = (),
    device: str = "cpu",
) -> Path:
    """Make the checkpoint `name` in the folder `out`. Work in progress stays next to it, in `out` + ".part".

    An interrupted build resumes where it stopped when called again. `out` appears only when everything is done, with
    the model card README.md and the figures in check.json. `without` names known people to teach nothing about.

    Raises:
        UserError: no such family, person or device, or `out` exists.
    """
    left_out = check_build(name, without)
    if out.exists():
        raise UserError(f"{out} already exists; give another folder with --out or remove it.")
    where = usable_device(device)
    work = out.with_name(out.name + ".part")
    if name == SMALL:
        # Only here: its parts need an extra.
        from unsee.world.making.small_recipe import SmallConfig, make_small

        small = config if isinstance(config, SmallConfig) else SmallConfig()
        config = replace(small, without=left_out)
        vlm = make_small(work / name, config, progress, where)
    else:
        config = replace(config or RECIPES[name], without=left_out)
        vlm = make_checkpoint(name, work / name, config, progress, where)
    finished = work / name / "model"
    results = check(vlm)
    figures: dict[str, Any] = {
        group: {**result.score.to_dict(), "bar": result.bar, "at_most": result.at_most, "passed": result.passed}
        for group, result in results.items()
    }
    ability = None
    if name == SMALL:
        before = json.loads(read_text(work / name / "general.json"))
        ability = {key: (before[key], after) for key, after in general_ability(vlm).items()}
        figures["general ability"] = {key: {"before": a, "after": b} for key, (a, b) in ability.items()}
    (finished / "check.json").write_text(json.dumps(figures, indent=1) + "\n")
    log = json_lines(work / name / "log.jsonl")
    (finished / "README.md").write_text(
        model_card(name, asdict(config), results, log, ability=ability), encoding="utf-8"
    )
    finished.rename(out)
    return out
