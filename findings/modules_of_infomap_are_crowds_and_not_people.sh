#!/usr/bin/env bash
# Infomap finds 790 of 1,000 people, and its modules() names 56 crowds of them.
#
# With:   infomap 2.16.0, igraph 1.0.0, scikit-learn 1.9.1, scipy 1.17.1, numpy 2.4.6
# Does:   Infomap nests modules in modules as soon as that is shorter to describe; modules(), and get_modules() before
#         it, name the outermost. In a small graph there is one level, so a trial on few people shows nothing.
# Guess:  one module for each cluster found, as DBSCAN has one label.
# Seen:   6 crops of each person, 8 neighbours of each crop: 20 people 16 modules, adjusted Rand index 0.80. 60 people
#         17 modules, 0.15; 1,000 people 56, 0.07. With level=-1: 47 and 790, 0.79 both times.
# Beside: --two-level does not ask for that bottom: 38 and 547 modules, 0.64 and 0.59; igraph's community_infomap finds
#         about as many. Louvain (community_multilevel): about 18 and 66, it melts more the more there are.
# Use:    modules(level=-1), and a look at the number of clusters whenever there are more images.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet infomap==2.16.0 igraph==1.0.0 scikit-learn==1.9.1 scipy==1.17.1 numpy==2.4.6
cd "$folder"
OMP_NUM_THREADS=1 "$folder/venv/bin/python" - <<'PYTHON'
import sys

import igraph
import numpy as np
from infomap import Infomap
from sklearn.metrics import adjusted_rand_score

CROPS, NEIGHBOURS = 6, 8
draw = np.random.default_rng(0)


def graph(people):
    """The person of each crop, and a cosine for each pair of neighbours."""
    of = np.repeat(np.arange(people), CROPS)
    crops = draw.normal(size=(people, 32))[of] + 0.45 * draw.normal(size=(len(of), 32))
    crops /= np.linalg.norm(crops, axis=1, keepdims=True)
    cosines = crops @ crops.T
    np.fill_diagonal(cosines, -1)
    nearest = np.argsort(-cosines, axis=1)[:, :NEIGHBOURS]
    pairs = {(min(a, b), max(a, b)) for a in range(len(of)) for b in nearest[a].tolist()}
    return of, {pair: max(0.0, float(cosines[pair])) for pair in sorted(pairs)}


def infomap(weights, level, **options):
    tree = Infomap(silent=True, **options)
    for (a, b), weight in weights.items():
        tree.add_link(a, b, weight)
    modules = tree.run().modules(level)
    return [modules[crop] for crop in sorted(modules)]


def found(people):
    of, weights = graph(people)
    links = igraph.Graph(n=len(of), edges=list(weights))
    labels = {
        "modules()": infomap(weights, None),
        "level=-1": infomap(weights, -1),
        "two_level": infomap(weights, None, two_level=True),
        "igraph": links.community_infomap(edge_weights=list(weights.values())).membership,
        "Louvain": links.community_multilevel(weights=list(weights.values())).membership,
    }
    return {name: (len(set(of_all)), round(adjusted_rand_score(of, of_all), 2)) for name, of_all in labels.items()}


seen = {people: found(people) for people in (20, 60, 200, 1000)}
print(*seen.items(), sep="\n")
few, many = seen[20], seen[1000]
same = few["modules()"] == few["level=-1"] and few["modules()"][1] > 0.7 and many["level=-1"][1] > 0.7
same = same and seen[60]["modules()"][1] < 0.3 and many["modules()"][0] < 100 < 700 < many["level=-1"][0]
same = same and many["two_level"][0] < 650 and many["igraph"][0] < 650 and many["Louvain"][0] < 120
sys.exit(0 if same else "changed; before, of 1000 people: 56 modules, 790 with level=-1")
PYTHON
