#!/usr/bin/env bash
# Merged weights saved into the adapter's folder load with the adapter on top: the change is there twice.
#
# Packages:  transformers 5.23.0, peft 0.21.2
# Expected:  save_pretrained(folder) followed by from_pretrained(folder) gives back the model that was saved.
# Happens:   from_pretrained finds adapter_config.json beside the merged weights and attaches the adapter once more,
#            without a warning. The class of the model does not show it.
# Matters:   an unlearning run writes its adapter to a folder, and "merge it in place" is the obvious next step. The
#            served model is twice as far from the original as the one that was evaluated.
# Guard:     unsee exports to a new folder only and refuses to load a folder that holds both:
#            tests/test_models_loading.py::test_a_model_with_an_adapter_in_its_folder_is_refused
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


ids = torch.arange(10)[None]
model = tiny_llava()
layer = "model.language_model.layers.0.self_attn.q_proj"
before = model.get_submodule(layer).weight.clone()
adapted = get_peft_model(model, LoraConfig(r=2, target_modules=[layer]))
with torch.no_grad():
    model.get_submodule(layer).lora_B["default"].weight.fill_(0.5)
adapted.save_pretrained("run")
merged = adapted.merge_and_unload()
change = merged.get_submodule(layer).weight - before
merged.save_pretrained("run")
with warnings.catch_warnings(record=True) as warned:
    warnings.simplefilter("always")
    served = hf.LlavaForConditionalGeneration.from_pretrained("run").eval()
told = [str(warning.message) for warning in warned if "adapter" in str(warning.message)]
there = served.get_submodule(layer)
factors = there.lora_B["default"].weight @ there.lora_A["default"].weight * there.scaling["default"]
with torch.no_grad():
    same = torch.allclose(served(input_ids=ids).logits, merged(input_ids=ids).logits, atol=1e-4)
    times = float((there.get_base_layer().weight + factors - before).norm() / change.norm())
print("transformers", hf.__version__, "peft", peft.__version__)
print(f"saved and loaded: {type(merged).__name__}, {type(served).__name__}; same logits: {same}")
print(f"the loaded weight differs from the base by {times:.3f} times the adapter's change")
print("warnings about the adapter:", len(told))
shown = abs(times - 2) < 1e-3 and not same and not told
sys.exit(0 if shown else "The behaviour has changed.")
PY
