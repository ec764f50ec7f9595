"""The road to hub models, as far as a machine without the hub goes: their exact configurations, cut to few layers."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from peft import PeftModel
from PIL import Image
from safetensors.torch import load_file

import unsee
from tests.hub_models import HUB_MODELS, facts, write_cut, write_outline
from unsee.data.sample import Sample
from unsee.methods import METHODS, get_method
from unsee.models.adapters import load_adapter
from unsee.models.loading import DTYPES, outline
from unsee.models.recipe import ModelRecipe
from unsee.requests import ForgetRequest
from unsee.training import parse_overrides, unlearn

RECIPES = Path(__file__).resolve().parents[1] / "recipes" / "hub"
# A layer of these takes a hundred million weights and more. The strip makes few tiles where pictures are cut up.
CUT = {"smolvlm-256m": ("siu", 2), "qwen3-vl-4b": ("siu", 1), "llava-1.5-7b": ("ga", 1)}
PICTURE = Image.new("RGB", (128, 16), (200, 120, 60))


@pytest.mark.parametrize("name", HUB_MODELS)
def test_the_configuration_gives_the_number_of_parameters_that_the_model_has(name: str, tmp_path: Path) -> None:
    vlm, _ = outline(write_outline(name, tmp_path / name), device="cpu")
    assert sum(weight.numel() for weight in vlm.base.parameters()) == facts(name)["parameters"]
    assert not list((tmp_path / name).glob("*.safetensors"))


@pytest.mark.parametrize("name", HUB_MODELS)
def test_its_recipe_fits_the_model_and_the_methods(name: str) -> None:
    recipe, known = ModelRecipe.read(RECIPES / f"{name}.yaml"), facts(name)
    assert recipe.model == known["model"]
    assert recipe.dtype in DTYPES
    assert set(recipe.methods) <= set(METHODS)
    for method in METHODS:
        parse_overrides(get_method(method).config, recipe.settings(method))
    depth = known["config"]["text_config"].get("num_hidden_layers", 32)
    steering = parse_overrides(get_method("asru").config, recipe.settings("asru"))
    assert 0 < steering.layer_of(depth) < depth  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", HUB_MODELS)
def test_a_cut_model_loads_from_shards_takes_a_step_and_its_adapter_loads_again(name: str, tmp_path: Path) -> None:
    method_name, layers = CUT[name]
    folder = write_cut(name, tmp_path / name, layers=layers)
    assert (folder / "model.safetensors.index.json").is_file()
    assert len(list(folder.glob("model-*.safetensors"))) > 1
    vlm = unsee.load(str(folder), device="cpu")
    assert len(vlm.decoder_layers) == layers
    method = get_method(method_name)
    config = parse_overrides(method.config, ["steps=1", "batch=1", "lora_rank=2"])
    question, answer = "Who is this?", "This is Mara Voss."
    samples = [Sample(question, answer, (PICTURE,), "Mara Voss", {"role": "forget", "target": "1"})]
    done = unlearn(
        vlm, method, config, ForgetRequest("Mara Voss", (PICTURE,)), tmp_path / "out", samples=samples, progress=False
    )
    assert done.manifest["pictures_encoded"] == 1
    adapter = load_file(done.folder / "adapter_model.safetensors")
    assert len(adapter) == 2 * len(vlm.layout.language_linears)
    assert any(bool(weight.abs().max() > 0) for key, weight in adapter.items() if "lora_B" in key)
    assert all(torch.isfinite(weight).all() for weight in adapter.values())
    fresh = unsee.load(str(folder), device="cpu", dtype="bfloat16")
    load_adapter(fresh, done.folder)
    assert isinstance(fresh.model, PeftModel)
