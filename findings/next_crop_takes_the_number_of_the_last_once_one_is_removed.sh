#!/usr/bin/env bash
# Remove one crop from a faiss index and its numbers move, or stay and are given out twice: it depends on the index.
#
# With:   faiss-cpu 1.15.1, numpy 2.4.6
# Does:   IndexFlatIP closes the gap: every later crop answers to one less. IndexIVFFlat keeps the numbers, but counts new
#         ones from how many there are: after one removal of 1,000, the next crop gets 999, which the last one has.
#         Neither warns. Whoever keeps paths in a list beside the index shows another person's picture.
# Guess:  the others keep their numbers, and a new crop gets 1,000.
# Seen:   number 3 of 1,000 removed, then crop 0 added again. Flat: crops 4 and 999 answer to 3 and 998, the new one to
#         999. IVF: 4 and 999 answer to 4 and 999, and the new one to 999, too: two crops of one number.
# Beside: IndexIDMap over the flat one, with numbers of one's own, keeps them; given one number twice, it keeps both.
# Use:    IndexIDMap with numbers that are never used again, or a database.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet faiss-cpu==1.15.1 numpy==2.4.6
cd "$folder"
OMP_NUM_THREADS=1 "$folder/venv/bin/python" - <<'PYTHON'
import sys

import faiss
import numpy as np

WIDTH, NUMBER = 64, 1000
crops = np.random.default_rng(0).standard_normal((NUMBER, WIDTH)).astype(np.float32)
faiss.normalize_L2(crops)


def flat():
    index = faiss.IndexFlatIP(WIDTH)
    index.add(crops)
    return index


def inverted_lists():
    index = faiss.IndexIVFFlat(faiss.IndexFlatIP(WIDTH), WIDTH, 4, faiss.METRIC_INNER_PRODUCT)
    index.train(crops)
    index.nprobe = 4  # all of them: exact
    index.add(crops)
    return index


def mapped():
    index = faiss.IndexIDMap(faiss.IndexFlatIP(WIDTH))
    index.add_with_ids(crops, np.arange(NUMBER))
    return index


def answers(index):
    """To what crops 4 and 999 answer once number 3 is removed, and to what a copy of crop 0 that is added then."""
    index.remove_ids(np.array([3]))
    kept = index.search(crops[[4, 999]], 1)[1].ravel().tolist()
    if isinstance(index, faiss.IndexIDMap):
        index.add_with_ids(crops[:1], np.array([999]))
    else:
        index.add(crops[:1])
    new = max(index.search(crops[:1], 2)[1].ravel().tolist())
    return [*kept, new]


found = [answers(index) for index in (flat(), inverted_lists(), mapped())]
print(found)
expected = [[3, 998, 999], [4, 999, 999], [4, 999, 999]]
sys.exit(0 if found == expected else f"changed; before: {expected}")
PYTHON
