#!/usr/bin/env bash
# datasets' with_format("torch") rounds the time at which a camera saw someone to 128 seconds.
#
# With:   datasets 5.2.0, torch 2.14.1, numpy 2.4.6
# Does:   the formats "torch" and "numpy" turn every floating column into float32, whatever its type in the table.
#         Seconds since 1970 are about 1.8 billion, where float32 has steps of 128.
# Guess:  the column's type says float64, so its tensors are float64.
# Seen:   five crops 7.25 seconds apart, column Value('float64'). torch and numpy give two times, 128 seconds apart, up
#         to 62.5 seconds from the truth. Nothing is said, and features still says float64.
# Beside: the formats pandas, polars and arrow keep it, and a DataLoader over the dataset without a format gives
#         float64. A column of integers of 8 bits comes as int64.
# Use:    with_format("torch", dtype=torch.float64) for such a column, whole milliseconds, or seconds since the start.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet datasets==5.2.0 torch==2.14.1 pandas==3.1.1 polars==2.1.0 numpy==2.4.6
cd "$folder"
HF_HOME="$folder" HF_HUB_OFFLINE=1 OMP_NUM_THREADS=1 "$folder/venv/bin/python" -W ignore - <<'PYTHON'
import sys

import numpy as np
import torch
from datasets import Dataset
from torch.utils.data import DataLoader

START = 1_764_590_000
seconds = START + 7.25 * np.arange(5)
table = Dataset.from_dict({"seconds": seconds, "camera": np.arange(5, dtype=np.int8)})


def off(column):
    """The type and by how many seconds each time is off, at most."""
    values = np.array([getattr(value, "as_py", lambda value=value: value)() for value in column], dtype=np.float64)
    return str(getattr(column, "dtype", type(column).__name__)), float(abs(values - seconds).max())


seen = {name: off(table.with_format(name)[:]["seconds"]) for name in ("torch", "numpy", "pandas", "polars", "arrow")}
seen["torch, float64"] = off(table.with_format("torch", dtype=torch.float64)[:]["seconds"])
seen["loader"] = off(next(iter(DataLoader(table, batch_size=5)))["seconds"])
seen["features"] = table.with_format("torch").features["seconds"].dtype
seen["camera"] = table.features["camera"].dtype, str(table.with_format("torch")[:]["camera"].dtype)
expected = {
    "torch": ("torch.float32", 62.5),
    "numpy": ("float32", 62.5),
    "pandas": ("float64", 0.0),
    "polars": ("Float64", 0.0),
    "arrow": ("ChunkedArray", 0.0),
    "torch, float64": ("torch.float64", 0.0),
    "loader": ("torch.float64", 0.0),
    "features": "float64",
    "camera": ("int8", "torch.int64"),
}
print(seen)
sys.exit(0 if seen == expected else f"changed; before: {expected}")
PYTHON
