#!/usr/bin/env bash
# The Jaccard distance of two neighbourhoods with unlike weights is 0 in scipy and scikit-learn.
#
# With:   scipy 1.17.1, scikit-learn 1.9.1, numpy 2.4.6
# Does:   both turn each weight into "is it zero?" first. Re-ranking (k-reciprocal encoding) and the clustering of
#         pseudo labels mean 1 - sum(min) / sum(max) by the same name.
# Guess:  1 - sum(min) / sum(max) = 0.889.
# Seen:   scipy 0.0, scikit-learn 0.0 (the latter warns that it converts to boolean).
# Beside: with Bray-Curtis b, 2 b / (1 + b) = 0.889 is the soft one; on sets of zeros and ones all agree: 0.5.
# Use:    scipy's "braycurtis" and that formula.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet scikit-learn==1.9.1 numpy==2.4.6 scipy==1.17.1
OMP_NUM_THREADS=1 "$folder/venv/bin/python" - <<'PYTHON'
import sys
import warnings

import numpy as np
from scipy.spatial.distance import cdist
from sklearn.metrics import pairwise_distances

warnings.simplefilter("ignore")


def four_ways(first, second):
    a, b = np.array([first], dtype=float), np.array([second], dtype=float)
    bray = cdist(a, b, "braycurtis").item()
    values = (
        cdist(a, b, "jaccard").item(),
        pairwise_distances(a, b, metric="jaccard").item(),
        1 - np.minimum(a, b).sum() / np.maximum(a, b).sum(),
        2 * bray / (1 + bray),
    )
    return [round(float(value), 3) for value in values]


seen = {"weights": four_ways([0.9, 0.1, 0], [0.1, 0.9, 0]), "sets": four_ways([1, 1, 0, 1], [1, 1, 1, 0])}
expected = {"weights": [0.0, 0.0, 0.889, 0.889], "sets": [0.5, 0.5, 0.5, 0.5]}
print(seen)
sys.exit(0 if seen == expected else f"changed; before: {expected}")
PYTHON
