#!/usr/bin/env bash
# A 16-bit grey picture reaches a vision-language model as plain white.
#
# Packages:  Pillow 13.0.0, transformers 5.23.0
# Expected:  a 16-bit grey PNG (X-rays, depth maps, scans) is scaled to 8 bits: 32,768 of 65,535 becomes 128.
# Happens:   Image.convert("RGB") cuts every value off at 255. All but the darkest 0.4 % of the greys become white.
#            transformers' load_image and image processors convert in this way. Nobody warns.
# Matters:   the model is asked about an empty picture. It names no one, and the evaluation of unlearning counts that
#            as forgotten (or as lost knowledge on pictures to keep).
# Guard:     unsee scales grey of 16 and 32 bits itself:
#            tests/test_data_images.py::test_a_picture_looks_the_same_whatever_it_came_as ("16 bits" and the next rows)
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q pillow==13.0.0 transformers==5.23.0 torch==2.13.0 numpy==2.4.6

cd "$work"
OMP_NUM_THREADS=1 HF_HUB_OFFLINE=1 venv/bin/python - <<'PY'
import sys
import warnings

import numpy as np
import PIL
import transformers
from PIL import Image
from transformers.image_utils import load_image

# A ramp from nearly black to nearly white, and the same ramp in 8 bits.
ramp = np.tile(np.linspace(0x0200, 0xFF00, 28), (28, 1))
Image.fromarray(ramp.astype(np.uint16)).save("deep.png")
Image.fromarray((ramp / 257).astype(np.uint8)).save("plain.png")
processor = transformers.CLIPImageProcessorPil(
    size={"shortest_edge": 28}, crop_size={"height": 28, "width": 28}, do_normalize=False
)
with warnings.catch_warnings(record=True) as warned:
    warnings.simplefilter("always")
    given = {name: load_image(name) for name in ("plain.png", "deep.png")}
    given["deep.png, as Image"] = Image.open("deep.png")
    seen = {name: processor(picture, return_tensors="np")["pixel_values"] for name, picture in given.items()}
print("Pillow", PIL.__version__, "transformers", transformers.__version__)
for name, pixels in seen.items():
    print(f"{name}: {len(np.unique(pixels))} shades, from {pixels.min():.2f} to {pixels.max():.2f} (1 is white)")
print("warnings:", len(warned))
plain, *deep = seen.values()
shown = len(np.unique(plain)) == 28 and all((pixels == 1).all() for pixels in deep) and not warned
sys.exit(0 if shown else "The behaviour has changed.")
PY
