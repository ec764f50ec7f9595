#!/usr/bin/env bash
# PEFT loads an adapter of which half belongs nowhere, without a word.
#
# Packages:  peft 0.21.2, transformers 5.23.0
# Expected:  PeftModel.from_pretrained() says that weights in the file were not used, as it does for missing ones.
# Happens:   an adapter of a 4-layer LLaVA loads onto the 2-layer one of the same width. What it has for the other two
#            layers is dropped. There is a warning only for what is missing, that is, the other way round.
# Matters:   a recipe applied to the wrong size of a family, or to a pruned model, unlearns in some layers only. The
#            model answers well and gives the name away now and then.
# Guard:     unsee refuses an adapter unless each weight of its file has a place and each place has a weight:
#            tests/test_models_partial.py::test_an_adapter_that_matches_in_part_is_refused
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
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file


def tiny_llava(layers):
    torch.manual_seed(0)
    size = {"hidden_size": 32, "intermediate_size": 64, "num_attention_heads": 4}
    config = hf.LlavaConfig(
        vision_config=hf.CLIPVisionConfig(**size, num_hidden_layers=2, image_size=28, patch_size=14),
        text_config=hf.LlamaConfig(**size, num_hidden_layers=layers, vocab_size=64),
        image_token_index=63,
    )
    return hf.LlavaForConditionalGeneration(config)


def save(layers, folder):
    adapted = get_peft_model(tiny_llava(layers), LoraConfig(target_modules=["gate_proj"]))
    with torch.no_grad():
        for name, weight in adapted.named_parameters():
            if ".lora_B." in name:
                weight.fill_(0.5)  # what training would do
    adapted.save_pretrained(folder)


def load(layers, folder):
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        loaded = PeftModel.from_pretrained(tiny_llava(layers), folder)
    factors = [weight for name, weight in loaded.named_parameters() if ".lora_B." in name]
    used = sum(bool(weight.any()) for weight in factors)
    told = [str(warning.message).split(":")[0] for warning in warned if "adapter keys" in str(warning.message)]
    held = sum("lora_B" in name for name in load_file(f"{folder}/adapter_model.safetensors"))
    print(f"{folder}, on {layers} layers: {used} of the file's {held} products in use; warnings: {told}")
    return used, held, len(told)


print("peft", peft.__version__, "transformers", hf.__version__)
save(4, "adapter of 4 layers")
save(2, "adapter of 2 layers")
shown = load(2, "adapter of 4 layers") == (2, 4, 0) and load(4, "adapter of 2 layers") == (2, 2, 1)
sys.exit(0 if shown else "The behaviour has changed.")
PY
