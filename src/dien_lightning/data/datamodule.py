"""A labelled source and an unlabelled target, batch by batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import pytorch_lightning as pl
from pytorch_lightning.utilities import CombinedLoader, rank_zero_info
from torch.utils.data import DataLoader

from dien_lightning.checks import check_bool, check_choice, check_int, check_keywords, check_range, check_size
from dien_lightning.data.dataset import ON_ERROR, ReIDDataset
from dien_lightning.data.domain import DomainPair, DomainSets
from dien_lightning.data.images import warn_of_skipped
from dien_lightning.data.loaders import (
    ResumableLoader,
    check_numbers,
    default_num_workers,
    plain_loader,
)
from dien_lightning.data.records import Record, Splits, count_identities
from dien_lightning.data.samplers import EpochSampler, IdentitySampler, TrainingSampler
from dien_lightning.data.shards import ShardSampler
from dien_lightning.data.skipped import SkippedImages
from dien_lightning.data.transforms import evaluation_transform, train_transform
from dien_lightning.types import Sample


class DomainPairDataModule(pl.LightningDataModule):
    """Feeds P x K labelled source images and as many unlabelled target images as asked for to every step.

    Training batches are `{"source": Sample, "target": Sample}`, without "target" where `target_batch_size` is 0.
    Evaluation gives one loader for each of `evaluation_domains`, the target first, over its query and gallery.
    The target's training records are made without identities: no label of the target can reach training. Batch sizes
    are those of the global batch, shared by the processes; evaluation batches are per process.

    Args:
        root: folder of all data sets; each lies in a folder of its catalogue name, or its archive's.
        source: catalogue name of the labelled domain, "folder", "csv", or a list of these to be joined; None where the
            target is only evaluated.
        target: the same for the unlabelled domain; may be the source's.
        source_root, target_root: their folders, if they lie elsewhere; a list if `source` or `target` is one.
        source_camera_pattern, target_camera_pattern: how a "folder" tells its cameras, see `read_folder`.
        source_pid_pattern, target_pid_pattern: how it tells its identities, where sub-folders do not.
        source_trial, target_trial: which split of a set whose authors give several (RegDB's ten); None is the first.
        num_ids: P, source identities in a batch.
        num_instances: K, images of each; an identity with fewer repeats some.
        target_batch_size: target images in a batch; 0 trains on the source alone.
        steps_per_epoch: batches in an epoch; None means source images // (P x K).
        image_size: (height, width) of the network's input in pixels.
        eval_batch_size: images in an evaluation batch; it changes no figure.
        gather_batch_size: images in a batch that batch-norm statistics are gathered from; it changes figures.
        num_workers: loader processes for each loader; None chooses by the machine's cores.
        seed: batches and augmentations are drawn from it.
        cameras: "none" if cameras tell nothing apart, with `Protocol(same_camera="keep")` to count matches within one.
        search: who asks: that of the `Protocol`. With "leave_one_out" a set needs no query to be evaluated.
        multi_query: ask with the mean of all images of a query's person in its camera: Market-1501's gt_bbox/.
        on_error: "raise" stops at an unreadable image; "skip" trains without it and counts it.
        augmentation: further arguments for `train_transform`, such as `{"erasing": 0.5}`; None crops and flips.
        cache_gigabytes: memory of each process for the decoded training images of each domain; those beyond it are
            decoded every time. Market-1501 takes 0.32. 0 keeps none.
        drawing: arguments for `draw_pedestrians` where a drawn set is named; None keeps what has been drawn.

    Raises:
        ValueError: if a number, a name or an image does not serve; in `setup`, before training.
        FileNotFoundError: if a folder is missing.
    """

    def __init__(
        self,
        root: str = "data",
        source: str | Sequence[str] | None = "pedestrians_day",
        target: str | Sequence[str] = "pedestrians_night",
        *,
        source_root: str | Sequence[str] | None = None,
        target_root: str | Sequence[str] | None = None,
        source_camera_pattern: str | None = None,
        target_camera_pattern: str | None = None,
        source_pid_pattern: str | None = None,
        target_pid_pattern: str | None = None,
        source_trial: int | None = None,
        target_trial: int | None = None,
        num_ids: int = 16,
        num_instances: int = 4,
        target_batch_size: int = 64,
        steps_per_epoch: int | None = None,
        image_size: tuple[int, int] = (256, 128),
        eval_batch_size: int = 128,
        gather_batch_size: int = 128,
        num_workers: int | None = None,
        seed: int = 0,
        cameras: Literal["required", "none"] = "required",
        search: str = "query",
        multi_query: bool = False,
        on_error: Literal["raise", "skip"] = "raise",
        augmentation: Mapping[str, Any] | None = None,
        cache_gigabytes: float = 1.0,
        drawing: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()
        check_choice("cameras", cameras, ("required", "none"))
        check_choice("on_error", on_error, ON_ERROR)
        check_bool("multi_query", multi_query)
        if steps_per_epoch is not None:
            check_int("steps_per_epoch", steps_per_epoch, 1, "None (null) is one pass over the source")
        check_range("cache_gigabytes", cache_gigabytes, 0)
        check_keywords("augmentation", augmentation or {}, train_transform)
        patterns = {"camera_pattern": source_camera_pattern, "pid_pattern": source_pid_pattern}
        where = ("source", root, source, source_root)
        labelled = None if source is None else DomainSets(*where, **patterns, trial=source_trial)  # type: ignore[arg-type]
        patterns = {"camera_pattern": target_camera_pattern, "pid_pattern": target_pid_pattern}
        unlabelled = DomainSets("target", root, target, target_root, **patterns, trial=target_trial)
        self._pair = DomainPair(labelled, unlabelled, num_ids, cameras, multi_query=multi_query, search=search)
        self.num_ids, self.num_instances, self.target_batch_size = num_ids, num_instances, target_batch_size
        self.image_size = check_size("image_size", image_size, smallest=(1, 1))
        self.train_transform = train_transform(self.image_size, **(augmentation or {}))
        self.evaluation_transform = evaluation_transform(self.image_size)
        self.cache_gigabytes = cache_gigabytes
        self.eval_batch_size, self.gather_batch_size = eval_batch_size, gather_batch_size
        self.num_workers = default_num_workers() if num_workers is None else num_workers
        self.seed, self.cameras, self.on_error = seed, cameras, on_error
        self.drawing = None if drawing is None else dict(drawing)
        self._steps_per_epoch = steps_per_epoch
        self._skipped = SkippedImages()
        check_numbers(vars(self))

    def prepare_data(self) -> None:
        """Draw the drawn sets that are named and missing; nothing else is ever fetched."""
        self._pair.draw_missing(self.drawing)

    def setup(self, stage: str | None = None) -> None:
        """List the images of both domains and check that they can be trained on and evaluated."""
        for sentence in self._pair.read():
            rank_zero_info(sentence)
        if stage == "fit" and self.target_batch_size:
            self._pair.check_target()

    @property
    def source(self) -> Splits:
        """The labelled domain's records; identities of its training split are numbered 0 to `num_classes` - 1."""
        self.setup()
        return self._pair.source

    @property
    def target(self) -> Splits:
        """The unlabelled domain's records; those of its training split carry no identity."""
        self.setup()
        return self._pair.target

    @property
    def fingerprints(self) -> dict[str, dict[str, Any]]:
        """What a checkpoint keeps of the images: the source's for training, the target's for all."""
        self.setup()
        return self._pair.fingerprints

    @property
    def num_classes(self) -> int:
        """Number of source identities to classify."""
        return count_identities(self.source.train)

    @property
    def steps_per_epoch(self) -> int:
        """Batches in an epoch."""
        return self._steps_per_epoch or max(1, len(self.source.train) // (self.num_ids * self.num_instances))

    @property
    def evaluation_domains(self) -> tuple[str, ...]:
        """Which domain each evaluation loader holds, in order: "target", "source", or the one that has labels."""
        self.setup()
        return self._pair.evaluation_domains

    @property
    def can_gather_statistics(self) -> bool:
        """Whether `statistics_dataloader` gives a batch of two images, the fewest that have a variance."""
        return len(self.target.train) > 1

    def train_dataloader(self) -> CombinedLoader:
        """One batch of each domain for every step."""
        pids = [record.pid for record in self.source.train]
        source = IdentitySampler(pids, self.num_ids, self.num_instances, self.steps_per_epoch, seed=self.seed)
        loaders = {"source": self._train_loader("source", self.source.train, source)}
        if self.target_batch_size:
            self._pair.check_target()
            seed = self.seed + 1  # a stream of its own, for both domains may be one set
            target = EpochSampler(len(self.target.train), self.target_batch_size, self.steps_per_epoch, seed=seed)
            loaders["target"] = self._train_loader("target", self.target.train, target)
        return CombinedLoader(loaders, mode="min_size")

    def val_dataloader(self) -> list[DataLoader[Sample]]:
        """Query and gallery of each of `evaluation_domains`."""
        return [self._evaluation_loader(domain) for domain in self.evaluation_domains]

    test_dataloader = predict_dataloader = val_dataloader  # one process gives `evaluation_records` in order

    def statistics_dataloader(
        self, shared: bool = False, domain: Literal["target", "source"] = "target"
    ) -> DataLoader[Sample]:
        """A domain's training images, not augmented: for gathering batch-norm statistics.

        They come in one shuffled order, whatever the seed, so nothing but `gather_batch_size` decides what is in a
        batch.

        Args:
            shared: give each process its share of the images; otherwise every process gets all.
            domain: whose; the target's are unlabelled.
        """
        records = self.target.train if domain == "target" else self.source.train
        dataset = self._dataset(f"{domain} statistics", records, self.evaluation_transform)
        sampler = ShardSampler(len(records), 0, *(() if shared else (1, 0)))
        return plain_loader(dataset, sampler, self.gather_batch_size, self.num_workers)

    def teardown(self, stage: str | None = None) -> None:
        """Say which images could not be read by any process, if they were skipped."""
        if self.on_error == "skip":
            warn_of_skipped(self._skipped.everywhere(self._pair.paths))
        self._skipped.clear()

    def evaluation_records(self, domain: str) -> tuple[list[Record], list[Record]]:
        """A domain's query and gallery as evaluation takes them; `Sample.index` counts on from the one to the other.

        A query without an identity asks for nobody and is left out. A gallery image without one is junk and stays: the
        protocol says what becomes of it.

        Args:
            domain: "target" or "source".
        """
        self.setup()
        return self._pair.evaluation_records(domain)

    def __str__(self) -> str:
        return str(self._pair)

    def _train_loader(self, key: str, records: Any, sampler: TrainingSampler) -> ResumableLoader:
        dataset = self._dataset(key, records, self.train_transform, cache_bytes=int(self.cache_gigabytes * 1e9))
        return ResumableLoader(dataset, sampler, self.num_workers)

    def _evaluation_loader(self, domain: str) -> DataLoader[Sample]:
        query, gallery = self.evaluation_records(domain)
        dataset = self._dataset(
            f"{domain} evaluation", [*query, *gallery], self.evaluation_transform, num_query=len(query)
        )
        sampler = ShardSampler(len(dataset))
        return plain_loader(dataset, sampler, self.eval_batch_size, self.num_workers)

    def _dataset(self, key: str, records: Any, transform: Any, **options: Any) -> ReIDDataset:
        dataset = ReIDDataset(records, transform, on_error=self.on_error, **options)
        self._skipped.watch(key, dataset)
        return dataset
