#!/usr/bin/env bash
# `size={"longest_edge": 448}` means another thing for Qwen-VL than for its neighbours: 448 pixels in all.
#
# Packages:  transformers 5.23.0
# Expected:  with size {"shortest_edge": 56, "longest_edge": 448} a picture of 640 x 480 becomes 448 x 336, as with the
#            image processors of Idefics3 and SmolVLM, whose "longest_edge" is an edge.
# Happens:   the image processor of Qwen2-VL, Qwen2.5-VL and Qwen3-VL reads both numbers as areas. The picture becomes
#            28 x 28, one token, without a word; and `max_pixels`, which says that it is an area, is stored under the
#            same name.
# Matters:   a person sets a size to save memory, and the model sees one token of each picture. It then recognises
#            nobody, which an audit of forgetting would read as a success.
# Guard:     unsee refuses an image processor that leaves fewer than four tokens of every picture:
#            tests/test_models_loading.py::test_an_edge_where_qwen_wants_an_area_is_refused
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q pillow==13.0.0 transformers==5.23.0 torch==2.13.0 numpy==2.4.6

cd "$work"
OMP_NUM_THREADS=1 HF_HUB_OFFLINE=1 venv/bin/python - <<'PY'
import sys

import transformers as hf
from PIL import Image

picture = Image.new("RGB", (640, 480), "grey")
size = {"shortest_edge": 56, "longest_edge": 448}
print("transformers", hf.__version__)


def tokens(**options):
    """Of one picture, with patches of 14 pixels of which 2 x 2 become one token."""
    images = hf.Qwen2VLImageProcessorPil(patch_size=14, merge_size=2, **options)
    return int(images(images=[picture], return_tensors="np")["image_grid_thw"].prod()) // 4


edges = tokens(size=size)
areas = tokens(size={"shortest_edge": 56**2, "longest_edge": 448**2})
print("Qwen2-VL, longest_edge 448:", edges, "token; 448 x 448:", areas, "tokens; max_pixels 448 x 448:", end=" ")
print(tokens(max_pixels=448**2), hf.Qwen2VLImageProcessorPil(max_pixels=448**2).size)
smaller = hf.SmolVLMImageProcessorPil(
    size={"longest_edge": 448}, do_image_splitting=False, do_pad=False, max_image_size={"longest_edge": 448}
)
edge = smaller(images=[[picture]], return_tensors="np")["pixel_values"].shape[-1]
print("SmolVLM, longest_edge 448: a picture", edge, "pixels wide")
sys.exit(0 if (edges, areas, edge) == (1, 234, 448) else "The behaviour has changed.")
PY
