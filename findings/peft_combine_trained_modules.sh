#!/usr/bin/env bash
# Two adapters combined by PEFT have the base model's projector where one of them had trained its own.
#
# Packages:  peft 0.21.2, transformers 5.23.0
# Expected:  add_weighted_adapter() carries the only trained projector over, or refuses as it does for two of them.
# Happens:   the new adapter gets a fresh copy of the base model's projector, without a word.
# Matters:   one adapter for each person to forget, combined on delivery, is the plain way to serve several requests.
#            What the projector had learned to forget comes back.
# Guard:     unsee combines no adapters: it unlearns several people into one, and refuses a second adapter on a model:
#            tests/test_models_adapters.py::test_one_adapter_at_a_time
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


lora = {"target_modules": ["q_proj"], "r": 2}
model = get_peft_model(tiny_llava(), LoraConfig(**lora, modules_to_save=["multi_modal_projector"]), "first")
model.add_adapter("second", LoraConfig(**lora))
projector = model.get_base_model().model.multi_modal_projector
with torch.no_grad():
    for weight in projector.modules_to_save["first"].parameters():
        weight += 0.5  # what training would do
with warnings.catch_warnings(record=True) as warned:
    warnings.simplefilter("always")
    model.add_weighted_adapter(["first", "second"], [1.0, 1.0], "both", combination_type="cat")
print("peft", peft.__version__, "transformers", hf.__version__)
features, outputs = torch.randn(1, 4, 32), {}
with torch.no_grad():
    outputs["base"] = projector.original_module(features)
    for name in ("first", "both"):
        model.set_adapter(name)
        outputs[name] = projector(features)
for name in ("first", "both"):
    far = float((outputs[name] - outputs["base"]).abs().max())
    print(f"with {name!r} active the projector's output differs from the base model's by up to {far:.3f}")
print("warnings:", len(warned))
shown = torch.equal(outputs["both"], outputs["base"]) and not torch.equal(outputs["first"], outputs["base"])
sys.exit(0 if shown and not warned else "The behaviour has changed.")
PY
