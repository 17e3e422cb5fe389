"""Image files -> upright RGB pictures and uint8 tensors."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO

import numpy as np
import torch
from PIL import Image, ImageOps
from pytorch_lightning.utilities import rank_zero_warn
from torch import Tensor

from dien_lightning.checks import amount

FAULTS = (OSError, SyntaxError, ValueError, Image.DecompressionBombError)
"""What Pillow raises for a file that it cannot decode."""


class UnreadableImageError(ValueError):
    """An image file that nothing can decode; its words name the path and the remedy."""

    def __init__(self, message: str) -> None:
        # A loader process hands its error over wrapped in a traceback; the sentence at its end is what a user needs.
        super().__init__(message.rsplit("UnreadableImageError: ", maxsplit=1)[-1].strip())


def read_image(path: str) -> Tensor:  # -> (3, H, W), uint8
    """Decode an image file as `read_picture` does.

    Args:
        path: image file in any format that Pillow reads.

    Returns:
        (3, H, W), uint8; its memory lies as (H, W, 3), which torchvision resizes fastest.

    Raises:
        UnreadableImageError: as `read_picture`.
    """
    return torch.from_numpy(np.array(read_picture(path))).permute(2, 0, 1)


def read_picture(path: str) -> Image.Image:
    """Decode an image file as `decode` does, and say which file it is that cannot be decoded.

    Args:
        path: image file in any format that Pillow reads.

    Raises:
        UnreadableImageError: if the file is missing, empty, truncated or no image, or holds floating point numbers.
    """
    try:
        return decode(path)
    except FAULTS as error:
        raise UnreadableImageError(
            f"{path} cannot be read as an image ({_reason(error)}); replace or remove it."
        ) from None


@contextmanager
def skipping_offered() -> Iterator[None]:
    """Add to the error of an image that cannot be read that a training can do without it."""
    try:
        yield
    except UnreadableImageError as error:
        raise UnreadableImageError(f"{error} A training goes on without it: data.on_error=skip.") from None


def warn_of_skipped(paths: Collection[str]) -> None:
    """Say how many images were done without, as data.on_error=skip asks for, and name the first."""
    if paths:
        skipped = amount(len(paths), "unreadable image was", "unreadable images were")
        rank_zero_warn(f"{skipped} skipped, the first is {min(paths)}.")


def decode(file: str | BinaryIO, formats: tuple[str, ...] | None = None) -> Image.Image:
    """An image file as `as_rgb` has it: the first picture of an animation.

    Args:
        file: path, or what a file holds.
        formats: Pillow's names of those that are tried; None is all that it knows.

    Raises:
        OSError, SyntaxError, ValueError, DecompressionBombError: `FAULTS`, for what cannot be decoded.
    """
    with Image.open(file, formats=formats) as picture:
        return as_rgb(picture)


def as_rgb(picture: Image.Image) -> Image.Image:
    """A picture as RGB, upright as its camera held it (Exif); `picture` itself is turned.

    Of grey values of 16 bits, as infrared cameras give them, the upper 8 are taken, so they should use the whole range;
    an image without a value above 255 is taken for 8 bits.

    Raises:
        OSError, SyntaxError, ValueError, DecompressionBombError: `FAULTS`, for what cannot be decoded.
    """
    picture.load()
    with suppress(Exception):  # damaged Exif says nothing, and Pillow says so in many ways
        ImageOps.exif_transpose(picture, in_place=True)
    return _eight_bits(picture).convert("RGB")


def check_upright(size: tuple[int, int], name: str) -> None:
    """Refuse what is no crop of one standing person.

    Args:
        size: (width, height) in pixels.
        name: for the sentence.

    Raises:
        ValueError: it is wider than high, as a frame or a crop of two people side by side is.
    """
    if size[0] > size[1]:
        raise ValueError(
            f"{name} is {size[0]} wide and {size[1]} high: a frame, or two people side by side. Cut out one upright "
            "person."
        )


def _eight_bits(picture: Image.Image) -> Image.Image:
    if picture.mode == "F":
        raise ValueError("its grey values are floating point numbers: save it with 8 or 16 bits")
    if not picture.mode.startswith("I"):
        return picture
    values = np.asarray(picture)  # Pillow would make most of them white
    return Image.fromarray((values if values.max() <= 255 else values >> 8).clip(0, 255).astype(np.uint8))


def _reason(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "no such file"
    return str(error).split(" '")[0]  # Pillow repeats the path
