#!/usr/bin/env bash
# ReduceLROnPlateau never lowers the rate once the loss is below zero, not even while it slowly gets worse.
#
# With:   torch 2.14.1
# Does:   by default a loss is better if it is below best * (1 - 0.0001). For a best of -1 that is -0.9999: the same -1,
#         and anything a little worse, counts as better and becomes the new best.
# Guess:  a constant is a plateau, whatever its sign: 0.1 becomes 0.001 in 100 epochs of 40 patient ones.
# Seen:   100 epochs at 1.0: rate 0.001; at -1.0 (a negative cosine, a log-likelihood): 0.1. Nor does a loss that climbs
#         from -1.0 to -0.99505 lower it, and `best` is then -0.99505, the worst that there was.
# Beside: mode="max" does the same to a score below zero: 0.1 at a constant -1.0, 0.001 at 1.0.
# Use:    threshold_mode="abs": 0.001 in all of these.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.14.1 torchvision==0.29.1 numpy==2.4.6
cd "$folder"
OMP_NUM_THREADS=1 "$folder/venv/bin/python" - <<'PYTHON'
import sys
import warnings

import torch
from torch.optim.lr_scheduler import ReduceLROnPlateau

warnings.simplefilter("error")
EPOCHS = 100


def run(start, mode="min", threshold_mode="rel", worse=0.0):
    """The rate after 100 epochs at a value that gets worse by so much in each, and the best value by the scheduler."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
    scheduler = ReduceLROnPlateau(optimizer, mode=mode, patience=40, threshold_mode=threshold_mode)
    for epoch in range(EPOCHS):
        scheduler.step(start + (worse if mode == "min" else -worse) * epoch)
    return round(optimizer.param_groups[0]["lr"], 6), round(scheduler.best, 5)


seen = {
    "at 1": run(1.0),
    "at -1": run(-1.0),
    "from -1 up": run(-1.0, worse=5e-5),
    "max, at 1": run(1.0, mode="max"),
    "max, at -1": run(-1.0, mode="max"),
    "abs, at -1": run(-1.0, threshold_mode="abs"),
    "abs, from -1 up": run(-1.0, threshold_mode="abs", worse=5e-5),
    "abs, max, at -1": run(-1.0, mode="max", threshold_mode="abs"),
}
print(seen)
expected = {
    "at 1": (0.001, 1.0),
    "at -1": (0.1, -1.0),
    "from -1 up": (0.1, -0.99505),
    "max, at 1": (0.001, 1.0),
    "max, at -1": (0.1, -1.0),
    "abs, at -1": (0.001, -1.0),
    "abs, from -1 up": (0.001, -1.0),
    "abs, max, at -1": (0.001, -1.0),
}
sys.exit(0 if seen == expected else f"changed; before: {expected}")
PYTHON
