#!/usr/bin/env bash
# One processor sees one file in two ways: given by its path, or as the object that Image.open made of it.
#
# Packages:  transformers 5.23.0, Pillow 13.0.0
# Expected:  processor(images="photo.png") and processor(images=Image.open("photo.png")) give the same pixels.
# Happens:   a path is turned upright by its EXIF orientation; an object is not. Under full transparency a path shows
#            the hidden colour; an object becomes white. The chat template of the processor does the same.
# Matters:   training loops pass objects and servers or demos pass paths. The model then unlearns a face lying on its
#            side and is asked about the upright one, so forgetting fails on pictures from a phone.
# Guard:     unsee opens every picture in one way, upright and on white, before any processor sees it:
#            tests/test_data_images.py::test_a_picture_looks_the_same_whatever_it_came_as
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q pillow==13.0.0 transformers==5.23.0 torch==2.13.0 numpy==2.4.6 tokenizers==0.23.3

cd "$work"
OMP_NUM_THREADS=1 HF_HUB_OFFLINE=1 venv/bin/python - <<'PY'
import sys

import PIL
import transformers as hf
from PIL import ExifTags, Image
from tokenizers import Tokenizer, models, pre_tokenizers

letters = Tokenizer(models.BPE({c: i for i, c in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}, []))
letters.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
tokenizer = hf.PreTrainedTokenizerFast(
    tokenizer_object=letters, pad_token="<pad>", extra_special_tokens={"image_token": "<image>"}
)
images = hf.CLIPImageProcessorPil(
    size={"shortest_edge": 28}, do_center_crop=False, do_normalize=False, do_rescale=False
)
template = (
    "{% for m in messages %}{% for c in m.content %}"
    "{{ c.text if c.type == 'text' else '<image>' }}{% endfor %}{% endfor %}"
)
processor = hf.LlavaProcessor(
    images, tokenizer, patch_size=14, vision_feature_select_strategy="default", num_additional_image_tokens=1,
    chat_template=template,
)  # fmt: skip


def called(picture):
    return processor(images=picture, text="<image>Who?", return_tensors="np")["pixel_values"]


def chatted(picture):
    content = [{"type": "image", "image": picture}, {"type": "text", "text": "Who?"}]
    options = {"tokenize": True, "return_dict": True, "return_tensors": "np"}
    return processor.apply_chat_template([{"role": "user", "content": content}], **options)["pixel_values"]


lying = Image.new("RGB", (56, 28), "red")
lying.getexif()[ExifTags.Base.Orientation] = 6
lying.save("lying.png", exif=lying.getexif())
Image.new("RGBA", (28, 28), (255, 0, 0, 0)).save("clear.png")
print("transformers", hf.__version__, "Pillow", PIL.__version__)
seen = {}
for name in ("lying.png", "clear.png"):
    for way in (called, chatted):
        for kind, picture in (("path", name), ("object", Image.open(name))):
            pixels = way(picture)[0]
            seen[name, way.__name__, kind] = pixels.shape[1:], pixels[:, 0, 0].astype(int).tolist()
            print(f"{name}, {way.__name__} with the {kind}:", *seen[name, way.__name__, kind])
shown = all(
    seen["lying.png", way, "path"][0] == (56, 28)
    and seen["lying.png", way, "object"][0] == (28, 56)
    and seen["clear.png", way, "path"][1] == [255, 0, 0]
    and seen["clear.png", way, "object"][1] == [255, 255, 255]
    for way in ("called", "chatted")
)
sys.exit(0 if shown else "The behaviour has changed.")
PY
