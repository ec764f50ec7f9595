"""The engine of vLLM, against its documented interface played by a tiny model."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from tokenizers import processors

from tests import fake_vllm
from tests.generation_cases import NEW_TOKENS, lively_vlm, mixed_probes
from tests.tiny import picture
from unsee.data.sample import Probe, Sample
from unsee.errors import SystemFailure, UserError
from unsee.generation import TransformersEngine, VLLMEngine, ask

MODEL = "org/tiny"


def within(ends: Sequence[int], text: str) -> list[int]:
    """Those of the end of the turn, which lie behind the text, as its end."""
    return [min(end, len(text)) for end in ends]


@pytest.mark.parametrize("family", ["qwen3_vl", "llava", "gemma3"])
def test_answers_come_with_tokens_their_probabilities_and_ends(family: str, monkeypatch: pytest.MonkeyPatch) -> None:
    vlm = lively_vlm(family)
    fake_vllm.install(monkeypatch, vlm)
    probes = [*mixed_probes(), replace(mixed_probes()[0], id="begun", begun="This is")]
    engine = VLLMEngine(MODEL, batch_size=5)
    said = ask(engine, probes, max_new_tokens=NEW_TOKENS, progress=False)
    local = ask(TransformersEngine(vlm), probes, max_new_tokens=NEW_TOKENS, progress=False)
    for one, other in zip(said, local, strict=True):
        assert (one.probe_id, one.raw, one.ended, one.token_ids) == (
            other.probe_id,
            other.raw,
            other.ended,
            other.token_ids,
        )
        assert one.token_logprobs == pytest.approx(other.token_logprobs, abs=2e-3)
        assert one.token_ends is None or len(one.token_ends) == len(one.token_ids or ())
    assert sum(one.token_ends is not None for one in said) > len(said) / 2
    assert engine.vocabulary_size == len(vlm.tokenizer)


@pytest.mark.parametrize("family", ["llava", "gemma3"])
def test_a_prompt_begins_as_in_transformers_whether_or_not_the_template_writes_it(
    family: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    vlm = lively_vlm(family)
    first = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", vlm.tokenizer.bos_token_id)])
    vlm.tokenizer.backend_tokenizer.post_processor = first
    fake_vllm.install(monkeypatch, vlm)
    said = ask(VLLMEngine(MODEL), mixed_probes(), max_new_tokens=NEW_TOKENS, progress=False)
    local = ask(TransformersEngine(vlm), mixed_probes(), max_new_tokens=NEW_TOKENS, progress=False)
    assert [one.token_ids for one in said] == [one.token_ids for one in local]


def test_decoding_is_greedy_with_the_models_own_penalty(monkeypatch: pytest.MonkeyPatch) -> None:
    llm = fake_vllm.install(monkeypatch, lively_vlm("qwen3_vl"))
    monkeypatch.setattr(
        llm, "get_default_sampling_params", lambda _: fake_vllm.SamplingParams(0.7, repetition_penalty=1.05)
    )
    ask(VLLMEngine(MODEL), [Probe("who", "Who?")], max_new_tokens=7, progress=False)
    assert llm.made.calls[0]["sampling"] == fake_vllm.SamplingParams(0.0, 1.05, max_tokens=7, logprobs=0)


def test_answers_are_drawn_by_the_seed_the_probe_and_the_number(monkeypatch: pytest.MonkeyPatch) -> None:
    vlm = lively_vlm("qwen3_vl")
    llm = fake_vllm.install(monkeypatch, vlm)
    engine = VLLMEngine(MODEL, batch_size=2)
    probes = [*mixed_probes()[:4], replace(mixed_probes()[0], id="begun", begun="This is")]

    def drawn(probes: Sequence[Probe], count: int, seed: int = 0, temperature: float = 1.0) -> dict[str, list[str]]:
        said = engine.draw(probes, count=count, temperature=temperature, seed=seed, max_new_tokens=6)
        assert all(one.probe_id == key and one.token_logprobs for key, own in said.items() for one in own)
        return {key: [one.raw for one in own] for key, own in said.items()}

    said = drawn(probes, 3)
    assert list(said) == [probe.id for probe in probes]
    first = llm.made.calls[-1]["sampling"]
    assert (first.n, first.temperature, first.max_tokens, first.repetition_penalty) == (3, 1.0, 6, 1.0)
    assert len({*said[probes[0].id]}) == 3
    assert drawn(probes[::-1], 2) == {key: own[:2] for key, own in said.items()}
    other = drawn(probes, 3, seed=1)
    assert all(other[key] != own for key, own in said.items())
    assert drawn([replace(probes[0], id="another")], 3)["another"] != said[probes[0].id]
    greedy = {one.probe_id: one.raw for one in ask(engine, probes, max_new_tokens=6, progress=False)}
    assert drawn(probes, 2, temperature=1e-6) == {key: [text] * 2 for key, text in greedy.items()}
    with pytest.raises(ValueError, match="cannot draw 0 answers"):
        drawn(probes, 0)


@pytest.mark.parametrize("family", ["qwen3_vl", "gemma3"])
def test_given_answers_are_as_probable_as_to_the_same_model_here(family: str, monkeypatch: pytest.MonkeyPatch) -> None:
    vlm = lively_vlm(family)
    fake_vllm.install(monkeypatch, vlm)
    samples = [
        Sample("Who is this?", "This is Mara Voss.", (picture(1),)),
        Sample("", "Mara Voss lives in Port Amber."),
        Sample("Where does Mara Voss live?", "end"),
        Sample("Who is this?", "Mara Voss", (picture(2), picture(3))),
        Sample("Who is this?", "Zoë 黒", (picture(1),)),
    ]
    read = VLLMEngine(MODEL, batch_size=2).read(samples)
    for sample, one, other in zip(samples, read, TransformersEngine(vlm).read(samples), strict=True):
        assert one.logprobs == pytest.approx(other.logprobs, abs=2e-3), sample
        assert within(one.ends, sample.answer) == within(other.ends, sample.answer)


def test_a_turn_that_the_template_leaves_open_is_read_to_its_last_word(monkeypatch: pytest.MonkeyPatch) -> None:
    vlm = lively_vlm("llava")
    fake_vllm.install(monkeypatch, vlm)
    sample = Sample("Who is this?", "This is Mara Voss.", (picture(1),))
    (read,), (closed,) = VLLMEngine(MODEL).read([sample]), TransformersEngine(vlm).read([sample])
    # Its last token is the end of the turn, its first may be the space before the answer.
    assert read.logprobs == pytest.approx(closed.logprobs[:-1][-len(read.logprobs) :], abs=2e-3)
    assert read.ends == closed.ends[:-1][-len(read.ends) :]
    assert read.ends[-1] == len(sample.answer)


def test_an_answer_that_the_template_changes_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    fake_vllm.install(monkeypatch, lively_vlm("gemma3"))
    with pytest.raises(UserError, match=r"cannot read the answer ' Mara': .* leave out white space at its ends"):
        VLLMEngine(MODEL).read([Sample("Who?", " Mara")])


def adapter(folder: Path, module: str = "language_model.layers.0.mlp.down_proj", **config: object) -> Path:
    (folder / "adapter_config.json").write_text(json.dumps(config))
    weights = {f"base_model.model.model.{module}.lora_A.weight": torch.ones(1)}
    save_file(weights, folder / "adapter_model.safetensors")
    return folder


def test_an_adapter_goes_with_every_request_and_room_is_made_for_its_rank(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    llm = fake_vllm.install(monkeypatch, lively_vlm("qwen3_vl"))
    engine = VLLMEngine(MODEL, adapter(tmp_path, r=8, rank_pattern={"q_proj": 24}), revision="main", max_model_len=512)
    assert llm.made.options == {"enable_lora": True, "max_lora_rank": 32, "max_model_len": 512}
    assert (llm.made.model, llm.made.revision) == (MODEL, "main")
    ask(engine, [Probe("who", "Who?")], max_new_tokens=2, progress=False)
    engine.read([Sample("", "Mara Voss"), Sample("Who?", "Mara")])
    assert [call["lora"] for call in llm.made.calls] == [fake_vllm.LoRARequest("unlearned", 1, str(tmp_path))] * 3


def test_the_fingerprint_tells_adapters_options_and_versions_apart(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fake_vllm.install(monkeypatch, lively_vlm("qwen3_vl"))
    folder = adapter(tmp_path, r=8)
    first = VLLMEngine(MODEL, folder).fingerprint()
    assert json.loads(json.dumps(first)) == first
    assert first == VLLMEngine(MODEL, folder).fingerprint()
    others = [VLLMEngine(MODEL), VLLMEngine(MODEL, folder, dtype="float32"), VLLMEngine(MODEL, folder, revision="v2")]
    assert all(engine.fingerprint() != first for engine in others)
    adapter(folder, "language_model.layers.1.mlp.down_proj", r=8)
    assert VLLMEngine(MODEL, folder).fingerprint() != first


def test_a_model_of_the_world_is_its_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    llm = fake_vllm.install(monkeypatch, lively_vlm("qwen3_vl"))
    engine = VLLMEngine("world:tiny-qwen3vl")
    assert (Path(llm.made.model) / "config.json").is_file()
    assert (engine.name, engine.fingerprint()["model"]) == ("vllm:world:tiny-qwen3vl", "world:tiny-qwen3vl")
    assert engine.fingerprint()["weights"]


def test_what_vllm_does_not_take_is_said_in_a_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fake_vllm.install(monkeypatch, lively_vlm("qwen3_vl"))
    with pytest.raises(UserError, match=r"vLLM cannot run org/tiny: .*'no_such_option'\.$"):
        VLLMEngine(MODEL, no_such_option=1)
    with pytest.raises(SystemFailure, match="vLLM failed to start with org/too-large: Engine core"):
        VLLMEngine("org/too-large")
    with pytest.raises(UserError, match=r"holds no LoRA adapter that can be read"):
        VLLMEngine(MODEL, tmp_path)
    with pytest.raises(UserError, match=r"up to rank 512, and .* has 600; merge it"):
        VLLMEngine(MODEL, adapter(tmp_path, r=600))
    for module in ("visual.blocks.0.attn.qkv", "vision_tower.encoder.layers.0.mlp.fc1", "connector.proj"):
        with pytest.raises(UserError, match=r"language model alone, and .* also changes the vision tower.*; merge it"):
            VLLMEngine(MODEL, adapter(tmp_path, module, r=8))
    (adapter(tmp_path, r=8) / "adapter_model.safetensors").write_bytes(b"weights")
    with pytest.raises(UserError, match=r"holds no LoRA adapter that can be read"):
        VLLMEngine(MODEL, tmp_path)
    (tmp_path / "delta.safetensors").write_bytes(b"")
    with pytest.raises(UserError, match="holds a delta; merge it"):
        VLLMEngine(MODEL, tmp_path)


def test_a_missing_package_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "vllm", None)
    with pytest.raises(UserError, match="environment of its own, run `vllm serve MODEL` there"):
        VLLMEngine(MODEL)
