#!/usr/bin/env bash
# A folder of embeddings that lost a file in copying opens, has its shape, and says 0 where the file was.
#
# With:   zarr 3.1.6, numpy 2.4.6
# Does:   a chunk that is not there means the fill value: that is how Zarr stores what nobody wrote. Nothing notes how
#         many chunks there were.
# Guess:  reading what was written and is gone raises; at least a look at the array shows it.
# Seen:   1,000 embeddings of ones in 10 files. One file removed: 100 rows of zeros, no word. Each of these rows has
#         inner product 0 with every query, and distance 0 to the 99 others. A file cut in half raises.
# Beside: a shard of 10 chunks is lost the same way. With fill_value=nan the rows are NaN, which a check can find; zeros
#         that were written are no files either, unless write_empty_chunks is set.
# Use:    fill_value=nan, and nchunks_initialized == nchunks before a run.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet zarr==3.1.6 numpy==2.4.6
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PYTHON' 2> log || { tail -3 log; exit 1; }
import sys
from pathlib import Path

import numpy as np
import zarr

ROWS, WIDTH = 1000, 8


def store(name, value=1.0, **options):
    options = {"chunks": (100, WIDTH), "fill_value": 0.0} | options
    array = zarr.create_array(name, shape=(ROWS, WIDTH), dtype="float32", overwrite=True, **options)
    array[:] = value
    return sorted(file for file in Path(name, "c").rglob("*") if file.is_file())


def lost(name, **options):
    """Files; rows of zeros and of NaN, and chunks that are there, once one file of them is gone."""
    files = store(name, **options)
    files[3].unlink()
    array = zarr.open_array(name, mode="r")
    rows = array[:]
    return len(files), int((rows == 0).all(1).sum()), int(np.isnan(rows).all(1).sum()), array.nchunks_initialized


def cut(name):
    file = store(name)[3]
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    try:
        return zarr.open_array(name, mode="r")[:].shape
    except Exception as error:
        return type(error).__name__


seen = {
    "chunks": lost("chunks.zarr"),
    "shards": lost("shards.zarr", chunks=(10, WIDTH), shards=(100, WIDTH)),
    "nan": lost("nan.zarr", fill_value=np.nan),
}
zeros = len(store("zeros.zarr", value=0.0))
print(seen, f"cut in half: {cut('cut.zarr')}, zeros: {zeros} files")
expected = {"chunks": (10, 100, 0, 9), "shards": (10, 100, 0, 90), "nan": (10, 0, 100, 9)}
same = seen == expected and isinstance(cut("cut.zarr"), str) and zeros == 0
sys.exit(0 if same else f"changed; before: {expected}, an error for half a file, and no file for zeros")
PYTHON
