#!/usr/bin/env bash
# A refined search shows a copy of the query at distance 0; asked for all within 0.01, it does not.
#
# With:   lancedb 0.40.0, pyarrow 26.0.1, numpy 2.4.6
# Does:   behind an IVF_PQ index distance_range is compared with the distances to the compressed vectors first.
#         refine_factor reads the exact vectors afterwards, of what the range has left.
# Guess:  refine_factor makes distances exact before they are compared: whatever is shown at 0 is within 0.01.
# Seen:   50 of 2000 random directions as queries, refined: each finds itself first, at 0.0. Refined and within 0.01:
#         none does.
# Beside: IVF_FLAT, and bypass_vector_index() with the IVF_PQ index: all 50 within 0.01.
# Use:    bypass_vector_index() with a range, or refine_factor without one and a comparison of your own.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet lancedb==0.40.0 pyarrow==26.0.1 numpy==2.4.6
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import sys

import lancedb
import numpy as np

gallery = np.random.default_rng(0).normal(size=(2000, 64)).astype(np.float32)
gallery /= np.linalg.norm(gallery, axis=1, keepdims=True)
database = lancedb.connect("store")


def indexed(kind, **options):
    rows = [{"row": row, "vector": vector.tolist()} for row, vector in enumerate(gallery)]
    table = database.create_table(kind, rows)
    table.create_index(metric="l2", index_type=kind, num_partitions=1, **options)
    return table


def copies(table, bound=None, refined=False, exact=False):
    """How many of 50 rows come back, at distance 0, when they are searched for."""
    number = 0
    for row, vector in enumerate(gallery[:50]):
        search = table.search(vector).distance_type("l2").limit(1)
        search = search.distance_range(upper_bound=bound) if bound else search
        search = search.refine_factor(50) if refined else search
        search = search.bypass_vector_index() if exact else search
        number += any(found["row"] == row and found["_distance"] < 1e-4 for found in search.to_list())
    return number


compressed, flat = indexed("IVF_PQ", num_sub_vectors=8), indexed("IVF_FLAT")
seen = {
    "refined": copies(compressed, refined=True),
    "refined, within 0.01": copies(compressed, 0.01, refined=True),
    "IVF_FLAT, within 0.01": copies(flat, 0.01),
    "bypassed, within 0.01": copies(compressed, 0.01, exact=True),
}
expected = {name: 0 if name == "refined, within 0.01" else 50 for name in seen}
print(seen)
sys.exit(0 if seen == expected else f"changed; before: {expected}")
PYTHON
