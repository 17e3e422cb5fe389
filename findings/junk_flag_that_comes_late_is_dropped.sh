#!/usr/bin/env bash
# A key that no early record has is no column: 4,000 junk crops come back as good ones, and a score of 0.9 as 0 or 1.
#
# With:   polars 2.1.0, duckdb 2.0.1, pyarrow 26.0.1, pandas 3.1.1, numpy 2.4.6
# Does:   the columns and their types come from the first records: 100 (Polars), 20,480 (DuckDB), 1 (pyarrow, from a
#         list of dictionaries; their types from all). What later ones have beside is dropped without a word.
# Guess:  records without the key are null; a record that does not fit its column is an error, as it is in a CSV file.
# Seen:   25,000 records of a gallery, "junk": true in the last 4,000: no such column from read_ndjson, from_dicts and
#         DataFrame (Polars), read_json (DuckDB) and Table.from_pylist (pyarrow).
# Beside: pandas and pyarrow.json find it. A score of 1 in the early records and 0.9 in the late ones: 0 from Polars'
#         from_dicts and DataFrame, 1 from DuckDB, an error from read_ndjson, 0.9 from pyarrow and pandas.
# Use:    a schema, or infer_schema_length=None (Polars) and sample_size=-1 (DuckDB); each key in each record.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet polars==2.1.0 duckdb==2.0.1 pyarrow==26.0.1 pandas==3.1.1 numpy==2.4.6
cd "$folder"
OMP_NUM_THREADS=1 "$folder/venv/bin/python" -W ignore - <<'PYTHON'
import json
import sys
from pathlib import Path

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.json

CROPS, LATE = 25_000, 21_000


def readers(records):
    """Name, and the columns and the last row that each reader makes of them."""
    Path("crops.jsonl").write_text("\n".join(map(json.dumps, records)))
    of = {
        "Polars, file": lambda: pl.read_ndjson("crops.jsonl").to_dicts(),
        "Polars, list": lambda: pl.from_dicts(records).to_dicts(),
        "Polars, frame": lambda: pl.DataFrame(records).to_dicts(),
        "DuckDB": lambda: duckdb.read_json("crops.jsonl").to_arrow_table().to_pylist(),
        "pyarrow, list": lambda: pa.Table.from_pylist(records).to_pylist(),
        "pyarrow, file": lambda: pyarrow.json.read_json("crops.jsonl").to_pylist(),
        "pandas, list": lambda: pd.DataFrame(records).to_dict("records"),
        "pandas, file": lambda: pd.read_json("crops.jsonl", lines=True).to_dict("records"),
    }
    return of.items()


def last(read, key):
    try:
        rows = read()
    except pl.exceptions.ComputeError:
        return "an error"
    assert len(rows) == CROPS
    return rows[-1].get(key, "no column")


def record(crop, **late):
    return {"image": f"{crop}.jpg", "pid": crop // 4} | (late if crop >= LATE else {})


flagged = [record(crop, junk=True) for crop in range(CROPS)]
scored = [record(crop) | {"score": 0.9 if crop >= LATE else 1} for crop in range(CROPS)]
junk = {name: last(read, "junk") for name, read in readers(flagged)}
score = {name: last(read, "score") for name, read in readers(scored)}
for name in junk:
    print(f"{name:14} junk: {junk[name]!s:10} score: {score[name]}")
same = list(junk.values()) == ["no column"] * 5 + [True] * 3
same = same and list(score.values()) == ["an error", 0, 0, 1, 0.9, 0.9, 0.9, 0.9]
sys.exit(0 if same else "changed; before, five of eight readers dropped the flag")
PYTHON
