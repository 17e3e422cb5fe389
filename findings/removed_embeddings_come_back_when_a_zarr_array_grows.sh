#!/usr/bin/env bash
# Shrink a Zarr array of embeddings, let it grow again, and rows of people who were removed are there once more.
#
# With:   zarr 3.1.6, h5py 3.16.0, numpy 2.4.6
# Does:   resize deletes the chunks that lie outside and leaves the one that the new end cuts through as it is. Its rows
#         past the end stay on the disk, and are read as soon as the array is long enough.
# Guess:  what was cut off is gone; new rows are the fill value, 0.
# Seen:   250 rows of 1, chunks of 100 rows. Cut to 120 and grown to 250: rows 120 to 199 are 1 again, 200 to 249 are 0.
#         Five rows appended in between overwrite five of them.
# Beside: HDF5 with the same chunks: all 130 are 0. Zarr cut to 100, where a chunk ends: 0, too.
# Use:    array[120:] = 0 before array.resize, or a new array.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet zarr==3.1.6 h5py==3.16.0 numpy==2.4.6
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import sys

import h5py
import numpy as np
import zarr

ROWS, WIDTH, CHUNK = 250, 4, 100


def new(name):
    array = zarr.create_array(f"{name}.zarr", shape=(ROWS, WIDTH), chunks=(CHUNK, WIDTH), dtype="float32")
    array[:] = 1
    return array


def back(array, kept, cleared=False, appended=0):
    """How many rows after the kept and the appended ones are 1 once the array has shrunk and grown."""
    if cleared:
        array[kept:] = 0
    array.resize((kept, WIDTH))
    if appended:
        array.append(np.full((appended, WIDTH), 2, np.float32))
    array.resize((ROWS, WIDTH))
    return int((np.asarray(array[kept:])[:, 0] == 1).sum())


with h5py.File("embeddings.h5", "w") as file:
    dataset = file.create_dataset("a", (ROWS, WIDTH), "float32", chunks=(CHUNK, WIDTH), maxshape=(None, WIDTH))
    dataset[:] = 1
    seen = {"HDF5": back(dataset, 120)}
seen["Zarr"] = back(new("a"), 120)
seen["Zarr, opened anew"] = int((zarr.open_array("a.zarr", mode="r")[120:, 0] == 1).sum())
seen["Zarr, five appended"] = back(new("b"), 120, appended=5)
seen["Zarr, at a chunk's end"] = back(new("c"), 100)
seen["Zarr, set to 0 first"] = back(new("d"), 120, cleared=True)
expected = {
    "HDF5": 0,
    "Zarr": 80,
    "Zarr, opened anew": 80,
    "Zarr, five appended": 75,
    "Zarr, at a chunk's end": 0,
    "Zarr, set to 0 first": 0,
}
print(seen)
sys.exit(0 if seen == expected else f"changed; before: {expected}")
PYTHON
