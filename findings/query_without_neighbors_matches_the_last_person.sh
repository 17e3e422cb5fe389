#!/usr/bin/env bash
# Where faiss finds fewer neighbors than asked for, labels[ids] says the last person of the gallery.
#
# With:   faiss-cpu 1.15.1, numpy 2.4.6
# Does:   a place without a neighbor holds the id -1 (and a score of -3.4e38). NumPy takes -1 as the last row.
# Guess:  a query that cannot be compared, or an answer of fewer rows, raises or comes back short.
# Seen:   an embedding of NaN (a black crop, normalized in half precision) has the last person at every place, from any
#         index. Ten neighbors with a selector that leaves five, as "other cameras only" does: five of the last person.
# Beside: a NaN in the gallery is never found, and takes a place with it: asked for all 1,000, the last place is the last
#         person. An inverted file that looks into one of its 64 lists fills 31 of 50 places so.
# Use:    a mask: ids >= 0, before anything is indexed by them.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet faiss-cpu==1.15.1 numpy==2.4.6
cd "$folder"
OMP_NUM_THREADS=1 "$folder/venv/bin/python" -W ignore - <<'PYTHON' 2> log || { tail -3 log; exit 1; }
import sys

import faiss
import numpy as np

DIMENSION = 64
draw = np.random.default_rng(0)
person = np.repeat(np.arange(200), 5)
gallery = draw.normal(size=(1000, DIMENSION)).astype("float32")
faiss.normalize_L2(gallery)
query = gallery[:1] + 0.01
nothing = np.full_like(query, np.nan)


def index(words, rows=gallery):
    built = faiss.index_factory(DIMENSION, words, faiss.METRIC_INNER_PRODUCT)
    built.train(gallery)
    built.add(rows)
    return built


exact, lists = index("Flat"), index("IVF64,Flat")
indexes = "Flat", "HNSW32,Flat", "IVF64,Flat"
of_nothing = {words: person[index(words).search(nothing, 3)[1][0]].tolist() for words in indexes}
selected = faiss.SearchParameters(sel=faiss.IDSelectorRange(0, 5))
ids = exact.search(query, 10, params=selected)[1][0]
holed = gallery.copy()
holed[10] = np.nan
every = index("Flat", holed).search(query, 1000)[1][0]
probed = lists.search(query, 50)[1][0]
print(f"NaN: {of_nothing}; five selected: {person[ids].tolist()}")
print(f"a NaN in the gallery: found {10 in every}, last place {every[-1]}; one list: {(probed < 0).sum()} of 50 are -1")
same = all(people == [199] * 3 for people in of_nothing.values())
same = same and person[ids].tolist() == [0] * 5 + [199] * 5 and every[-1] == -1 and 10 not in every
same = same and (probed < 0).sum() > 25
sys.exit(0 if same else "changed; before, missing neighbors had the id -1, the last person")
PYTHON
