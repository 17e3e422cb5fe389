"""A DataLoader that a checkpoint can stop and take up again in the middle of an epoch."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from typing import Any

from torch.utils.data import DataLoader

from dien_lightning.data.samplers import TrainingSampler
from dien_lightning.types import Sample


def leave_interrupts_alone(worker: int) -> None:
    """Keep a loader's process at work at Ctrl-C, which reaches it too: the main process ends in its own time.

    Args:
        worker: its number, which torch gives to every `worker_init_fn`.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)


class ResumableLoader(DataLoader[Sample]):
    """Remembers how many batches of the epoch it gave, which Lightning stores in its checkpoints.

    Iteration starts lazily: Lightning makes the iterator before it tells the sampler the epoch, and workers that fetch
    ahead would fetch the wrong epoch when a run is resumed.

    Args:
        **kwargs: DataLoader's; the sampler must be a `TrainingSampler`.
    """

    sampler: TrainingSampler

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["worker_init_fn"] = leave_interrupts_alone
        super().__init__(*args, **kwargs)
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
