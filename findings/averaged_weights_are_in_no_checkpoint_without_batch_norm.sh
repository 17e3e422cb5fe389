#!/usr/bin/env bash
# Stochastic weight averaging leaves its weights in no checkpoint, unless the network has batch norm.
#
# With:   pytorch-lightning 2.6.6, torch 2.14.1
# Does:   StochasticWeightAveraging averages beside the network, and copies the result into it when training ends, after
#         the last validation and the last checkpoint. If the network has batch norm, it adds an epoch which only renews
#         the statistics; it copies before that epoch, so the checkpoint of that epoch is the averaged network.
# Guess:  last.ckpt is the network that fit leaves, as it is without the callback; with batch norm or not.
# Seen:   8 epochs, averaged from the fifth, a checkpoint of each. With LayerNorm, as in transformers: 0 of 8, and also
#         not last.ckpt, hold the weights that the module ends with; nothing validated them. With BatchNorm1d: a
#         ninth epoch, and its checkpoint and last.ckpt do. test(ckpt_path="best") tests what was not averaged.
# Beside: the callback WeightAveraging: last.ckpt holds the averaged weights.
# Use:    WeightAveraging; or trainer.save_checkpoint after fit.
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
from pytorch_lightning.callbacks import ModelCheckpoint, StochasticWeightAveraging, WeightAveraging
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

OFF = {"accelerator": "cpu", "logger": False, "enable_progress_bar": False, "enable_model_summary": False}
loader = DataLoader(TensorDataset(torch.randn(64, 8, generator=torch.Generator().manual_seed(0))), 4)


class Module(pl.LightningModule):
    def __init__(self, layer):
        super().__init__()
        self.network = nn.Sequential(nn.Linear(8, 8), layer, nn.Linear(8, 8))

    def training_step(self, batch, index):
        return (self.network(batch[0]) - batch[0]).square().mean()

    def validation_step(self, batch, index):
        self.log("loss", self.training_step(batch, index))

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)


def fit(folder, layer, callback):
    """For each checkpoint by epoch, and for last.ckpt: whether it holds the weights that the module ends with."""
    pl.seed_everything(0)
    module = Module(layer)
    each = ModelCheckpoint(folder, "{epoch}", monitor="loss", save_top_k=-1, save_last=True)
    pl.Trainer(max_epochs=8, callbacks=[each, callback], **OFF).fit(module, loader, loader)
    final = module.state_dict()["network.0.weight"]
    paths = [*sorted(each.best_k_models), each.last_model_path]
    weights = [torch.load(path, weights_only=False)["state_dict"]["network.0.weight"] for path in paths]
    return [torch.equal(weight, final) for weight in weights]


seen = {
    "LayerNorm": fit("layer", nn.LayerNorm(8), StochasticWeightAveraging(swa_lrs=0.1, swa_epoch_start=4)),
    "BatchNorm1d": fit("batch", nn.BatchNorm1d(8), StochasticWeightAveraging(swa_lrs=0.1, swa_epoch_start=4)),
    "WeightAveraging": fit("other", nn.LayerNorm(8), WeightAveraging()),
}
print(seen)
expected = {
    "LayerNorm": [False] * 9,
    "BatchNorm1d": [False] * 8 + [True] * 2,
    "WeightAveraging": [False] * 7 + [True] * 2,
}
sys.exit(0 if seen == expected else f"changed; before: {expected}")
PYTHON
