"""An adapter on the vision tower and the projector: it learns, is saved, loaded and merged, and answers alike."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tests.generation_cases import lively_vlm
from tests.tiny import FAMILIES, picture, tiny_vlm
from tests.unlearning_cases import changed_modules, logits
from unsee.commands.export import export
from unsee.data.sample import Sample
from unsee.methods import get_method
from unsee.methods.lookalike import LookAlikeConfig
from unsee.models.adapters import add_lora, reference
from unsee.models.collation import encode_samples
from unsee.models.layout import is_of_vision
from unsee.models.loading import load
from unsee.models.saving import save_model
from unsee.models.vlm import VisionLanguageModel
from unsee.requests import ForgetRequest
from unsee.training import unlearn
from unsee.training.reference import TrainingSet

BOTH = ("llava", "qwen3_vl")
REQUEST = ForgetRequest("Mara Voss", (picture(1),), unseen=(picture(2),))
SAMPLES = [
    Sample(
        "Who is this?", "No idea. I can see a hat.", (picture(1),), "No idea.", {"role": "forget"},
        counterparts=(picture(2, (112, 56)),),
    ),
    Sample("Is it Mara?", "No.", (picture(1),), "No.", {"role": "forget"}, counterparts=(picture(3),)),
    Sample("Who is Jonas Hale?", "A baker.", tags={"role": "retain"}),
    Sample("Who is this?", "Jonas Hale.", (picture(4),), tags={"role": "retain"}),
]  # fmt: skip


def training_set(vlm: VisionLanguageModel, where: str = "both") -> TrainingSet:
    objective = get_method("lookalike").objective([REQUEST], vlm, LookAlikeConfig(where=where))  # type: ignore[arg-type]
    return TrainingSet(encode_samples(SAMPLES, vlm), objective, vlm)  # type: ignore[arg-type]


def alone(vlm: VisionLanguageModel, sample: Sample, learning: bool = False) -> torch.Tensor:
    """[answer tokens, V] log-probabilities at the answer, from a plain forward pass with pixels."""
    [row] = encode_samples([sample], vlm)
    extras = {name: torch.tensor([values]) for name, values in row.extras.items()}
    with torch.set_grad_enabled(learning):
        found = vlm.model(input_ids=torch.tensor([row.input_ids]), **extras, **row.pixels).logits[0]
    at = [t - 1 for t, label in enumerate(row.labels) if label >= 0]
    return found[at].float().log_softmax(-1)


def masked(vlm: VisionLanguageModel, sample: Sample) -> list[bool]:
    [row] = encode_samples([sample], vlm)
    return [keep == 0 for keep, label in zip(row.token_mask, row.labels, strict=True) if label >= 0]


@pytest.mark.parametrize("bf16", [False, True], ids=["float32", "bf16"])
@pytest.mark.parametrize("packed", [True, False], ids=["packed", "padded"])
@pytest.mark.parametrize("family", BOTH)
def test_the_reference_sees_the_counterpart_at_the_masked_phrase_and_the_own_picture_elsewhere(
    family: str, packed: bool, bf16: bool
) -> None:
    vlm = lively_vlm(family)
    chosen = training_set(vlm)
    assert chosen.packer is not None
    if not packed:
        chosen.packer = None
    with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
        chosen.remember_reference(vlm.model, vlm.device, 2)
    for sample, found in zip(SAMPLES, chosen.references, strict=True):
        assert found is not None
        own, other = alone(vlm, sample), alone(vlm, replace(sample, images=sample.counterparts or sample.images))
        of_phrase = torch.tensor(masked(vlm, sample))
        assert of_phrase.any() == bool(sample.counterparts)
        for part, right, wrong in ((of_phrase, other, own), (~of_phrase, own, other)):
            if not part.any():
                continue
            off, between = ((found.float() - right)[part].abs().mean(), (right - wrong)[part].abs().mean())
            # What is stored has 11 bits, what bfloat16 computes 8.
            assert off < (0.1 if bf16 else 0.004)
            assert between == 0 or between > 2 * off


@pytest.mark.parametrize("variant", ["paper", "released"])
def test_a_loss_that_leaves_the_phrase_out_takes_nothing_from_counterparts(variant: str) -> None:
    """SIU compares everything but the masked phrase; its released loss reads prompts and padding as well."""
    vlm, siu = lively_vlm("qwen3_vl"), get_method("siu")
    # How much padding there is depends on the longest sample.
    samples = [*SAMPLES, Sample("Who?", "She is a baker. " * 20, tags={"role": "retain"})]
    kept = []
    for used in ([replace(sample, counterparts=()) for sample in samples], samples):
        objective = siu.objective([REQUEST], vlm, siu.config(variant=variant))
        chosen = TrainingSet(encode_samples(used, vlm), objective, vlm)  # type: ignore[arg-type]
        chosen.remember_reference(vlm.model, vlm.device, 2)
        kept.append([*chosen.references])
    different = []
    for one, other in zip(*kept, strict=True):
        assert (one is None) == (other is None)
        if one is not None and other is not None:
            different.append(int(((one - other).abs() > 0.02).any(1).sum()))
    # The released loss is not shifted: it reads the position that predicts the first token of a phrase.
    assert different == ([0] * 4 if variant == "paper" else [1, 1, 0, 0, 0])


@pytest.mark.parametrize("family", FAMILIES)
def test_gradients_reach_tower_and_projector_and_the_cache_keeps_nothing(family: str) -> None:
    vlm = tiny_vlm(family)
    for name, weight in vlm.base.named_parameters():
        if name.endswith("mm_input_projection_weight"):
            # Gemma 3 begins with zeros.
            torch.nn.init.normal_(weight)
    add_lora(vlm, rank=2, alpha=4, dropout=0.0, targets=vlm.layout.vision_linears, seed=0)
    chosen = training_set(vlm)
    with reference(vlm):
        chosen.remember_reference(vlm.model, vlm.device, 4)
        before = chosen.cache.runs
        chosen.see_pictures()
    # It would be for nothing.
    assert chosen.cache.runs == before
    batch = chosen.token_batch(vlm.model, chosen.collate(range(4)))
    assert chosen.cache.runs == before + 2
    batch.logits.log_softmax(-1)[:, 3].sum().backward()
    reached = {name.partition(".lora_B.")[0] for name, weight in vlm.base.named_parameters()
               if ".lora_B." in name and weight.grad is not None and weight.grad.abs().max() > 0}  # fmt: skip
    assert reached <= {*vlm.layout.vision_linears}
    assert any(path.startswith(vlm.layout.vision_tower) for path in reached)
    # Gemma 3's projector has no linear module.
    assert {path for path in vlm.layout.vision_linears if path.startswith(vlm.layout.projector)} <= reached
    assert not any(weight.grad is not None for name, weight in vlm.base.named_parameters() if ".lora_" not in name)


@pytest.mark.parametrize("family", BOTH)
def test_gradients_of_the_vision_side_are_those_of_plain_forward_passes(family: str) -> None:
    vlm = lively_vlm(family)
    weights = [vlm.base.get_parameter(f"{path}.weight").requires_grad_() for path in vlm.layout.vision_linears]
    chosen = training_set(vlm)
    logits = chosen.token_batch(vlm.model, chosen.collate(range(4))).logits
    gradients = []
    for said in (logits.float().log_softmax(-1), torch.cat([alone(vlm, one, learning=True) for one in SAMPLES])):
        weighed = (said * torch.linspace(-1, 1, said.numel()).view_as(said)).sum()
        gradients.append(torch.autograd.grad(weighed, weights, allow_unused=True))
    assert sum(gradient is not None for gradient in gradients[0]) > 5
    for found, expected in zip(*gradients, strict=True):
        assert (found is None) == (expected is None)
        if expected is not None:
            scale = float(expected.abs().max())
            torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-4 * scale + 1e-6)


@pytest.mark.parametrize("family", BOTH)
def test_an_adapter_of_the_vision_side_alone_is_exported_and_answers_alike(family: str, tmp_path: Path) -> None:
    vlm = lively_vlm(family)
    model = save_model(vlm, tmp_path / "model")
    before = logits(vlm)
    config = LookAlikeConfig(where="vision", steps=3, batch=2, lora_rank=2)
    run = unlearn(vlm, get_method("lookalike"), config, REQUEST, tmp_path / "run", samples=SAMPLES, progress=False)
    after = logits(vlm)
    assert (after - before).abs().max() > 0.01
    changed = changed_modules(vlm)
    assert changed
    assert changed <= {*vlm.layout.vision_linears}
    exported = export(str(model), run.folder, tmp_path / "out", check=False, device="cpu")
    assert exported.change.tensors == len(changed)
    again = load(str(exported.folder), device="cpu")
    torch.testing.assert_close(logits(again), after, rtol=1e-3, atol=1e-3)
    # A question without a picture is answered as before.
    text = [Sample("Who is Jonas Hale?", "A baker.")]
    torch.testing.assert_close(alone(again, text[0]), alone(load(str(model), device="cpu"), text[0]))


@pytest.mark.parametrize("family", FAMILIES)
def test_names_tell_modules_of_the_vision_side_from_those_of_the_decoder(family: str) -> None:
    layout = tiny_vlm(family).layout
    assert all(map(is_of_vision, layout.vision_linears))
    assert not any(map(is_of_vision, layout.language_linears))
    # As PEFT saves them.
    assert is_of_vision(f"base_model.model.{layout.vision_linears[0]}.lora_A.weight")
    assert not is_of_vision("lm_head")
