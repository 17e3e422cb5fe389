"""DataLoaders: for training, one that a checkpoint can take up again in the middle of an epoch; for the rest, plain."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Iterator, Mapping, Sequence
from types import FrameType
from typing import Any

from torch.utils.data import DataLoader, Dataset, Sampler

from dien_lightning.checks import check_int
from dien_lightning.data.samplers import TrainingSampler
from dien_lightning.types import Sample

_LEAST = {
    "num_ids": (1, "it is the number of source identities in a batch"),
    "num_instances": (1, "it is the number of images of each identity in a batch"),
    "target_batch_size": (0, "0 trains on the source alone"),
    "eval_batch_size": (1, "it is the number of images in an evaluation batch"),
    "gather_batch_size": (2, "one image alone has no variance for batch norm"),
    "seed": (0, "batches and augmentations are drawn from it"),
    "num_workers": (0, "None (null) chooses by the machine's cores"),
}
_GRACE = 60
"""Seconds that a loader's process works on after SIGTERM; SLURM gives 30 before it kills, by default."""


def check_numbers(numbers: Mapping[str, Any]) -> None:
    """Refuse numbers, by a data module's names for them, that no loader can be made of.

    Raises:
        ValueError: one is out of its range.
    """
    for name, (least, remedy) in _LEAST.items():
        check_int(name, numbers[name], least, remedy)


def outlast_interrupts(worker: int) -> None:
    """Keep a loader's process at work at Ctrl-C, SIGTERM, SIGUSR1: the main process ends in its time, it with that.

    A terminal sends the first, SLURM and systemd the others to all processes of a job. Without this the main process
    ends by "DataLoader worker is killed by signal", where it would have finished its step and written a checkpoint; and
    a forked loader inherits what Lightning does at SIGUSR1 under SLURM: write a checkpoint, and requeue the job.

    Args:
        worker: its number, which torch gives to every `worker_init_fn`.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "SIGUSR1"):  # not on Windows
        signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _end_later)


def _end_later(number: int, frame: FrameType | None) -> None:
    """End at another SIGTERM, or after `_GRACE`: a main process that waits for its children is not to wait for ever."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if hasattr(signal, "alarm"):  # not on Windows
        signal.alarm(_GRACE)


def worker_options(num_workers: int) -> dict[str, Any]:
    """What every `DataLoader` of ours is told about its processes.

    joblib starts its own with a method called loky, which is then the default of all they start in turn and which
    torch's workers do not know; there, the platform's own default is named.

    Args:
        num_workers: processes; 0 loads in the main process.

    Example:
        >>> worker_options(0)["num_workers"]
        0
    """
    methods = multiprocessing.get_all_start_methods()  # the default comes first
    foreign = multiprocessing.get_start_method(allow_none=True) not in (None, *methods)  # None: nobody has chosen yet
    return {
        "num_workers": num_workers,
        "worker_init_fn": outlast_interrupts,
        "multiprocessing_context": methods[0] if foreign and num_workers else None,
    }


def default_num_workers() -> int:
    """Loader processes for each of the two domains' loaders: a quarter of the cores, from 1 to 8."""
    return max(1, min(8, (os.cpu_count() or 1) // 4))


class ResumableLoader(DataLoader[Sample]):
    """Remembers how many batches of the epoch it gave, which Lightning stores in its checkpoints.

    Iteration starts lazily: Lightning makes the iterator before it tells the sampler the epoch, and workers that fetch
    ahead would fetch the wrong epoch when a run is resumed.

    Args:
        dataset: what the sampler's numbers index.
        sampler: deals the batches.
        num_workers: processes; they stay from epoch to epoch.
    """

    sampler: TrainingSampler

    def __init__(self, dataset: Dataset[Sample], sampler: TrainingSampler, num_workers: int = 0) -> None:
        options = {"persistent_workers": num_workers > 0, "drop_last": True, **worker_options(num_workers)}
        super().__init__(dataset, sampler.local_batch_size, sampler=sampler, **options)
        self._position = (0, 0)

    def __iter__(self) -> Iterator[Sample]:  # type: ignore[override]
        epoch, first = self.sampler.epoch, self.sampler.first_step
        for step, batch in enumerate(super().__iter__(), start=first):
            self._position = (epoch, step + 1)
            yield batch

    def state_dict(self) -> dict[str, int]:
        """Say which batch comes next."""
        return {"epoch": self._position[0], "step": self._position[1]}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Go on at that batch."""
        self._position = (state["epoch"], state["step"])
        self.sampler.start_at(state["epoch"], state["step"])


def plain_loader(
    dataset: Dataset[Sample], images: Sampler[int] | Sequence[int], batch_size: int, num_workers: int
) -> DataLoader[Sample]:
    """The images in this order, each once."""
    return DataLoader(dataset, batch_size=batch_size, sampler=images, **worker_options(num_workers))
