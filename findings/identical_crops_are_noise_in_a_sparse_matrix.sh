#!/usr/bin/env bash
# Three copies of one picture are a cluster in a dense matrix of distances and noise in the same matrix made sparse.
#
# With:   scikit-learn 1.9.1, scipy 1.17.1, numpy 2.4.6
# Does:   csr_matrix(dense) stores no zeros, and DBSCAN takes what is not stored for too far away: distance 0 turns into
#         infinity. A neighbour graph of scikit-learn does store its zeros, but scipy drops them in the first sum or
#         maximum that makes the graph symmetric.
# Guess:  dense and sparse give the same clusters.
# Seen:   dense [0, 0, 0, 1, 1, 1], sparse [-1, -1, -1, 0, 0, 0].
# Beside: radius_neighbors_graph [0, 0, 0, 1, 1, 1]; the mean of it and its transpose [-1, -1, -1, 0, 0, 0].
# Use:    a neighbour graph as it comes, or a small distance in place of 0.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet scikit-learn==1.9.1 numpy==2.4.6 scipy==1.17.1
OMP_NUM_THREADS=1 "$folder/venv/bin/python" - <<'PYTHON'
import sys

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.cluster import DBSCAN
from sklearn.metrics import pairwise_distances
from sklearn.neighbors import radius_neighbors_graph

features = np.array([[0, 0], [0, 0], [0, 0], [5, 5], [5, 5.1], [5.1, 5]])
graph = radius_neighbors_graph(features, 0.5, mode="distance", include_self=True)


def clusters(distances):
    return DBSCAN(eps=0.5, min_samples=2, metric="precomputed").fit_predict(distances).tolist()


dense = pairwise_distances(features)
seen = {
    "dense": clusters(dense),
    "sparse": clusters(csr_matrix(dense)),
    "graph": clusters(graph),
    "symmetric graph": clusters((graph + graph.T) / 2),
}
together, noise = [0, 0, 0, 1, 1, 1], [-1, -1, -1, 0, 0, 0]
expected = {"dense": together, "sparse": noise, "graph": together, "symmetric graph": noise}
print(seen)
sys.exit(0 if seen == expected else f"changed; before: {expected}")
PYTHON
