"""Which clusters hold when eps moves: SpCL's independence and compactness."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from dien_lightning.types import UNLABELED, with_outliers_alone


def overlap_with(labels: Tensor, others: Tensor) -> Tensor:  # (N,), (N,) -> (N,)
    """Intersection over union of each image's two clusters, in [0, 1]; an outlier is a cluster of its own.

    Args:
        labels: of one clustering, -1 for outliers.
        others: of another clustering of the same images.

    Example:
        >>> overlap_with(torch.tensor([0, 0, 1, -1]), torch.tensor([0, 0, 0, -1]))
        tensor([0.6667, 0.6667, 0.3333, 1.0000])
    """
    mine, theirs = (with_outliers_alone(each) for each in (labels, others))
    pairs = torch.stack([mine, theirs], dim=1)
    both, (sizes, their_sizes) = _size_of_own(pairs), (_size_of_own(each) for each in (mine, theirs))
    return both / (sizes + their_sizes - both)


class Reliable(NamedTuple):
    """What `reliable_clusters` gives.

    Attributes:
        labels: (N,) -1 for outliers and for what is not reliable; the other labels are as they were.
        threshold: the independence that a cluster needs.
    """

    labels: Tensor
    threshold: float


def reliable_clusters(labels: Tensor, looser: Tensor, tighter: Tensor, threshold: float | None = None) -> Reliable:
    """Keep the clusters that stay by themselves at a larger eps, and in them the images that stay at a smaller one.

    SpCL (Ge et al., 2020): an image's independence is the overlap of its cluster with the one at a larger eps, its
    compactness that with the one at a smaller eps. A cluster is as independent as its most independent image, and is
    kept where it reaches the threshold; in a kept cluster those images stay that are as compact as its most compact.

    Args:
        labels: (N,) by `eps`.
        looser: (N,) by a larger eps; SpCL adds 0.02.
        tighter: (N,) by a smaller eps.
        threshold: of independence, in [0, 1]; None takes the one that nine in ten of these clusters reach. SpCL fixes
            it after the first epoch.

    Example:
        >>> labels, merged = torch.tensor([0, 0, 1, 1, 2, 2]), torch.tensor([0, 0, 1, 1, 1, 1])
        >>> reliable_clusters(labels, merged, torch.tensor([0, 0, 1, 1, 2, -1]), threshold=0.6)
        Reliable(labels=tensor([ 0,  0, -1, -1, -1, -1]), threshold=0.6)
    """
    independence, compactness = overlap_with(labels, looser), overlap_with(labels, tighter)
    is_clustered = labels != UNLABELED
    number = int(labels.max()) + 1 if bool(is_clustered.any()) else 0
    best = torch.zeros(2, number, dtype=independence.dtype, device=labels.device)
    for row, score in enumerate((independence, compactness)):
        best[row].scatter_reduce_(0, labels[is_clustered], score[is_clustered], "amax")
    if threshold is None:
        there = best[0][torch.bincount(labels[is_clustered], minlength=number) > 0].sort(descending=True).values
        threshold = float(there[min(len(there) - 1, round(0.9 * len(there)))]) if len(there) else math.inf
    kept = is_clustered.clone()
    own = labels[is_clustered]
    kept[is_clustered] = (best[0, own] >= threshold) & (compactness[is_clustered] >= best[1, own])
    return Reliable(labels.where(kept, UNLABELED), threshold)


def _size_of_own(keys: Tensor) -> Tensor:
    """How many rows are as each one."""
    _, place, sizes = torch.unique(keys, dim=0, return_inverse=True, return_counts=True)
    return sizes[place]
