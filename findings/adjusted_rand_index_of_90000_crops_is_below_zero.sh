#!/usr/bin/env bash
# torchmetrics' adjusted Rand index of large clusterings is another number, at times outside of -1 to 1.
#
# With:   torchmetrics 1.9.0, torch 2.14.1, scikit-learn 1.9.1 (the right figures)
# Does:   it counts pairs of images, and multiplies counts, in 64-bit integers. With clusters of one size they wrap once
#         2 (images ** 4) / people passes 9.2e18; with one large cluster, as of all outliers, earlier.
# Guess:  both libraries agree to five digits, as they do for 80,000 images.
# Seen:   clusters with three of ten images at random. 80,000 images, 10 people: 0.491 from both; 90,000: -0.879 for
#         0.494; 500,000 images of 1,000 people: 2.974 for 0.490. Nothing warns of it.
# Beside: a wrong figure may look right: 126,441 images (as many as MSMT17 has) of 1,000 people give 0.489 from both,
#         but 0.0078 for 0.0010 once half of them are outliers. The Fowlkes-Mallows and normalized mutual information
#         of all of these are right.
# Use:    scikit-learn's adjusted_rand_score.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torchmetrics==1.9.0 scikit-learn==1.9.1 torch==2.14.1 torchvision==0.29.1 \
    numpy==2.4.6
cd "$folder"
OMP_NUM_THREADS=1 "$folder/venv/bin/python" -W ignore - <<'PYTHON'
import sys

import sklearn.metrics as reference
import torch
import torchmetrics.functional.clustering as metrics

FIGURES = {
    "adjusted Rand": (metrics.adjusted_rand_score, reference.adjusted_rand_score),
    "Fowlkes-Mallows": (metrics.fowlkes_mallows_index, reference.fowlkes_mallows_score),
    "mutual information": (metrics.normalized_mutual_info_score, reference.normalized_mutual_info_score),
}
# (images, people, share of outliers): the adjusted Rand index of torchmetrics, and of scikit-learn
EXPECTED = {
    (80_000, 10, 0): (0.491, 0.491),
    (90_000, 10, 0): (-0.879, 0.494),
    (126_441, 1000, 0): (0.489, 0.489),
    (126_441, 1000, 0.5): (0.0078, 0.0010),
    (500_000, 1000, 0): (2.974, 0.490),
}


def clustering(images, people, outliers):
    """People, and clusters: three of ten images lie in one at random, the outliers in one of their own."""
    generator = torch.Generator().manual_seed(0)
    target = torch.randint(people, (images,), generator=generator)
    moved = torch.rand(images, generator=generator) < 0.3
    clusters = torch.where(moved, torch.randint(people, (images,), generator=generator), target)
    return torch.where(torch.rand(images, generator=generator) < outliers, people, clusters), target


same = True
for key, (expected, right) in EXPECTED.items():
    clusters, target = clustering(*key)
    seen = {
        name: (ours(clusters, target).item(), float(theirs(target.numpy(), clusters.numpy())))
        for name, (ours, theirs) in FIGURES.items()
    }
    print(key, {name: [round(value, 4) for value in values] for name, values in seen.items()})
    first, second = seen.pop("adjusted Rand")
    same &= abs(first - expected) < 1e-3 and abs(second - right) < 1e-3
    same &= all(abs(ours - theirs) < 1e-3 for ours, theirs in seen.values())
sys.exit(0 if same else f"changed; before, the adjusted Rand index was {EXPECTED}")
PYTHON
