#!/usr/bin/env bash
# flatten() of a column of embeddings leaves a missing one out, so every later row gets its neighbour's numbers.
#
# With:   pyarrow 26.0.1, polars 2.1.0, numpy 2.4.6
# Does:   a crop that could not be read has no embedding, a null in a column of lists of one size. flatten() gives the
#         numbers of the rows that are there: reshape(-1, width) works, and paths and embeddings are apart by one from
#         there on. Nothing warns, and with two searches of one file both are wrong alike.
# Guess:  one place for each row, as the lists all have one size: NaN, zeros or a refusal at the missing one.
# Seen:   of five rows the second is missing: row 2 gets row 3's numbers, and there are four.
# Beside: `values` keeps the place, but of a slice it gives the numbers of the whole column from its beginning on;
#         to_numpy of Polars keeps the place with NaN.
# Use:    drop_null() on the table first, then flatten(); or compare the number of rows with num_rows.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pyarrow==26.0.1 polars==2.1.0 numpy==2.4.6
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import sys

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

WIDTH = 4
rows = [None if number == 1 else [float(number)] * WIDTH for number in range(5)]
embeddings = pa.array(rows, pa.list_(pa.float32(), WIDTH))
pq.write_table(pa.table({"path": [f"{number}.jpg" for number in range(5)], "embedding": embeddings}), "crops.parquet")
table = pq.read_table("crops.parquet")
column = table["embedding"].combine_chunks()


def numbers(flat):
    """Whose numbers lie in each row."""
    return flat.to_numpy(zero_copy_only=False).reshape(-1, WIDTH)[:, 0].tolist()


kept = pl.read_parquet("crops.parquet")["embedding"].to_numpy()[:, 0]
found = {
    "flatten": numbers(column.flatten()),
    "values, rows told": len(numbers(column.values)),
    "flatten of the last two": numbers(column[3:].flatten()),
    "values of the last two, rows told": len(numbers(column[3:].values)),
    "polars": [None if np.isnan(one) else float(one) for one in kept],
    "drop_null": numbers(table.drop_null()["embedding"].combine_chunks().flatten()),
}
print(found)
before = [[0, 2, 3, 4], 5, [3, 4], 5, [0, None, 2, 3, 4], [0, 2, 3, 4]]
sys.exit(0 if list(found.values()) == before else f"changed; before: {before}")
PYTHON
