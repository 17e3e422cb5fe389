#!/usr/bin/env bash
# With layer_decay=0.5 and a schedule of torch's, a ViT's first layer moves as far as its head in the first step.
#
# With:   timm 1.0.31, torch 2.14.1
# Does:   create_optimizer_v2 writes a layer's factor into its group as lr_scale, and the full rate as lr. Only timm's
#         schedulers multiply the two; torch's optimizers and schedulers do not know lr_scale.
# Guess:  the optimizer that comes back has each layer's rate; a schedule multiplies what it finds.
# Seen:   AdamW, rate 0.001: the first step moves patch embedding, last block and head by 0.001 each, without a schedule
#         and with CosineAnnealingLR alike. The decayed rates are 0.00000012, 0.0005 and 0.001.
# Beside: with timm's scheduler, once its step(0) has been called, they are that.
# Use:    group["lr"] *= group["lr_scale"] for each group, before torch's schedule is made.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet timm==1.0.31 torch==2.14.1 torchvision==0.29.1 numpy==2.4.6
cd "$folder"
OMP_NUM_THREADS=1 "$folder/venv/bin/python" -W ignore - <<'PYTHON'
import sys

import numpy as np
import timm
import torch
from timm.optim import create_optimizer_v2
from timm.scheduler import create_scheduler_v2
from torch.optim.lr_scheduler import CosineAnnealingLR

LAYERS = "patch_embed.proj.weight", "blocks.11.attn.qkv.weight", "head.weight"


def cosine_of_torch(optimizer):
    CosineAnnealingLR(optimizer, 10)


def cosine_of_timm(optimizer):
    scheduler, _ = create_scheduler_v2(optimizer, num_epochs=10)
    scheduler.step(0)


def scaled_by_hand(optimizer):
    for group in optimizer.param_groups:
        group["lr"] *= group["lr_scale"]
    cosine_of_torch(optimizer)


def first_step(schedule):
    """The largest change of a weight in the patch embedding, the last block and the head."""
    torch.manual_seed(0)
    network = timm.create_model("vit_tiny_patch16_224", num_classes=10, img_size=32)
    optimizer = create_optimizer_v2(network, "adamw", lr=1e-3, weight_decay=0, layer_decay=0.5)
    schedule(optimizer)
    weights = [network.get_parameter(name) for name in LAYERS]
    before = [weight.detach().clone() for weight in weights]
    network(torch.rand(2, 3, 32, 32)).pow(2).sum().backward()
    optimizer.step()
    return [(weight - old).abs().max().item() for weight, old in zip(weights, before, strict=True)]


seen = {schedule.__name__: first_step(schedule) for schedule in (cosine_of_torch, cosine_of_timm, scaled_by_hand)}
seen["none"] = first_step(lambda optimizer: None)
for name, moved in seen.items():
    print(name, *(f"{value:.2g}" for value in moved))
decayed, full = [1.22e-7, 5e-4, 1e-3], [1e-3] * 3
expected = {"cosine_of_torch": full, "cosine_of_timm": decayed, "scaled_by_hand": decayed, "none": full}
same = all(np.allclose(seen[name], expected[name], rtol=0.1, atol=0) for name in seen)
sys.exit(0 if same else f"changed; before: {expected}")
PYTHON
