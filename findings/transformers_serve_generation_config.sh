#!/usr/bin/env bash
# `transformers serve` cuts answers at 20 tokens, and reports them as ended, if a request brings a generation_config.
#
# Packages:  transformers 5.23.0 with its extra "serving"
# Expected:  {"do_sample": true} as the request's generation_config, the way to sample from a model whose own settings
#            are greedy, changes that one setting. An answer that is cut has the finish_reason "length".
# Happens:   it takes away the server's limit of 1,024 tokens as well, so that transformers' own default holds. Without
#            max_tokens the answer is cut at 20 tokens and has the finish_reason "stop", streamed or not.
# Matters:   an attack draws many samples of an unlearned model and looks for the secret in them. What comes after 20
#            tokens is never seen, a thought has not reached its answer by then, and the reply does not say so: perfect
#            forgetting.
# Guard:     unsee always asks a server with a limit and without a generation_config, and counts the answers that were
#            cut: tests/test_engine_served.py::test_pictures_go_without_loss_in_front_of_the_text_and_the_answer_is_greedy
set -euo pipefail
work=$(mktemp -d)
server=
trap '[[ -z $server ]] || kill "$server" 2> /dev/null || true; wait; rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q torch==2.13.0 numpy==2.4.6
"$work/venv/bin/pip" install -q "transformers[serving]==5.23.0" pillow==13.0.0

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
size = {"hidden_size": 264, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 4}
ends = {"eos_token_id": tokenizer.eos_token_id, "pad_token_id": tokenizer.pad_token_id, "bos_token_id": None}
config = hf.LlavaConfig(
    vision_config=hf.CLIPVisionConfig(**size, image_size=28, patch_size=14),
    text_config=hf.LlamaConfig(**size, vocab_size=len(tokenizer), **ends),
    image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
)
torch.manual_seed(0)
model = hf.LlavaForConditionalGeneration(config)
# Each token calls for the next one: a question mark is answered with the alphabet, and then the answer ends.
said = [*tokenizer("?abcdefghijklmnopqrstuvwxyz")["input_ids"], tokenizer.eos_token_id]
layer = model.model.language_model.layers[0]
with torch.no_grad():
    for silent in (layer.self_attn.o_proj, layer.mlp.down_proj, model.lm_head):
        silent.weight.zero_()
    model.model.language_model.embed_tokens.weight.copy_(torch.eye(len(tokenizer), 264))
    model.lm_head.weight[said[1:], said[:-1]] = 10
model.generation_config = hf.GenerationConfig(**ends)
model.save_pretrained("model")
PY
port=$(venv/bin/python -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
venv/bin/transformers serve "$work/model" --host 127.0.0.1 --port "$port" --device cpu > log 2>&1 &
server=$!
venv/bin/python - "http://127.0.0.1:$port" "$work/model" <<'PY'
import json
import sys
import time
import urllib.request
from importlib.metadata import version

address, folder = sys.argv[1:]
for _ in range(180):
    try:
        urllib.request.urlopen(f"{address}/health").close()
        break
    except OSError:
        time.sleep(1)


def served(**settings) -> tuple[str, str]:
    """The text and the finish_reason."""
    body = {"model": folder, "messages": [{"role": "user", "content": "Say the alphabet?"}], **settings}
    data, head = json.dumps(body).encode(), {"Content-Type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(f"{address}/v1/chat/completions", data, head)) as answer:
        read = answer.read().decode()
    if not settings.get("stream"):
        choice = json.loads(read)["choices"][0]
        return choice["message"]["content"], choice["finish_reason"]
    chunks = [json.loads(line[6:])["choices"][0] for line in read.splitlines() if line.startswith("data: {")]
    return "".join(chunk["delta"].get("content", "") for chunk in chunks), chunks[-1]["finish_reason"]


whole = "abcdefghijklmnopqrstuvwxyz"
sampled, greedy = json.dumps({"do_sample": True}), json.dumps({"do_sample": False})
requests = {
    "no settings": ({}, whole),
    "do_sample true": ({"generation_config": sampled}, whole[:20]),
    "do_sample true, temperature 0.7": ({"generation_config": sampled, "temperature": 0.7}, whole[:20]),
    "do_sample true, streamed": ({"generation_config": sampled, "stream": True}, whole[:20]),
    "do_sample false": ({"generation_config": greedy}, whole[:20]),
    "do_sample true, max_tokens 64": ({"generation_config": sampled, "max_tokens": 64}, whole),
}
print("transformers", version("transformers"))
shown = True
for name, (settings, expected) in requests.items():
    text, reason = served(**settings)
    print(f"{name}: {text!r}, {len(text)} letters, finish_reason {reason}")
    shown &= (text, reason) == (expected, "stop")
text, reason = served(max_tokens=20)
print(f"max_tokens 20: {text!r}, {len(text)} letters, finish_reason {reason}")
shown &= (text, reason) == (whole[:20], "length")
sys.exit(0 if shown else "The behaviour has changed.")
PY
