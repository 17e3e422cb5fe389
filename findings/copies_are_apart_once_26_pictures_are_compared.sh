#!/usr/bin/env bash
# The distance of an embedding to its copy is 0 among 25 pictures and not among 26, by torch.cdist.
#
# With:   torch 2.14.1, faiss-cpu 1.15.1, numpy 2.4.6
# Does:   past 25 rows cdist takes |a|^2 + |b|^2 - 2ab, whose rounding is of the size of the lengths, not of the
#         distance's; a square root makes 1e-4 of it into 1e-2. faiss does the same for more queries at a time.
# Guess:  0, or 1e-6 of the length, whatever the number.
# Seen:   embeddings of length 20: 25 rows 0.0, 26 rows 0.012; of length 1, with 26 rows, 0.0007: a search for copies by
#         distance < 1e-4 works on trial data alone.
# Beside: compute_mode="donot_use_mm_for_euclid_dist" gives 0 for any number. faiss, IndexFlatL2, the square: one query
#         0.0, 64 queries 0.0002.
# Use:    that mode, float64, or a threshold that knows the lengths; for copies a digest of the file.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.14.1 faiss-cpu==1.15.1 numpy==2.4.6
cd "$folder"
OMP_NUM_THREADS=1 "$folder/venv/bin/python" - <<'PYTHON'
import sys

import faiss
import numpy as np
import torch

embeddings = torch.randn(64, 2048, generator=torch.Generator().manual_seed(0))
embeddings = torch.nn.functional.normalize(embeddings)


def to_itself(number, length, **options):
    some = length * embeddings[:number]
    return round(torch.cdist(some, some.clone(), **options).diagonal().max().item(), 5)


seen = {
    "length 20": [to_itself(number, 20) for number in (25, 26)],
    "length 1": [to_itself(number, 1) for number in (25, 26)],
    "no products": to_itself(64, 20, compute_mode="donot_use_mm_for_euclid_dist"),
}
index = faiss.IndexFlatL2(2048)
index.add(np.asarray(20 * embeddings))
seen["faiss"] = [float(index.search(np.asarray(20 * embeddings[:number]), 1)[0].max()) for number in (1, 64)]
print(seen)
few, many = zip(seen["length 20"], seen["length 1"], strict=True)
same = few == (0, 0) and 0.001 < many[0] < 0.1 and 0.0001 < many[1] < 0.005 and seen["no products"] == 0
same = same and seen["faiss"][0] == 0 and 0 < seen["faiss"][1] < 0.01
sys.exit(0 if same else "changed; before: 0 and 0.012, 0 and 0.0007, 0, faiss 0 and 0.0002")
PYTHON
