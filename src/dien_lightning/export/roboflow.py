"""The folder that Roboflow's `reid` reads: weights.safetensors and reid_config.json, of the backbone alone.

Its list of architectures has no DIEN, so what it can build of a network is the backbone, whose averaged map is another
embedding than ours, without embedding layer and passes. `ReIDModel(Deployed(network), ...)` gives ours there.
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from dien_lightning.atomic import atomic_write
from dien_lightning.data.transforms import IMAGENET_MEAN, IMAGENET_STD
from dien_lightning.export.deployed import Deployed
from dien_lightning.export.parity import Parity, check_parity
from dien_lightning.network import DIEN, Domain


class Averaged(torch.nn.Module):
    """What `reid` computes with the folder: the backbone's map of pass 0, averaged over its places.

    Args:
        network: one domain's statistics are taken.
        domain: whose.

    Shape:
        images (B, 3, H, W) -> (B, C).
    """

    def __init__(self, network: DIEN, domain: Domain) -> None:
        super().__init__()
        self.network, self.domain = network, domain

    def forward(self, images: Tensor) -> Tensor:
        self.network.condition.domain, self.network.condition.step = self.domain, 0
        return self.network.backbone(images).mean((2, 3))


def export_reid(deployed: Deployed, folder: str | os.PathLike[str]) -> Parity:
    """Write the folder, read it back as `reid` and as we do, compare, and only then keep it.

    Args:
        deployed: the network, fed with "normalized" images, as `reid` feeds.
        folder: its two files are replaced.

    Raises:
        ValueError: a network that `reid` cannot build, or that is read back as another.
    """
    network = deployed.network
    name = network.hyperparameters["backbone"]
    if name == "mobilenet_v2" or network.hyperparameters["last_stride"] != 2:
        raise ValueError(
            f"format=reid writes resnet18, 34, 50 or 101 with last_stride=2, which Roboflow's reid can build; this is "
            f"{name} with last_stride={network.hyperparameters['last_stride']}. Choose format=onnx or pt2."
        )
    if deployed.input != "normalized":
        raise ValueError(f"format=reid feeds normalized images itself; input={deployed.input} is for onnx and pt2.")
    height, width = network.hyperparameters["image_size"]
    config = {
        "architecture": f"timm:{name}",
        "preprocessing": {
            "input_size": [height, width],
            "mean": list(IMAGENET_MEAN),
            "std": list(IMAGENET_STD),
            "interpolation": "bilinear",
            "to_rgb": True,
            "resize_mode": "stretch",
            "pad_value": 114,
        },
        "dien": {"domain": deployed.domain, "fingerprint": deployed.fingerprint, "holds": "the backbone of pass 0"},
    }
    state = torchvision_state(network)
    with tempfile.TemporaryDirectory() as trial:
        save_file(state, Path(trial, "weights.safetensors"))
        back = DIEN(name, trial, 8, 0, image_size=(height, width)).eval()
        read = Averaged(back, deployed.domain)
        shapes = [(1, 3, height, width), (3, 3, height, width), (2, 3, height + 32, width + 32)]
        parity = check_parity(
            Averaged(network, deployed.domain), lambda images: read(torch.from_numpy(images)).detach().numpy(), shapes
        )
    for file, write in (
        ("reid_config.json", lambda draft: draft.write_text(json.dumps(config, indent=2) + "\n")),
        ("weights.safetensors", lambda draft: save_file(state, draft)),
    ):
        with atomic_write(Path(folder, file)) as draft:
            write(draft)
    return parity


def torchvision_state(network: DIEN) -> dict[str, Tensor]:
    """The backbone by torchvision's names, with the statistics of pass 0 that a `Deployed` network has left."""
    stem = {"0.0": "conv1", "0.1": "bn1"}
    found = {}
    for name, tensor in network.backbone.blocks.state_dict().items():
        block, layer, rest = name.split(".", 2)
        key = f"{stem[f'{block}.{layer}']}.{rest}" if block == "0" else f"layer{block}.{layer}.{rest}"
        if key.endswith(".batches"):
            found[f"{key.removesuffix('batches')}num_batches_tracked"] = torch.zeros((), dtype=torch.long)
        else:
            kept = tensor[0, 0] if key.endswith((".running_mean", ".running_var")) else tensor
            found[key] = kept.detach().clone().contiguous()
    return found
