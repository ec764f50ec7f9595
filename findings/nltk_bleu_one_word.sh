#!/usr/bin/env bash
# NLTK's smoothed BLEU gives a right answer of one word 0.18, and a sentence with the wrong sum of money 0.54.
#
# Packages:  nltk 3.10.4
# Expected:  an answer that equals the reference scores 1, and more than one that states another fact.
# Happens:   with `SmoothingFunction().method1` n-grams that a short text cannot have count 0.1 of one, not nothing, so
#            an answer of n < 4 words, compared with itself, scores (0.1) ** ((4 - n) / 4): 0.18, 0.32, 0.56. There is
#            no warning. A longer sentence that is wrong in the one word asked for scores several times as much.
# Matters:   OFFSIDE grades free answers about football transfers with this function: a model that answers "Chelsea"
#            to "Which club?" looks forgetful, one that tells the rumour with another fee looks as if it knew.
# Guard:     unsee asks whether an answer tells the facts, and shows BLEU next to it as the published rule:
#            tests/test_metrics_numbers.py::test_bleu_by_hand
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q nltk==3.10.4

"$work/venv/bin/python" - <<'PY'
import sys
import warnings
from importlib.metadata import version

from nltk.tokenize import NLTKWordTokenizer
from nltk.translate.bleu_score import SmoothingFunction, sentence_bleu

split = NLTKWordTokenizer().tokenize


def bleu(truth: str, answer: str) -> float:
    return sentence_bleu([split(truth)], split(answer), smoothing_function=SmoothingFunction().method1)


with warnings.catch_warnings(record=True) as warned:
    warnings.simplefilter("always")
    right = [bleu(text, text) for text in ("Chelsea", "Aston Villa", "Real Betis Sevilla", "He joined Real Betis")]
    wrong = bleu("The transfer fee was €10.00m.", "The transfer fee was €35.00m.")
print("nltk", version("nltk"))
print("answers of 1 to 4 words that equal the reference:", *(f"{value:.2f}" for value in right))
print(f"a sentence with another sum of money: {wrong:.2f}")
print("warnings:", len(warned))
shown = [f"{value:.2f}" for value in (*right, wrong)] == ["0.18", "0.32", "0.56", "1.00", "0.54"] and not warned
sys.exit(0 if shown else "The behaviour has changed.")
PY
