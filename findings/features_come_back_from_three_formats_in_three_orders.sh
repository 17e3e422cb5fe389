#!/usr/bin/env bash
# Embeddings stored under their image's name come back from safetensors, HDF5 and zarr in orders that differ.
#
# With:   safetensors 0.8.0, h5py 3.16.0, zarr 3.1.6, numpy 2.4.6
# Does:   safetensors.numpy.load_file orders by width of the type, widest first, then by name; safe_open(...).keys() in
#         the same library by name alone. h5py orders by name ("10" before "2"). zarr lists a folder as the disk does.
# Guess:  the order of writing, as np.savez keeps it.
# Seen:   written 10, 2, 1, mean, count: safetensors count, mean, 1, 10, 2 and by safe_open 1, 10, 2, count, mean; HDF5
#         1, 10, 2, count, mean.
# Beside: npz 10, 2, 1, mean, count; zarr: all five, in an order of the file system's.
# Use:    one array of all embeddings and one list of names; never zip(names, file.values()).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet safetensors==0.8.0 h5py==3.16.0 zarr==3.1.6 numpy==2.4.6
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import sys

import h5py
import numpy as np
import zarr
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

embeddings = {name: np.full(4, float(name), dtype=np.float16) for name in ("10", "2", "1")}
written = {**embeddings, "mean": np.zeros(4, dtype=np.float32), "count": np.zeros(1, dtype=np.int64)}
save_file(written, "a.safetensors")
np.savez("a.npz", **written)
with h5py.File("a.h5", "w") as file:
    for name, array in written.items():
        file[name] = array
group = zarr.open_group("a.zarr", mode="w")
for name, array in written.items():
    group.create_array(name, data=array)

with safe_open("a.safetensors", "np") as file:
    opened = list(file.keys())
with h5py.File("a.h5") as file:
    hdf = list(file)
print("zarr:", list(zarr.open_group("a.zarr", mode="r").array_keys()))
seen = {
    "npz": list(np.load("a.npz")),
    "safetensors, load_file": list(load_file("a.safetensors")),
    "safetensors, safe_open": opened,
    "hdf5": hdf,
    "zarr has all": set(zarr.open_group("a.zarr", mode="r").array_keys()) == set(written),
}
expected = {
    "npz": ["10", "2", "1", "mean", "count"],
    "safetensors, load_file": ["count", "mean", "1", "10", "2"],
    "safetensors, safe_open": ["1", "10", "2", "count", "mean"],
    "hdf5": ["1", "10", "2", "count", "mean"],
    "zarr has all": True,
}
print(seen)
sys.exit(0 if seen == expected else f"changed; before: {expected}")
PYTHON
