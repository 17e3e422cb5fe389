#!/usr/bin/env bash
# Trying several min_samples on one matrix of distances gives the first one's clusters every time.
#
# With:   scikit-learn 1.9.1, numpy 2.4.6
# Does:   HDBSCAN(metric="precomputed") has copy=False by default and writes the mutual reachability into the caller's
#         matrix, in place. The next fit, with fewer min_samples, reads distances that already hold the larger ones.
# Guess:  fit_predict leaves its input alone: outliers 51, 40, 34, 25 for min_samples 20, 10, 5, 2.
# Seen:   on one matrix 51, 51, 51, 51; on a copy each time 51, 40, 34, 25; the matrix has changed.
# Beside: a float32 matrix is left alone (it is converted first), and so are features under the Euclidean metric.
# Use:    copy=True.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet scikit-learn==1.9.1 numpy==2.4.6 scipy==1.17.1
OMP_NUM_THREADS=1 "$folder/venv/bin/python" - <<'PYTHON'
import sys
import warnings

import numpy as np
from sklearn.cluster import HDBSCAN
from sklearn.metrics import pairwise_distances

warnings.simplefilter("ignore")  # scikit-learn announces another default of `copy`
rng = np.random.default_rng(0)
people = [(0, 1), (3, 0.5), (6, 1.5), (1, 2)]
features = np.concatenate([rng.normal(center, spread, (40, 8)) for center, spread in people])
distances = pairwise_distances(features)


def outliers(matrix, min_samples=5, metric="precomputed"):
    labels = HDBSCAN(min_cluster_size=5, min_samples=min_samples, metric=metric).fit_predict(matrix)
    return int((labels == -1).sum())


SWEEP = (20, 10, 5, 2)
separate = [outliers(distances.copy(), min_samples) for min_samples in SWEEP]
shared, single = distances.copy(), distances.astype(np.float32)
seen = {
    "a copy each": separate,
    "one matrix": [outliers(shared, min_samples) for min_samples in SWEEP],
    "changed": not np.array_equal(shared, distances),
    "float32 changed": (outliers(single), not np.array_equal(single, distances.astype(np.float32)))[1],
}
before = features.copy()
outliers(features, metric="euclidean")
seen["features changed"] = not np.array_equal(features, before)
expected = {
    "a copy each": [51, 40, 34, 25],
    "one matrix": [51, 51, 51, 51],
    "changed": True,
    "float32 changed": False,
    "features changed": False,
}
print(seen)
sys.exit(0 if seen == expected else f"changed; before: {expected}")
PYTHON
