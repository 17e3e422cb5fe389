#!/usr/bin/env bash
# LanceDB's insert by key adds a crop twice if the added table lists it twice, and an update by key then changes both.
#
# With:   lancedb 0.40.0, pyarrow 26.0.1
# Does:   merge_insert(key) compares the new rows with the table alone, never with one another. The same rows as an
#         update of what is there are refused: "Ambiguous merge inserts are prohibited".
# Guess:  one row for each key, or the same refusal.
# Seen:   c.jpg listed twice in one insert: two rows; d.jpg in two inserts: one. A later update of c.jpg changes both.
# Beside: with when_matched_update_all, too, a new path listed twice gives two rows, and one that is there is refused.
# Use:    drop what is listed twice before merge_insert.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet lancedb==0.40.0 pyarrow==26.0.1 numpy==2.4.6
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import sys

import lancedb
import pyarrow as pa


def rows(paths, number):
    vectors = pa.FixedSizeListArray.from_arrays(pa.array([float(number)] * 4 * len(paths), pa.float32()), 4)
    return pa.table({"path": paths, "vector": vectors, "number": [number] * len(paths)})


table = lancedb.connect("store").create_table("crops", rows(["a.jpg", "b.jpg"], 0))


def insert(paths, number, *, update=False):
    merge = table.merge_insert("path").when_not_matched_insert_all()
    try:
        (merge.when_matched_update_all() if update else merge).execute(rows(paths, number))
    except Exception as error:
        return "refused" if "Ambiguous" in str(error) else repr(error)
    return sorted(zip(*(table.to_arrow()[name].to_pylist() for name in ("path", "number"))))


seen = {
    "twice in one insert": insert(["c.jpg", "c.jpg"], 1),
    "in two inserts": insert(["d.jpg"], 2) and insert(["d.jpg"], 3),
    "updated twice in one": insert(["a.jpg", "a.jpg"], 4, update=True),
    "new twice, with updates": insert(["e.jpg", "e.jpg"], 5, update=True),
    "update of what is there twice": insert(["c.jpg"], 6, update=True),
}
first = [("a.jpg", 0), ("b.jpg", 0), ("c.jpg", 1), ("c.jpg", 1)]
expected = {
    "twice in one insert": first,
    "in two inserts": [*first, ("d.jpg", 2)],
    "updated twice in one": "refused",
    "new twice, with updates": [*first, ("d.jpg", 2), ("e.jpg", 5), ("e.jpg", 5)],
    "update of what is there twice": [*first[:2], ("c.jpg", 6), ("c.jpg", 6), ("d.jpg", 2), ("e.jpg", 5), ("e.jpg", 5)],
}
print(seen)
sys.exit(0 if seen == expected else f"changed; before: {expected}")
PYTHON
