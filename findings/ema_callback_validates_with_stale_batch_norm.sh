#!/usr/bin/env bash
# Lightning's EMA callback averages batch norm's running averages once more, so a new domain's never arrive.
#
# With:   pytorch-lightning 2.6.6, torch 2.14.1
# Does:   EMAWeightAveraging sets use_buffers=True, and so takes the moving average of what is a moving average already;
#         torch's own AveragedModel copies buffers unless it is told otherwise. A count of batches, being an integer,
#         stays at the first step's.
# Guess:  the averaged network has the trained one's statistics: 100 steps of momentum 0.1 forget where they began.
# Seen:   (0, 1) where it began, (5, 4) the new domain: after 100 steps mean 5.02 and variance 3.6 without EMA, 0.89 and
#         1.46 with it (decay 0.999), by which it validates and which it leaves in the network; the count is 1.
# Beside: decay=0.9 gives 5.02 and 3.6, and counts 90; use_buffers=False and torch's own 5.02, 3.6 and 100.
# Use:    EMAWeightAveraging(use_buffers=False).
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
from pytorch_lightning.callbacks import EMAWeightAveraging
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
images = 5 + 2 * torch.randn(64, 3, generator=torch.Generator().manual_seed(0))  # the new domain: mean 5, variance 4


class Module(pl.LightningModule):
    def __init__(self):
        super().__init__()
        self.norm = torch.nn.BatchNorm1d(3)

    def train_dataloader(self):
        return torch.utils.data.DataLoader(images.repeat(100, 1), batch_size=64)

    val_dataloader = train_dataloader

    def training_step(self, batch, batch_idx):
        return self.norm(batch).square().mean()

    def validation_step(self, batch, batch_idx):
        self.validated = statistics(self.norm)

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.0)  # the weights stay; what moves is the statistics


def statistics(norm):
    mean, variance = (float(values.mean()) for values in (norm.running_mean, norm.running_var))
    return [round(mean, 2), round(variance, 2), int(norm.num_batches_tracked)]


def fit(*callbacks):
    module = Module()
    quiet = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}
    quiet |= {"enable_model_summary": False, "num_sanity_val_steps": 0, "accelerator": "cpu"}
    pl.Trainer(max_epochs=1, callbacks=list(callbacks), **quiet).fit(module)
    return module.validated


def by_torch():
    module = Module()
    average = AveragedModel(module, multi_avg_fn=get_ema_multi_avg_fn(0.999))
    for batch in module.train_dataloader():
        module.training_step(batch, 0)
        average.update_parameters(module)
    return statistics(average.module.norm)


seen = {
    "without": fit(),
    "with EMA": fit(EMAWeightAveraging()),
    "with EMA, decay 0.9": fit(EMAWeightAveraging(decay=0.9)),
    "use_buffers=False": fit(EMAWeightAveraging(use_buffers=False)),
    "torch's own": by_torch(),
}
trained = [5.02, 3.6, 100]
expected = {
    "without": trained,
    "with EMA": [0.89, 1.46, 1],
    "with EMA, decay 0.9": [5.02, 3.6, 90],
    "use_buffers=False": trained,
    "torch's own": trained,
}
print(seen)
sys.exit(0 if seen == expected else f"changed; before: {expected}")
PYTHON
