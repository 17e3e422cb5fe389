#!/usr/bin/env bash
# Two counters of operations give a transposed convolution four times what it computes, and a matrix product nothing.
#
# With:   torchinfo 1.8.0, thop 0.1.1.post2209072238, ptflops 0.7.5, fvcore 0.1.5.post20221221, torch 2.14.1
# Does:   torchinfo and thop multiply a kernel by the output's places. A transposed convolution lays its kernel down once
#         for each place of its input, so with stride 2 it is counted 2 x 2 times. What no module computes - `@`, which
#         masks and attention are made of - is not counted by them at all, and by ptflops only with its aten backend.
#         A table of accuracy against operations ranks a network with top-down attention wrongly, either way.
# Guess:  five tools give the number that is worked out by hand, or their documentation's multiple of it.
# Seen:   64 x 8 x 4 to 32 x 16 x 8 by a kernel of 3: 589,824 by hand, torch, ptflops and fvcore; 2,359,296 by torchinfo
#         and thop. The product of a map with itself: 131,072, and 0 by torchinfo, thop and ptflops.
# Beside: all agree on a depthwise convolution, and on one that is called three times in a loop.
# Use:    torch.utils.flop_counter.FlopCounterMode, halved; by hand for one layer before a table is printed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.14.1 torchvision==0.29.1 torchinfo==1.8.0 numpy==2.4.6 \
    thop==0.1.1.post2209072238 ptflops==0.7.5 fvcore==0.1.5.post20221221
cd "$folder"
OMP_NUM_THREADS=1 "$folder/venv/bin/python" -W ignore - 2> /dev/null <<'PYTHON'
import sys

import fvcore.nn
import ptflops
import thop
import torch
import torchinfo
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

SHAPE = 64, 8, 4
PLACES = 8 * 4


class Product(nn.Module):
    def forward(self, maps):
        flat = maps.flatten(2)
        return flat @ flat.transpose(1, 2)


class Loop(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Conv2d(64, 64, 3, padding=1, groups=64, bias=False)

    def forward(self, maps):
        for _ in range(3):
            maps = self.body(maps)
        return maps


def count(network):
    """Multiplications and additions, as pairs, by five tools."""
    maps = torch.ones(1, *SHAPE)
    with FlopCounterMode(display=False) as counter:
        network(maps)
    quiet = {"as_strings": False, "print_per_layer_stat": False}
    return {
        "torch": counter.get_total_flops() // 2,
        "fvcore": int(fvcore.nn.FlopCountAnalysis(network, maps).total()),
        "ptflops aten": ptflops.get_model_complexity_info(network, SHAPE, backend="aten", **quiet)[0],
        "ptflops": ptflops.get_model_complexity_info(network, SHAPE, backend="pytorch", **quiet)[0],
        "torchinfo": torchinfo.summary(network, input_data=maps, verbose=0).total_mult_adds,
        "thop": int(thop.profile(network, (maps,), verbose=False)[0]),
    }


transposed = nn.ConvTranspose2d(64, 32, 3, stride=2, padding=1, output_padding=1, bias=False)
found = {
    "transposed": (PLACES * 64 * 32 * 9, count(transposed)),
    "product": (64 * 64 * PLACES, count(Product())),
    "depthwise": (PLACES * 64 * 9, count(nn.Conv2d(64, 64, 3, padding=1, groups=64, bias=False))),
    "three times": (3 * PLACES * 64 * 9, count(Loop())),
}
for name, (by_hand, counted) in found.items():
    print(name, by_hand, counted)
times = {name: [one / by_hand for one in counted.values()] for name, (by_hand, counted) in found.items()}
before = {"transposed": [1, 1, 1, 1, 4, 4], "product": [1, 1, 1, 0, 0, 0], "depthwise": [1] * 6, "three times": [1] * 6}
sys.exit(0 if times == before else f"changed; before, as multiples: {before}")
PYTHON
