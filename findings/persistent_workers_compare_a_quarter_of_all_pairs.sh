#!/usr/bin/env bash
# Two loops over one loader, one in the other, see 4 of 16 pairs of batches once its workers are persistent.
#
# With:   torch 2.14.1
# Does:   a loader with persistent workers has one iterator and resets it when it is asked for another. The inner loop
#         takes the outer one's batches away. Nothing raises.
# Guess:  as with a list, or with workers that are not persistent: each loop has its own batches.
# Seen:   all pairs of 4 batches, for distances between all images: 16 without workers and with two, 4 with two
#         persistent ones: the first batch with each, and the outer loop ends after it.
# Beside: zip(loader, loader) pairs each batch with itself; persistent: 0 with 1, 2 with 3, and ends. A look at the
#         first batch, next(iter(loader)), after the second of an epoch: 0, 1, 1, 2, 3.
# Use:    a loader for each loop, also where one and the same is query and gallery; persistent_workers only where one
#         loop at a time runs.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.14.1 torchvision==0.29.1 numpy==2.4.6
cd "$folder"
OMP_NUM_THREADS=1 "$folder/venv/bin/python" -W ignore - <<'PYTHON' 2> log || { tail -3 log; exit 1; }
import sys

import torch
from torch.utils.data import DataLoader, TensorDataset

BATCHES, SIZE = 4, 4
images = TensorDataset(torch.arange(BATCHES * SIZE))
KINDS = {
    "no workers": {},
    "two workers": {"num_workers": 2},
    "two persistent workers": {"num_workers": 2, "persistent_workers": True},
}


def number(batch):
    return int(batch[0][0]) // SIZE


def peeked(loader):
    """The batches of an epoch that is interrupted, after its second, by a look at the first."""
    seen = []
    for batch in loader:
        seen.append(number(batch))
        if len(seen) == 2:
            next(iter(loader))
    return seen


seen = {}
for kind, options in KINDS.items():
    loader = DataLoader(images, SIZE, **options)
    seen[kind] = (
        [(number(a), number(b)) for a in loader for b in loader],
        [(number(a), number(b)) for a, b in zip(loader, loader)],
        peeked(loader),
        [number(batch) for batch in loader],
    )
    print(f"{kind}: {len(seen[kind][0])} pairs, zip {seen[kind][1]}, peek {seen[kind][2]}, after {seen[kind][3]}")
every = list(range(BATCHES))
apart = ([(a, b) for a in every for b in every], [(a, a) for a in every], every, every)
shared = ([(0, b) for b in every], [(0, 1), (2, 3)], [0, 1, 1, 2, 3], every)
same = seen == {"no workers": apart, "two workers": apart, "two persistent workers": shared}
sys.exit(0 if same else f"changed; before: 16 pairs, 16 and {shared}")
PYTHON
