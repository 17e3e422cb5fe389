#!/usr/bin/env bash
# load_dataset("imagefolder", data_dir="Market-1501") has a train and a test split, and nobody who is searched for.
#
# With:   datasets 5.2.0, Pillow 13.0.0, numpy 2.4.6
# Does:   once one folder's name holds the word train, validation or test, set off by other signs, only such folders
#         are loaded. The others are left out. Images of a split with one folder get no label.
# Guess:  three folders, three splits, or one split of everything, as it is for folders named otherwise.
# Seen:   bounding_box_train, bounding_box_test and query: train and test, the queries in neither. The label of each
#         test image is 0, bounding_box_test, that of each training image None. train, gallery and query: train alone.
# Beside: without the folder for training gallery and query are loaded, both as train.
# Use:    data_files={"train": "bounding_box_train/*", "gallery": "bounding_box_test/*", "query": "query/*"}.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet datasets==5.2.0 pillow==13.0.0 numpy==2.4.6
cd "$folder"
HF_HOME="$folder/home" HF_HUB_OFFLINE=1 "$folder/venv/bin/python" - <<'PYTHON' 2> log || { tail -3 log; exit 1; }
import sys
from pathlib import Path

import numpy as np
from datasets import load_dataset
from PIL import Image


def draw(root, *folders):
    """Two images of each of two people in each folder."""
    for folder in folders:
        path = Path(root, folder)
        path.mkdir(parents=True)
        for name in ("0002_c1s1_000151_00", "0002_c2s1_000251_00", "0007_c1s1_000351_00", "0007_c2s1_000451_00"):
            Image.fromarray(np.full((128, 64, 3), 100, np.uint8)).save(path / f"{name}.jpg")
    return str(Path(root).absolute())


def splits(**options):
    """Each split's folders, with the labels of its images."""
    found = {}
    for name, split in load_dataset("imagefolder", **options).items():
        rows = [(Path(row["image"].filename).parent.name, row.get("label")) for row in split]
        found[name] = sorted(set(rows), key=str)
    return found


market = draw("market", "bounding_box_train", "bounding_box_test", "query")
patterns = {"train": "bounding_box_train/*", "gallery": "bounding_box_test/*", "query": "query/*"}
seen = {
    "market": splits(data_dir=market),
    "named": splits(data_dir=draw("named", "train", "gallery", "query")),
    "searched": splits(data_dir=draw("searched", "gallery", "query")),
    "given": sorted(splits(data_dir=market, data_files=patterns)),
}
print(seen)
expected = {
    "market": {"train": [("bounding_box_train", None)], "test": [("bounding_box_test", 0)]},
    "named": {"train": [("train", None)]},
    "searched": {"train": [("gallery", 0), ("query", 1)]},
    "given": ["gallery", "query", "train"],
}
sys.exit(0 if seen == expected else f"changed; before: {expected}")
PYTHON
