#!/usr/bin/env bash
# Saved every 100 steps and validated every 100 steps, the best checkpoint is 100 steps past the best score.
#
# With:   pytorch-lightning 2.6.6, torch 2.14.1
# Does:   with every_n_train_steps, ModelCheckpoint saves after a training step, before the validation that follows it,
#         and ranks the file by the score of the validation before. Only at an epoch's last batch does it wait.
# Guess:  a checkpoint's score is that of its weights; best_model_score was measured on best_model_path.
# Seen:   validated at steps 100, 200, 300, 400: -110, -10, -90, -190. best_model_score is -10, the file has the weights
#         of step 300, whose score is -90. Its name says step 300 and score -10. No warning.
# Beside: saved every 50 steps: the same score with the weights of step 250. Saved every 400, at the epoch's end: right.
# Use:    no every_n_train_steps: ModelCheckpoint then saves after each validation, here step 200.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pytorch-lightning==2.6.6 torch==2.14.1 torchvision==0.29.1 numpy==2.4.6
cd "$folder"
OMP_NUM_THREADS=1 "$folder/venv/bin/python" -W ignore - <<'PYTHON' 2> log || { tail -3 log; exit 1; }
import sys
import warnings
from pathlib import Path

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import ModelCheckpoint
from torch.utils.data import DataLoader, TensorDataset

OFF = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False, "num_sanity_val_steps": 0}


class Module(pl.LightningModule):
    """Its weight counts the steps; the best weight is 210."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))

    def score(self):
        return -(self.weight - 210).abs().item()

    def training_step(self, batch, index):
        return -self.weight.sum()

    def validation_step(self, batch, index):
        self.log("score", self.score())

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=1.0)


def fit(every):
    """The best checkpoint: its score, its step, the score of its weights, its name, and warnings of its callback."""
    checkpoint = ModelCheckpoint(
        f"every{every}", filename="{step}{score:.0f}", monitor="score", mode="max", every_n_train_steps=every
    )
    images = TensorDataset(torch.zeros(400, 1))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        pl.Trainer(max_epochs=1, val_check_interval=100, accelerator="cpu", callbacks=[checkpoint], **OFF).fit(
            Module(), DataLoader(images), DataLoader(images, batch_size=400)
        )
    told = [str(warning.message) for warning in caught if "heckpoint" in str(warning.message)]
    saved = torch.load(checkpoint.best_model_path, weights_only=True)
    module = Module()
    module.load_state_dict(saved["state_dict"])
    name = Path(checkpoint.best_model_path).name
    return checkpoint.best_model_score.item(), saved["global_step"], module.score(), name, told


seen = {every: fit(every) for every in (100, 50, 400, None)}
print(seen)
expected = {
    100: (-10.0, 300, -90.0, "step=300score=-10.ckpt", []),
    50: (-10.0, 250, -40.0, "step=250score=-10.ckpt", []),
    400: (-190.0, 400, -190.0, "step=400score=-190.ckpt", []),
    None: (-10.0, 200, -10.0, "step=200score=-10.ckpt", []),
}
sys.exit(0 if seen == expected else f"changed; before: {expected}")
PYTHON
