#!/usr/bin/env bash
# The Trainer resumes a LLaVA from a checkpoint with the weights it had before training.
#
# Packages:  transformers 5.23.0, accelerate 1.15.0
# Expected:  train(resume_from_checkpoint=...) continues where the run was interrupted: step 5 after step 4.
# Happens:   the checkpoint holds the hub's names ("language_model.model..."), the model has others
#            ("model.language_model..."). The Trainer compares the two as they are, logs missing and unexpected keys
#            as a warning, loads almost nothing, and trains on: optimizer, schedule and step count of step 4 on the
#            untrained weights. from_pretrained of the same folder loads every weight.
# Matters:   unlearning of all weights, interrupted once, ends with half of the training and a log that looks whole.
# Guard:     unsee loads such checkpoints by from_pretrained and compares with an uninterrupted run:
#            tests/test_training.py::test_an_interrupted_run_resumes_to_the_result_of_an_uninterrupted_one
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q transformers==5.23.0 torch==2.13.0 accelerate==1.15.0 numpy==2.4.6

cd "$work"
OMP_NUM_THREADS=1 HF_HUB_OFFLINE=1 venv/bin/python - <<'PY'
import logging
import sys

import torch
import transformers as hf


def tiny_llava():
    torch.manual_seed(0)
    size = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
    config = hf.LlavaConfig(
        vision_config=hf.CLIPVisionConfig(**size, image_size=28, patch_size=14),
        text_config=hf.LlamaConfig(**size, vocab_size=64),
        image_token_index=63,
    )
    return hf.LlavaForConditionalGeneration(config).eval()


class Kept(logging.Handler):
    said: list[str] = []

    def emit(self, record):
        self.said.append(record.getMessage())


def losses(steps, checkpoint=None):
    args = hf.TrainingArguments(
        "run", max_steps=steps, save_steps=4, logging_steps=1, learning_rate=1e-2, lr_scheduler_type="constant",
        per_device_train_batch_size=2, use_cpu=True, report_to="none", disable_tqdm=True,
    )  # fmt: skip
    row = {"input_ids": torch.arange(10), "labels": torch.arange(10)}
    model = hf.LlavaForConditionalGeneration.from_pretrained("base")
    trainer = hf.Trainer(model=model, args=args, train_dataset=[row] * 8)
    trainer.remove_callback(hf.PrinterCallback)
    trainer.train(resume_from_checkpoint=checkpoint)
    return [round(entry["loss"], 2) for entry in trainer.state.log_history if "loss" in entry]


hf.utils.logging.disable_progress_bar()
hf.utils.logging.disable_default_handler()  # the warning is several thousand characters of names
logging.getLogger("transformers").addHandler(Kept())
print("transformers", hf.__version__)
tiny_llava().save_pretrained("base")
whole = losses(8)
resumed = losses(8, "run/checkpoint-4")
print("losses of an uninterrupted run:", whole)
print("resumed after step 4:          ", resumed)
told = [text.split(":")[0] for text in Kept.said if "keys in the checkpoint" in text]
print("what the log says:", told)
_, report = hf.LlavaForConditionalGeneration.from_pretrained("run/checkpoint-4", output_loading_info=True)
print("from_pretrained of the checkpoint misses", len(report["missing_keys"]), "weights")
shown = resumed[:4] == whole[:4] and abs(resumed[4] - whole[0]) < 0.02 < whole[0] - whole[4]
sys.exit(0 if shown and len(told) == 2 and not report["missing_keys"] else "The behaviour has changed.")
PY
