#!/usr/bin/env bash
# Within one torch.autocast, every forward pass uses the weights of the first one, whatever the optimizer did since.
#
# With:   torch 2.14.1, pytorch-lightning 2.6.6
# Does:   autocast keeps the low-precision copy of each weight until its block ends, and does not see that a weight is
#         changed in place. Training that alternates - discriminator, then backbone against the new discriminator - or
#         repeats a step within one block, as maximum classifier discrepancy does, works against old weights. What runs
#         in float32, such as batch norm's scale, is new: the network is of two ages.
# Guess:  the loss falls with each of four SGD steps, as in float32, but for the rounding of bfloat16.
# Seen:   losses of four steps on one batch, in float32: 8.17, 6.73, 5.62, 4.77. Under one autocast: 8.15 four times,
#         from one gradient. No warning.
# Beside: one autocast for each forward pass, cache_enabled=False, or Lightning's bf16-mixed with manual optimization,
#         which turns the cache off: the loss falls.
# Use:    autocast around the forward pass and loss of one step, never around optimizer.step().
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.14.1 torchvision==0.29.1 pytorch-lightning==2.6.6 numpy==2.4.6
cd "$folder"
OMP_NUM_THREADS=1 "$folder/venv/bin/python" -W ignore - 2> log <<'PYTHON' || { tail -3 log; exit 1; }
import contextlib
import sys

import pytorch_lightning as pl
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

OFF = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False, "enable_model_summary": False}
torch.manual_seed(0)
WEIGHT, IMAGES, TARGETS = torch.randn(4, 8), torch.randn(32, 8), torch.randn(32, 4)


def autocast(**options):
    return torch.autocast("cpu", dtype=torch.bfloat16, **options)


def network():
    linear = nn.Linear(8, 4, bias=False)
    linear.weight.data.copy_(WEIGHT)
    return linear


def four_steps(linear, around_all, around_each=contextlib.nullcontext):
    """The loss before each of four SGD steps."""
    optimizer = torch.optim.SGD(linear.parameters(), lr=0.2)
    losses = []
    with around_all():
        for _ in range(4):
            with around_each():
                loss = (linear(IMAGES).float() - TARGETS).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(round(loss.item(), 3))
    return losses


class Module(pl.LightningModule):
    def __init__(self):
        super().__init__()
        self.linear = network()
        self.automatic_optimization = False

    def training_step(self, batch, index):
        self.losses = four_steps(self.linear, contextlib.nullcontext)

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)


module = Module()
loader = DataLoader(TensorDataset(IMAGES), 32)
pl.Trainer(max_epochs=1, accelerator="cpu", precision="bf16-mixed", **OFF).fit(module, loader)
seen = {
    "float32": four_steps(network(), contextlib.nullcontext),
    "one autocast": four_steps(network(), autocast),
    "no cache": four_steps(network(), lambda: autocast(cache_enabled=False)),
    "one each": four_steps(network(), contextlib.nullcontext, autocast),
    "Lightning": module.losses,
}
print(seen)
stuck = seen.pop("one autocast")
falls = all(sorted(losses, reverse=True) == losses and losses[3] < 0.9 * losses[0] for losses in seen.values())
sys.exit(0 if falls and len(set(stuck)) == 1 else "changed; before: four equal losses, under one autocast alone")
PYTHON
