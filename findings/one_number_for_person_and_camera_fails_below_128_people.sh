#!/usr/bin/env bash
# One label for each person and camera works for the 751 people of Market-1501, and merges those of a set with 100.
#
# With:   pandas 3.1.1, polars 2.1.0, duckdb 2.0.1, numpy 2.4.6
# Does:   the codes of a category are as narrow as the number of categories allows, and `codes * 6 + camera` stays as
#         narrow as the codes until the camera is added; what goes over wraps round.
# Guess:  100 people and 6 cameras: 600 labels; codes are integers of 64 bits, as from factorize.
# Seen:   pandas: 100 people have int8 codes and 260 labels for 600, from -128 to 131. 751 people, int16: all of 4,506.
#         6,000 clusters, int16: all of 36,000, but with 30 cameras 65,552 of 180,000.
# Beside: Polars' Enum: 260 labels for 100 people and for 250, whose codes are uint8. Its Categorical (32 bits) and
#         pandas' factorize (64) give all; DuckDB's enum_code(pid) * 6 raises.
# Use:    .astype("int64") before the product, or groupby(["pid", "camid"]).ngroup().
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pandas==3.1.1 polars==2.1.0 duckdb==2.0.1 numpy==2.4.6
cd "$folder"
OMP_NUM_THREADS=1 "$folder/venv/bin/python" -W ignore - <<'PYTHON'
import sys

import duckdb
import numpy as np
import pandas as pd
import polars as pl


def labels(people, cameras):
    """How many different labels each way gives to people * cameras groups."""
    names = np.repeat([f"{person:05}" for person in range(people)], cameras)
    crops = pd.DataFrame({"pid": names, "camid": np.tile(np.arange(cameras), people)})
    frame = pl.DataFrame({"pid": names, "camid": crops["camid"].to_numpy()})
    of = pl.col("pid").to_physical() * cameras + pl.col("camid")
    enum = pl.Enum(sorted(set(names)))
    seen = {
        "pandas": crops["pid"].astype("category").cat.codes * cameras + crops["camid"],
        "Enum": frame.with_columns(pl.col("pid").cast(enum)).select(of).to_series(),
        "Categorical": frame.with_columns(pl.col("pid").cast(pl.Categorical)).select(of).to_series(),
        "factorize": pd.factorize(crops["pid"])[0] * cameras + crops["camid"],
        "ngroup": crops.groupby(["pid", "camid"]).ngroup(),
    }
    return {name: len(set(label.to_list())) for name, label in seen.items()}


def duckdb_raises():
    crops = pd.DataFrame({"pid": pd.Categorical([f"{person:05}" for person in range(100)])})
    try:
        duckdb.sql("SELECT enum_code(pid) * 6 FROM crops").fetchall()
    except duckdb.OutOfRangeException:
        return len(crops) == 100
    return False


seen = {sizes: labels(*sizes) for sizes in ((100, 6), (250, 6), (751, 6), (6000, 6), (6000, 30))}
for (people, cameras), found in seen.items():
    print(f"{people} people, {cameras} cameras, {people * cameras} groups: {found}")
raises = duckdb_raises()
print(f"DuckDB raises: {raises}")
every = {sizes: sizes[0] * sizes[1] for sizes in seen}
right = "factorize", "ngroup", "Categorical"
same = raises and all(found[name] == every[of] for of, found in seen.items() for name in right)
pandas, enums = ({of: found[name] for of, found in seen.items()} for name in ("pandas", "Enum"))
same = same and pandas == every | {(100, 6): 260, (6000, 30): pandas[6000, 30]} and pandas[6000, 30] < 70_000
same = same and enums[100, 6] == 260 and enums[250, 6] == 260 and enums[751, 6] == every[751, 6]
sys.exit(0 if same else "changed; before, 600 groups had 260 labels, 4506 had 4506")
PYTHON
