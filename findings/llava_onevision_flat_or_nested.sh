#!/usr/bin/env bash
# LLaVA-OneVision sees two pictures of one prompt in two ways: whole, or cut into tiles, depending on a pair of brackets.
#
# Packages:  transformers 5.23.0
# Expected:  for one prompt with two pictures, images=[a, b] and images=[[a, b]] mean the same, as with the processors of
#            LLaVA, Qwen2-VL and InternVL. The processor takes both.
# Happens:   nested, the two are seen whole, as the model was trained on several pictures, and as the processor's own
#            chat template does. Flat, each is also cut into tiles as if it stood alone: nearly three times the tokens.
# Matters:   a set of pairs ("who is left, who is right?") is asked in another detail than the model is trained or
#            served with; answers about somebody in company then differ for no reason that a report could show.
# Guard:     unsee always passes the pictures of a prompt as a list of their own:
#            tests/test_models_families.py::test_llava_onevision_sees_the_pictures_of_one_prompt_whole
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q pillow==13.0.0 transformers==5.23.0 torch==2.13.0 numpy==2.4.6 tokenizers==0.23.3

cd "$work"
OMP_NUM_THREADS=1 HF_HUB_OFFLINE=1 venv/bin/python - <<'PY'
import sys

import transformers as hf
from PIL import Image
from tokenizers import Tokenizer, models, pre_tokenizers

letters = Tokenizer(models.BPE({c: i for i, c in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}, []))
letters.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
tokenizer = hf.PreTrainedTokenizerFast(
    tokenizer_object=letters, pad_token="<pad>",
    extra_special_tokens={"image_token": "<image>", "video_token": "<video>"},
)  # fmt: skip


class PicturesOnly(hf.LlavaOnevisionProcessor):
    """Its video processor needs torchvision, which has no build for a CPU."""

    @classmethod
    def get_attributes(cls):
        return ["image_processor", "tokenizer"]


side = {"height": 28, "width": 28}
images = hf.LlavaOnevisionImageProcessorPil(size=side, image_grid_pinpoints=[[28, 56], [56, 28], [56, 56]])
onevision = PicturesOnly(
    images, tokenizer, num_image_tokens=4, vision_feature_select_strategy="full",
    chat_template="{% for m in messages %}{% for c in m.content %}{{ '<image>' if c.type == 'image' else c.text }}"
    "{% endfor %}{% endfor %}",
)  # fmt: skip
llava = hf.LlavaProcessor(
    hf.CLIPImageProcessorPil(size={"shortest_edge": 28}, crop_size=side), tokenizer, patch_size=14,
    vision_feature_select_strategy="full",
)  # fmt: skip
a, b = (Image.new("RGB", (120, 60), colour) for colour in ("red", "blue"))
print("transformers", hf.__version__)


def shown(batch):
    """How many tokens of pictures the prompt has."""
    return [token for row in batch["input_ids"] for token in row].count(tokenizer.convert_tokens_to_ids("<image>"))


counts = {}
for name, processor in (("LLaVA", llava), ("LLaVA-OneVision", onevision)):
    for way, given in (("alone", [a]), ("flat", [a, b]), ("nested", [[a, b]])):
        counts[name, way] = shown(processor(images=given, text=["<image>" * (1 if way == "alone" else 2) + "Who?"]))
    print(name, {way: counts[name, way] for way in ("alone", "flat", "nested")}, "tokens")
content = [{"type": "image", "image": a}, {"type": "image", "image": b}, {"type": "text", "text": "Who?"}]
chat = shown(onevision.apply_chat_template([{"role": "user", "content": content}], tokenize=True, return_dict=True))
print("LLaVA-OneVision's own chat template:", chat, "tokens")
same = counts["LLaVA", "flat"] == counts["LLaVA", "nested"] == 2 * counts["LLaVA", "alone"]
tiled = counts["LLaVA-OneVision", "flat"] == 2 * counts["LLaVA-OneVision", "alone"]
whole = counts["LLaVA-OneVision", "nested"] == chat < counts["LLaVA-OneVision", "flat"] / 2
sys.exit(0 if same and tiled and whole else "The behaviour has changed.")
PY
