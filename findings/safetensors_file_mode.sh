#!/usr/bin/env bash
# A model folder whose configuration everybody may read and whose weights only their owner may read.
#
# Packages:  safetensors 0.8.0, transformers 5.23.0
# Expected:  under the usual umask of 022 the files of save_pretrained have mode 644, all of them.
# Happens:   safetensors writes mode 600 whatever the umask; config.json beside it has 644.
# Matters:   unlearned weights are handed over: from the one who trained to a server's user, a container, a colleague.
#            The folder looks complete and lists well; loading ends in "permission denied" on the weights alone.
# Guard:     unsee gives everything it writes the mode of new files under the umask:
#            tests/test_models_export.py::test_everything_written_has_the_ordinary_mode
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q safetensors==0.8.0 transformers==5.23.0 torch==2.13.0 numpy==2.4.6

cd "$work"
umask 022
OMP_NUM_THREADS=1 HF_HUB_OFFLINE=1 venv/bin/python - <<'PY'
import sys
from importlib.metadata import version
from pathlib import Path

import torch
import transformers as hf
from safetensors.torch import save_file

size = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 4}
config = hf.LlavaConfig(
    vision_config=hf.CLIPVisionConfig(**size, image_size=28, patch_size=14),
    text_config=hf.LlamaConfig(**size, vocab_size=64),
    image_token_index=63,
)
hf.LlavaForConditionalGeneration(config).save_pretrained("model")
Path("bare").mkdir()
save_file({"weight": torch.ones(2)}, "bare/weights.safetensors")
print("safetensors", version("safetensors"), "transformers", hf.__version__, "umask 022")
modes = {path: path.stat().st_mode & 0o777 for folder in ("model", "bare") for path in sorted(Path(folder).iterdir())}
for path, mode in modes.items():
    print(f"{mode:o} {path}")
shown = all(mode == (0o600 if path.suffix == ".safetensors" else 0o644) for path, mode in modes.items())
sys.exit(0 if shown else "The behaviour has changed.")
PY
