#!/usr/bin/env bash
# PEFT's `unload()` gives back a base model with the trained projector in it.
#
# Packages:  peft 0.21.2, transformers 5.23.0
# Expected:  unload() says "return the base model by removing all the PEFT modules": the model before training, weight
#            for weight.
# Happens:   modules of `modules_to_save` stay as trained. Only LoRA's part is gone. No warning.
# Matters:   adapters of vision-language models often train the projector beside LoRA. Whoever compares before and
#            after unlearning in one process takes a half-unlearned model for the model before.
# Guard:     unsee puts the original modules back before it unloads:
#            tests/test_models_partial.py::test_trained_modules_of_an_adapter_are_loaded_counted_merged_and_taken_off
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


def tiny_llava():
    torch.manual_seed(0)
    size = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
    config = hf.LlavaConfig(
        vision_config=hf.CLIPVisionConfig(**size, image_size=28, patch_size=14),
        text_config=hf.LlamaConfig(**size, vocab_size=64),
        image_token_index=63,
    )
    return hf.LlavaForConditionalGeneration(config).eval()


model = tiny_llava()
before = {name: weight.clone() for name, weight in model.state_dict().items()}
config = LoraConfig(target_modules=["q_proj"], modules_to_save=["multi_modal_projector"])
adapted = get_peft_model(model, config)
with torch.no_grad():
    for weight in adapted.parameters():
        if weight.requires_grad:
            weight += 0.5  # what training would do
with warnings.catch_warnings(record=True) as warned:
    warnings.simplefilter("always")
    unloaded = adapted.unload().state_dict()
changed = [name for name, weight in before.items() if not torch.equal(weight, unloaded[name])]
print("peft", peft.__version__, "transformers", hf.__version__)
print(f"names are those of before: {set(before) == set(unloaded)}; weights that are not:", *changed, sep="\n  ")
print("warnings:", len(warned))
shown = len(changed) == 4 and all("multi_modal_projector" in name for name in changed) and not warned
sys.exit(0 if shown else "The behaviour has changed.")
PY
