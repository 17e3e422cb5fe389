"""How long a run took, how fast it trains and how much memory, whatever number of processes it took."""

from __future__ import annotations

import sys
import time
from typing import Any

from pytorch_lightning import Callback, LightningModule, Trainer

from dien_lightning.types import Sample


def peak_memory() -> int | None:
    """Most bytes of main memory that this process has held so far; None where the system does not tell.

    It is the resident set: pages shared with other processes count whole, those of loader processes not at all.
    """
    try:
        import resource  # noqa: PLC0415 - not on Windows
    except ImportError:
        return None
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return held if sys.platform == "darwin" else 1024 * held  # elsewhere it counts kilobytes


class RunningTime(Callback):
    """Counts the seconds since it was made, and asks for memory; a resumed run goes on from those of the checkpoint.

    Logs `train/images_per_second`, of all domains and processes, from the end of one batch to that of the next.
    Lightning's own `Timer` counts training alone, and a Trainer that has one ignores `max_time`.
    """

    def __init__(self) -> None:
        self._began = time.perf_counter()
        self._before = 0.0
        self._held_before = 0
        self._batch_ended: float | None = None  # None where something else was done since

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._batch_ended = None

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._batch_ended = None

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: dict[str, Sample], batch_idx: int
    ) -> None:
        now = time.perf_counter()
        if self._batch_ended is not None:
            images = trainer.world_size * sum(len(sample.image) for sample in batch.values())
            rate = images / (now - self._batch_ended)
            pl_module.log("train/images_per_second", rate, prog_bar=True, batch_size=1)
        self._batch_ended = now

    @property
    def seconds(self) -> float:
        """Of this process, and of those before it up to the checkpoint that this one went on from."""
        return self._before + time.perf_counter() - self._began

    @property
    def peak_memory(self) -> int | None:
        """Of this process or of one before it, see `peak_memory`."""
        return max(peak_memory() or 0, self._held_before) or None

    def state_dict(self) -> dict[str, Any]:
        return {"seconds": self.seconds, "peak_memory": self.peak_memory}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self._before = state_dict["seconds"]
        self._held_before = state_dict.get("peak_memory") or 0  # older checkpoints do not say
