"""Image files in batches as a job deals them out, each without what cannot be read."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

import torch
from torch import Tensor
from torch.utils.data import Dataset

from dien_lightning.data.images import UnreadableImageError
from dien_lightning.training.extractor import Crops


class Batches(Dataset[tuple[Tensor, list[int], int]]):
    """Batches as the parts need them, which no sampler of Lightning's making may deal anew.

    Each is the images that could be read (B, 3, H, W), their numbers, and the number of the last, read or not.

    Args:
        batches: the numbers of each one's images.
        paths: of all images, in the order of their numbers.
        image_size: height and width that the network takes.
    """

    def __init__(self, batches: Sequence[range], paths: Sequence[str], image_size: Sequence[int]) -> None:
        height, width = image_size
        self._batches = batches
        self._images = Crops(paths, (height, width))

    def __len__(self) -> int:
        return len(self._batches)

    def __getitem__(self, index: int) -> tuple[Tensor, list[int], int]:
        images = {}
        for row in self._batches[index]:
            with suppress(UnreadableImageError):
                images[row] = self._images[row]
        return torch.stack([*images.values()]) if images else torch.empty(0), list(images), self._batches[index][-1]
