#!/usr/bin/env bash
# rouge-score gives two identical Russian, Chinese, Arabic or Hindi texts ROUGE-L 0, and two different ones 1.
#
# Packages:  rouge-score 0.1.2
# Expected:  a text compared with itself scores 1 in any language, or the library says it cannot read the script.
# Happens:   the default tokenizer keeps a-z and 0-9 only, without a warning. Identical texts score 0. If the texts
#            also hold the same number, everything else is ignored and different texts score 1.
# Matters:   ROUGE-L is a column of MLLMU-Bench and the reward of GRPO for refusing to tell a secret. On multilingual
#            answers of a vision-language model the column is always 0 ("forgotten"), and the reward is constant.
# Guard:     unsee tokenises words of any script, and keeps the library's figures for English to the digit:
#            tests/test_metrics_numbers.py::test_rouge_l_reads_words_of_any_script
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q rouge-score==0.1.2 nltk==3.10.4 numpy==2.4.6

"$work/venv/bin/python" - <<'PY'
import sys
import warnings
from importlib.metadata import version

from rouge_score.rouge_scorer import RougeScorer

scorer = RougeScorer(["rougeL"], use_stemmer=True)


def rouge_l(truth: str, answer: str) -> float:
    return float(scorer.score(truth, answer)["rougeL"].fmeasure)


texts = {
    "English": "This is Mara Voss, a baker.",
    "Russian": "Это Мара Восс, она пекарь.",
    "Chinese": "这是玛拉·沃斯，她是面包师。",
    "Arabic": "هذه مارا فوس وهي خبازة",
    "Hindi": "यह मारा वोस है, वह एक बेकर है",
}
with warnings.catch_warnings(record=True) as warned:
    warnings.simplefilter("always")
    same = {language: rouge_l(text, text) for language, text in texts.items()}
    other = rouge_l("Это Мара Восс, ей 34 года.", "Это пекарня на площади, дом 34.")
print("rouge-score", version("rouge-score"))
for language, value in same.items():
    print(f"{language:8} ROUGE-L of a text with itself: {value}")
print(f"Russian  ROUGE-L of two texts that share only the number 34: {other}")
print("warnings:", len(warned))
shown = same.pop("English") == 1.0 and not any(same.values()) and other == 1.0 and not warned
sys.exit(0 if shown else "The behaviour has changed.")
PY
