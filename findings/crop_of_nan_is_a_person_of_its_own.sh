#!/usr/bin/env bash
# An embedding of NaN gets the pseudo-label -3 and an infinite one -2, which `labels != -1` takes for two people.
#
# With:   scikit-learn 1.9.1, hdbscan 0.8.44, scipy 1.17.1, numpy 2.4.6
# Does:   scikit-learn's HDBSCAN sorts them out before it clusters, and gives each kind a number of its own below -1.
# Guess:  an error, as from DBSCAN, OPTICS and KMeans there, or -1 for whatever has no cluster.
# Seen:   8 people of 6 crops; a crop of NaN, one infinite, one far off: -3, -2, -1. len(set(labels)) - 1 says 10
#         people, labels != -1 keeps 47 of 48 crops; as a row of the 8 centres, -3 is person 5.
# Beside: the package hdbscan: -1 for the three. With metric="cosine" scikit-learn says -3 and -2 as well.
# Use:    labels >= 0, never != -1; or np.isfinite before clustering, since one NaN is seldom alone.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet scikit-learn==1.9.1 hdbscan==0.8.44 scipy==1.17.1 numpy==2.4.6
cd "$folder"
OMP_NUM_THREADS=1 "$folder/venv/bin/python" -W ignore - <<'PYTHON'
import sys

import hdbscan
import numpy as np
from sklearn.cluster import DBSCAN, HDBSCAN, OPTICS, KMeans

PEOPLE, CROPS = 8, 6
BROKEN = [0, 7, 14]
draw = np.random.default_rng(0)
crops = draw.normal(size=(PEOPLE, 16)).repeat(CROPS, axis=0) + 0.2 * draw.normal(size=(PEOPLE * CROPS, 16))
crops[BROKEN[0]], crops[BROKEN[1]] = np.nan, np.inf
crops[BROKEN[2]] *= 1e4


def raises(clusterer):
    try:
        clusterer.fit_predict(crops)
    except ValueError:
        return True
    return False


labels = HDBSCAN(min_cluster_size=4, copy=True).fit_predict(crops)
angles = HDBSCAN(min_cluster_size=4, metric="cosine", copy=True).fit_predict(crops)
package = hdbscan.HDBSCAN(min_cluster_size=4).fit_predict(crops)
seen = {
    "scikit-learn": labels[BROKEN].tolist(),
    "cosine": angles[BROKEN[:2]].tolist(),
    "hdbscan": package[BROKEN].tolist(),
    "people": len(set(labels.tolist())) - 1,
    "kept": int((labels != -1).sum()),
    "centre of -3": range(PEOPLE)[-3],
    "raise": [raises(of) for of in (DBSCAN(eps=2, min_samples=4), OPTICS(min_samples=4), KMeans(PEOPLE))],
}
expected = {"scikit-learn": [-3, -2, -1], "cosine": [-3, -2], "hdbscan": [-1] * 3, "people": 10, "kept": 47}
expected |= {"centre of -3": 5, "raise": [True] * 3}
print(seen)
sys.exit(0 if seen == expected else f"changed; before: {expected}")
PYTHON
