#!/usr/bin/env bash
# Images of weight 0 are drawn, once all others are: they fill the last batches of an epoch without replacement.
#
# With:   torch 2.14.1, numpy 2.4.6
# Does:   torch.multinomial takes the largest of weight / noise. Zeros come last, but they come: its documentation asks
#         for no more draws than there are weights above zero, and neither it nor WeightedRandomSampler looks.
# Guess:  an error, as numpy's choice raises for the same weights, or a shorter epoch.
# Seen:   120 pseudo-labelled images of weight 1, 80 outliers of weight 0, len(weights) draws without replacement: all
#         80 outliers are drawn, each after the last labelled image. Of 12 batches of 16 the last 4 hold nothing else.
# Beside: 130 draws hold 10 outliers, in the last places again; weights of 1e-30 for the outliers give the same order.
#         With replacement: none in 10,000 draws.
# Use:    num_samples = the number of weights above zero, or a Subset of the labelled images.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.14.1 torchvision==0.29.1 numpy==2.4.6
cd "$folder"
OMP_NUM_THREADS=1 "$folder/venv/bin/python" - <<'PYTHON'
import sys
import warnings

import numpy as np
import torch
from torch.utils.data import DataLoader, WeightedRandomSampler

warnings.simplefilter("error")
outlier = torch.arange(200)[torch.randperm(200, generator=torch.Generator().manual_seed(0))] >= 120


def drawn(num_samples, replacement=False, weight=0.0):
    """Whether each of the drawn images is an outlier."""
    weights = torch.where(outlier, weight, 1.0)
    generator = torch.Generator().manual_seed(0)
    images = list(WeightedRandomSampler(weights, num_samples, replacement, generator))
    assert replacement or len(set(images)) == num_samples
    return outlier[images]


seen = {
    "all": drawn(200),
    "130": drawn(130),
    "all, 1e-30": drawn(200, weight=1e-30),
}
sampler = WeightedRandomSampler((~outlier).double(), 200, replacement=False)
batches = [batch.float().mean().item() for batch in DataLoader(outlier, 16, sampler=sampler, drop_last=True)]
try:
    np.random.default_rng(0).choice(200, 200, replace=False, p=(~outlier).numpy() / 120)
    refused = None
except ValueError as error:
    refused = str(error)
counts = {name: (int(is_outlier.sum()), int(is_outlier[:120].sum())) for name, is_outlier in seen.items()}
replaced = int(drawn(10_000, replacement=True).sum())
print("outliers, and those among the first 120 draws:", counts, "with replacement:", replaced)
print("share of outliers in each batch:", batches)
print("numpy:", refused)
same = counts == {"all": (80, 0), "130": (10, 0), "all, 1e-30": (80, 0)} and replaced == 0
same &= batches == [0.0] * 7 + [0.5] + [1.0] * 4 and refused is not None
sys.exit(0 if same else "changed; before, all outliers were drawn, after the last labelled image")
PYTHON
