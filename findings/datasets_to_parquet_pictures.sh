#!/usr/bin/env bash
# `Dataset.to_parquet` writes no pictures: the file holds paths on the machine of whoever wrote it.
#
# Packages:  datasets 5.2.0, Pillow 13.0.0
# Expected:  a Parquet file of a column of the type Image holds the pictures, as the files of the hub do.
# Happens:   of pictures given by path it holds the full local path and no bytes, without a warning. It reads well where
#            it was written. (save_to_disk puts the pictures in.)
# Matters:   a benchmark of faces to forget, published in this way, has no faces for anybody else, and tells everybody
#            the author's folders.
# Guard:     unsee writes the bytes itself and refuses pictures that a file only points to:
#            tests/test_mllmu_layout.py::test_bad_rows_are_named
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q datasets==5.2.0 pillow==13.0.0 pyarrow==26.0.1 numpy==2.4.6

cd "$work"
HF_HUB_OFFLINE=1 HF_HOME="$work/cache" venv/bin/python - <<'PY'
import sys
import warnings
from pathlib import Path

import datasets
import pyarrow.parquet
from PIL import Image

datasets.disable_progress_bars()
Path("private").mkdir()
picture = Path("private/mara.png").absolute()
Image.new("RGB", (8, 8), "red").save(picture)
features = datasets.Features({"image": datasets.Image(), "name": datasets.Value("string")})
people = datasets.Dataset.from_dict({"image": [str(picture)], "name": ["Mara Voss"]}, features=features)
with warnings.catch_warnings(record=True) as warned:
    warnings.simplefilter("always")
    people.to_parquet("people.parquet")
    people.save_to_disk("people")
written = pyarrow.parquet.read_table("people.parquet").to_pylist()[0]["image"]
kept = datasets.load_from_disk("people").cast_column("image", datasets.Image(decode=False))[0]["image"]
print("datasets", datasets.__version__)
for way, held in (("to_parquet", written), ("save_to_disk", kept)):
    path = "the full local path" if held["path"] == str(picture) else repr(held["path"])
    print(f"{way}: {len(held['bytes'] or b'')} bytes of picture, path: {path}")
print("warnings:", len(warned))
picture.unlink()
try:
    datasets.load_dataset("parquet", data_files="people.parquet", split="train")[0]
    readable = True
except FileNotFoundError:
    readable = False
print("the Parquet file can be read without the original picture:", readable)
shown = not written["bytes"] and written["path"] == str(picture) and kept["bytes"] and not readable and not warned
sys.exit(0 if shown else "The behaviour has changed.")
PY
