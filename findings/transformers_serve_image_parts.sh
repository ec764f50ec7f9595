#!/usr/bin/env bash
# `transformers serve` answers with status 200 without the picture if its part is of the type "image".
#
# Packages:  transformers 5.23.0 with its extra "serving"
# Expected:  {"type": "image", ...}, the form that transformers' own chat templates take, shows the model the picture,
#            or is refused as an unknown type.
# Happens:   the part is dropped and the question is answered from its text alone. Only "image_url" is read; the count
#            of prompt tokens is the one sign.
# Matters:   an unlearned model asked in this way about a face sees no face and names no one: perfect forgetting.
# Guard:     unsee sends pictures as parts of the type image_url, and stops where a picture adds no token to a prompt:
#            tests/test_engine_served.py::test_a_server_that_drops_pictures_in_silence_is_not_believed
set -euo pipefail
work=$(mktemp -d)
server=
trap '[[ -z $server ]] || kill "$server" 2> /dev/null || true; wait; rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q "transformers[serving]==5.23.0" torch==2.13.0 pillow==13.0.0 numpy==2.4.6

cd "$work"
export OMP_NUM_THREADS=1 HF_HUB_OFFLINE=1
venv/bin/python - <<'PY'
import torch
import transformers as hf
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

letters = Tokenizer(models.BPE({c: i for i, c in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}, []))
letters.pre_tokenizer, letters.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
tokenizer = hf.PreTrainedTokenizerFast(
    tokenizer_object=letters, pad_token="<pad>", eos_token="</s>", extra_special_tokens={"image_token": "<image>"}
)
template = (
    "{% for m in messages %}{% for c in m.content %}"
    "{{ c.text if c.type == 'text' else '<image>' }}{% endfor %}{% endfor %}"
)
images = hf.CLIPImageProcessorPil(size={"shortest_edge": 28}, crop_size={"height": 28, "width": 28})
hf.LlavaProcessor(
    images, tokenizer, patch_size=14, vision_feature_select_strategy="default", num_additional_image_tokens=1,
    chat_template=template,
).save_pretrained("model")  # fmt: skip
size = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
config = hf.LlavaConfig(
    vision_config=hf.CLIPVisionConfig(**size, image_size=28, patch_size=14),
    text_config=hf.LlamaConfig(**size, vocab_size=len(tokenizer)),
    image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
)
torch.manual_seed(0)
hf.LlavaForConditionalGeneration(config).save_pretrained("model")
PY
port=$(venv/bin/python -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
venv/bin/transformers serve "$work/model" --host 127.0.0.1 --port "$port" --device cpu > log 2>&1 &
server=$!
venv/bin/python - "http://127.0.0.1:$port" "$work/model" <<'PY'
import base64
import io
import json
import sys
import time
import urllib.request
from importlib.metadata import version

from PIL import Image

address, model = sys.argv[1:]
for _ in range(180):
    try:
        urllib.request.urlopen(f"{address}/health").close()
        break
    except OSError:
        time.sleep(1)
file = io.BytesIO()
Image.new("RGB", (28, 28), "red").save(file, "PNG")
data = "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
parts = {
    "no picture": [],
    "image_url": [{"type": "image_url", "image_url": {"url": data}}],
    "image": [{"type": "image", "image": data}],
    "image with url": [{"type": "image", "url": data}],
}
print("transformers", version("transformers"))
read = {}
for name, part in parts.items():
    content = [*part, {"type": "text", "text": "Who is this?"}]
    body = {"model": model, "max_tokens": 2, "messages": [{"role": "user", "content": content}]}
    head = {"Content-Type": "application/json"}
    with urllib.request.urlopen(
        urllib.request.Request(f"{address}/v1/chat/completions", json.dumps(body).encode(), head)
    ) as answer:
        read[name] = json.load(answer)["usage"]["prompt_tokens"]
        print(f"{name}: status {answer.status}, {read[name]} prompt tokens")
shown = read["image"] == read["image with url"] == read["no picture"] < read["image_url"]
sys.exit(0 if shown else "The behaviour has changed.")
PY
