#!/usr/bin/env bash
# Batches of 8 people x 4 images hold a pair for every image on one process, and for a fifth of them on two.
#
# With:   pytorch-lightning 2.6.6, pytorch-metric-learning 2.9.0, torch 2.14.1
# Does:   on several processes the Trainer wraps the loader's sampler: it writes down one epoch of indices, shuffles the
#         list, and deals it out. MPerClassSampler's batches are nothing but the order of that list.
# Guess:  the processes share the sampler's people or its batches: the images of one person stay together.
# Seen:   MPerClassSampler(m=4, batch_size=32), 100 people x 4 images. Images with another of their person in the batch:
#         1.00 on one process, 0.23 and 0.21 on two. The rest adds nothing to a triplet loss.
# Beside: use_distributed_sampler=False after seed_everything: 1.00, but both processes draw the same images.
# Use:    a batch sampler that knows rank and number of processes and seeds its draws by both.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pytorch-lightning==2.6.6 pytorch-metric-learning==2.9.0 torch==2.14.1 \
    torchvision==0.29.1 numpy==2.4.6
cd "$folder"
OMP_NUM_THREADS=1 "$folder/venv/bin/python" -W ignore - <<'PYTHON' 2> log || { tail -3 log; exit 1; }
import json
import sys
from pathlib import Path

import pytorch_lightning as pl
import torch
from pytorch_metric_learning.samplers import MPerClassSampler
from torch.utils.data import DataLoader, TensorDataset

OFF = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False, "enable_model_summary": False}


class Module(pl.LightningModule):
    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))
        self.batches = []

    def training_step(self, batch, index):
        self.batches.append(batch[0].tolist())
        return self.weight.sum()

    def on_train_end(self):
        Path(f"process{self.global_rank}.json").write_text(json.dumps(self.batches))

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)


def with_a_pair(batches, people):
    """The share of images that have another image of their person in their batch."""
    images = torch.tensor(batches)[:, None]  # (batches, 1, images)
    others = images != images.mT  # (batches, images, images)
    return ((people[images] == people[images.mT]) & others).any(2).float().mean().item()


def fit(processes, **options):
    """The share on each process, and whether all draw the same batches."""
    people = torch.arange(100).repeat_interleave(4)
    sampler = MPerClassSampler(people, 4, batch_size=32, length_before_new_iter=3200)
    loader = DataLoader(TensorDataset(torch.arange(400)), 32, sampler=sampler)
    strategy = "ddp_fork" if processes > 1 else "auto"
    pl.seed_everything(0)
    pl.Trainer(max_epochs=1, accelerator="cpu", devices=processes, strategy=strategy, **options, **OFF).fit(
        Module(), loader
    )
    drawn = [json.loads(Path(f"process{rank}.json").read_text()) for rank in range(processes)]
    shares = [round(with_a_pair(batches, people), 2) for batches in drawn]
    return shares, all(batches == drawn[0] for batches in drawn)


alone, two, unwrapped = fit(1), fit(2), fit(2, use_distributed_sampler=False)
print(alone, two, unwrapped)
same = alone[0] == [1.0] and max(two[0]) < 0.35 and not two[1] and unwrapped == ([1.0, 1.0], True)
sys.exit(0 if same else "changed; before: 1.0 on one process, 0.2 on two, 1.0 of equal images when not wrapped")
PYTHON
