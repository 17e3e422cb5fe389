"""Small networks and images for the tests of the network."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from dien_lightning.network import DIEN, DomainBatchNorm, RecurrentTopDownAttention


def small(attention_loops: int = 2, seed: int = 0, moved: bool = False, **changes) -> DIEN:
    """A network of ResNet-18; `moved` takes its masks away from 1, as training does."""
    torch.manual_seed(seed)
    arguments = {"backbone": "resnet18", "weights": None, "embedding_dim": 16, "image_size": (64, 32)} | changes
    network = DIEN(attention_loops=attention_loops, **arguments)
    if moved:
        move(network.attention)
    return network


def move(attention: RecurrentTopDownAttention) -> None:
    """Draw the last layers, which start at zero, as torch draws the others."""
    for layer in (attention.spatial[-1], attention.channel[-1]):
        layer.reset_parameters()
        nn.init.normal_(layer.bias, std=0.5)


def images(count: int = 4, height: int = 64, width: int = 32, seed: int = 0) -> Tensor:
    return torch.randn(count, 3, height, width, generator=torch.Generator().manual_seed(seed))


class Trap:
    """Code that a file may hold: reading it would spring the trap."""

    sprung = False

    def __reduce__(self):
        return (setattr, (Trap, "sprung", True))


def normalizations(network):
    return {name: module for name, module in network.named_modules() if isinstance(module, DomainBatchNorm)}
