#!/usr/bin/env bash
# PEFT's `exclude_modules=["vision_tower"]` excludes nothing.
#
# Packages:  peft 0.21.2, transformers 5.23.0
# Expected:  LoRA on q_proj and v_proj of the language model alone: the vision tower is named as excluded.
# Happens:   a list is compared with the ends of module names, and no linear layer's name ends in "vision_tower". The
#            tower gets an adapter on every layer. PEFT does not say that the exclusion matched nothing. A regular
#            expression in a string, ".*vision_tower.*", does exclude.
# Matters:   unlearning is to change what the model knows, not what it sees. Here it may blind the tower, which looks
#            like forgetting and costs everybody else's face.
# Guard:     unsee names the linear modules of the decoder one by one, for every family:
#            tests/test_models_families.py::test_adapter_from_training_to_merged_checkpoint
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


print("peft", peft.__version__, "transformers", hf.__version__)
found = {}
for excluded in (None, ["vision_tower"], ["model.vision_tower"], ".*vision_tower.*"):
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        model = get_peft_model(tiny_llava(), LoraConfig(target_modules=["q_proj", "v_proj"], exclude_modules=excluded))
    places = [name for name, _ in model.named_parameters() if ".lora_A." in name]
    in_tower = sum(".vision_tower." in name for name in places)
    told = sum("exclude" in str(warning.message) for warning in warned)
    found[str(excluded)] = (in_tower, len(places) - in_tower, told)
    print(f"exclude_modules={excluded!r}: {in_tower} adapters in the tower, {len(places) - in_tower} elsewhere, "
          f"warnings about it: {told}")
*silent, pattern = found.values()
shown = all(counts == (4, 4, 0) for counts in silent) and pattern == (0, 4, 0)
sys.exit(0 if shown else "The behaviour has changed.")
PY
