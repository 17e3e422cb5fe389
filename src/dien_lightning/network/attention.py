"""Recurrent top-down attention (RTDA): from the embedding of one pass to the mask of the next."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from dien_lightning.types import AttentionMask


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
            nn.ConvTranspose2d(embedding_dim, 128, quarter, bias=False),
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
