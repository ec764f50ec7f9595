#!/usr/bin/env bash
# A LLaVA built from a configuration is saved under names that no hub checkpoint has.
#
# Packages:  transformers 5.23.0, safetensors 0.8.0
# Expected:  save_pretrained writes the names of the hub's checkpoints of the family, wherever the model came from: it
#            maps "model.language_model..." back to "language_model.model..." in every case.
# Happens:   for a model made by LlavaForConditionalGeneration(config) it leaves "vision_model." out of the names of
#            the CLIP tower. transformers itself reads both, so nothing shows; a checkpoint of the hub that was loaded
#            and saved keeps its names.
# Matters:   programs that read weights by the hub's names (vLLM, llama.cpp's converters) do not find the vision tower
#            of a model that was trained from scratch for an unlearning benchmark.
# Guard:     unsee writes the hub's names whatever the model came from:
#            tests/test_models_export.py::test_weights_have_the_names_of_the_hubs_checkpoints
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q transformers==5.23.0 torch==2.13.0 safetensors==0.8.0 numpy==2.4.6

cd "$work"
OMP_NUM_THREADS=1 HF_HUB_OFFLINE=1 venv/bin/python - <<'PY'
import sys

import torch
import transformers as hf
from safetensors.torch import load_file, save_file


def tiny_llava():
    torch.manual_seed(0)
    size = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
    config = hf.LlavaConfig(
        vision_config=hf.CLIPVisionConfig(**size, image_size=28, patch_size=14),
        text_config=hf.LlamaConfig(**size, vocab_size=64),
        image_token_index=63,
    )
    return hf.LlavaForConditionalGeneration(config).eval()


def names(folder):
    return set(load_file(f"{folder}/model.safetensors"))


def tower(folder):
    return sorted(name for name in names(folder) if name.startswith("vision_tower"))[0]


hf.utils.logging.disable_progress_bar()
tiny_llava().save_pretrained("made")
# The same weights, as llava-1.5's checkpoints on the hub name them.
tiny_llava().save_pretrained("hub")
weights = load_file("hub/model.safetensors")
hub = {name.replace("vision_tower.", "vision_tower.vision_model."): weight for name, weight in weights.items()}
save_file(hub, "hub/model.safetensors", metadata={"format": "pt"})
print("transformers", hf.__version__)
whole = True
for folder in ("made", "hub"):
    model, report = hf.LlavaForConditionalGeneration.from_pretrained(folder, output_loading_info=True)
    whole = whole and not any(report.values())
    model.save_pretrained(f"{folder}-again")
    print(f"{folder}: {tower(folder)}; loaded and saved again: {tower(f'{folder}-again')}")
print("both load without missing or unexpected weights:", whole)
print("names in common:", len(names("made") & names("hub")), "of", len(hub))
shown = whole and names("made") == names("made-again") != names("hub") == names("hub-again") == set(hub)
sys.exit(0 if shown else "The behaviour has changed.")
PY
