#!/usr/bin/env bash
# BackboneFinetuning(train_bn=False) trains the frozen backbone's batch norm until it is thawed.
#
# With:   pytorch-lightning 2.6.6, torch 2.14.1
# Does:   before the thaw the callback freezes without handing train_bn on, and freeze() takes True: scales and shifts
#         stay trainable, and statistics move. train_bn is looked at only when the backbone is thawed.
# Guess:  a frozen backbone told not to train batch norm is the same network after two epochs.
# Seen:   the convolution is; scale, shift and statistics are others, as with train_bn=True.
# Beside: freeze(backbone, train_bn=False) of one's own callback keeps all five, yet in training mode it normalizes by
#         the batch: a dark crop among brighter ones has features of cosine below 0.7 with its own in evaluation, so the
#         head learns on others than it is tested on.
# Use:    freeze() and, at the start of each epoch, backbone.eval().
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pytorch-lightning==2.6.6 torch==2.14.1 torchvision==0.29.1 numpy==2.4.6
cd "$folder"
OMP_NUM_THREADS=1 "$folder/venv/bin/python" -W ignore - <<'PYTHON' 2> log || { tail -3 log; exit 1; }
import copy
import sys

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import BackboneFinetuning, BaseFinetuning
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

OFF = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False, "enable_model_summary": False}
NAMES = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")


class Frozen(BaseFinetuning):
    def freeze_before_training(self, module):
        self.freeze(module.backbone, train_bn=False)

    def finetune_function(self, module, epoch, optimizer):
        pass


class FrozenAndEvaluated(Frozen):
    def on_train_epoch_start(self, trainer, module):
        super().on_train_epoch_start(trainer, module)
        module.backbone.eval()


class Module(pl.LightningModule):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        layers = nn.Conv2d(3, 16, 3), nn.BatchNorm2d(16), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()
        self.backbone, self.head = nn.Sequential(*layers), nn.Linear(16, 2)
        for _ in range(300):
            self.backbone(torch.rand(16, 3, 16, 8))
        self.before = copy.deepcopy(self.backbone).eval().requires_grad_(False)
        self.cosines = []

    def training_step(self, batch, index):
        features = self.backbone(batch[0])
        self.cosines.append(nn.functional.cosine_similarity(features, self.before(batch[0])).min().item())
        return self.head(features).mean()

    def configure_optimizers(self):
        return torch.optim.SGD([value for value in self.parameters() if value.requires_grad], lr=0.1)


def fit(callback):
    """What of the batch norm two epochs changed, and the least cosine of first features with those in evaluation."""
    module = Module()
    night = torch.rand(8, 3, 16, 8) * 0.1 * torch.linspace(1, 4, 8).view(8, 1, 1, 1)
    trainer = pl.Trainer(max_epochs=2, callbacks=callback, accelerator="cpu", devices=1, **OFF)
    trainer.fit(module, DataLoader(TensorDataset(night), 4))
    old, new = module.before.state_dict(), module.backbone.state_dict()
    changed = [name for name in NAMES if not torch.equal(old[f"1.{name}"], new[f"1.{name}"])]
    assert torch.equal(old["0.weight"], new["0.weight"])
    return changed, module.cosines[0]


seen = {
    "train_bn=False": fit(BackboneFinetuning(unfreeze_backbone_at_epoch=9, train_bn=False)),
    "train_bn=True": fit(BackboneFinetuning(unfreeze_backbone_at_epoch=9, train_bn=True)),
    "freeze()": fit(Frozen()),
    "freeze() and eval()": fit(FrozenAndEvaluated()),
}
for name, (changed, cosine) in seen.items():
    print(f"{name}: cosine {cosine:.3f}, changed: {' '.join(changed) or 'nothing'}")
changed, cosines = zip(*seen.values())
same = changed == (list(NAMES), list(NAMES), [], []) and max(cosines[:3]) < 0.7 and cosines[3] > 0.999
sys.exit(0 if same else "changed; before: all five, all five, nothing, nothing; cosines below 0.7, the last 1")
PYTHON
