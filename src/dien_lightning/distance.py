"""Distances between two sets of embeddings, for the losses; rankings go by blocks (`retrieval/blocks.py`)."""

from __future__ import annotations

import torch
from torch import Tensor


def pairwise_euclidean(a: Tensor, b: Tensor) -> Tensor:  # (N, D), (M, D) -> (N, M)
    """Euclidean distance between every row of `a` and every row of `b`; smaller is closer.

    Made for batches: differences are taken coordinate by coordinate, so equal rows are exactly 0 apart (by way of
    products, float32 finds 0.0007 between a unit vector and itself), and their gradient is 0, not NaN.

    Args:
        a: embeddings.
        b: embeddings of the same width.

    Shape:
        a (N, D), b (M, D) -> (N, M).

    Example:
        >>> pairwise_euclidean(torch.tensor([[1.0, 2.0]]), torch.tensor([[4.0, 6.0], [1.0, 2.0]]))
        tensor([[5., 0.]])
    """
    return torch.cdist(a, b, compute_mode="donot_use_mm_for_euclid_dist")
