#!/usr/bin/env bash
# A picture that was changed in place is stored as its file still has it: black boxes over faces are gone.
#
# With:   datasets 5.2.0, litdata 0.2.76, pillow 13.0.0
# Does:   both store a Pillow picture that knows its file by that file's bytes (litdata) or name (datasets), without a
#         look at its pixels. What works in place - paste, thumbnail, ImageDraw - keeps the name; what makes a new
#         picture - copy, crop, resize - loses it and is encoded. Nothing warns.
# Guess:  the picture that map or optimize is given is the one that is stored.
# Seen:   a gray crop whose upper part was pasted black comes back with 200 there, not 0, from Dataset.map,
#         Dataset.from_list and litdata.optimize; a thumbnail comes back in full size.
# Beside: after copy() all three give 0, and so does map where a row brought bytes and no file.
# Use:    picture.copy() before anything in place, and a look at what was stored before it leaves the house.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet datasets==5.2.0 litdata==0.2.76 pillow==13.0.0 torch==2.14.1 torchvision==0.29.1
cd "$folder"
cat > stored.py <<'PYTHON'
import sys
from pathlib import Path

import datasets
import litdata
import numpy as np
from PIL import Image

datasets.disable_progress_bars()
FACE = (0, 0, 64, 24)


def opened(*, copied):
    """The crop with a black box over its face."""
    picture = Image.open("crop.jpg")
    picture = picture.copy() if copied else picture
    picture.paste((0, 0, 0), FACE)
    return picture


def for_litdata(copied):
    return {"picture": opened(copied=copied)}


def mapped(change, row):
    """What a dataset of one row gives after map."""
    rows = datasets.Dataset.from_dict({"picture": [row]}).cast_column("picture", datasets.Image())
    return rows.map(lambda one: {"picture": change(one["picture"])})[0]["picture"]


def pasted(picture):
    picture.paste((0, 0, 0), FACE)
    return picture


def pasted_copy(picture):
    return pasted(picture.copy())


def small(picture):
    picture.thumbnail((32, 64))
    return picture


def face(picture):
    return int(np.asarray(picture)[0, 0, 0])


if __name__ == "__main__":
    Image.new("RGB", (64, 128), (200, 200, 200)).save("crop.jpg", quality=95)
    whole = {"bytes": Path("crop.jpg").read_bytes(), "path": None}
    seen = {
        "map": face(mapped(pasted, "crop.jpg")),
        "from_list": face(datasets.Dataset.from_list([{"picture": opened(copied=False)}])[0]["picture"]),
        "map of a copy": face(mapped(pasted_copy, "crop.jpg")),
        "from_list of a copy": face(datasets.Dataset.from_list([{"picture": opened(copied=True)}])[0]["picture"]),
        "map of bytes": face(mapped(pasted, whole)),
        "thumbnail": mapped(small, "crop.jpg").size,
    }
    litdata.optimize(for_litdata, [False, True], output_dir="stored", num_workers=1, chunk_bytes="1MB")
    plain, copied = (int(row["picture"][0, 0, 0]) for row in litdata.StreamingDataset("stored"))
    seen |= {"litdata": plain, "litdata of a copy": copied}
    print(seen)
    before = [200, 200, 0, 0, 0, (64, 128), 200, 0]
    sys.exit(0 if list(seen.values()) == before else f"changed; before: {before}")
PYTHON
TMPDIR="$folder" HF_HOME="$folder/cache" HF_DATASETS_OFFLINE=1 OMP_NUM_THREADS=1 "$folder/venv/bin/python" -W ignore stored.py 2> said.txt || { cat said.txt; exit 1; }
