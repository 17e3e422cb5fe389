"""Images -> what the network sees: the paper's augmentation for training, a plain resize for evaluation."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional as F

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


class RandomUprightCrop(v2.Transform):
    """Cut a random upright rectangle and resize it to the network's input (Zhong et al. 2018, HHL's code).

    Area and aspect ratio are drawn uniformly. Ten tries; if none fits, the whole image is resized.

    Args:
        size: (height, width) of the output in pixels.
        area: smallest and largest share of the image's area, in (0, 1].
        ratio: smallest and largest height / width.

    Shape:
        (..., H, W) -> (..., height, width).
    """

    def __init__(
        self,
        size: tuple[int, int],
        area: tuple[float, float] = (0.64, 1.0),
        ratio: tuple[float, float] = (2.0, 3.0),
    ) -> None:
        super().__init__()
        if not 0 < area[0] <= area[1] <= 1:
            raise ValueError(f"area={area} must rise within (0, 1].")
        if not 0 < ratio[0] <= ratio[1]:
            raise ValueError(f"ratio={ratio} must rise and be positive.")
        self.size = list(size)
        self.area = area
        self.ratio = ratio

    def make_params(self, flat_inputs: list[Any]) -> dict[str, int]:
        """Draw the rectangle."""
        full_height, full_width = F.get_size(flat_inputs[0])
        for u_area, u_ratio, u_top, u_left in torch.rand(10, 4).tolist():
            area = full_height * full_width * (self.area[0] + u_area * (self.area[1] - self.area[0]))
            ratio = self.ratio[0] + u_ratio * (self.ratio[1] - self.ratio[0])
            height, width = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
            if 0 < height <= full_height and 0 < width <= full_width:
                top, left = int(u_top * (full_height - height + 1)), int(u_left * (full_width - width + 1))
                return {"top": top, "left": left, "height": height, "width": width}
        return {"top": 0, "left": 0, "height": full_height, "width": full_width}

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """Cut and resize."""
        return F.resized_crop(inpt, size=self.size, antialias=True, **params)


class Normalize(v2.Transform):
    """uint8 -> float32 with ImageNet's mean and standard deviation, in one pass over the pixels.

    Shape:
        (..., 3, H, W) -> the same.
    """

    def __init__(self) -> None:
        super().__init__()
        mean, std = torch.tensor(IMAGENET_MEAN), torch.tensor(IMAGENET_STD)
        self._scale = (1 / (255 * std)).view(3, 1, 1)
        self._shift = (-mean / std).view(3, 1, 1)

    def transform(self, inpt: Tensor, params: dict[str, Any]) -> Tensor:
        """Scale and shift each channel."""
        return torch.addcmul(self._shift, inpt.float(), self._scale)


def train_transform(image_size: tuple[int, int] = (256, 128)) -> v2.Transform:
    """The paper's augmentation: a random upright crop and a horizontal flip, then normalisation.

    Args:
        image_size: (height, width) in pixels.

    Shape:
        uint8 (3, H, W) -> float32 (3, height, width).
    """
    return v2.Compose([RandomUprightCrop(check_image_size(image_size)), v2.RandomHorizontalFlip(), Normalize()])


def evaluation_transform(image_size: tuple[int, int] = (256, 128)) -> v2.Transform:
    """The whole image, resized and normalised; nothing is drawn.

    Args:
        image_size: (height, width) in pixels.

    Shape:
        uint8 (3, H, W) -> float32 (3, height, width).
    """
    return v2.Compose([v2.Resize(list(check_image_size(image_size)), antialias=True), Normalize()])


def check_image_size(image_size: tuple[int, int]) -> tuple[int, int]:
    """Return (height, width) as whole numbers.

    Raises:
        ValueError: if it is not two positive numbers.
    """
    size = tuple(int(n) for n in image_size)
    if len(size) != 2 or min(size) < 1:
        raise ValueError(f"image_size={image_size} must be height and width in pixels, such as (256, 128).")
    return size[0], size[1]
