"""Checks unsee's figures of TOFU against those that its published logs give, to six digits. It needs no model.

Clone https://github.com/locuslab/tofu, whose folder `data` has the logs, and run

    python recipes/tofu_golden.py TOFU/data

The figures are those of the Llama 2 7B models with weight decay 0.01: one that learnt everything, and three that never
saw 1, 5 or 10 % of the authors. They were computed with NumPy and SciPy alone, from the released formulas. Exits with
status 1 if one differs.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from unsee.benchmarks.published.logs import log_scores, read_log

LOGS = "ft_epoch5_lr1e-05_llama2-7b_{}_wd0.01/eval_results/ds_size300"
GOLDEN = {
    "full": {
        "tofu_utility_published": 0.622677,
        "tofu/retain/probability/text": 0.989527,
        "tofu/retain/rouge_l_recall/text": 0.985655,
        "tofu_truth_published/retain": 0.474699,
        "tofu_forget_distance_published": 0.396667,
        "tofu_forget_quality_published": 1.834066e-21,
    },
    "retain90": {"tofu_utility_published": 0.613745, "tofu_forget_quality_published": 1.0},
    "retain95": {"tofu_utility_published": 0.600577},
    "retain99": {"tofu_utility_published": 0.620744},
}
ORACLE = "retain90"
DIGITS = 6


def main(data: Path) -> int:
    logs = {model: read_log(data / LOGS.format(model)) for model in GOLDEN}
    wrong = 0
    for model, golden in GOLDEN.items():
        asked_alike = len(logs[model]["forget"]) == len(logs[ORACLE]["forget"])
        scores = log_scores(logs[model], logs[ORACLE] if asked_alike else None)
        for key, value in golden.items():
            found = scores[key].value
            same = f"{found:.{DIGITS}g}" == f"{value:.{DIGITS}g}"
            wrong += not same
            print(f"{'ok   ' if same else 'WRONG'} {model:9} {key:34} {found:.7g}, published {value:.7g}")
    return int(wrong > 0)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="the folder `data` of the clone")
    sys.exit(main(parser.parse_args().data))
