"""Batches of P clusters with K images each, of clusters that change from round to round."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from torch import Tensor

from dien_lightning.data.samplers import IdentitySampler, images_of
from dien_lightning.types import UNLABELED


class ClusterSampler(IdentitySampler):
    """Random passes over clusters; of each its images from as many cameras as can be.

    Where there are fewer clusters than P, some come twice in a batch; one with fewer images than K repeats some.

    Args:
        camids: the camera of every image of the data set; all the same where nobody knows them.
        num_ids: P, clusters in the global batch.
        num_instances: K, images of each.
        steps_per_epoch: batches in an epoch.
        seed: everything is drawn from it.
        num_replicas: number of processes; None asks torch.distributed, 1 without it.
        rank: this process; None asks torch.distributed, 0 without it.

    Raises:
        ValueError: a number that is not positive, or P cannot be shared evenly by the processes; when batches are drawn
            before `assign` has said what they are drawn from.

    Example:
        >>> sampler = ClusterSampler([1, 1, 1, 2, 1, 1], num_ids=1, num_instances=2, steps_per_epoch=3)
        >>> sampler.assign([0, 0, 0, 0, -1, -1])
        >>> [3 in list(sampler)[step : step + 2] for step in (0, 2, 4)]  # the one image of camera 2
        [True, True, True]
    """

    one, many, also = "cluster", "clusters", " (data.target_batch_size / data.target_num_instances)"

    def __init__(
        self,
        camids: Sequence[int],
        num_ids: int,
        num_instances: int,
        steps_per_epoch: int,
        *,
        seed: int = 0,
        num_replicas: int | None = None,
        rank: int | None = None,
    ) -> None:
        super().__init__(
            [UNLABELED] * len(camids),
            num_ids,
            num_instances,
            steps_per_epoch,
            seed=seed,
            num_replicas=num_replicas,
            rank=rank,
        )
        self._camids = np.asarray(camids)

    def assign(self, groups: Sequence[int]) -> None:
        """Say which cluster each image belongs to; one with -1 is left out. The next epoch draws from these."""
        self._images = images_of(groups)

    def batches(self, epoch: int) -> Iterator[list[int]]:
        """Give the indices of an epoch's global batches, cluster after cluster, without end."""
        if not self._images:
            raise ValueError("ClusterSampler has no clusters to draw from; assign each image to one first.")
        return super().batches(epoch)

    def _draw_images(self, images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        shuffled = rng.permutation(images)
        _, camera = np.unique(self._camids[shuffled], return_inverse=True)
        turns, seen = np.empty(len(images), dtype=np.int64), np.zeros(camera.max() + 1, dtype=np.int64)
        for place, number in enumerate(camera):  # its place among the images of its camera: 0, 1, ...
            turns[place] = seen[number]
            seen[number] += 1
        return np.resize(shuffled[np.argsort(turns, kind="stable")], self.num_instances)


def with_outliers_packed(labels: Tensor, num_instances: int) -> Tensor:  # (N,) -> (N,)
    """Groups to draw K images of each: the clusters, and after them the outliers, K or more together.

    An outlier that is a group of its own would be K times in a batch. So many in a group are drawn about as often as
    a cluster's images, and none twice in a pack; where there are fewer than K in all, they repeat as a cluster's do.

    Args:
        labels: each image's cluster; -1 for an outlier.
        num_instances: K.

    Example:
        >>> import torch
        >>> with_outliers_packed(torch.tensor([0, -1, 1, -1, -1, -1, -1]), num_instances=2)
        tensor([0, 2, 1, 3, 2, 3, 2])
    """
    is_outlier = labels == UNLABELED
    packs = max(1, int(is_outlier.sum()) // num_instances)
    return labels.where(~is_outlier, labels.max() + 1 + (is_outlier.cumsum(0) - 1) % packs)
