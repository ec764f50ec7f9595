#!/usr/bin/env bash
# A batch that a Qwen-VL model refuses is answered by its `generate`, with other positions and so another answer.
#
# Packages:  transformers 5.23.0
# Expected:  input_ids, attention_mask, pixel_values and image_grid_thw say where the picture is, as until transformers 4.
#            What is missing would be refused by `model(...)` and by `model.generate(...)` alike.
# Happens:   from version 5 on the model also needs `mm_token_type_ids`. Without it `model(...)` of Qwen2-VL and Qwen3-VL
#            raises an error, that of Qwen2.5-VL does not, and `generate` of all three goes on in silence: the picture's
#            tokens get positions in one row, as if they were words, instead of rows and columns.
# Matters:   a loop that builds its own batches, as most training code does, asks a model that sees other positions than
#            in training. What it then "no longer recognises" was never asked properly.
# Guard:     unsee's prompts always carry the types:
#            tests/test_models_families.py::test_qwen_is_told_which_tokens_are_the_pictures
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q transformers==5.23.0 torch==2.13.0 numpy==2.4.6

cd "$work"
OMP_NUM_THREADS=1 HF_HUB_OFFLINE=1 venv/bin/python - <<'PY'
import sys

import torch
import transformers as hf

PICTURE, TOKENS = 150, 6
text = {
    "vocab_size": 200, "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2,
    "num_attention_heads": 4, "num_key_value_heads": 2, "bos_token_id": None, "eos_token_id": None,
    "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [4, 2, 2]},
}  # fmt: skip
tower = {"depth": 1, "num_heads": 2, "patch_size": 14, "spatial_merge_size": 2}
ids = {"image_token_id": PICTURE, "video_token_id": 151, "vision_start_token_id": 152, "vision_end_token_id": 153}
wide = {"hidden_size": 32, "intermediate_size": 64, "out_hidden_size": 64}
families = {
    "Qwen2-VL": (hf.Qwen2VLForConditionalGeneration, hf.Qwen2VLConfig, {"embed_dim": 32, "hidden_size": 64}, {}),
    "Qwen2.5-VL": (
        hf.Qwen2_5_VLForConditionalGeneration, hf.Qwen2_5_VLConfig, {**wide, "fullatt_block_indexes": [0]}, {}
    ),
    "Qwen3-VL": (
        hf.Qwen3VLForConditionalGeneration, hf.Qwen3VLConfig,
        {**wide, "num_position_embeddings": 64, "deepstack_visual_indexes": [0]}, {"head_dim": 16},
    ),
}  # fmt: skip
print("transformers", hf.__version__)
asked = [5, 6, 152] + [PICTURE] * TOKENS + [153, 9, 10, 11]
torch.manual_seed(0)
batch = {
    "input_ids": torch.tensor([asked]),
    "attention_mask": torch.ones(1, len(asked), dtype=torch.long),
    "pixel_values": torch.randn(4 * TOKENS, 3 * 2 * 14 * 14),
    "image_grid_thw": torch.tensor([[1, 4, 6]]),
}
types = {"mm_token_type_ids": (batch["input_ids"] == PICTURE).long()}
as_described = True
for name, (model_class, config_class, vision, more) in families.items():
    torch.manual_seed(0)
    model = model_class(config_class(vision_config={**tower, **vision}, text_config={**text, **more}, **ids)).eval()
    model.generation_config.update(bos_token_id=None, eos_token_id=None, pad_token_id=0)

    def first(**inputs):
        """The logits of the first new token of `generate`."""
        options = {"max_new_tokens": 1, "do_sample": False, "return_dict_in_generate": True, "output_logits": True}
        return model.generate(**inputs, **options).logits[0][0]

    with torch.no_grad():
        right = model(**batch, **types).logits[0, -1]
        try:
            model(**batch)
            refused = False
        except ValueError:
            refused = True
        off = {way: (first(**given) - right).abs().max().item() for way, given in
               (("with", {**batch, **types}), ("without", batch))}  # fmt: skip
    print(f"{name}: model(...) without the types {'is refused' if refused else 'goes on'};", end=" ")
    print(f"logits of generate differ from the right ones by {off['with']:.0e} with and {off['without']:.0e} without")
    as_described &= refused == (name != "Qwen2.5-VL") and off["with"] < 1e-5 and off["without"] > 1e-4
sys.exit(0 if as_described else "The behaviour has changed.")
PY
