#!/usr/bin/env bash
# max(embedding) of a track is one of its embeddings in DuckDB and null in Polars, and not the maximum of each number.
#
# With:   duckdb 2.0.1, polars 2.1.0, pandas 3.1.1, numpy 2.4.6
# Does:   DuckDB compares arrays and lists as words are: by the first number, then the next. max, min, median and
#         quantile_disc give a whole row, in the right type and width; avg and sum raise. Polars: max and min within
#         group_by give null in the right type; the same raise in select, in lazy frames that stream, and for mean.
# Guess:  the maximum of each number, as by numpy and as a pooling of frames does it, or an error, as by avg.
# Seen:   0.1 0.9 0.2 and 0.5 0.3 0.1: 0.5 0.9 0.2 is right. DuckDB: 0.5 0.3 0.1, for arrays and for lists, and 0.1 0.9
#         0.2 as their median. Polars: null for each track, for Array and for List.
# Beside: pandas: a column of lists gives 0.5 0.3 0.1 as well, and its sum puts them one behind the other, six numbers;
#         a column of arrays raises, and its sum is right.
# Use:    stack the rows in numpy, or unnest the numbers and group by their place.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet duckdb==2.0.1 polars==2.1.0 pandas==3.1.1 numpy==2.4.6
cd "$folder"
OMP_NUM_THREADS=1 "$folder/venv/bin/python" -W ignore - <<'PYTHON'
import sys

import duckdb
import numpy as np
import pandas as pd
import polars as pl

FIRST, SECOND = [0.1, 0.9, 0.2], [0.5, 0.3, 0.1]


def by_duckdb(function, kind):
    rows = f"(values ({FIRST}::{kind}), ({SECOND}::{kind})) as track(embedding)"
    try:
        return list(duckdb.sql(f"select {function} from {rows}").fetchall()[0][0])
    except duckdb.BinderException:
        return "raises"


def by_polars(function, kind, how):
    frame = pl.DataFrame({"track": [1, 1], "embedding": [FIRST, SECOND]}, schema={"track": pl.Int64, "embedding": kind})
    value = getattr(pl.col("embedding"), function)()
    try:
        if how == "group_by":
            return frame.group_by("track").agg(value)["embedding"].to_list()[0]
        if how == "stream":
            return frame.lazy().group_by("track").agg(value).collect(engine="streaming")["embedding"].to_list()[0]
        return frame.select(value)["embedding"].to_list()[0]
    except pl.exceptions.InvalidOperationError:
        return "raises"


def by_pandas(function, kind):
    frame = pd.DataFrame({"track": [1, 1], "embedding": [kind(FIRST), kind(SECOND)]})
    try:
        found = list(getattr(frame.groupby("track")["embedding"], function)()[1])
    except ValueError:
        return "raises"
    return [round(float(number), 6) for number in found]


calls = "max(embedding)", "median(embedding)", "quantile_disc(embedding, 0.5)", "avg(embedding)"
kinds = pl.Array(pl.Float64, 3), pl.List(pl.Float64)
seen = {
    "duckdb": [[by_duckdb(call, kind) for call in calls] for kind in ("double[3]", "double[]")],
    "polars max": [[by_polars("max", kind, how) for how in ("group_by", "stream", "select")] for kind in kinds],
    "polars mean": [by_polars("mean", kind, "group_by") for kind in kinds],
    "pandas lists": [by_pandas(function, list) for function in ("max", "sum")],
    "pandas arrays": [by_pandas(function, np.array) for function in ("max", "sum")],
}
expected = {
    "duckdb": [[SECOND, FIRST, FIRST, "raises"]] * 2,
    "polars max": [[None, "raises", "raises"]] * 2,
    "polars mean": ["raises"] * 2,
    "pandas lists": [SECOND, FIRST + SECOND],
    "pandas arrays": ["raises", [0.6, 1.2, 0.3]],
}
print("right:", np.maximum(FIRST, SECOND).tolist(), seen)
sys.exit(0 if seen == expected else f"changed; before: {expected}")
PYTHON
