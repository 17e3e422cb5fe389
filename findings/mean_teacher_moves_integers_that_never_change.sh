#!/usr/bin/env bash
# A moving average with buffers lowers integers that never change: numbers of identities, indices of positions.
#
# With:   torch 2.14.1, torchvision 0.29.1
# Does:   AveragedModel(use_buffers=True), with get_ema_multi_avg_fn, averages all buffers, also integers: it computes
#         old * decay + new * (1 - decay) in float32 and cuts off what follows the point. 3 and 3 give 2.9999998, so 2.
#         Which numbers are hit depends on how the decay is rounded: none at 0.99 and 0.999, many at 0.9, 0.996, 0.9999.
# Guess:  the average of a network that does not change is the network; integers are copied.
# Seen:   a buffer 0, 1, ... 1500 after two averages of the same network, the share that is 1 too low: 0.24 at 0.9, 0.09
#         at 0.996, 0.28 at 0.9995, 0.19 at 0.9999. Of Swin's relative_position_index: 0.28, 0.10, 0.33 and 0.17: a
#         pair of windows' places takes the trained bias of another pair.
# Beside: a counter such as num_batches_tracked, raised by 1 for each of 20 averages, stays at 1 with decay 0.9999. With
#         use_buffers=False, or floating-point buffers, nothing moves.
# Use:    use_buffers=False, and copy the buffers after each update.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.14.1 torchvision==0.29.1 numpy==2.4.6
cd "$folder"
OMP_NUM_THREADS=1 "$folder/venv/bin/python" -W ignore - <<'PYTHON'
import sys

import torch
import torchvision
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

DECAYS = 0.9, 0.99, 0.996, 0.999, 0.9995, 0.9999


class Identities(nn.Module):
    def __init__(self, dtype=torch.int64):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))
        self.register_buffer("pids", torch.arange(1501, dtype=dtype))
        self.register_buffer("steps", torch.tensor(0))


def average(network, decay, use_buffers=True, updates=2):
    averaged = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(decay), use_buffers=use_buffers)
    for _ in range(updates):
        if hasattr(network, "steps"):
            network.steps += 1
        averaged.update_parameters(network)
    return averaged.module


def share_too_low(buffer, averaged):
    return round((averaged == buffer - 1).float().mean().item(), 2)


def pids_too_low(decay, dtype=torch.int64, use_buffers=True):
    network = Identities(dtype)
    return share_too_low(network.pids, average(network, decay, use_buffers).pids)


def positions_too_low(decay):
    swin = torchvision.models.swin_t(num_classes=8)
    index = "features.1.0.attn.relative_position_index"
    return share_too_low(swin.get_buffer(index), average(swin, decay).get_buffer(index))


seen = {
    "pids": [pids_too_low(decay) for decay in DECAYS],
    "positions": [positions_too_low(decay) for decay in DECAYS],
    "floating point": [pids_too_low(decay, torch.float32) for decay in DECAYS],
    "no buffers": [pids_too_low(decay, use_buffers=False) for decay in DECAYS],
    "20 steps": average(Identities(), 0.9999, updates=20).steps.item(),
}
print(seen)
some, none = [True, False, True, False, True, True], [0.0] * len(DECAYS)
same = all([share > 0.05 for share in seen[name]] == some for name in ("pids", "positions"))
same = same and seen["floating point"] == seen["no buffers"] == none and seen["20 steps"] == 1
sys.exit(0 if same else "changed; before: integers 1 too low at decays 0.9, 0.996, 0.9995 and 0.9999")
PYTHON
