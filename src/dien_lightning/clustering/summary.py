"""What a clustering looks like, told without anybody's labels."""

from __future__ import annotations

from typing import NamedTuple

import torch
from sklearn.metrics import adjusted_mutual_info_score
from torch import Tensor

from dien_lightning.types import UNLABELED


class ClusterSummary(NamedTuple):
    """Shares are fractions in [0, 1].

    Attributes:
        outliers: share of the images that are in no cluster.
        clusters: C, how many there are.
        sizes: (C,) images in each, the largest first.
        largest: share of the clustered images that are in the largest; 0 without clusters.
        agreement: adjusted mutual information with the round before, over the images that both have in clusters: 1 is
            the same clusters, 0 chance; None where there was none before, or nothing in common.
        same_camera: how often two images of one cluster are of one camera; None without cameras or clusters.
        chance: how often any two clustered images are; None as above.
    """

    outliers: float
    clusters: int
    sizes: Tensor
    largest: float
    agreement: float | None = None
    same_camera: float | None = None
    chance: float | None = None


def summarize_clusters(labels: Tensor, before: Tensor | None = None, camids: Tensor | None = None) -> ClusterSummary:
    """Figures of a clustering.

    Args:
        labels: (N,) -1 for outliers.
        before: (N,) labels of the round before.
        camids: (N,) cameras, where they are known.

    Raises:
        ValueError: there is no image.

    Example:
        >>> summary = summarize_clusters(torch.tensor([0, 0, 0, 1, 1, -1]), camids=torch.tensor([7, 7, 7, 8, 8, 8]))
        >>> summary.clusters, summary.sizes.tolist(), summary.same_camera, summary.chance
        (2, [3, 2], 1.0, 0.4)
    """
    if not len(labels):
        raise ValueError("labels is empty; a summary needs at least one image.")
    clustered = labels != UNLABELED
    sizes = torch.unique(labels[clustered], return_counts=True)[1].sort(descending=True).values
    agreement = None
    if before is not None and bool((both := clustered & (before != UNLABELED)).any()):
        agreement = float(adjusted_mutual_info_score(before[both].cpu().numpy(), labels[both].cpu().numpy()))
    same_camera = chance = None
    if camids is not None and (pairs := _pairs(sizes)):
        by_cluster_and_camera = torch.stack([labels[clustered], camids.to(labels.device)[clustered]], dim=1)
        same_camera = _pairs(torch.unique(by_cluster_and_camera, dim=0, return_counts=True)[1]) / pairs
        cameras = torch.unique(by_cluster_and_camera[:, 1], return_counts=True)[1]
        chance = _pairs(cameras) / _pairs(cameras.sum())
    number = int(sizes.sum())
    return ClusterSummary(
        outliers=(len(labels) - number) / len(labels),
        clusters=len(sizes),
        sizes=sizes,
        largest=int(sizes[0]) / number if number else 0.0,
        agreement=agreement,
        same_camera=same_camera,
        chance=chance,
    )


def _pairs(sizes: Tensor) -> int:
    return int((sizes * (sizes - 1) // 2).sum())
