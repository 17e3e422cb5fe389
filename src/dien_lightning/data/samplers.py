"""Which images make up a training batch: a function of (seed, epoch, step), however many processes share the work.

All are `DistributedSampler`s, because Lightning leaves those alone under DDP and tells them the epoch; any
other sampler it replaces, and batches of P x K are lost without a word. Batch sizes are those of the global batch;
every process takes its slice of it, and the slices in order of rank are the batch that one process alone would see.
"""

from __future__ import annotations

from abc import abstractmethod
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np
from torch.utils.data import DistributedSampler

from dien_lightning.checks import check_int
from dien_lightning.data.shards import world_and_rank
from dien_lightning.types import UNLABELED


class Draw(int):
    """The number of an image to load, which carries the seed of its augmentation along.

    It is an int, so that a data set that knows nothing of draws can be indexed with it.

    Args:
        index: position in the data set.
        seed: drawn from (seed, epoch, position in the epoch), so that an augmentation depends neither on the number
            of loader workers nor on the number of processes.

    Example:
        >>> draw = Draw(2, seed=77)
        >>> "abc"[draw], draw.seed
        ('c', 77)
    """

    seed: int

    def __new__(cls, index: int, seed: int) -> Draw:
        draw = super().__new__(cls, index)
        draw.seed = seed
        return draw

    def __getnewargs__(self) -> Any:  # how loader processes receive it
        return int(self), self.seed


class TrainingSampler(DistributedSampler[Draw]):
    """What the training samplers share: slices of global batches, and a start in the middle of an epoch.

    Args:
        num_images: size of the data set.
        batch_size: images in the global batch.
        steps_per_epoch: batches in an epoch.
        seed: everything is drawn from it.
        num_replicas: number of processes, of which this is `rank`; None asks torch.distributed.

    Raises:
        ValueError: if a number is not positive or the batch cannot be shared evenly.
    """

    def __init__(
        self,
        num_images: int,
        batch_size: int,
        steps_per_epoch: int,
        *,
        seed: int = 0,
        num_replicas: int | None = None,
        rank: int | None = None,
    ) -> None:
        world, rank = world_and_rank(num_replicas, rank)
        super().__init__(range(num_images), world, rank, shuffle=True, seed=seed)  # type: ignore[arg-type]
        check_int("steps_per_epoch", steps_per_epoch, 1, "it is the number of batches in an epoch")
        check_int("seed", seed, 0, "batches and augmentations are drawn from it")
        self.num_images = num_images
        self.batch_size = batch_size
        self.steps_per_epoch = steps_per_epoch
        self.local_batch_size = batch_size // world
        self.num_samples = self.local_batch_size * steps_per_epoch  # what len() gives
        self.total_size = self.num_samples * world
        self._start = (0, 0)

    def start_at(self, epoch: int, step: int) -> None:
        """Begin that epoch at that step, as a run that is taken up again in the middle does; others begin at 0."""
        self._start = (epoch, step)

    @property
    def first_step(self) -> int:
        """The step that the current epoch begins at."""
        return self._start[1] if self._start[0] == self.epoch else 0

    @abstractmethod
    def batches(self, epoch: int) -> Iterator[list[int]]:
        """Give the indices of an epoch's global batches, without end."""

    def __iter__(self) -> Iterator[Draw]:  # type: ignore[override]
        epoch, first = self.epoch, self.first_step
        mine = range(self.rank * self.local_batch_size, (self.rank + 1) * self.local_batch_size)
        for step, batch in enumerate(islice(self.batches(epoch), first, self.steps_per_epoch), start=first):
            for place in mine:
                yield Draw(batch[place], _augmentation_seed(self.seed, epoch, step * self.batch_size + place))


class IdentitySampler(TrainingSampler):
    """Batches of P identities with K images each, for losses that compare images of the same person.

    Identities come in random passes over all of them, so that each is seen as often as any other. One with fewer than
    K images repeats some. An image of nobody (-1) is left out.

    Args:
        pids: the identity of every image of the data set.
        num_ids: P, identities in the global batch.
        num_instances: K, images of each.
        steps_per_epoch: batches in an epoch.
        seed: everything is drawn from it.
        num_replicas: number of processes, of which this is `rank`; None asks torch.distributed.

    Raises:
        ValueError: if there are fewer identities than P, or P cannot be shared evenly by the processes.

    Example:
        >>> sampler = IdentitySampler([0, 0, 1, 1, 2, 2], num_ids=2, num_instances=2, steps_per_epoch=5)
        >>> len(sampler), len({draw // 2 for draw in list(sampler)[:4]})
        (20, 2)
    """

    one, many, also = "identity", "identities", ""  # for messages: a group, groups, what else decides P

    def __init__(
        self,
        pids: Sequence[int],
        num_ids: int,
        num_instances: int,
        steps_per_epoch: int,
        *,
        seed: int = 0,
        num_replicas: int | None = None,
        rank: int | None = None,
    ) -> None:
        check_int("num_ids", num_ids, 1, f"it is the number of {self.many} in a batch")
        check_int("num_instances", num_instances, 1, f"it is the number of images of each {self.one} in a batch")
        self.num_ids = num_ids
        self.num_instances = num_instances
        self.assign(pids)
        world, rank = world_and_rank(num_replicas, rank)
        check_shared("num_ids", num_ids, world, self.also)
        super().__init__(len(pids), num_ids * num_instances, steps_per_epoch, seed=seed, num_replicas=world, rank=rank)

    def assign(self, groups: Sequence[int]) -> None:
        """Say whom each image shows; the next epoch draws from these."""
        self._images = images_of(groups)
        p, found = self.num_ids, len(self._images)
        if found < p:
            raise ValueError(f"num_ids={p} needs at least that many identities; found {found}. Lower num_ids.")

    def batches(self, epoch: int) -> Iterator[list[int]]:
        """Give the indices of an epoch's global batches, identity after identity, without end."""
        rng = np.random.default_rng([self.seed, epoch])
        for identities in batches_without_doubles(len(self._images), self.num_ids, rng):
            yield [int(i) for identity in identities for i in self._draw_images(self._images[identity], rng)]

    def _draw_images(self, images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        return np.resize(rng.permutation(images), self.num_instances)  # resize repeats from the start where too short


class EpochSampler(TrainingSampler):
    """Batches of unlabelled images: random passes over the set; none is twice in a batch unless the set is smaller.

    Args:
        num_images: size of the data set.
        batch_size: images in the global batch.
        steps_per_epoch: batches in an epoch, said outright, for the source sets the pace.
        seed: everything is drawn from it.
        num_replicas: number of processes, of which this is `rank`; None asks torch.distributed.

    Raises:
        ValueError: if there is no image, or the batch cannot be shared evenly by the processes.

    Example:
        >>> sampler = EpochSampler(num_images=4, batch_size=2, steps_per_epoch=2)
        >>> sorted(map(int, sampler))
        [0, 1, 2, 3]
    """

    def __init__(
        self,
        num_images: int,
        batch_size: int,
        steps_per_epoch: int,
        *,
        seed: int = 0,
        num_replicas: int | None = None,
        rank: int | None = None,
    ) -> None:
        check_int("num_images", num_images, 1, "it is the size of the data set")
        check_int("batch_size", batch_size, 1, "it is the number of images in a batch")
        world, rank = world_and_rank(num_replicas, rank)
        check_shared("batch_size", batch_size, world, " (data.target_batch_size)")
        super().__init__(num_images, batch_size, steps_per_epoch, seed=seed, num_replicas=world, rank=rank)

    def batches(self, epoch: int) -> Iterator[list[int]]:
        """Give the indices of an epoch's global batches, without end."""
        rng = np.random.default_rng([self.seed, epoch])
        for batch in batches_without_doubles(self.num_images, self.batch_size, rng):
            yield batch.tolist()


def images_of(groups: Sequence[int]) -> list[np.ndarray]:
    """The images of each group, in the order of the groups' numbers; an image of nobody (-1) is left out.

    Example:
        >>> images_of([7, -1, 3, 7])
        [array([2]), array([0, 3])]
    """
    images: dict[int, list[int]] = defaultdict(list)
    for image, group in enumerate(groups):
        if group != UNLABELED:
            images[int(group)].append(image)
    return [np.array(images[group]) for group in sorted(images)]


def check_shared(name: str, value: int, world: int, also: str = "") -> None:
    """Raise a ValueError unless every process gets as many."""
    if value % world:
        raise ValueError(
            f"{name}={value}{also} cannot be shared evenly by {world} processes; use a multiple of {world}."
        )


def batches_without_doubles(num: int, size: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Random passes over range(num), cut into batches; where two passes meet in a batch, nothing is in it twice."""
    rest = np.empty(0, dtype=np.int64)
    while True:
        batch, rest = rest[:size], rest[size:]
        while len(batch) < size:
            fresh = rng.permutation(num)
            seen = np.isin(fresh, batch)
            fresh = np.concatenate([fresh[~seen], fresh[seen]])  # what is in the batch already waits till last
            take = size - len(batch)
            batch, rest = np.concatenate([batch, fresh[:take]]), fresh[take:]
        yield batch


def _augmentation_seed(seed: int, epoch: int, position: int) -> int:
    # The fourth number keeps these apart from the streams that draw the batches.
    return int(np.random.SeedSequence([seed, epoch, position, 1]).generate_state(1)[0])
