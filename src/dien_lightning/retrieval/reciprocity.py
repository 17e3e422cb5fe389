"""How many images agree with their nearest neighbour on it: a score for unlabelled images."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import normalize

from dien_lightning.retrieval.blocks import euclidean_blocks, squared_lengths


@torch.no_grad()
def reciprocal_neighbors(embedding: Tensor, camids: Tensor | None = None) -> Tensor:  # (N, D), (N,) -> ()
    """Share of images that are their nearest neighbour's own nearest neighbour, in [0, 1], higher is better.

    Reciprocal neighbours show the same person more often than others (Qin et al., 2011), so a network under which more
    images find each other tells people better apart. Where there are several cameras, neighbours are looked for in
    other cameras alone: within one camera, images find each other by the place and the second that they share. Images
    that all look alike find nobody: nearest neighbours are then many images' at once.

    Args:
        embedding: one row per image; lengths do not matter.
        camids: one for each image; None, or one camera for all, leaves cameras out.

    Raises:
        ValueError: fewer than two images, or an embedding that is not finite.

    Example:
        >>> embedding = torch.tensor([[1.0, 0.0], [0.9, 0.1], [0.0, 1.0], [0.5, 0.5]])
        >>> reciprocal_neighbors(embedding)  # the first two find each other, the others look to the one before them
        tensor(0.5000)
    """
    if len(embedding) < 2:
        raise ValueError(f"reciprocal_neighbors needs two images at least, and was given {len(embedding)}.")
    unit = normalize(embedding if embedding.dtype == torch.float64 else embedding.float(), dim=1)
    everywhere = camids is None or len(camids.unique()) < 2
    own = torch.arange(len(unit), device=unit.device) if everywhere else camids
    assert own is not None
    lengths = squared_lengths(unit)  # (N,), 1 but for an image of no direction, which nothing is near to
    nearest = torch.cat(
        [
            (rows - lengths).masked_fill_(own[start : start + len(rows), None] == own, torch.inf).argmin(dim=1)
            for start, rows in euclidean_blocks(unit, unit)
        ]
    )  # (N,)
    return (nearest[nearest] == torch.arange(len(unit), device=unit.device)).float().mean()
