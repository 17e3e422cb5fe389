"""A network as it is deployed: images as somebody feeds them in, one embedding out, one domain's statistics inside."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from dien_lightning.checks import check_bool, check_choice
from dien_lightning.data.transforms import IMAGENET_MEAN, IMAGENET_STD
from dien_lightning.network import DIEN, DOMAINS, Domain, fingerprint
from dien_lightning.network.normalization import normalizations

INPUTS = {
    "normalized": "RGB, (value / 255 - mean) / std, mean and std of ImageNet: what BoxMOT feeds",
    "unit": "RGB, value / 255, from 0 to 1: what Ultralytics' trackers feed",
    "bytes": "RGB, from 0 to 255 as floating point numbers: what fast-reid's exported networks take",
}
"""How images are fed in."""


class Deployed(nn.Module):
    """A copy of a network that takes images by one convention, and keeps one domain's statistics only.

    Args:
        network: what embeds.
        input: one of `INPUTS`.
        domain: whose batch-norm statistics to keep; None is the target's where there are any, else the source's.
        normalized: give embeddings of unit length.

    Shape:
        images (B, 3, H, W), float32 -> (B, D).

    Raises:
        ValueError: an argument that is not allowed, or a domain without statistics.

    Example:
        >>> network = DIEN("resnet18", weights=None, embedding_dim=8, attention_loops=0, image_size=(64, 32))
        >>> Deployed(network, input="bytes")(torch.full((2, 3, 64, 32), 255.0)).norm(dim=1).round(decimals=3)
        tensor([1., 1.])
    """

    scale: Tensor | None
    shift: Tensor | None

    def __init__(
        self, network: DIEN, *, input: str = "normalized", domain: Domain | None = None, normalized: bool = True
    ) -> None:
        super().__init__()
        check_choice("input", input, tuple(INPUTS))
        check_bool("normalized", normalized)
        self.domain = domain or network.statistics_for("target")
        network.check_statistics(self.domain)
        self.input, self.normalized = input, normalized
        self.fingerprint = fingerprint(network)
        self.network = copy.deepcopy(network).cpu().float().eval().requires_grad_(False)
        for layer in normalizations(self.network):
            place = 0 if layer.running_mean.shape[0] == 1 else DOMAINS.index(self.domain)
            slot = slice(place, place + 1)
            layer.running_mean, layer.running_var = layer.running_mean[slot].clone(), layer.running_var[slot].clone()
        mean, std = (torch.tensor(values).view(3, 1, 1) for values in (IMAGENET_MEAN, IMAGENET_STD))
        whole = {"unit": 1.0, "bytes": 255.0}.get(input)
        self.register_buffer("scale", 1 / (whole * std) if whole else None, persistent=False)
        self.register_buffer("shift", -mean / std if whole else None, persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        if self.scale is not None and self.shift is not None:
            images = images * self.scale + self.shift
        embedding = self.network(images, self.domain).embedding
        return normalize(embedding, dim=1) if self.normalized else embedding
