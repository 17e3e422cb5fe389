#!/usr/bin/env bash
# Lightning's lr_find trains the backbone at the head's rate, whatever the groups say; the fit after it does not.
#
# With:   pytorch-lightning 2.6.6, torch 2.14.1
# Does:   the search sets every group to the same rate at each step. The fit calls configure_optimizers() with the
#         suggested one, which divides the backbone's by ten, or by a thousand, again.
# Guess:  the search keeps the groups' ratio: another loss curve, and another suggestion, for each.
# Seen:   one curve to the last digit for a backbone at the same rate, a tenth or a thousandth of it; in the fit after
#         the search the backbone gets 0.1 and 0.001 of the suggestion. Nothing is said.
# Beside: a group's other options are kept: with weight decay for the backbone alone the curve is another.
# Use:    short fits of one's own at a list of rates.
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
from pytorch_lightning.tuner import Tuner
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

OFF = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False, "enable_model_summary": False}


class Module(pl.LightningModule):
    def __init__(self, factor, decay):
        super().__init__()
        torch.manual_seed(0)
        self.factor, self.decay, self.lr, self.rates = factor, decay, 0.01, []
        self.backbone = nn.Sequential(nn.Linear(16, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh())
        self.head = nn.Linear(32, 8)

    def training_step(self, batch, index):
        self.rates.append([group["lr"] for group in self.optimizers().param_groups])
        return nn.functional.cross_entropy(self.head(self.backbone(batch[0])), batch[1])

    def configure_optimizers(self):
        backbone = {"params": self.backbone.parameters(), "lr": self.lr * self.factor, "weight_decay": self.decay}
        return torch.optim.SGD([backbone, {"params": self.head.parameters()}], lr=self.lr)


def search(factor, decay=0.0):
    """The suggested rate, the curve's losses, the backbone's rate by the head's in the search and in the fit."""
    module = Module(factor, decay)
    person = torch.arange(256) % 8
    crops = torch.eye(8, 16)[person] + 0.3 * torch.randn(256, 16)
    trainer = pl.Trainer(max_epochs=1, accelerator="cpu", devices=1, **OFF)
    loader = DataLoader(TensorDataset(crops, person), 16)
    finder = Tuner(trainer).lr_find(module, loader, min_lr=1e-4, max_lr=10, num_training=100)
    ratios = {round(backbone / head, 6) for backbone, head in module.rates}
    module.rates = []
    trainer.fit(module, loader)
    backbone, head = module.rates[0]
    assert head == finder.suggestion() == module.lr
    return finder.suggestion(), finder.results["loss"], ratios, round(backbone / head, 6)


seen = {factor: search(factor) for factor in (1, 0.1, 0.001)}
decayed = search(1, decay=0.5)
for factor, (suggestion, _, ratios, fitted) in seen.items():
    print(f"backbone at {factor}: suggested {suggestion:.4f}, ratio in the search {ratios}, in the fit {fitted}")
curves = {tuple(losses) for _, losses, _, _ in seen.values()}
print(f"{len(curves)} curve; with weight decay {'another' if tuple(decayed[1]) not in curves else 'the same'}")
same = len(curves) == 1 and tuple(decayed[1]) not in curves
same = same and all(ratios == {1.0} and fitted == factor for factor, (_, _, ratios, fitted) in seen.items())
sys.exit(0 if same else "changed; before: one curve, and one rate, for all groups of the search")
PYTHON
