"""Small networks and images for the tests of the network."""

from __future__ import annotations

import torch
from torch import Tensor

from dien_lightning.network import DIEN


def small(attention_loops: int = 2, seed: int = 0, **changes) -> DIEN:
    torch.manual_seed(seed)
    arguments = {"backbone": "resnet18", "weights": None, "embedding_dim": 16, "image_size": (64, 32)} | changes
    return DIEN(attention_loops=attention_loops, **arguments)


def images(count: int = 4, height: int = 64, width: int = 32, seed: int = 0) -> Tensor:
    return torch.randn(count, 3, height, width, generator=torch.Generator().manual_seed(seed))
