#!/usr/bin/env bash
# overfit_batches, the test that a network can learn two batches, takes the sampler of people away: no loss at all.
#
# With:   pytorch-lightning 2.6.6, pytorch-metric-learning 2.9.0, torch 2.14.1
# Does:   the Trainer puts a sequential sampler in the place of any other, to turn "shuffling" off, and says so. A data
#         set lies in the order of its people. Two batches of 32 images are one person, then another: a triplet loss
#         finds no negative, and is 0.0 from the first step. The test is passed by a network that learns nothing.
# Guess:  the first two batches that the sampler draws, each of 8 people x 4 images, again and again.
# Seen:   overfit_batches=2, 20 people x 32 images, MPerClassSampler(m=4): 1 person in each of 4 batches, and no loss.
# Beside: limit_train_batches=2: 8 people, and a loss, but new images each epoch. The sampler within a batch sampler
#         is left alone: overfit_batches=2 gives 8 people and a loss.
# Use:    a batch sampler; or limit_train_batches=2 with two batches' images as the data set.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pytorch-lightning==2.6.6 pytorch-metric-learning==2.9.0 torch==2.14.1 \
    torchvision==0.29.1 numpy==2.4.6
cd "$folder"
OMP_NUM_THREADS=1 "$folder/venv/bin/python" -W ignore - <<'PYTHON' 2> log || { tail -3 log; exit 1; }
import sys

import pytorch_lightning as pl
import torch
from pytorch_metric_learning.losses import TripletMarginLoss
from pytorch_metric_learning.samplers import MPerClassSampler
from torch import nn
from torch.utils.data import BatchSampler, DataLoader, TensorDataset

OFF = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False, "enable_model_summary": False}
people = torch.arange(20).repeat_interleave(32)
images = TensorDataset(torch.randn(640, 8, generator=torch.Generator().manual_seed(0)), people)


class Module(pl.LightningModule):
    def __init__(self):
        super().__init__()
        self.network = nn.Linear(8, 4)
        self.loss = TripletMarginLoss()
        self.steps = []

    def training_step(self, batch, index):
        loss = self.loss(self.network(batch[0]), batch[1])
        self.steps.append((len(batch[1].unique()), loss.item() > 0))
        return loss

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)


def fit(as_batches=False, **limit):
    """For each step: how many people its batch has, and whether there is a loss."""
    pl.seed_everything(0)
    sampler = MPerClassSampler(people, 4, batch_size=32, length_before_new_iter=640)
    if as_batches:
        loader = DataLoader(images, batch_sampler=BatchSampler(sampler, 32, drop_last=True))
    else:
        loader = DataLoader(images, 32, sampler=sampler)
    module = Module()
    pl.Trainer(max_epochs=2, accelerator="cpu", **limit, **OFF).fit(module, loader)
    return module.steps


seen = {
    "overfit": fit(overfit_batches=2),
    "limit": fit(limit_train_batches=2),
    "overfit, batch sampler": fit(as_batches=True, overfit_batches=2),
}
print(seen)
expected = {
    "overfit": [(1, False)] * 4,
    "limit": [(8, True)] * 4,
    "overfit, batch sampler": [(8, True)] * 4,
}
sys.exit(0 if seen == expected else f"changed; before: {expected}")
PYTHON
