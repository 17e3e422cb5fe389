#!/usr/bin/env bash
# A sampler's set_epoch is called each epoch, a batch sampler's never: P x K batches come in one order for ever.
#
# With:   pytorch-lightning 2.6.6, torch 2.14.1
# Does:   the trainer looks for set_epoch on `loader.sampler` and on `loader.batch_sampler.sampler`, and not on the batch
#         sampler itself. One that shuffles by the epoch it was told, as samplers of P identities x K images for triplet
#         losses do, stays at its first epoch. Nothing warns.
# Guess:  whatever the loader was given and has set_epoch is told the epoch.
# Seen:   the same class in two places, three epochs of four images: as sampler= told 0, 1, 2 and three orders; as
#         batch_sampler= told nothing and one order, three times.
# Beside: a batch sampler whose attribute `sampler` is itself is told 0, 1, 2, and makes three orders.
# Use:    that attribute, or a batch sampler that counts how often it was started.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pytorch-lightning==2.6.6 torch==2.14.1 torchvision==0.29.1 numpy==2.4.6
cd "$folder"
OMP_NUM_THREADS=1 "$folder/venv/bin/python" -W ignore - <<'PYTHON'
import logging
import sys

import numpy as np
import pytorch_lightning as pl
import torch
from torch.utils.data import DataLoader

logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
OFF = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False, "enable_model_summary": False}


class Shuffled:
    """Four images in an order that follows the epoch, one at a time or two."""

    def __init__(self, size):
        self.size, self.epoch, self.told = size, 0, []

    def set_epoch(self, epoch):
        self.epoch = epoch
        self.told.append(epoch)

    def __len__(self):
        return 4 // (self.size or 1)

    def __iter__(self):
        order = np.random.default_rng(self.epoch).permutation(4).tolist()
        yield from order if self.size is None else [order[:2], order[2:]]


class Module(pl.LightningModule):
    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))
        self.seen = [], [], []

    def training_step(self, batch, index):
        self.seen[self.current_epoch].extend(batch.tolist())
        return self.weight.sum()

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)


def orders(asked, **place):
    """What the sampler was told, and how many different orders three epochs had."""
    module = Module()
    pl.Trainer(max_epochs=3, accelerator="cpu", **OFF).fit(module, DataLoader(torch.arange(4), **place))
    return asked.told, len(set(map(tuple, module.seen)))


plain, in_batches, own = Shuffled(None), Shuffled(2), Shuffled(2)
own.sampler = own
found = (
    orders(plain, sampler=plain, batch_size=2),
    orders(in_batches, batch_sampler=in_batches),
    orders(own, batch_sampler=own),
)
print(found)
three = ([0, 1, 2], 3)
sys.exit(0 if found == (three, ([], 1), three) else f"changed; before: {three}, ([], 1), {three}")
PYTHON
