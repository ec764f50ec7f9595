#!/usr/bin/env bash
# `llm_int8_skip_modules=["vision_tower"]` quantises the vision tower, and the output head besides.
#
# Packages:  transformers 5.23.0, bitsandbytes 0.50.2
# Expected:  the vision tower and the projector stay as they are; everything else is as without the setting.
# Happens:   names are compared with the beginning (or the end) of the full name, which is "model.vision_tower...", so
#            nothing is skipped, and nobody is told. The list also replaces the default one, which kept `lm_head`
#            whole: the head is now in 4 bits too. "model.vision_tower" skips the tower.
# Matters:   QLoRA unlearning of a vision-language model then trains on a tower that sees less, and measures
#            likelihoods with a rounded head: differences that look like effects of unlearning.
# Guard:     unsee passes full paths and names the head:
#            tests/test_models_loading.py::test_four_bits_leave_the_vision_tower_alone
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q transformers==5.23.0 torch==2.13.0 accelerate==1.15.0 bitsandbytes==0.50.2 numpy==2.4.6

cd "$work"
OMP_NUM_THREADS=1 HF_HUB_OFFLINE=1 venv/bin/python - <<'PY'
import sys
import warnings
from importlib.metadata import version

import torch
import transformers as hf


def tiny_llava():
    torch.manual_seed(0)
    size = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
    config = hf.LlavaConfig(
        vision_config=hf.CLIPVisionConfig(**size, image_size=28, patch_size=14),
        text_config=hf.LlamaConfig(**size, vocab_size=64),
        image_token_index=63,
    )
    return hf.LlavaForConditionalGeneration(config).eval()


hf.utils.logging.disable_progress_bar()
tiny_llava().save_pretrained("base")
print("transformers", hf.__version__, "bitsandbytes", version("bitsandbytes"))
found = []
for skipped in (None, ["vision_tower", "multi_modal_projector"], ["model.vision_tower", "model.multi_modal_projector"]):
    config = hf.BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4", llm_int8_skip_modules=skipped)
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        model = hf.LlavaForConditionalGeneration.from_pretrained("base", quantization_config=config, device_map="cpu")
    small = [name for name, module in model.named_modules() if type(module).__name__ == "Linear4bit"]
    parts = ("vision_tower", "multi_modal_projector", "language_model", "lm_head")
    counts = {part: sum(part in name for name in small) for part in parts}
    found.append(list(counts.values()))
    told = sum("skip" in str(warning.message) for warning in warned)
    print(f"skip={skipped}: linear modules in 4 bits: {counts}; warnings about it: {told}")
    found[-1].append(told)
shown = found == [[12, 2, 14, 0, 0], [12, 2, 14, 1, 0], [0, 0, 14, 1, 0]]
sys.exit(0 if shown else "The behaviour has changed.")
PY
