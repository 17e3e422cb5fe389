"""The data of self-training: the target in clusters that change from round to round, the source beside it if asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pytorch_lightning.utilities import CombinedLoader
from torch.utils.data import DataLoader

from dien_lightning.checks import check_bool, check_int
from dien_lightning.data import DomainPairDataModule
from dien_lightning.data.cluster_sampler import ClusterSampler
from dien_lightning.data.loaders import plain_loader
from dien_lightning.data.samplers import IdentitySampler
from dien_lightning.data.shards import world_and_rank
from dien_lightning.types import Sample


class SelfTrainingDataModule(DomainPairDataModule):
    """Feeds target images by the clusters that `assign` names, K of each, and P x K labelled source images if asked.

    Training batches are `{"target": Sample}`, and "source" where `takes_source` is set. Target samples carry no label:
    who trains knows by `Sample.index` which cluster an image is in.

    Args:
        **options: of `DomainPairDataModule`; `source` may be None.
        target_batch_size: target images in a batch.
        target_num_instances: K, images of each cluster in it, from different cameras as far as they are known.
        steps_per_epoch: batches in an epoch; None is one pass over the target.

    Attributes:
        takes_source: whether batches hold source images.

    Raises:
        ValueError: as `DomainPairDataModule`; a target batch that is no multiple of K.
    """

    def __init__(
        self,
        *,
        target_batch_size: int = 256,
        target_num_instances: int = 16,
        steps_per_epoch: int | None = 200,
        takes_source: bool = False,
        **options: Any,
    ) -> None:
        check_int("target_num_instances", target_num_instances, 1, "it is the number of images of each cluster")
        check_bool("takes_source", takes_source)
        super().__init__(target_batch_size=target_batch_size, steps_per_epoch=steps_per_epoch, **options)
        if not target_batch_size or target_batch_size % target_num_instances:
            raise ValueError(
                f"target_batch_size={target_batch_size} must hold clusters of target_num_instances="
                f"{target_num_instances} images each; give a multiple of it."
            )
        self.target_num_instances = target_num_instances
        self.takes_source = takes_source
        self._groups: Sequence[int] | None = None
        self._sampler: ClusterSampler | None = None

    @property
    def steps_per_epoch(self) -> int:
        """Batches in an epoch."""
        return self._steps_per_epoch or max(1, len(self.target.train) // self.target_batch_size)

    def assign(self, groups: Sequence[int]) -> None:
        """Say which cluster each target training image is drawn with, from the next epoch on; -1 leaves it out."""
        self._groups = groups
        if self._sampler is not None:
            self._sampler.assign(groups)

    def train_dataloader(self) -> CombinedLoader:
        """One batch of the target for every step, and one of the source if asked."""
        self._pair.check_target()
        camids = [record.camid for record in self.target.train]
        num_clusters = self.target_batch_size // self.target_num_instances
        shape = (num_clusters, self.target_num_instances, self.steps_per_epoch)
        self._sampler = ClusterSampler(camids, *shape, seed=self.seed + 1)  # a stream of its own, as the pair has it
        if self._groups is not None:
            self._sampler.assign(self._groups)
        loaders = {"target": self._train_loader("target", self.target.train, self._sampler)}
        if self.takes_source:
            pids = [record.pid for record in self.source.train]
            source = IdentitySampler(pids, self.num_ids, self.num_instances, self.steps_per_epoch, seed=self.seed)
            loaders = {"source": self._train_loader("source", self.source.train, source), **loaders}
        return CombinedLoader(loaders, mode="min_size")

    def embedding_dataloader(self, domain: str = "target") -> DataLoader[Sample]:
        """A domain's training images once, not augmented: whole batches to each process, the same however many share.

        Args:
            domain: "target" or "source".
        """
        records = self.target.train if domain == "target" else self.source.train
        dataset = self._dataset(f"{domain} embedding", records, self.evaluation_transform)
        world, rank = world_and_rank()
        size, images = self.gather_batch_size, range(len(records))
        own = [image for start in range(rank * size, len(records), world * size) for image in images[start:][:size]]
        return plain_loader(dataset, own, size, self.num_workers)
