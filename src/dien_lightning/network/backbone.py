"""Five blocks of a torchvision network, and where its weights come from."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import torch
import torchvision
from torch import Tensor, nn

from dien_lightning.checks import first_line
from dien_lightning.network.foreign import read_backbone
from dien_lightning.network.small_maps import SmallMapConv2d

_BASIC, _BOTTLENECK = (64, 64, 128, 256, 512), (64, 256, 512, 1024, 2048)
BACKBONES: dict[str, tuple[int, int, int, int, int]] = {
    "resnet18": _BASIC,
    "resnet34": _BASIC,
    "resnet50": _BOTTLENECK,
    "resnet101": _BOTTLENECK,
    "mobilenet_v2": (16, 24, 32, 96, 1280),
}
"""The output channels of the five blocks."""


class Backbone(nn.Module):
    """A torchvision network as five blocks, its last pooling and 1,000-way layer removed (Pu et al., 2019, III-A).

    Args:
        name: one of `BACKBONES`.
        weights: "imagenet" (torchvision's IMAGENET1K_V1, downloaded once), the path of a file that torchvision or
            another re-identification library saved (see `dien_lightning.network.foreign`), or None for random weights.
        last_stride: of the last block; 1 leaves its map as large as the one before it.

    Shape:
        images (B, 3, H, W) -> features (B, channels[-1], h, w), ceil(H / 32) by ceil(W / 32), or / 16.

    Raises:
        ValueError: unknown name, or a file that holds other layers.
        FileNotFoundError: no such file.
        OSError: the download failed.

    Example:
        >>> Backbone("resnet18", weights=None).channels
        (64, 64, 128, 256, 512)
    """

    def __init__(
        self, name: str = "resnet50", weights: str | os.PathLike[str] | None = "imagenet", last_stride: int = 2
    ) -> None:
        super().__init__()
        if name not in BACKBONES:
            raise ValueError(f"backbone={name!r} is unknown; choose one of {', '.join(BACKBONES)}.")
        network = _torchvision_network(name, weights)
        self.channels = BACKBONES[name]
        if name == "mobilenet_v2":
            layers = network.features
            blocks = [layers[0:2], layers[2:4], layers[4:7], layers[7:14], layers[14:19]]
        else:
            stem = nn.Sequential(network.conv1, network.bn1, network.relu, network.maxpool)
            blocks = [stem, network.layer1, network.layer2, network.layer3, network.layer4]
        self.blocks = nn.ModuleList(blocks)
        for layer in blocks[-1].modules():
            if isinstance(layer, nn.Conv2d) and layer.stride == (2, 2):
                layer.stride = (last_stride, last_stride)
        SmallMapConv2d.take_over(blocks[-1])

    def forward(self, images: Tensor) -> Tensor:
        features = images
        for block in self.blocks:
            features = block(features)
        return features


def _torchvision_network(name: str, weights: str | os.PathLike[str] | None) -> Any:
    if weights == "imagenet":
        try:
            return torchvision.models.get_model(name, weights="IMAGENET1K_V1")
        except Exception as error:
            url = torchvision.models.get_model_weights(name)["IMAGENET1K_V1"].url
            file = url.rsplit("/", 1)[-1]
            fetched = Path(torch.hub.get_dir()) / "checkpoints" / file
            if fetched.is_file():
                raise ValueError(
                    f"weights=imagenet: {fetched} cannot be read ({first_line(error)}); delete it, and it is fetched "
                    f"anew."
                ) from error
            raise OSError(
                f"weights=imagenet: could not fetch {url} ({error}). Download that file on a connected machine and "
                f"give its path (weights=/path/to/{file}), or weights=null for random weights."
            ) from error
    network = torchvision.models.get_model(name, weights=None)
    if weights is not None:
        network.load_state_dict(read_backbone(Path(weights).expanduser(), name, BACKBONES), strict=False)
    return network
