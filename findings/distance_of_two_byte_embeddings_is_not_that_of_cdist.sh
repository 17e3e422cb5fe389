#!/usr/bin/env bash
# Of 100 people in embeddings of bytes scipy's cosine finds one and its euclidean 28, and cdist finds all by both.
#
# With:   scipy 1.17.1, numpy 2.4.6
# Does:   cdist turns its rows into doubles first. The function of the same name for two vectors multiplies and
#         subtracts in their own type: 200 - 210 is 246 in bytes, and 300 * 300 is infinite in half precision.
# Guess:  distance.cosine(a, b) is cdist([a], [b], "cosine"), for numbers of any type.
# Seen:   256 numbers a person, as bytes from 0 to 255. Rank-1 of cdist: 1.00 by each distance. Of the functions: cosine
#         0.01, for all but a few of the distances are 0; euclidean 0.28; cityblock 0.94.
# Beside: sqeuclidean and correlation are right, for they leave the bytes first. Half precision at length 60: cosine and
#         correlation are 1.0 for each pair; at length 1 both are right. int8: half of the cosines raise, the others are
#         0 or 2 but for a few.
# Use:    cdist, or astype(float) before the function.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet scipy==1.17.1 numpy==2.4.6
cd "$folder"
OMP_NUM_THREADS=1 "$folder/venv/bin/python" -W ignore - <<'PYTHON'
import sys

import numpy as np
from scipy.spatial import distance

PEOPLE, WIDTH = 100, 256
NAMES = "cosine", "correlation", "euclidean", "sqeuclidean", "cityblock"
draw = np.random.default_rng(0)
query = draw.normal(size=(PEOPLE, WIDTH))
gallery = query + 0.3 * draw.normal(size=query.shape)
query, gallery = (rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in (query, gallery))
largest = max(np.abs(query).max(), np.abs(gallery).max())
kinds = {
    "bytes": lambda rows: np.round(255 * rows.clip(0) / largest).astype(np.uint8),
    "int8": lambda rows: np.round(127 * rows / largest).astype(np.int8),
    "half, length 60": lambda rows: (60 * rows).astype(np.float16),
    "half, length 1": lambda rows: rows.astype(np.float16),
}


def one(name, a, b):
    try:
        return getattr(distance, name)(a, b)
    except ValueError:
        return np.nan


def rank_1(distances):
    return round(float((np.where(np.isnan(distances), np.inf, distances).argmin(1) == np.arange(PEOPLE)).mean()), 2)


seen, pairs = {}, {}
for kind, convert in kinds.items():
    a, b = convert(query), convert(gallery)
    for name in NAMES:
        pairs[kind, name] = np.array([[one(name, row, other) for other in b] for row in a], dtype=float)
        seen[kind, name] = rank_1(distance.cdist(a, b, name)), rank_1(pairs[kind, name])
    print(kind, {name: seen[kind, name] for name in NAMES})
integers, of_bytes = pairs["int8", "cosine"], pairs["bytes", "cosine"]
zero, raised = (of_bytes == 0).mean(), np.isnan(integers).mean()
ends = np.isin(integers, (0, 2)).sum() / np.isfinite(integers).sum()
print(f"cosine of bytes: {zero:.2f} are 0; of int8: {raised:.2f} raise, {ends:.2f} of the others are 0 or 2")
same = {cdist for cdist, _ in seen.values()} == {1.0}
same = same and all(seen["half, length 1", name][1] == 1.0 for name in NAMES)
same = same and all(seen["bytes", name][1] == 1.0 for name in ("correlation", "sqeuclidean"))
same = same and seen["bytes", "cosine"][1] < 0.05 and seen["bytes", "euclidean"][1] < 0.5
same = same and zero > 0.9 and (pairs["half, length 60", "cosine"] == 1).all()
same = same and 0.3 < raised < 0.7 and ends > 0.8
sys.exit(0 if same else "changed; before, rank-1 of bytes was 0.01 by cosine and 0.28 by euclidean")
PYTHON
