#!/usr/bin/env bash
# An index of inner products ranks the longest vector first in float16 and last in int8.
#
# With:   usearch 2.26.6, numpy 2.4.6
# Does:   vectors kept as i8 are each scaled to one length first, whatever the metric: the inner product of what is left
#         is a cosine. The distances that come back are in units of 127 x 127.
# Guess:  the same ranking but for rounding; if anything overflows, an error.
# Seen:   query (1, 0), gallery (1, 0), (3, 1), (0.1, 0): float32 ranks 1, 0, 2 by products 1, 3, 0.1; i8 ranks 1 last.
# Beside: f16 and bf16 rank as f32; with vectors of unit length i8 does, too.
# Use:    unit length before adding (cosine is meant then anyway), or f16.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet usearch==2.26.6 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import sys

import numpy as np
from usearch.index import Index

GALLERY = np.array([[1, 0], [3, 1], [0.1, 0]], np.float32)


def ranked(kind, gallery):
    index = Index(ndim=2, metric="ip", dtype=kind)
    index.add(np.arange(len(gallery)), gallery)
    return index.search(np.array([1, 0], np.float32), len(gallery)).keys.tolist()


spread = np.array([[1, 0], [0.6, 0.8], [0.8, 0.6]], np.float32)  # unit length
seen = {kind: ranked(kind, GALLERY) for kind in ("f32", "f16", "bf16", "i8")}
seen["i8, unit length"] = ranked("i8", spread)
print(seen)
same = all(seen[kind] == [1, 0, 2] for kind in ("f32", "f16", "bf16"))
same = same and seen["i8"][-1] == 1 and seen["i8, unit length"] == [0, 2, 1]
sys.exit(0 if same else "changed; before: [1, 0, 2] three times, i8 with 1 last, [0, 2, 1]")
PYTHON
