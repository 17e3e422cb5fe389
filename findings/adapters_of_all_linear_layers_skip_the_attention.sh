#!/usr/bin/env bash
# LoRA on all linear layers of torchvision's vision transformer leaves attention untrained, half of it with adapters.
#
# With:   peft 0.21.2, torchvision 0.29.1, timm 1.0.31, torch 2.14.1
# Does:   torch.nn.MultiheadAttention does not call its output layer, but takes its weight. peft wraps the layer, so
#         its adapter is counted as trainable, saved and loaded, but not run. Queries, keys and values are a bare
#         parameter, and no layer at all. Nothing in attention is adapted, and nothing says so.
# Guess:  target_modules="all-linear" trains the output layer of attention, as in timm's; or peft refuses.
# Seen:   adapters' matrices, and those with a gradient after backward: out_proj 4 and 0, the MLP's layers 8 and 8,
#         the head 2 and 2. Named by hand, ["out_proj", "0", "3"]: the same 4 and 0.
# Beside: timm's transformer: qkv, proj, fc1, fc2 and head, all with a gradient. The module itself as a target,
#         ["self_attention"], in torchvision's: 8 of 8.
# Use:    the name of the MultiheadAttention as a target; after the first backward, look for gradients that are None.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet peft==0.21.2 timm==1.0.31 torch==2.14.1 torchvision==0.29.1 numpy==2.4.6
cd "$folder"
OMP_NUM_THREADS=1 "$folder/venv/bin/python" -W ignore - <<'PYTHON' 2> log || { tail -3 log; exit 1; }
import sys

import timm
import torch
from peft import LoraConfig, get_peft_model
from torchvision.models import VisionTransformer

IMAGES = torch.randn(4, 3, 32, 32, generator=torch.Generator().manual_seed(0))
SIZE = {"patch_size": 16, "num_classes": 8}


def torchvision_vit():
    return VisionTransformer(image_size=32, num_layers=2, num_heads=2, hidden_dim=32, mlp_dim=64, **SIZE)


def timm_vit():
    return timm.models.VisionTransformer(img_size=32, embed_dim=32, depth=2, num_heads=2, **SIZE)


def trained(network, targets):
    """For each kind of layer with an adapter: how many adapters there are, and how many of them get a gradient."""
    torch.manual_seed(0)
    network = get_peft_model(network, LoraConfig(target_modules=targets, r=4, init_lora_weights=False)).train()
    network(IMAGES).logsumexp(1).sum().backward()
    found = {}
    for name, weight in network.named_parameters():
        if weight.requires_grad:
            layer = name.partition(".lora_")[0].rpartition(".")[2]
            adapters, gradients = found.get(layer, (0, 0))
            found[layer] = adapters + 1, gradients + (weight.grad is not None)
    return found


seen = {
    "torchvision": trained(torchvision_vit(), "all-linear"),
    "by name": trained(torchvision_vit(), ["out_proj", "0", "3"]),
    "whole module": trained(torchvision_vit(), ["self_attention"]),
    "timm": trained(timm_vit(), "all-linear"),
}
print(seen)
expected = {
    "torchvision": {"out_proj": (4, 0), "0": (4, 4), "3": (4, 4), "head": (2, 2)},
    "by name": {"out_proj": (4, 0), "0": (4, 4), "3": (4, 4)},
    "whole module": {"out_proj": (4, 4), "self_attention": (4, 4)},
    "timm": {"qkv": (4, 4), "proj": (4, 4), "fc1": (4, 4), "fc2": (4, 4), "head": (2, 2)},
}
sys.exit(0 if seen == expected else f"changed; before: {expected}")
PYTHON
