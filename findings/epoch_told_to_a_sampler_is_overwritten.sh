#!/usr/bin/env bash
# accelerate tells your sampler its own epoch: a run resumed at epoch 5 sees the images in the order of epoch 0.
#
# With:   accelerate 1.15.0, torch 2.14.1, numpy 2.4.6
# Does:   a prepared loader counts its epochs from 0 and, as soon as it is iterated, calls set_epoch with that number on
#         any sampler that has it. It counts on only when it reaches the end. What you told the sampler is lost.
# Guess:  sampler.set_epoch(5), as in any loop of torch's, gives the order of epoch 5.
# Seen:   epochs 5 and 6 told to the sampler. torch's loader: orders of 5 and 6. Prepared, in one process: of 0 and 1.
# Beside: an epoch left early by `break` is not counted: three epochs, three times the order of epoch 0.
# Use:    loader.set_epoch(epoch) on the prepared loader, before each epoch: orders of 5 and 6, with `break`, too.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet accelerate==1.15.0 torch==2.14.1 numpy==2.4.6
cd "$folder"
HF_HOME="$folder" OMP_NUM_THREADS=1 "$folder/venv/bin/python" -W ignore - <<'PYTHON'
import sys

import torch
from accelerate import Accelerator
from torch.utils.data import DataLoader, Sampler

IMAGES, BATCH = 8, 4


def order(epoch):
    return torch.randperm(IMAGES, generator=torch.Generator().manual_seed(epoch)).tolist()


class Shuffled(Sampler):
    epoch = 0

    def __len__(self):
        return IMAGES

    def __iter__(self):
        return iter(order(self.epoch))

    def set_epoch(self, epoch):
        self.epoch = epoch


def orders(prepared, told, epochs=(5, 6), leave_early=False):
    """The epochs whose orders the loader goes through, by its first batches."""
    sampler = Shuffled()
    loader = DataLoader(list(range(IMAGES)), batch_size=BATCH, sampler=sampler)
    if prepared:
        loader = Accelerator(cpu=True).prepare(loader)
    seen = []
    for epoch in epochs:
        {"sampler": sampler, "loader": loader}[told].set_epoch(epoch)
        images = []
        for batch in loader:
            images += batch.tolist()
            if leave_early:
                break
        seen.append(next(each for each in range(10) if order(each)[: len(images)] == images))
    return seen


seen = {
    "torch": orders(False, "sampler"),
    "accelerate": orders(True, "sampler"),
    "left early": orders(True, "sampler", (5, 6, 7), leave_early=True),
    "loader told": orders(True, "loader"),
    "loader told, left early": orders(True, "loader", (5, 6, 7), leave_early=True),
}
expected = {
    "torch": [5, 6],
    "accelerate": [0, 1],
    "left early": [0, 0, 0],
    "loader told": [5, 6],
    "loader told, left early": [5, 6, 7],
}
print(seen)
sys.exit(0 if seen == expected else f"changed; before: {expected}")
PYTHON
