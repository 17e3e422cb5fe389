#!/usr/bin/env bash
# save_last=True keeps the best epoch twice: last.ckpt is not written again until a later epoch is better.
#
# With:   pytorch-lightning 2.6.6, torch 2.14.1
# Does:   ModelCheckpoint writes last.ckpt where the same step has left one of the save_top_k best, and at the end of
#         training only if it has written none at all. Whoever resumes by last.ckpt repeats every epoch since the best
#         one, and whoever reports "the last epoch" reports a chosen one. Nothing warns.
# Guess:  last.ckpt is of the last finished epoch, whatever the monitored figure does.
# Seen:   four epochs whose mAP falls from the first on: last.ckpt holds epoch 0.
# Beside: save_last="link" gives the same; epoch 3 where the mAP rises, and with save_top_k=-1, which keeps every one.
# Use:    a second ModelCheckpoint that monitors nothing: it replaces its one file after each epoch.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pytorch-lightning==2.6.6 torch==2.14.1 torchvision==0.29.1
cd "$folder"
OMP_NUM_THREADS=1 "$folder/venv/bin/python" -W ignore - <<'PYTHON'
import logging
import sys
import tempfile
from pathlib import Path

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import ModelCheckpoint
from torch.utils.data import DataLoader

logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
OFF = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False}
FALLING = (0.5, 0.4, 0.3, 0.2)


class Module(pl.LightningModule):
    def __init__(self, figures):
        super().__init__()
        self.figures, self.layer = figures, torch.nn.Linear(1, 1)

    def training_step(self, batch, index):
        return self.layer(batch).sum()

    def validation_step(self, batch, index):
        self.log("mAP", self.figures[self.current_epoch])

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)


def epoch_of_last(figures, *others, **options):
    """Which epoch the file holds that is called the last one's."""
    with tempfile.TemporaryDirectory() as folder:
        best = ModelCheckpoint(folder, monitor="mAP", mode="max", **options)
        loader = DataLoader(torch.ones(2, 1))
        pl.Trainer(max_epochs=4, accelerator="cpu", callbacks=[best, *others], **OFF).fit(Module(figures), loader, loader)
        return torch.load(Path(folder, "last.ckpt"), weights_only=True)["epoch"]


with tempfile.TemporaryDirectory() as own:
    plain = ModelCheckpoint(own, filename="newest")
    found = {
        "falling": epoch_of_last(FALLING, plain, save_last=True),
        "falling, linked": epoch_of_last(FALLING, save_last="link"),
        "rising": epoch_of_last(FALLING[::-1], save_last=True),
        "falling, all kept": epoch_of_last(FALLING, save_last=True, save_top_k=-1),
        "a second callback": torch.load(plain.best_model_path, weights_only=True)["epoch"],
    }
print(found)
sys.exit(0 if list(found.values()) == [0, 0, 3, 3, 3] else "changed; before: 0, 0, 3, 3, 3")
PYTHON
