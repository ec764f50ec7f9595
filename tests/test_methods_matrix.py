"""What every method must do on every family: one matrix for all."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file

from tests.tiny import tiny_vlm
from tests.unlearning_cases import adapter_weights, config_of, logits, losses, request, run, weights
from unsee.errors import UserError
from unsee.methods import METHODS, get_method
from unsee.models.adapters import load_adapter, reference
from unsee.models.vlm import VisionLanguageModel
from unsee.training import Unlearned, read_training_data

FAMILIES = ("llava", "qwen3_vl")


class Case:
    """One run of a method on a family, with what the model was before."""

    def __init__(self, family: str, method: str, folder: Path) -> None:
        self.family, self.method = family, method
        self.vlm: VisionLanguageModel = tiny_vlm(family)
        self.weights_before, self.logits_before = weights(self.vlm), logits(self.vlm)
        self.result: Unlearned = run(self.vlm, method, folder / "out")
        # Built once, by the run above, for the tests that do not look at how it is built.
        self.samples = read_training_data(self.result.folder / "data")


@pytest.fixture(scope="module", params=[(f, m) for f in FAMILIES for m in METHODS], ids=lambda p: f"{p[0]}-{p[1]}")
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Case:
    return Case(*request.param, tmp_path_factory.mktemp("case"))


def test_the_adapter_changes_and_nothing_else(case: Case) -> None:
    after = weights(case.vlm)
    assert after.keys() == case.weights_before.keys()
    assert all(torch.equal(after[name], case.weights_before[name]) for name in after)
    trained = {name: value for name, value in adapter_weights(case.vlm).items() if "lora_B" in name}
    assert all(value.abs().max() > 0 for value in trained.values())
    assert len(trained) == len(case.vlm.layout.language_linears)
    assert not torch.equal(logits(case.vlm), case.logits_before)


def test_the_reference_is_untouched_bit_for_bit(case: Case) -> None:
    with reference(case.vlm):
        assert torch.equal(logits(case.vlm), case.logits_before)


def test_what_is_saved_loads_here_and_with_plain_peft(case: Case) -> None:
    expected = logits(case.vlm)
    fresh = tiny_vlm(case.family)
    load_adapter(fresh, case.result.folder)
    assert torch.equal(logits(fresh), expected)
    plain = tiny_vlm(case.family)
    plain.model = PeftModel.from_pretrained(plain.base, str(case.result.folder))
    assert torch.equal(logits(plain), expected)


def test_the_same_seed_gives_the_same_result_and_another_seed_another(case: Case, tmp_path: Path) -> None:
    again, other = tiny_vlm(case.family), tiny_vlm(case.family)
    repeated = run(again, case.method, tmp_path / "again")
    run(other, case.method, tmp_path / "other", seed=1, samples=case.samples)
    assert torch.equal(logits(again), logits(case.vlm))
    assert not torch.equal(logits(other), logits(case.vlm))
    assert repeated.manifest["data_sha256"] == case.result.manifest["data_sha256"]
    assert losses(repeated) == losses(case.result)


def test_gradient_checkpointing_changes_memory_and_not_the_loss(case: Case, tmp_path: Path) -> None:
    vlm = tiny_vlm(case.family)
    result = run(vlm, case.method, tmp_path / "out", samples=case.samples, gradient_checkpointing=True)
    assert losses(result) == pytest.approx(losses(case.result), rel=1e-5)
    assert all(value.abs().max() > 0 for name, value in adapter_weights(vlm).items() if "lora_B" in name)


@pytest.mark.parametrize("way", ["autocast", "weights"])
def test_runs_in_bf16(case: Case, tmp_path: Path, way: str) -> None:
    vlm = tiny_vlm(case.family)
    if way == "weights":
        vlm.base.to(torch.bfloat16)
    result = run(vlm, case.method, tmp_path / "out", samples=case.samples, bf16=way == "autocast")
    assert losses(result) == pytest.approx(losses(case.result), rel=0.05)
    saved = load_file(result.folder / "adapter_model.safetensors")
    assert all(value.isfinite().all() for value in saved.values())


def test_full_training_changes_the_language_model_alone(case: Case, tmp_path: Path) -> None:
    vlm = tiny_vlm(case.family)
    result = run(vlm, case.method, tmp_path / "out", samples=case.samples, full=True)
    assert result.full
    layers = vlm.layout.decoder_layers
    frozen = tuple(path for path in (vlm.layout.vision_tower, vlm.layout.projector) if path)
    for name, value in weights(vlm).items():
        same = torch.equal(value, case.weights_before[name])
        if name.startswith(frozen):
            assert same, name
        elif name.startswith(layers) and value.ndim == 2:
            assert not same, name
    loaded = type(vlm.base).from_pretrained(result.folder)
    fresh = tiny_vlm(case.family)
    fresh.model = loaded
    assert torch.equal(logits(fresh), logits(vlm))


def test_the_picture_goes_through_the_tower_once_and_the_manifest_tells_the_run(case: Case) -> None:
    manifest = case.result.manifest
    assert manifest["pictures_encoded"] == 1
    assert manifest["method"] == case.method
    assert manifest["hyperparameters"] == dict(vars(config_of(case.method)))
    assert manifest["request_sha256"] == request().digest()
    assert manifest["steps"] == 3
    assert manifest["seconds"] > 0
    assert manifest["peak_rss_mb"] > 50
    assert manifest["libraries"]["torch"] == torch.__version__
    assert Unlearned.open(case.result.folder).manifest == manifest


def test_methods_are_found_by_name_and_misspellings_get_a_hint() -> None:
    assert [get_method(name).name for name in ("siu", "po", "ga", "ga_kl")] == list(METHODS)
    with pytest.raises(UserError, match="did you mean 'siu'"):
        get_method("siuu")
