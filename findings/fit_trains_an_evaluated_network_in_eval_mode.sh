#!/usr/bin/env bash
# After network.eval(), Trainer.fit goes on training it in eval mode: batch norm learns no statistics, dropout is off.
#
# With:   pytorch-lightning 2.6.6, torch 2.14.1
# Does:   since 2.2 the trainer keeps the mode of each module. A network that was put into eval mode to embed, or came
#         so from a loader of pretrained weights, stays there; the summary's note, where it is printed, is all there is.
# Guess:  fit() calls train() first.
# Seen:   fit, eval, fit: batch norm counts 5 batches after the first fit and 5 after the second.
# Beside: the validation inside fit does restore train mode; nn.Module.train() before the second fit gives 10.
# Use:    module.train() before fit.
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
from torch.utils.data import DataLoader, TensorDataset

logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
batches = DataLoader(TensorDataset(torch.randn(20, 3)), batch_size=4)


class Module(pl.LightningModule):
    def __init__(self):
        super().__init__()
        self.network = torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.BatchNorm1d(3))

    def training_step(self, batch, index):
        return self.network(batch[0]).square().mean()

    def validation_step(self, batch, index):
        self.network(batch[0])

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)


def fit(module, *loaders):
    off = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False, "enable_model_summary": False}
    pl.Trainer(max_epochs=1, accelerator="cpu", **off).fit(module, *loaders)
    return int(module.network[1].num_batches_tracked)


def twice(between):
    module = Module()
    first = fit(module, batches, batches)
    between(module)
    return [first, fit(module, batches, batches)]


seen = {
    "network.eval() between": twice(lambda module: module.network.eval()),
    "nothing between": twice(lambda module: None),
    "eval(), then train()": twice(lambda module: (module.eval(), module.train())),
}
expected = {"network.eval() between": [5, 5], "nothing between": [5, 10], "eval(), then train()": [5, 10]}
print(seen)
sys.exit(0 if seen == expected else f"changed; before: {expected}")
PYTHON
