"""Image files -> uint8 tensors."""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image
from torch import Tensor


class UnreadableImageError(ValueError):
    """An image file that nothing can decode; its words name the path and the remedy."""

    def __init__(self, message: str) -> None:
        # A loader process hands its error over wrapped in a traceback; the sentence at its end is what a user needs.
        super().__init__(message.rsplit("UnreadableImageError: ", maxsplit=1)[-1].strip())


def read_image(path: str) -> Tensor:  # -> (3, H, W), uint8
    """Decode an image file as RGB, the first picture of an animation.

    Args:
        path: image file in any format that Pillow reads.

    Returns:
        (3, H, W), uint8; its memory lies as (H, W, 3), which torchvision resizes fastest.

    Raises:
        UnreadableImageError: if the file is missing, empty, truncated or no image.
    """
    try:
        with Image.open(path) as picture:
            pixels = np.array(_eight_bits(picture).convert("RGB"))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise UnreadableImageError(
            f"{path} cannot be read as an image ({_reason(error)}); replace or remove it, or train without it "
            f"(data.on_error=skip)."
        ) from None
    return torch.from_numpy(pixels).permute(2, 0, 1)


def _eight_bits(picture: Image.Image) -> Image.Image:
    """Grey values of 16 bits, as infrared cameras give them, by their upper 8; Pillow would make most of them white."""
    if not picture.mode.startswith("I"):
        return picture
    values = np.asarray(picture)
    if picture.mode == "I" and values.max() <= 255:  # 32 bits that hold 8
        return picture
    return Image.fromarray((values >> 8).clip(0, 255).astype(np.uint8))


def _reason(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "no such file"
    return str(error).split(" '")[0]  # Pillow repeats the path
