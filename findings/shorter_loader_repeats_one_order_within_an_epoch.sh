#!/usr/bin/env bash
# In a two-domain epoch the smaller set's batches come round again in one and the same order, shuffled or not.
#
# With:   pytorch-lightning 2.6.6, torch 2.14.1
# Does:   the shorter of two loaders begins anew until the longer one ends (max_size_cycle). set_epoch is called once an
#         epoch, so a DistributedSampler, which several processes get by themselves, shuffles each time to the same
#         order: the same images meet in the same batches.
# Guess:  each time round has an order of its own.
# Seen:   a target of 4 images beside a source of 12, batches of 2: [0 1] [3 2] [0 1] [3 2] [0 1] [3 2].
# Beside: the next epoch has another order, again three times; shuffle=True in one process, without that sampler,
#         shuffles each time.
# Use:    a sampler that counts how often it was started, or one that makes as many batches as the other.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pytorch-lightning==2.6.6 torch==2.14.1 torchvision==0.29.1 numpy==2.4.6
cd "$folder"
OMP_NUM_THREADS=1 "$folder/venv/bin/python" -W ignore - <<'PYTHON'
import logging
import sys

import pytorch_lightning as pl
import torch
from torch.utils.data import DataLoader, DistributedSampler

logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
OFF = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False, "enable_model_summary": False}


class Module(pl.LightningModule):
    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))
        self.seen = [], []

    def training_step(self, batch, index):
        self.seen[self.current_epoch].append(tuple(batch["target"].tolist()))
        return self.weight.sum()

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)


def rounds(is_distributed, size=4):
    """The target's batches, round by round, of two epochs."""

    def loader(number):
        images = torch.arange(number)
        if is_distributed:  # as each of several processes has it; here there is one
            return DataLoader(images, 2, sampler=DistributedSampler(images, num_replicas=1, rank=0, shuffle=True))
        return DataLoader(images, 2, shuffle=True)

    torch.manual_seed(0)
    module = Module()
    pl.Trainer(max_epochs=2, accelerator="cpu", **OFF).fit(module, {"source": loader(3 * size), "target": loader(size)})
    step = size // 2
    return [[tuple(epoch[start : start + step]) for start in range(0, 3 * step, step)] for epoch in module.seen]


distributed, alone = rounds(True), rounds(False, size=16)
print(distributed, len(set(alone[0])))
first, second = (set(epoch) for epoch in distributed)
same = len(first) == len(second) == 1 and first != second and len(set(alone[0])) == 3
sys.exit(0 if same else "changed; before: one order an epoch, shuffle=True three")
PYTHON
