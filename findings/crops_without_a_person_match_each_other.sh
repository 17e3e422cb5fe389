#!/usr/bin/env bash
# Positive pairs by merging a table with itself: six times too many, as crops without a person are all of one person.
#
# With:   pandas 3.1.1, polars 2.1.0, duckdb 2.0.1, pyarrow 26.0.1, numpy 2.4.6
# Does:   merge and join of pandas match a missing key to each missing key, in every dtype; groupby drops these rows,
#         and NaN == NaN is false. SQL, Polars and pyarrow never match null. But they match NaN, which a float column
#         keeps unless it came by way of pandas, whose NaN they read as null.
# Guess:  no row without a person matches any, as in SQL and as in pandas' own groupby.
# Seen:   20 people with 10 crops, and 100 crops without one: 2,000 pairs are right. pandas: 12,000, in float64, Int64,
#         str, category and pyarrow's double. Its groupby: 20 people and 2,000. DuckDB, Polars, pyarrow: 2,000.
# Beside: the same column as NaN in a Polars frame: 12,000 from Polars, DuckDB and pyarrow alike. merge(how="left_anti")
#         with a table of people that has one missing entry finds no crop without a person for 100.
# Use:    dropna(subset="pid") before a merge; in Polars fill_nan(None).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pandas==3.1.1 polars==2.1.0 duckdb==2.0.1 pyarrow==26.0.1 numpy==2.4.6
cd "$folder"
OMP_NUM_THREADS=1 "$folder/venv/bin/python" -W ignore - <<'PYTHON'
import sys

import duckdb
import numpy as np
import pandas as pd
import polars as pl

pid = np.concatenate([np.repeat(np.arange(20.0), 10), np.full(100, np.nan)])
crops = pd.DataFrame({"pid": pid, "crop": np.arange(300)})
named = crops.assign(pid=crops["pid"].map(lambda person: f"p{person:.0f}", na_action="ignore").astype("str"))


def pairs(frame):
    return len(frame.merge(frame, on="pid"))


def others(frame):
    """The pairs that Polars, DuckDB and pyarrow find in a frame of Polars."""
    table = frame.to_arrow()
    joined = duckdb.sql("select count(*) from frame as a join frame as b using (pid)").fetchall()[0][0]
    by_arrow = table.join(table, "pid", join_type="inner", right_suffix="2").num_rows
    return [len(frame.join(frame, on="pid")), joined, by_arrow]


dtypes = "float64", "Int64", "category", "double[pyarrow]"
groups = crops.groupby("pid").size()
people = pd.DataFrame({"pid": [*range(20), None]})
left = [crops.merge(table, on="pid", how="left_anti") for table in (people, people.dropna())]
seen = {
    "merge": [pairs(crops.astype({"pid": dtype})) for dtype in dtypes] + [pairs(named)],
    "groupby": [len(groups), int((groups**2).sum())],
    "DuckDB of pandas": duckdb.sql("select count(*) from crops as a join crops as b using (pid)").fetchall()[0][0],
    "null": others(pl.from_pandas(crops)),
    "NaN": others(pl.DataFrame({"pid": pid, "crop": np.arange(300)})),
    "anti": [len(table) for table in left],
}
expected = {
    "merge": [12000] * 5,
    "groupby": [20, 2000],
    "DuckDB of pandas": 2000,
    "null": [2000] * 3,
    "NaN": [12000] * 3,
    "anti": [0, 100],
}
print(seen)
sys.exit(0 if seen == expected else f"changed; before: {expected}")
PYTHON
