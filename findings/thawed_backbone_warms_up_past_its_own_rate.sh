#!/usr/bin/env bash
# A backbone thawed during the warm-up, at a rate that is given, gets up to ten times that rate.
#
# With:   pytorch-lightning 2.6.6, torch 2.14.1
# Does:   LinearLR and ConstantLR multiply each group's rate by what the factor grows by from here on. A group added
#         later has not been shrunk at the start, and is stretched all the same.
# Guess:  unfreeze_and_add_param_group(backbone, lr=0.1) while the head warms up to 1.0: 0.1 after the warm-up.
# Seen:   LinearLR from 0.1 over five epochs, thawed in the third: 0.217; thawed in the second, 0.357. ConstantLR, the
#         same: 1.0, ten times the rate and no less than the head's. Nothing is said.
# Beside: with LambdaLR the fit ends one epoch after the thaw by a ValueError of zip().
# Use:    all parameters in the optimizer from the start, the backbone's group with its rate and frozen until then.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pytorch-lightning==2.6.6 torch==2.14.1 torchvision==0.29.1 numpy==2.4.6
cd "$folder"
OMP_NUM_THREADS=1 "$folder/venv/bin/python" -W ignore - <<'PYTHON' 2> log || { tail -3 log; exit 1; }
import sys

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import BaseFinetuning
from torch.optim.lr_scheduler import ConstantLR, LambdaLR, LinearLR
from torch.utils.data import DataLoader, TensorDataset

OFF = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False, "enable_model_summary": False}


class Thaw(BaseFinetuning):
    def __init__(self, epoch):
        super().__init__()
        self.epoch = epoch

    def freeze_before_training(self, module):
        self.freeze(module.backbone)

    def finetune_function(self, module, epoch, optimizer):
        if epoch == self.epoch:
            self.unfreeze_and_add_param_group(module.backbone, optimizer, lr=0.1)


class Module(pl.LightningModule):
    def __init__(self, schedule, together):
        super().__init__()
        self.backbone, self.head = torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)
        self.schedule, self.together, self.rates = schedule, together, []

    def training_step(self, batch, index):
        return self.head(self.backbone(batch[0])).mean()

    def on_train_epoch_end(self):
        self.rates = [round(group["lr"], 3) for group in self.optimizers().param_groups]

    def configure_optimizers(self):
        groups = [{"params": self.head.parameters(), "lr": 1.0}]
        if self.together:
            groups.append({"params": self.backbone.parameters(), "lr": 0.1})
        optimizer = torch.optim.SGD(groups)
        return [optimizer], [self.schedule(optimizer)]


def fit(schedule, epoch=2, together=False):
    """The head's rate and the backbone's at the start of the eighth epoch."""
    module = Module(schedule, together)
    callbacks = [] if together else [Thaw(epoch)]
    trainer = pl.Trainer(max_epochs=8, callbacks=callbacks, accelerator="cpu", devices=1, **OFF)
    try:
        trainer.fit(module, DataLoader(TensorDataset(torch.rand(4, 2)), 4))
    except ValueError as error:
        return f"epoch {trainer.current_epoch}: {str(error)[:5]}"
    return module.rates


def linear(optimizer):
    return LinearLR(optimizer, 0.1, total_iters=5)


seen = {
    "linear": fit(linear),
    "linear, an epoch before": fit(linear, epoch=1),
    "linear, in the optimizer from the start": fit(linear, together=True),
    "constant": fit(lambda optimizer: ConstantLR(optimizer, 0.1, total_iters=5)),
    "lambda": fit(lambda optimizer: LambdaLR(optimizer, lambda epoch: min(1, (epoch + 1) / 5))),
}
expected = {
    "linear": [1.0, 0.217],
    "linear, an epoch before": [1.0, 0.357],
    "linear, in the optimizer from the start": [1.0, 0.1],
    "constant": [1.0, 1.0],
    "lambda": "epoch 2: zip()",
}
print(seen)
sys.exit(0 if seen == expected else f"changed; before: {expected}")
PYTHON
