#!/usr/bin/env bash
# A run resumed after batch 3 of 4 sees batch 1 again as its fourth, and the epoch's last images never.
#
# With:   pytorch-lightning 2.6.6, torch 2.14.1
# Does:   a checkpoint within an epoch restores the counters and not the place in the data: the loader starts again, and
#         what is left of the epoch's number of batches is filled from its beginning. The epoch's end looks regular.
# Guess:  resuming goes on with the images that the epoch had not seen.
# Seen:   8 images, unshuffled: whole run [0 1] [2 3] [4 5] [6 7], resumed after three batches: [0 1] as batch 4.
# Beside: shuffled with one seed it is the same: the first two of that order come again. From the next epoch on both
#         runs agree.
# Use:    checkpoints at an epoch's end, or a loader with state_dict and load_state_dict.
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
OFF = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False, "accelerator": "cpu"}


class Module(pl.LightningModule):
    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))
        self.batches = []

    def training_step(self, batch, index):
        self.batches.append((self.current_epoch, index, batch[0].tolist()))
        return self.weight.sum()

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)


def fit(shuffle, checkpoint=None):
    torch.manual_seed(0)
    module = Module()
    saving = pl.callbacks.ModelCheckpoint(dirpath=f"{shuffle}", filename="{step}", every_n_train_steps=3, save_top_k=-1)
    loader = DataLoader(TensorDataset(torch.arange(8)), batch_size=2, shuffle=shuffle)
    callbacks = [] if checkpoint else [saving]
    trainer = pl.Trainer(max_epochs=2, callbacks=callbacks, enable_checkpointing=not checkpoint, **OFF)
    trainer.fit(module, loader, ckpt_path=checkpoint)
    return module.batches


seen = {}
for shuffle in (False, True):
    whole, resumed = fit(shuffle), fit(shuffle, f"{shuffle}/step=3.ckpt")
    print(f"shuffle={shuffle}\n  whole   {whole}\n  resumed {resumed}")
    seen[shuffle] = {
        "batch 4 holds batch 1's images": resumed[0] == (0, 3, whole[0][2]),
        "next epoch agrees": resumed[1:] == whole[4:],
    }
expected = {
    shuffle: {"batch 4 holds batch 1's images": True, "next epoch agrees": True} for shuffle in (False, True)
}
print(seen)
sys.exit(0 if seen == expected else f"changed; before: {expected}")
PYTHON
