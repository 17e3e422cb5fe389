"""Recurrent top-down attention (RTDA): from the embedding of one pass to the mask of the next."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import conv_transpose2d, interpolate

from dien_lightning.types import AttentionMask


class SeedDeconvolution(nn.ConvTranspose2d):
    """`nn.ConvTranspose2d` without bias for a map of one position, where it is one matrix product.

    Its weights lie in memory as channels_last has them, whatever the network's layout: so they are that product's
    matrix, and so are their gradients. At ResNet-50's size (2,048 channels to 128 maps of 16 x 8) they are more than
    the backbone has, and torch's general path copies them into another layout on each way. The product stays in the
    weights' precision under autocast: it reads each weight once, and so would a copy in half precision.

    Shape:
        (B, in_channels, 1, 1) -> (B, out_channels, *kernel_size).

    Example:
        >>> SeedDeconvolution(32, 8, (4, 2))(torch.randn(3, 32, 1, 1)).shape
        torch.Size([3, 8, 4, 2])
    """

    def __init__(self, in_channels: int, out_channels: int, kernel_size: tuple[int, int]) -> None:
        super().__init__(in_channels, out_channels, kernel_size, bias=False)
        self.weight.data = self.weight.data.contiguous(memory_format=torch.channels_last)

    def _save_to_state_dict(self, destination: dict[str, Tensor], prefix: str, keep_vars: bool) -> None:
        super()._save_to_state_dict(destination, prefix, keep_vars)
        if not keep_vars:  # safetensors writes none but contiguous tensors
            destination[f"{prefix}weight"] = destination[f"{prefix}weight"].contiguous()

    def forward(self, seed: Tensor, output_size: Any = None) -> Tensor:
        if torch.compiler.is_exporting():  # that layout would tie the graph to batches of more than one image
            return conv_transpose2d(seed, self.weight.contiguous())
        weight = self.weight.permute(0, 2, 3, 1)  # (in, kh, kw, out), contiguous
        maps = seed.flatten(1) @ weight.flatten(1)  # (B, kh * kw * out)
        return maps.view(-1, *weight.shape[1:]).permute(0, 3, 1, 2)


class RecurrentTopDownAttention(nn.Module):
    """One step's mask, predicted from the embedding of the pass before (Pu et al., 2019, III-D).

    A spatial mask (three deconvolutions and a sigmoid) and a channel mask (two 1x1 convolutions and a sigmoid); their
    Kronecker product has the feature map's shape. The paper leaves widths, kernel sizes and the start open. Here the
    deconvolutions have 128, 64 and 1 channels, and the channel path goes through D / 16. The last layer of each path
    starts at zero and the product is scaled by 4, so every mask starts at exactly 1 and pass 1 starts as pass 0 was.

    Args:
        embedding_dim: D.
        channels: C of the feature map.
        size: (h, w) of the feature map. The spatial mask's sides are the next multiples of 4; it is resized to maps of
            another size.

    Shape:
        embedding (B, D) -> AttentionMask(spatial (B, 1, h, w), channel (B, C, 1, 1)).

    Example:
        >>> attention = RecurrentTopDownAttention(embedding_dim=32, channels=8, size=(16, 8))
        >>> features = torch.randn(2, 8, 16, 8)
        >>> bool((attention.apply_mask(features, attention(torch.randn(2, 32))) == features).all())
        True
    """

    scale = 4.0  # two sigmoids of 0 multiply to 1/4

    def __init__(self, embedding_dim: int = 2048, channels: int = 256, size: tuple[int, int] = (64, 32)) -> None:
        super().__init__()
        quarter = (math.ceil(size[0] / 4), math.ceil(size[1] / 4))
        bottleneck = max(1, embedding_dim // 16)
        self.spatial = nn.Sequential(  # 1 x 1 -> h/4 x w/4 -> h/2 x w/2 -> h x w
            SeedDeconvolution(embedding_dim, 128, quarter),
            nn.BatchNorm2d(128),
            nn.ReLU(inplace=True),
            nn.ConvTranspose2d(128, 64, 4, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(64),
            nn.ReLU(inplace=True),
            nn.ConvTranspose2d(64, 1, 4, stride=2, padding=1),
        )
        self.channel = nn.Sequential(
            nn.Conv2d(embedding_dim, bottleneck, 1),
            nn.ReLU(inplace=True),
            nn.Conv2d(bottleneck, channels, 1),
        )
        for parameter in (*self.spatial[-1].parameters(), *self.channel[-1].parameters()):
            nn.init.zeros_(parameter)

    def forward(self, embedding: Tensor) -> AttentionMask:
        seed = embedding[:, :, None, None]  # (B, D, 1, 1)
        return AttentionMask(torch.sigmoid(self.spatial(seed)), torch.sigmoid(self.channel(seed)))

    def apply_mask(self, features: Tensor, mask: AttentionMask) -> Tensor:  # (B, C, H, W) -> (B, C, H, W)
        """Weight a feature map by the mask's Kronecker product, resized to the map.

        Args:
            features: (B, C, H, W).
            mask: what `forward` returned for the same B images.

        Shape:
            (B, C, H, W) -> the same.
        """
        spatial = mask.spatial
        # While exporting, sizes are symbols: a graph for all of them resizes always, and gives the same up to rounding.
        if torch.compiler.is_exporting() or spatial.shape[-2:] != features.shape[-2:]:
            # Resized as its difference from 1/2, a mask of exactly 1/2 stays one; bilinear weights sum to 1 but nearly.
            resized = interpolate(spatial - 0.5, features.shape[-2:], mode="bilinear", align_corners=False)
            spatial = resized + 0.5
        return features * (self.scale * spatial * mask.channel).to(features.dtype)
