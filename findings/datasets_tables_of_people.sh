#!/usr/bin/env bash
# `load_dataset` changes the facts of a table of people: dates in JSON Lines, names and numbers in CSV.
#
# Packages:  datasets 5.2.0
# Expected:  JSON strings stay strings; a CSV file of the same rows gives the same values.
# Happens:   JSON strings that look like dates become timestamps ("1987-03-05" reads "1987-03-05 00:00:00" in a
#            prompt). From CSV the person "Na" is kept and "NA" becomes None, and the number "0042" becomes 42.
# Matters:   such tables are the ground truth of unlearning benchmarks. An answer with the right birthday no longer
#            equals the truth and counts as forgotten; a person without a name is asked about as "None".
# Guard:     unsee reads JSON Lines itself and keeps every text:
#            tests/test_training_data.py::test_what_is_written_is_read_back
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q datasets==5.2.0 pandas==3.1.1 pyarrow==26.0.1 numpy==2.4.6

cd "$work"
HF_HUB_OFFLINE=1 HF_HOME="$work/cache" venv/bin/python - <<'PY'
import csv
import json
import sys
import warnings
from pathlib import Path

import datasets

datasets.disable_progress_bars()
people = [
    {"name": "NA", "born": "1987-03-05", "number": "0042"},
    {"name": "Na", "born": "1990-11-30", "number": "0107"},
]
Path("people.jsonl").write_text("".join(json.dumps(person) + "\n" for person in people))
with open("people.csv", "w", newline="") as file:
    writer = csv.DictWriter(file, people[0])
    writer.writeheader()
    writer.writerows(people)
print("datasets", datasets.__version__, "\nwritten:", people[0])
with warnings.catch_warnings(record=True) as warned:
    warnings.simplefilter("always")
    read = {
        kind: datasets.load_dataset(kind, data_files=name, split="train")
        for kind, name in (("json", "people.jsonl"), ("csv", "people.csv"))
    }
for kind, rows in read.items():
    print(f"{kind}: {rows[0]}")
print("a prompt from JSON Lines:", "{name} was born on {born}.".format(**read["json"][0]))
told = [str(warning.message) for warning in warned]
print("warnings:", told)
first, second = read["csv"]
shown = str(read["json"][0]["born"]) == "1987-03-05 00:00:00" and first["name"] is None and first["number"] == 42
sys.exit(0 if shown and second["name"] == "Na" and not told else "The behaviour has changed.")
PY
