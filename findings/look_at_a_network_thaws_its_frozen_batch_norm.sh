#!/usr/bin/env bash
# Listing a network's layers, or counting them, puts its frozen batch norm back into training.
#
# With:   torchvision 0.29.1, torch 2.14.1, torchinfo 1.8.0, thop 0.1.1.post2209072238
# Does:   each puts the network in evaluation and afterwards calls train() on the whole if the whole was in training. A
#         batch norm that was in evaluation within it, as one freezes it on few images, trains from then on.
# Guess:  looking changes nothing: the parts are in the modes that they were in.
# Seen:   torchinfo.summary, thop.profile, torchvision's get_graph_node_names and create_feature_extractor (in the
#         network it was given, too): after the next ten dark batches the frozen mean of 0.5 is below 0.3.
# Beside: torch's update_bn itself overwrites the frozen statistics, too. torch.export and Lightning's ModelSummary keep
#         the modes.
# Use:    a copy.deepcopy of the network, or a train() of one's own that puts its batch norm in evaluation.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torchinfo==1.8.0 thop==0.1.1.post2209072238 \
    pytorch-lightning==2.6.6 torch==2.14.1 torchvision==0.29.1 numpy==2.4.6
cd "$folder"
OMP_NUM_THREADS=1 "$folder/venv/bin/python" -W ignore - <<'PYTHON' 2> log || { tail -3 log; exit 1; }
import sys

import pytorch_lightning as pl
import thop
import torch
import torchinfo
from pytorch_lightning.utilities.model_summary import ModelSummary
from torch import nn
from torch.optim.swa_utils import update_bn
from torchvision.models.feature_extraction import create_feature_extractor, get_graph_node_names

DARK = torch.full((4, 3, 16, 8), 0.1)


class Module(pl.LightningModule):
    def __init__(self, network):
        super().__init__()
        self.network, self.example_input_array = network, DARK

    def forward(self, crops):
        return self.network(crops)


def mean_after(look):
    """The frozen running mean after a look, and after ten more batches in training."""
    network = nn.Sequential(nn.BatchNorm2d(3), nn.ReLU(), nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))
    network[0].running_mean.fill_(0.5)
    network.train()
    network[0].eval()
    look(network)
    after = network[0].running_mean[0].item()
    assert network.training
    for _ in range(10):
        network(DARK)
    return round(after, 3), round(network[0].running_mean[0].item(), 3)


seen = {
    "nothing": mean_after(lambda network: None),
    "torchinfo.summary": mean_after(lambda network: torchinfo.summary(network, input_size=DARK.shape, verbose=0)),
    "thop.profile": mean_after(lambda network: thop.profile(network, inputs=(DARK,), verbose=False)),
    "get_graph_node_names": mean_after(get_graph_node_names),
    "create_feature_extractor": mean_after(lambda network: create_feature_extractor(network, ["2"])),
    "update_bn": mean_after(lambda network: update_bn([DARK], network)),
    "torch.export": mean_after(lambda network: torch.export.export(network, (DARK,))),
    "ModelSummary": mean_after(lambda network: str(ModelSummary(Module(network)))),
}
kept, thawed = (0.5, 0.5), (0.5, 0.239)
expected = {
    "nothing": kept,
    "torchinfo.summary": thawed,
    "thop.profile": thawed,
    "get_graph_node_names": thawed,
    "create_feature_extractor": thawed,
    "update_bn": (0.1, 0.1),
    "torch.export": kept,
    "ModelSummary": kept,
}
print(seen)
sys.exit(0 if seen == expected else f"changed; before: {expected}")
PYTHON
