"""`unsee play` on runs of every kind: several people, a ledger's build, all weights, four bits."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest

from tests.command_line import call, refused
from tests.saved_run import audit, reported
from unsee.commands.play import Opened, open_run
from unsee.methods import get_method, parse_settings
from unsee.models.loading import load
from unsee.playground import cards
from unsee.requests import ForgetRequest
from unsee.sources.filling import filled
from unsee.sources.world import at_home_in_world
from unsee.training import unlearn
from unsee.world import find

MODEL, MARA, LUCIA = "world:tiny-qwen3vl", "Mara Voss", "Lucia Ferrante"


def forgotten(folder: Path, *names: str, in_4bit: bool = False, settings: tuple[str, ...] = ()) -> Path:
    """A run with very little training: both states still know everybody."""
    vlm: Any = load(MODEL, device="cpu", load_in_4bit=in_4bit)
    method: Any = get_method("siu")
    asked = [at_home_in_world(ForgetRequest(name, (find(name).picture(0, "train"),)), vlm, 0) for name in names]
    config = parse_settings("siu", ("steps=1", "batch=2", "learning_rate=1e-9", *settings))
    unlearn(vlm, method, config, filled(asked, method.needs, 0), folder, progress=False)
    return folder


def names_before(opened: Opened, name: str) -> bool:
    """Whether the model before tells who is on one of the pictures of the gallery."""
    hung = next(one for one in opened.hung if one.title == name)
    return opened.playground.ask("Who is this?", hung.picture).before.gives_away


def test_several_people_each_have_pictures_attacks_and_a_report(tmp_path: Path) -> None:
    run = forgotten(tmp_path / "run", MARA, LUCIA)
    manifest = json.loads((run / "manifest.json").read_text())
    for folder, name in (("mara-voss", MARA), ("lucia-ferrante", LUCIA), ("otto-brandt", "Otto Brandt")):
        (run / folder).mkdir()
        reported(run / folder, manifest, name, audit())
    opened = open_run(run, "cpu")
    playground = opened.playground
    assert playground.concepts == (MARA, LUCIA)
    for name in (MARA, LUCIA):
        assert names_before(opened, name)
        hung = next(one.picture for one in opened.hung if one.title == name)
        found = playground.attack("languages", name, hung)
        assert any(name in one.before.text for one in found)
    # Somebody who was revoked has a report in the folder as well, and is none of them.
    assert {report.concept for report in opened.reports} == {MARA, LUCIA}
    shown = cards.verdict(opened.reports) + cards.figures(opened.reports)
    assert all(f"<h3>{name}</h3>" in shown and f"<p>{name}: <strong>" in shown for name in (MARA, LUCIA))


def test_a_run_of_all_weights_is_compared_with_its_base(tmp_path: Path) -> None:
    opened = open_run(forgotten(tmp_path / "run", MARA, settings=("full=true",)), "cpu")
    assert names_before(opened, MARA)
    base = tmp_path / "run" / "manifest.json"
    base.write_text(base.read_text().replace(MODEL, "no/such-model-anywhere"))
    assert "no/such-model-anywhere" in refused(call("play", tmp_path / "run", "--no-browser", "--device", "cpu"), 1)


@pytest.mark.skipif(importlib.util.find_spec("bitsandbytes") is None, reason="needs bitsandbytes")
def test_a_run_in_four_bits_is_asked_in_four_bits(tmp_path: Path) -> None:
    opened = open_run(forgotten(tmp_path / "run", MARA, in_4bit=True), "cpu")
    assert names_before(opened, MARA)
    assert opened.playground.after.vlm.base.is_loaded_in_4bit  # type: ignore[attr-defined]
