#!/usr/bin/env bash
# An all-zero embedding is the best match in DuckDB and Polars, and its similarity exceeds every threshold.
#
# With:   duckdb 2.0.1, polars 2.1.0, pyarrow 26.0.1, pandas 3.1.1
# Does:   the cosine with a zero vector is NaN, not NULL. Both order NaN above every number, in sorting and in `>`
#         alike; pyarrow's filters and pandas compare as IEEE 754 says, so that nothing exceeds.
# Guess:  NULL or NaN, sorted last, and not above 0.9.
# Seen:   DuckDB ranks [black, same, other], above 0.9: [black, same]; Polars the same.
# Beside: pandas ranks [same, other, black], above 0.9: [same]; so does pyarrow, from the Parquet file that DuckDB reads
#         otherwise. In Polars itself max() passes over the NaN that top_k() and sort() put first.
# Use:    drop NaN by name (isnan, is_nan) before ranking or comparing, or refuse zero embeddings on the way in.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet duckdb==2.0.1 polars==2.1.0 pyarrow==26.0.1 pandas==3.1.1 numpy==2.4.6
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import sys

import duckdb
import polars as pl
import pyarrow.parquet as pq

gallery = "(values ('other', [0.0, 1, 0]), ('same', [1.0, 0.1, 0]), ('black', [0.0, 0, 0])) as gallery(name, vector)"
duckdb.sql(
    f"copy (select name, list_cosine_similarity(vector, [1.0, 0, 0]) as similarity from {gallery}) to 'found.parquet'"
)


def by_duckdb(query):
    return [name for (name,) in duckdb.sql(f"select name from 'found.parquet' {query}").fetchall()]


frame, table = pl.read_parquet("found.parquet"), pq.read_table("found.parquet")
pandas = table.to_pandas()
above = {
    "duckdb": by_duckdb("where similarity > 0.9"),
    "polars": frame.filter(pl.col("similarity") > 0.9)["name"].to_list(),
    "pandas": pandas[pandas.similarity > 0.9].name.tolist(),
    "pyarrow": pq.read_table("found.parquet", filters=[("similarity", ">", 0.9)])["name"].to_pylist(),
}
seen = {
    "ranked": {
        "duckdb": by_duckdb("order by similarity desc"),
        "polars": frame.sort("similarity", descending=True)["name"].to_list(),
        "pandas": pandas.sort_values("similarity", ascending=False).name.tolist(),
        "pyarrow": table.sort_by([("similarity", "descending")])["name"].to_pylist(),
    },
    "above 0.9": {name: sorted(names) for name, names in above.items()},
    "polars max, top_k": [round(frame["similarity"].max(), 3), frame.top_k(1, by="similarity")["name"].item()],
}
first, last = ["black", "same", "other"], ["same", "other", "black"]
expected = {
    "ranked": {"duckdb": first, "polars": first, "pandas": last, "pyarrow": last},
    "above 0.9": {"duckdb": ["black", "same"], "polars": ["black", "same"], "pandas": ["same"], "pyarrow": ["same"]},
    "polars max, top_k": [0.995, "black"],
}
print(seen)
sys.exit(0 if seen == expected else f"changed; before: {expected}")
PYTHON
