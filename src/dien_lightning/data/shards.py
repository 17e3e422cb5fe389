"""Which images each process embeds: each image once, and nobody pads."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from torch.utils.data import DistributedSampler

from dien_lightning.processes import Processes


class ShardSampler(DistributedSampler[int]):
    """Each image once: process r of w takes images r, r + w, ... and nobody pads, so shards may differ by one.

    Args:
        num_images: size of the data set.
        seed: None keeps the order; a number shuffles it, alike on every process.
        num_replicas: number of processes, of which this is `rank`; None asks torch.distributed.

    Example:
        >>> list(ShardSampler(5, num_replicas=2, rank=0)), list(ShardSampler(5, num_replicas=2, rank=1))
        ([0, 2, 4], [1, 3])
    """

    def __init__(
        self, num_images: int, seed: int | None = None, num_replicas: int | None = None, rank: int | None = None
    ) -> None:
        world, rank = world_and_rank(num_replicas, rank)
        super().__init__(range(num_images), world, rank, shuffle=False)  # type: ignore[arg-type]
        order = range(num_images) if seed is None else np.random.default_rng(seed).permutation(num_images).tolist()
        self._indices = list(order[rank::world])
        self.num_samples = len(self._indices)
        self.total_size = num_images

    def __iter__(self) -> Iterator[int]:
        return iter(self._indices)


def world_and_rank(num_replicas: int | None = None, rank: int | None = None) -> tuple[int, int]:
    """Fill in what was left out: from torch.distributed where it runs, otherwise one process."""
    here = Processes()
    return (here.world_size if num_replicas is None else num_replicas, here.rank if rank is None else rank)
