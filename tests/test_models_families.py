"""Every family, on a tiny randomly initialised model of its own transformers class."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from peft import PeftModel
from transformers.utils import is_torchvision_available

import unsee
from tests.tiny import FAMILIES, picture, tiny_vlm
from unsee.data.sample import user_turn
from unsee.models.adapters import add_lora, enable_gradient_checkpointing, load_adapter, merge, reference, save_adapter
from unsee.models.saving import save_model
from unsee.models.vlm import EncodedPrompt, VisionLanguageModel

QUESTION = "Who is in this picture?"


@pytest.fixture(scope="module", params=FAMILIES)
def saved(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """(family, folder that holds a tiny model of it)."""
    folder = tmp_path_factory.mktemp("models") / request.param
    return request.param, save_model(tiny_vlm(request.param), folder)


@pytest.fixture
def vlm(saved: tuple[str, Path]) -> VisionLanguageModel:
    return unsee.load(str(saved[1]))


def encoded(vlm: VisionLanguageModel, *pictures: int) -> EncodedPrompt:
    images = tuple(picture(index) for index in pictures)
    return vlm.encode_prompt([([user_turn(QUESTION, len(images))], images)])[0]


def test_pictures_prepared_together_are_those_prepared_alone(vlm: VisionLanguageModel) -> None:
    shown = [(picture(i, size),) for i in range(3) for size in ((56, 56), (70, 40), (300, 200))]
    prompts = [([user_turn(QUESTION, len(images))], images) for images in [*shown, shown[0] + shown[1]]]
    for one, prompt in zip(vlm.encode_prompt(prompts), prompts, strict=True):
        (alone,) = vlm.encode_prompt([prompt])
        assert (one.input_ids, one.extras, one.image_keys) == (alone.input_ids, alone.extras, alone.image_keys)
        assert one.pixels.keys() == alone.pixels.keys()
        assert all(torch.equal(one.pixels[name], tensor) for name, tensor in alone.pixels.items())


def test_qwen_is_told_which_tokens_are_the_pictures(vlm: VisionLanguageModel, saved: tuple[str, Path]) -> None:
    """transformers 5.23: `generate` without this input takes the picture's tokens for text, without a word."""
    if not saved[0].startswith("qwen"):
        pytest.skip("only Qwen-VL has positions of its own for pictures")
    prompt = encoded(vlm, 0)
    shown = [token == vlm.processor.image_token_id for token in prompt.input_ids]
    assert sum(shown) == 4
    assert prompt.extras["mm_token_type_ids"] == [int(one) for one in shown]


def test_llava_onevision_sees_the_pictures_of_one_prompt_whole() -> None:
    """transformers 5.23: given as a flat list, each would be cut into tiles too, as if it stood alone."""
    vlm = tiny_vlm("llava_onevision")
    wide = tuple(picture(i, (120, 60)) for i in range(2))
    counts = []
    for shown in (wide[:1], wide):
        (prompt,) = vlm.encode_prompt([([user_turn(QUESTION, len(shown))], shown)])
        counts.append(sum(token == vlm.processor.image_token_id for token in prompt.input_ids))
    assert counts == [14, 2 * 5]


def logits(vlm: VisionLanguageModel, prompt: EncodedPrompt, model: torch.nn.Module | None = None) -> torch.Tensor:
    given = {name: torch.tensor([values]) for name, values in prompt.extras.items()}
    given |= {"input_ids": torch.tensor([prompt.input_ids]), **prompt.pixels}
    return (model or vlm.model)(**{name: tensor.to(vlm.device) for name, tensor in given.items()}).logits


def train_a_little(vlm: VisionLanguageModel) -> None:
    """A few steps on the prompt's own tokens, enough to move the logits."""
    weights = [weight for weight in vlm.model.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(weights, lr=1e-2)
    vlm.model.train()
    prompt = encoded(vlm, 1)
    for _ in range(2):
        scores = logits(vlm, prompt)[0, :-1]
        torch.nn.functional.cross_entropy(scores, torch.tensor(prompt.input_ids[1:], device=scores.device)).backward()
        optimizer.step()
        optimizer.zero_grad()
    vlm.model.eval()


def test_loaded_model_answers_like_the_saved_one(saved: tuple[str, Path], vlm: VisionLanguageModel) -> None:
    original = tiny_vlm(saved[0])
    prompt = encoded(vlm, 1)
    assert prompt.input_ids == encoded(original, 1).input_ids
    # The one stays where it was made, the other went to the GPU where there is one.
    torch.testing.assert_close(logits(vlm, prompt).cpu(), logits(original, prompt).cpu())
    assert not any(weight.requires_grad for weight in vlm.model.parameters())
    assert not vlm.model.training
    assert vlm.dtype == torch.float32


def test_layout_names_modules_that_exist(vlm: VisionLanguageModel) -> None:
    layout, base = vlm.layout, vlm.base
    assert len(vlm.decoder_layers) == 2
    assert sum(p.numel() for p in base.get_submodule(layout.vision_tower).parameters()) > 0
    assert sum(p.numel() for p in base.get_submodule(layout.projector).parameters()) > 0
    assert layout.mlp == ("mlp.gate_proj", "mlp.up_proj", "mlp.down_proj")
    assert vlm.decoder_layers[0].get_submodule(layout.mlp_down).out_features == layout.hidden_size == 32
    # Seven linear modules in each of two layers, none of them in the tower.
    assert len(layout.language_linears) == 14
    assert all(isinstance(base.get_submodule(path), torch.nn.Linear) for path in layout.language_linears)
    assert not any(path.startswith(layout.vision_tower + ".") for path in layout.language_linears)


@pytest.mark.parametrize("pictures", [(), (1,), (1, 2)])
def test_prompt_is_encoded_as_the_processor_does(vlm: VisionLanguageModel, pictures: tuple[int, ...]) -> None:
    prompt = encoded(vlm, *pictures)
    text = vlm.render([user_turn(QUESTION, len(pictures))], add_generation_prompt=True)
    bos = vlm.tokenizer.bos_token
    expected = vlm.processor(
        images=[[picture(index) for index in pictures]] if pictures else None,
        text=[text],
        return_tensors="pt",
        add_special_tokens=not text.startswith(bos),
    )
    assert prompt.input_ids == expected.pop("input_ids")[0].tolist()
    expected.pop("attention_mask")
    assert set(prompt.pixels) | set(prompt.extras) == set(expected)
    for name, values in prompt.extras.items():
        assert values == expected[name][0].tolist()
    for name, tensor in prompt.pixels.items():
        torch.testing.assert_close(tensor, expected[name])
    placeholders = sum(token in vlm.layout.image_token_ids for token in prompt.input_ids)
    assert (placeholders > 0) == bool(pictures)
    assert len(prompt.image_keys) == len(pictures)
    assert logits(vlm, prompt).shape[:2] == (1, len(prompt.input_ids))


def test_turn_ends_with_a_stop_token(vlm: VisionLanguageModel) -> None:
    ids = vlm.encode_answer("This is Mara Voss.").input_ids
    assert ids[-1] in vlm.stop_token_ids
    assert ids[-1] == vlm.tokenizer.eos_token_id
    assert not set(ids[:-1]) & vlm.stop_token_ids
    assert vlm.tokenizer.decode(ids, skip_special_tokens=True).strip() == "This is Mara Voss."


def test_prompt_and_answer_tokenise_as_the_whole_conversation(vlm: VisionLanguageModel) -> None:
    question, answer = "Where does Mara Voss live?", "Mara Voss lives in Port Amber."
    turns = [user_turn(question, 0), {"role": "assistant", "content": [{"type": "text", "text": answer}]}]
    whole = vlm.render(turns, add_generation_prompt=False)
    bos = vlm.tokenizer.bos_token
    expected = vlm.tokenizer(whole, add_special_tokens=not whole.startswith(bos))["input_ids"]
    ids = vlm.encode_prompt([([user_turn(question, 0)], ())])[0].input_ids + vlm.encode_answer(answer).input_ids
    # What follows the end of turn (a line break, a space) is for the next turn.
    assert ids[:-1] == expected[: len(ids) - 1]


def test_adapter_from_training_to_merged_checkpoint(
    saved: tuple[str, Path], vlm: VisionLanguageModel, tmp_path: Path
) -> None:
    prompt = encoded(vlm, 2)
    with torch.no_grad():
        before = logits(vlm, prompt)
        add_lora(vlm, rank=4, alpha=8, dropout=0.1, seed=0)
        torch.testing.assert_close(logits(vlm, prompt), before, rtol=0, atol=0)
    trainable = {name for name, weight in vlm.model.named_parameters() if weight.requires_grad}
    assert len(trainable) == 2 * len(vlm.layout.language_linears)
    assert all(".lora_" in name and f".{vlm.layout.decoder_layers}." in name for name in trainable)

    train_a_little(vlm)
    with torch.no_grad():
        after = logits(vlm, prompt)
        with reference(vlm):
            torch.testing.assert_close(logits(vlm, prompt), before, rtol=0, atol=0)
        torch.testing.assert_close(logits(vlm, prompt), after, rtol=0, atol=0)
    assert (after - before).abs().max() > 1e-3

    folder = save_adapter(vlm, tmp_path / "adapter")
    assert not list(folder.glob("*.bin"))
    assert json.loads((folder / "adapter_config.json").read_text())["base_model_name_or_path"] == str(saved[1])

    fresh = unsee.load(str(saved[1]))
    with torch.no_grad():
        plain = PeftModel.from_pretrained(unsee.load(str(saved[1])).model, str(folder))
        torch.testing.assert_close(logits(fresh, prompt, plain), after, rtol=0, atol=0)
        load_adapter(fresh, folder)
        torch.testing.assert_close(logits(fresh, prompt), after, rtol=0, atol=0)
        merge(fresh)
        torch.testing.assert_close(logits(fresh, prompt), after, rtol=1e-4, atol=1e-5)
        exported = unsee.load(str(save_model(fresh, tmp_path / "exported")))
        torch.testing.assert_close(logits(exported, prompt), after, rtol=1e-4, atol=1e-5)


def test_gradient_checkpointing_with_lora_changes_every_adapter_weight(vlm: VisionLanguageModel) -> None:
    add_lora(vlm, rank=4, alpha=8, dropout=0.0, seed=0)
    enable_gradient_checkpointing(vlm)
    start = {name: w.detach().clone() for name, w in vlm.model.named_parameters()}
    train_a_little(vlm)
    for name, weight in vlm.model.named_parameters():
        assert torch.equal(start[name], weight) != (".lora_" in name), name


@pytest.mark.skipif(not is_torchvision_available(), reason="plain AutoProcessor needs torchvision for these families")
def test_saved_processor_loads_with_plain_autoprocessor(saved: tuple[str, Path]) -> None:
    if saved[0] == "smolvlm":
        pytest.importorskip("num2words")
    from transformers import AutoProcessor

    processor = AutoProcessor.from_pretrained(saved[1])
    assert type(processor).__module__.startswith("transformers.")


def test_saved_processor_names_the_stock_class(saved: tuple[str, Path]) -> None:
    import transformers

    settings = json.loads((saved[1] / "processor_config.json").read_text())
    stock = getattr(transformers, settings["processor_class"])
    assert stock.__module__.startswith("transformers.")
    assert ("video_processor" in settings) == ("video_processor" in stock.get_attributes())
