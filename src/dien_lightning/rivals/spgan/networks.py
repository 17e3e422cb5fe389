"""SPGAN's networks: what translates an image, what judges it, and what says whether two images are alike."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d, normalize

from dien_lightning.checks import check_int, check_size

_SMALLEST_IMAGE = (32, 16)  # below, a discriminator's last map is empty


def check_image_size(image_size: Any) -> tuple[int, int]:
    """Height and width, or a ValueError unless generators give back images of this size.

    Example:
        >>> check_image_size((130, 64))
        Traceback (most recent call last):
        ...
        ValueError: image_size=130 x 64 must be multiples of 4, at least 32 x 16: generators halve an image twice.
    """
    height, width = check_size("image_size", image_size, _SMALLEST_IMAGE)
    if height % 4 or width % 4:
        least = "{} x {}".format(*_SMALLEST_IMAGE)
        raise ValueError(
            f"image_size={height} x {width} must be multiples of 4, at least {least}: generators halve an image twice."
        )
    return height, width


class Generator(nn.Module):
    """Images of one domain to images of the other: down, residual blocks, up (Zhu et al., 2017; Johnson et al., 2016).

    A 7 x 7 convolution, two of stride 2 that double the width, `num_blocks` residual blocks, two transposed ones, a
    7 x 7 convolution and tanh; instance norm and ReLU after each, reflected borders. SPGAN takes it over with width 64
    and 9 blocks for images of 256 x 256. Open: the borders and offsets of the norm, which the authors' code has and
    so have we. A person's crop of 128 x 64 is an eighth of the paper's image, and narrower networks translate it in a
    time that two cores have. The transposed convolutions have 4 x 4 weights where the paper's have 3 x 3: with 3, every
    other pixel gets twice the weights (Odena et al., 2016), and a short training leaves that checkerboard in.

    Args:
        width: channels of the first map.
        num_blocks: residual blocks.

    Shape:
        (B, 3, H, W) in [-1, 1], H and W multiples of 4 -> the same.

    Example:
        >>> Generator(width=4, num_blocks=1)(torch.zeros(2, 3, 32, 16)).shape
        torch.Size([2, 3, 32, 16])
    """

    def __init__(self, width: int = 64, num_blocks: int = 9) -> None:
        super().__init__()
        check_int("width", width, 1, "the paper has 64 channels")
        check_int("num_blocks", num_blocks, 0, "the paper has 9 residual blocks")
        down = [_wide(3, width), *_normed(width)]
        for channels in (width, 2 * width):
            down += [nn.Conv2d(channels, 2 * channels, 3, stride=2, padding=1), *_normed(2 * channels)]
        up: list[nn.Module] = []
        for channels in (4 * width, 2 * width):
            turned = nn.ConvTranspose2d(channels, channels // 2, 4, stride=2, padding=1)
            up += [turned, *_normed(channels // 2)]
        blocks = [Residual(4 * width) for _ in range(num_blocks)]
        self.layers = nn.Sequential(*down, *blocks, *up, _wide(width, 3))
        self.apply(_initialize)

    def forward(self, images: Tensor) -> Tensor:
        return self.layers(images).float().tanh()


class Residual(nn.Module):
    """Two 3 x 3 convolutions beside the identity: (B, C, h, w) -> the same."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        first, second = (nn.Conv2d(channels, channels, 3, padding=1, padding_mode="reflect") for _ in range(2))
        self.layers = nn.Sequential(first, *_normed(channels), second, _norm(channels))

    def forward(self, features: Tensor) -> Tensor:
        return features + self.layers(features)


class Discriminator(nn.Module):
    """How much each patch of an image looks like one of the domain (Isola et al., 2017, "PatchGAN").

    The paper's halves an image of 256 x 256 three times, and a score sees 70 x 70 pixels. On crops of half the height
    and a quarter of the width that is more than a person is wide: ours halves twice, and a score sees 34 x 34.

    Args:
        width: channels of the first map.

    Shape:
        (B, 3, H, W) in [-1, 1] -> scores (B, 1, H / 4 - 2, W / 4 - 2), 1 for a real image, 0 for a translated one.

    Example:
        >>> Discriminator(width=4)(torch.zeros(2, 3, 32, 16)).shape
        torch.Size([2, 1, 6, 2])
    """

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        check_int("width", width, 1, "the paper has 64 channels")
        self.layers = nn.Sequential(
            nn.Conv2d(3, width, 4, stride=2, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(width, 2 * width, 4, stride=2, padding=1),
            _norm(2 * width),
            nn.LeakyReLU(0.2),
            nn.Conv2d(2 * width, 4 * width, 4, padding=1),
            _norm(4 * width),
            nn.LeakyReLU(0.2),
            nn.Conv2d(4 * width, 1, 4, padding=1),
        )
        self.apply(_initialize)

    def forward(self, images: Tensor) -> Tensor:
        return self.layers(images).float()


class SiameseNetwork(nn.Module):
    """What the similarity-preserving term compares: an image's embedding of unit length ("SiaNet").

    The paper has four convolutions, four max poolings and a fully connected layer. With strides of 2 in both, as the
    authors' code has them, 128 x 64 pixels are used up after three; ours have a stride of 2 in the first convolution
    alone, which leaves 4 x 2 positions. Of larger images as many averages go on.

    Args:
        width: channels of the first map.
        embedding_dim: numbers of an embedding.

    Shape:
        (B, 3, H, W) in [-1, 1] -> (B, embedding_dim), each of length 1.

    Example:
        >>> SiameseNetwork(width=4, embedding_dim=8)(torch.ones(2, 3, 32, 16)).shape
        torch.Size([2, 8])
    """

    def __init__(self, width: int = 64, embedding_dim: int = 128) -> None:
        super().__init__()
        check_int("width", width, 1, "the paper has 64 channels")
        check_int("embedding_dim", embedding_dim, 1, "it is the width of what is compared")
        layers: list[nn.Module] = []
        channels = 3
        for wider in (width, 2 * width, 4 * width, 8 * width):
            pool = nn.MaxPool2d(2, ceil_mode=True)  # a side of 1 stays 1
            stride = 1 if layers else 2
            layers += [nn.Conv2d(channels, wider, 3, stride=stride, padding=1), pool, nn.LeakyReLU(0.2)]
            channels = wider
        self.layers = nn.Sequential(*layers)
        self.embedding = nn.Linear(8 * channels, embedding_dim)

    def forward(self, images: Tensor) -> Tensor:
        pooled = adaptive_avg_pool2d(self.layers(images), (4, 2)).flatten(1)  # (B, 8 C)
        with torch.autocast(pooled.device.type, enabled=False):  # distances need every digit
            return normalize(self.embedding(pooled.to(self.embedding.weight.dtype)), dim=1)


def _wide(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 7, padding=3, padding_mode="reflect")


def _norm(channels: int) -> nn.Module:
    """Instance norm with weights, as a group norm of one channel each: the same numbers in half the time.

    In channels-last layout, which convolutions like better, it takes 25 times as long (CPU, bfloat16).
    """
    return nn.GroupNorm(channels, channels)


def _normed(channels: int) -> tuple[nn.Module, nn.Module]:
    return _norm(channels), nn.ReLU()


def _initialize(layer: nn.Module) -> None:
    """CycleGAN's start: normal weights of standard deviation 0.02."""
    if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d)):
        nn.init.normal_(layer.weight, std=0.02)
        assert layer.bias is not None
        nn.init.zeros_(layer.bias)
