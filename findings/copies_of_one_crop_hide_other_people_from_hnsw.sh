#!/usr/bin/env bash
# Twenty cameras that froze, 300 equal crops each, hide almost half of all other crops from an HNSW index.
#
# With:   faiss-cpu 1.15.1, hnswlib 0.8.0, usearch 2.26.6, numpy 2.4.6
# Does:   a node of the graph keeps its nearest as links. Where 300 are equal, all its links lead to copies; a search that
#         comes by stays among them, and so does what is added later.
# Guess:  copies take places in an answer, and cost no other crop its own.
# Seen:   3,000 different crops, each asked for by nearly itself, and 20 times 300 copies beside them: found first by
#         0.54 (faiss), 0.54 (hnswlib), 0.55 (usearch); without copies by 1.00 each.
# Beside: 20 copies each do no harm. Nor do 300 that differ in the third decimal place, as frames of a camera that works
#         do. A search eight times as wide (512) brings back 0.85, 0.91 and 0.85.
# Use:    add each picture once (by a digest of its bytes or of its embedding), and list its copies beside the index.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet faiss-cpu==1.15.1 hnswlib==0.8.0 usearch==2.26.6 numpy==2.4.6
cd "$folder"
OMP_NUM_THREADS=1 "$folder/venv/bin/python" -W ignore - <<'PYTHON' 2> log || { tail -3 log; exit 1; }
import sys

import faiss
import hnswlib
import numpy as np
from usearch.index import Index

DIMENSION, CROPS, FROZEN = 64, 3000, 20
draw = np.random.default_rng(0)


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype("float32")


def normal(count):
    return draw.normal(size=(count, DIMENSION))


def by_faiss(gallery, width):
    index = faiss.IndexHNSWFlat(DIMENSION, 32)
    index.add(gallery)
    index.hnsw.efSearch = width
    return lambda query: index.search(query, 10)[1][:, 0]


def by_hnswlib(gallery, width):
    index = hnswlib.Index("l2", DIMENSION)
    index.init_index(len(gallery), M=16, ef_construction=200, random_seed=1)
    index.set_num_threads(1)
    index.add_items(gallery)
    index.set_ef(width)
    return lambda query: index.knn_query(query, 10)[0][:, 0].astype(int)


def by_usearch(gallery, width):
    index = Index(ndim=DIMENSION, metric="l2sq", dtype="f32", expansion_search=width)
    index.add(np.arange(len(gallery)), gallery, threads=1)
    return lambda query: np.array(index.search(query, 10, threads=1).keys)[:, 0].astype(int)


def found(copies, noise=0.0, width=64):
    """The share of crops that are first when nearly themselves ask, by library."""
    crops = unit(normal(CROPS))
    frozen = np.repeat(unit(normal(FROZEN)), copies, axis=0)
    order = draw.permutation(CROPS + len(frozen))
    gallery = unit(np.concatenate([crops, frozen + noise * normal(len(frozen))]))[order]
    query = unit(crops[:200] + 0.02 * normal(200))
    place = np.argsort(order)[:200]
    searches = {"faiss": by_faiss, "hnswlib": by_hnswlib, "usearch": by_usearch}
    return {library: float((by(gallery, width)(query) == place).mean()) for library, by in searches.items()}


seen = {
    "one copy": found(1),
    "20 copies": found(20),
    "300 copies": found(300),
    "300, 512 wide": found(300, width=512),
    "300 nearly equal": found(300, noise=0.002),
}
for name, shares in seen.items():
    print(f"{name:>16}: " + ", ".join(f"{library} {share:.2f}" for library, share in shares.items()))
whole = [share for name in ("one copy", "20 copies", "300 nearly equal") for share in seen[name].values()]
lost, wide = seen["300 copies"].values(), seen["300, 512 wide"].values()
same = min(whole) > 0.97 and max(lost) < 0.85 and min(wide) < 0.97
sys.exit(0 if same else "changed; before, 300 equal copies alone hid other crops, from a wide search, too")
PYTHON
