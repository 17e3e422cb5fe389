"""Distances between two sets of embeddings: the one implementation, used by the losses."""

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
        >>> pairwise_euclidean(torch.tensor([[0.0, 0.0]]), torch.tensor([[3.0, 4.0]]))
        tensor([[5.]])
    """
    return torch.cdist(a, b, compute_mode="donot_use_mm_for_euclid_dist")


def pairwise_cosine(a: Tensor, b: Tensor) -> Tensor:  # (N, D), (M, D) -> (N, M)
    """One minus the cosine of the angle between every row of `a` and every row of `b`; in [0, 2], smaller is closer.

    Args:
        a: embeddings, any length but zero.
        b: embeddings of the same width.

    Shape:
        a (N, D), b (M, D) -> (N, M).

    Example:
        >>> pairwise_cosine(torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 2.0], [3.0, 0.0]]))
        tensor([[1., 0.]])
    """
    return 1 - torch.nn.functional.normalize(a, dim=1) @ torch.nn.functional.normalize(b, dim=1).T
