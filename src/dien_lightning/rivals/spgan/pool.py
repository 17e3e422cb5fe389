"""Translated images of earlier steps, which a discriminator is shown again."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from dien_lightning.checks import check_int


class ImagePool(nn.Module):
    """Gives back half of the images that come in and, for the other half, earlier ones that they take the place of.

    Shrivastava et al. (2017) show a discriminator what a generator made before, so that it does not forget;
    CycleGAN, whose recipe SPGAN follows, keeps 50. The images are buffers, hence part of a checkpoint, and what is
    drawn follows from the seed and the number of images that have come: a resumed training draws as it would have.

    Args:
        size: how many images to keep.
        image_size: their height and width.
        seed: of what is drawn.

    Shape:
        (B, 3, H, W) -> the same.

    Example:
        >>> pool = ImagePool(size=2, image_size=(1, 1))
        >>> first, second = (torch.full((2, 3, 1, 1), number) for number in (1.0, 2.0))
        >>> bool((pool(first) == first).all()), sorted(pool(second)[:, 0, 0, 0].tolist())[-1]
        (True, 2.0)
    """

    images: Tensor
    seen: Tensor

    def __init__(self, size: int = 50, image_size: tuple[int, int] = (128, 64), seed: int = 0) -> None:
        super().__init__()
        check_int("size", size, 1, "CycleGAN keeps 50 images")
        self.seed = seed
        self.register_buffer("images", torch.zeros(size, 3, *image_size))
        self.register_buffer("seen", torch.zeros((), dtype=torch.int64))

    @torch.no_grad()
    def forward(self, images: Tensor) -> Tensor:
        given = images.detach().clone()
        for row, image in enumerate(images.detach()):
            number = int(self.seen)
            if number < len(self.images):
                self.images[number] = image
            else:
                draw = torch.Generator().manual_seed(1_000_003 * self.seed + number)
                if torch.rand((), generator=draw) < 0.5:
                    place = int(torch.randint(len(self.images), (), generator=draw))
                    given[row] = self.images[place]
                    self.images[place] = image
            self.seen += 1
        return given
