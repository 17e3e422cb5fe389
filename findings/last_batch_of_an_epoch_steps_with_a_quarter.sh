#!/usr/bin/env bash
# With accumulate_grad_batches=4 and five batches an epoch, the fifth is stepped with a quarter of its gradient.
#
# With:   pytorch-lightning 2.6.6, torch 2.14.1
# Does:   each loss is divided by accumulate_grad_batches, also in the last window, which ends with the epoch and is
#         shorter. A threshold for clipping is compared with the small sum.
# Guess:  the last step takes the mean over the batches that it has.
# Seen:   gradients at the two steps, for a loss whose gradient is 1 in each batch: 1.0 and 0.25.
# Beside: with eight batches 1.0 and 1.0; with 2 of 4 in the last window 0.5.
# Use:    a number of batches that accumulate_grad_batches divides (limit_train_batches), or manual optimization.
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
OFF = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False, "enable_model_summary": False}


class Module(pl.LightningModule):
    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))
        self.gradients = []

    def training_step(self, batch, index):
        return (self.weight * batch[0]).mean()

    def on_before_optimizer_step(self, optimizer):
        self.gradients.append(round(self.weight.grad.item(), 4))

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)


def gradients(num_batches):
    module = Module()
    trainer = pl.Trainer(max_epochs=1, accumulate_grad_batches=4, accelerator="cpu", **OFF)
    trainer.fit(module, DataLoader(TensorDataset(torch.ones(2 * num_batches)), batch_size=2))
    return module.gradients


seen = {number: gradients(number) for number in (5, 6, 8)}
expected = {5: [1.0, 0.25], 6: [1.0, 0.5], 8: [1.0, 1.0]}
print(seen)
sys.exit(0 if seen == expected else f"changed; before: {expected}")
PYTHON
