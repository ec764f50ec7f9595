#!/usr/bin/env bash
# PEFT merges a LoRA of `lm_head` into the input embeddings too, if the two are tied.
#
# Packages:  peft 0.21.2, transformers 5.23.0
# Expected:  merge_and_unload() gives the model that the adapter computed, or refuses.
# Happens:   PEFT warns in general terms ("can lead to complications") and merges into the one shared matrix, so the
#            input embeddings change with it. The merged model is further from the adapter than the base model is.
# Matters:   many small vision-language models are tied (Qwen2-VL-2B, Gemma 3). What was evaluated is the
#            adapter; what is published is the merged model, which has neither forgotten nor kept as was measured.
# Guard:     unsee parts tied weights before it merges and writes the configuration to match:
#            tests/test_models_export.py::test_an_export_answers_as_the_tied_model_with_its_adapter
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q peft==0.21.2 transformers==5.23.0 torch==2.13.0 accelerate==1.15.0 numpy==2.4.6

cd "$work"
OMP_NUM_THREADS=1 HF_HUB_OFFLINE=1 venv/bin/python - <<'PY'
import sys
import warnings

import peft
import torch
import transformers as hf
from peft import LoraConfig, get_peft_model


def tiny_llava(tied=False):
    torch.manual_seed(0)
    size = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
    config = hf.LlavaConfig(
        vision_config=hf.CLIPVisionConfig(**size, image_size=28, patch_size=14),
        text_config=hf.LlamaConfig(**size, vocab_size=64, tie_word_embeddings=tied),
        image_token_index=63,
        tie_word_embeddings=tied,
    )
    return hf.LlavaForConditionalGeneration(config).eval()


@torch.no_grad()
def logits(model):
    return model(input_ids=torch.arange(10)[None]).logits


print("peft", peft.__version__, "transformers", hf.__version__)
found = {}
for tied in (False, True):
    model = tiny_llava(tied)
    base, embeddings = logits(model), model.get_input_embeddings().weight.clone()
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        adapted = get_peft_model(model, LoraConfig(target_modules=["lm_head"])).eval()
        with torch.no_grad():
            adapted.get_base_model().lm_head.lora_B["default"].weight.fill_(0.5)
        expected = logits(adapted)
        merged = adapted.merge_and_unload()
    moved = not torch.equal(merged.get_input_embeddings().weight, embeddings)
    told = sum("tie_word_embeddings" in str(warning.message) for warning in warned)
    change, error = (float((other - expected).abs().max()) for other in (base, logits(merged)))
    found[tied] = (moved, told, error / change)
    print(f"tied={tied}: the adapter changes logits by up to {change:.2f}; merged differs from it by up to {error:.6f}")
    print(f"  input embeddings changed: {moved}; warnings about ties: {told}")
(plain_moved, _, plain), (tied_moved, told, tied) = found[False], found[True]
shown = not plain_moved and plain < 1e-4 and tied_moved and tied > 0.5 and told == 2
sys.exit(0 if shown else "The behaviour has changed.")
PY
