#!/usr/bin/env bash
# An index that finds 99 % of the nearest crops finds 27 % once it is saved and loaded: it forgets how far to search.
#
# With:   voyager 2.2.3, usearch 2.26.6, faiss-cpu 1.15.1, numpy 2.4.6
# Does:   a graph index looks at as many candidates as ef (voyager), expansion_search (usearch), efSearch (faiss) say.
#         voyager and usearch do not write that number into the file, and load it with the library's own. The number of
#         links of each crop is written.
# Guess:  the loaded index answers as the saved one.
# Seen:   the ten nearest of 5000 random directions, 500 candidates: voyager 0.99 before and 0.27 after, 10 candidates;
#         usearch 0.99 and 0.74, 64 candidates (Index.restore).
# Beside: faiss writes it: 0.99 both times. usearch's load into an index made with the number keeps it: 0.99.
# Use:    set the number after each load, from a file beside the index, and measure recall on the loaded one.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet voyager==2.2.3 usearch==2.26.6 faiss-cpu==1.15.1 numpy==2.4.6
cd "$folder"
OMP_NUM_THREADS=1 "$folder/venv/bin/python" - <<'PYTHON'
import sys

import faiss
import numpy as np
import voyager
from usearch.index import Index

LINKS, WHILE_BUILDING, CANDIDATES = 8, 100, 500
directions = np.random.default_rng(0).normal(size=(5100, 64)).astype(np.float32)
directions /= np.linalg.norm(directions, axis=1, keepdims=True)
gallery, queries = directions[:5000], directions[5000:]
nearest = np.argsort(-queries @ gallery.T, axis=1)[:, :10]


def recall(found):
    return np.mean([np.isin(row, true).mean() for row, true in zip(found, nearest, strict=True)])


def of_voyager(index):
    return recall(index.query(queries, 10, num_threads=1)[0])


def of_usearch(index):
    return recall(index.search(queries, 10, threads=1).keys)


def of_faiss(index):
    return recall(index.search(queries, 10)[1])


by_voyager = voyager.Index(voyager.Space.Cosine, 64, M=LINKS, ef_construction=WHILE_BUILDING)
by_voyager.add_items(gallery, num_threads=1)
by_voyager.ef = CANDIDATES
by_voyager.save("voyager")

options = {"connectivity": LINKS, "expansion_add": WHILE_BUILDING, "expansion_search": CANDIDATES}
by_usearch, made_again = (Index(ndim=64, metric="ip", dtype="f32", **options) for _ in range(2))
by_usearch.add(np.arange(5000), gallery, threads=1)
by_usearch.save("usearch")
made_again.load("usearch")

by_faiss = faiss.IndexHNSWFlat(64, LINKS, faiss.METRIC_INNER_PRODUCT)
by_faiss.hnsw.efConstruction = WHILE_BUILDING
by_faiss.add(gallery)
by_faiss.hnsw.efSearch = CANDIDATES
faiss.write_index(by_faiss, "faiss")

loaded_voyager, loaded_usearch = voyager.Index.load("voyager"), Index.restore("usearch")
seen = {
    "voyager": [of_voyager(by_voyager), of_voyager(loaded_voyager)],
    "usearch": [of_usearch(by_usearch), of_usearch(loaded_usearch)],
    "usearch, made again": [of_usearch(by_usearch), of_usearch(made_again)],
    "faiss": [of_faiss(by_faiss), of_faiss(faiss.read_index("faiss"))],
}
candidates = loaded_voyager.ef, loaded_usearch.expansion_search, loaded_usearch.connectivity
print({name: [round(float(value), 2) for value in values] for name, values in seen.items()}, candidates)
same = candidates == (10, 64, LINKS) and min(min(seen["usearch, made again"]), *seen["faiss"]) > 0.97
same = same and min(seen["voyager"][0], seen["usearch"][0]) > 0.97
same = same and seen["voyager"][1] < 0.4 and seen["usearch"][1] < 0.85
sys.exit(0 if same else "changed; before: 0.99 and then 0.27 (voyager), 0.74 (usearch), else 0.99")
PYTHON
