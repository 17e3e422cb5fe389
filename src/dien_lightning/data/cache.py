"""Decoded images kept in memory: decoding is a third of what loading costs, and every epoch pays it again."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from dien_lightning.data.images import UnreadableImageError, read_image


class DecodedImages:
    """The first images of a list, decoded once, in one block of memory that loader processes share by forking.

    An image takes height x width x 3 bytes: Market-1501's 12,936 training crops take 318 MB. What does not fit, and
    what cannot be read, is left to the caller to read from its file.

    Args:
        paths: image files.
        max_bytes: size at which to stop.

    Example:
        >>> len(DecodedImages([], max_bytes=1000))
        0
    """

    def __init__(self, paths: Sequence[str], max_bytes: int) -> None:
        pieces: list[Tensor] = []
        self._places: list[tuple[int, int, int] | None] = []  # first byte, height, width
        self.num_bytes = 0
        for path in paths:
            if self.num_bytes > 0.99 * max_bytes:
                break
            image = _read_or_none(path)
            if image is None or self.num_bytes + image.numel() > max_bytes:
                self._places.append(None)
                continue
            self._places.append((self.num_bytes, image.shape[1], image.shape[2]))
            pieces.append(image.permute(1, 2, 0).reshape(-1))
            self.num_bytes += image.numel()
        self._bytes = torch.cat(pieces) if pieces else torch.empty(0, dtype=torch.uint8)

    def __len__(self) -> int:
        return sum(place is not None for place in self._places)

    def get(self, index: int) -> Tensor | None:  # -> (3, H, W), uint8
        """Give the image at that place of the list, or None if it is not here. It must not be written to."""
        place = self._places[index] if index < len(self._places) else None
        if place is None:
            return None
        start, height, width = place
        return self._bytes[start : start + height * width * 3].view(height, width, 3).permute(2, 0, 1)


def _read_or_none(path: str) -> Tensor | None:
    try:
        return read_image(path)
    except UnreadableImageError:
        return None
