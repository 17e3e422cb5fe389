#!/usr/bin/env bash
# UMAP's transform draws a target among the source's people that lies seven times as far off as a neighbour does.
#
# With:   umap-learn 0.5.12, scikit-learn 1.9.1, numba 0.68.1, numpy 2.4.6
# Does:   a new point is placed among its nearest known ones, weighed by their distances relative to each other. How far
#         the nearest is takes no part.
# Guess:  fitted to the source, the map shows the target beside it: a gap in 64 dimensions is a gap in two.
# Seen:   20 people of 20 crops, and 20 others, moved by 30. From the target to its nearest source crop it is 29, within
#         the source 4. On the map, 39 wide, 0.16. Strangers who were not moved at all are at 0.36, so the gap seems to
#         bring them nearer.
# Beside: fitted to both domains, UMAP puts strangers at 5.5 with the gap and at 4.9 without it. PCA fitted to both:
#         27 and 0.3.
# Use:    PCA of both, or the distances in 64 dimensions, for a claim about a gap. UMAP shows who neighbours whom.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet umap-learn==0.5.12 scikit-learn==1.9.1 numba==0.68.1 numpy==2.4.6
cd "$folder"
OMP_NUM_THREADS=1 "$folder/venv/bin/python" -W ignore - <<'PYTHON'
import sys

import numpy as np
from sklearn.decomposition import PCA
from umap import UMAP

PEOPLE, CROPS, WIDTH = 20, 20, 64


def domain(seed, moved=0.0):
    draw = np.random.default_rng(seed)
    people = draw.normal(size=(PEOPLE, WIDTH)).repeat(CROPS, axis=0)
    crops = people + 0.4 * draw.normal(size=people.shape)
    return (crops + moved / np.sqrt(WIDTH)).astype(np.float32)


def distances(a, b):
    return np.sort(np.linalg.norm(a[:, None] - b[None], axis=2), axis=1)


def apart(source, target):
    """From the target to its nearest of the source, and within the source, in the median."""
    medians = np.median(distances(target, source)[:, 0]), np.median(distances(source, source)[:, 1])
    return [round(float(median), 2) for median in medians]


def both(method, target):
    drawn = method.fit_transform(np.concatenate([source, target]))
    return apart(drawn[: len(source)], drawn[len(source) :])


source = domain(0)
known = UMAP(random_state=0).fit(source)
seen = {}
for moved in (0, 30):
    target = domain(1, moved)
    seen[moved] = {
        "64 dimensions": apart(source, target),
        "transform": apart(known.embedding_, known.transform(target)),
        "UMAP of both": both(UMAP(random_state=0), target),
        "PCA of both": both(PCA(2), target),
    }
print(*seen.items(), f"width of the map: {np.ptp(known.embedding_, axis=0)}", sep="\n")
near, far = ({name: of[0] for name, of in seen[moved].items()} for moved in (0, 30))
same = far["64 dimensions"] > 6 * seen[30]["64 dimensions"][1] and max(near["transform"], far["transform"]) < 1
same = same and far["UMAP of both"] < 2 * near["UMAP of both"] and far["PCA of both"] > 20 * near["PCA of both"]
sys.exit(0 if same else "changed; before, transform put the target less than 1 from the source, moved or not")
PYTHON
