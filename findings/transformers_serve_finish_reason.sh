#!/usr/bin/env bash
# `transformers serve` reports an answer that the model ended itself as cut, if it ends with the last token allowed.
#
# Packages:  transformers 5.23.0 with its extra "serving"
# Expected:  finish_reason is "stop" if the answer ends with the model's end token, "length" if it was cut before that.
# Happens:   it compares the number of tokens, the end token among them, with max_tokens. An answer whose end token is
#            the last one allowed is "length": by chat completions, streamed or not, and by completions. The text is
#            whole, and the same as that of an answer which was cut just before its end token.
# Matters:   answers that were cut are left out, asked again with more tokens or counted as no answer. With few tokens,
#            as for a name or a letter, these are many: of answers "Nils" to at most 5 tokens, all are whole and none
#            counts, and a model that still knows the name seems never to say it.
# Guard:     unsee counts such an answer as cut, never as a whole one, and docs/serving.md advises a higher limit; in its
#            own process it looks at the last token: Response.ended,
#            tests/test_generation_engine.py::test_an_answer_ends_at_a_stop_token
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
# Each token calls for the next one: a question mark is answered with "Nils", and then the answer ends.
said = [*tokenizer("?Nils")["input_ids"], tokenizer.eos_token_id]
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

import transformers as hf

address, folder = sys.argv[1:]
for _ in range(180):
    try:
        urllib.request.urlopen(f"{address}/health").close()
        break
    except OSError:
        time.sleep(1)


def served(path: str, **body) -> tuple[str, str]:
    """The text and the finish_reason."""
    data, head = json.dumps({"model": folder, **body}).encode(), {"Content-Type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(f"{address}/v1/{path}", data, head)) as answer:
        read = answer.read().decode()
    if not body.get("stream"):
        choice = json.loads(read)["choices"][0]
        return choice["message"]["content"] if "message" in choice else choice["text"], choice["finish_reason"]
    chunks = [json.loads(line[6:])["choices"][0] for line in read.splitlines() if line.startswith("data: {")]
    return "".join(chunk["delta"].get("content", "") for chunk in chunks), chunks[-1]["finish_reason"]


processor = hf.AutoProcessor.from_pretrained(folder)
model = hf.AutoModelForImageTextToText.from_pretrained(folder)
question = processor(text="Who?", return_tensors="pt")
asked = {"messages": [{"role": "user", "content": "Who?"}]}
print("transformers", hf.__version__)
shown = True
for most in (3, 4, 5, 6):
    tokens = model.generate(**question, max_new_tokens=most)[0, question["input_ids"].shape[1] :]
    ended = int(tokens[-1]) == processor.tokenizer.eos_token_id
    text = processor.decode(tokens, skip_special_tokens=True)
    answers = [
        served("chat/completions", **asked, max_tokens=most),
        served("chat/completions", **asked, max_tokens=most, stream=True),
        served("completions", prompt="Who?", max_tokens=most),
    ]
    reasons = [reason for _, reason in answers]
    print(f"max_tokens {most}: generate says {text!r}, ended: {ended}; served as {', '.join(reasons)}")
    shown &= [said for said, _ in answers] == [text] * 3
    shown &= ended == (most >= 5) and reasons == ["length" if most <= 5 else "stop"] * 3
sys.exit(0 if shown else "The behaviour has changed.")
PY
