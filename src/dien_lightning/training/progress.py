"""Lightning's rich progress bar, with the images per second of an evaluation."""

from __future__ import annotations

import time
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import RichProgressBar


class ProgressBar(RichProgressBar):
    """Says beside the bar how many images of query and gallery are embedded in a second, by all processes together.

    Args:
        **options: Lightning's own.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._images = 0
        self._started = 0.0

    def on_validation_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        super().on_validation_epoch_start(trainer, pl_module)
        self._begin()

    def on_test_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        super().on_test_epoch_start(trainer, pl_module)
        self._begin()

    def on_validation_batch_end(  # noqa: PLR0917 (Lightning's own order)
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        if not trainer.sanity_checking:
            self._say(self.val_progress_bar_id, self.validation_description, batch)
        super().on_validation_batch_end(trainer, pl_module, outputs, batch, batch_idx, dataloader_idx)

    def on_test_batch_end(  # noqa: PLR0917 (Lightning's own order)
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        self._say(self.test_progress_bar_id, self.test_description, batch)
        super().on_test_batch_end(trainer, pl_module, outputs, batch, batch_idx, dataloader_idx)

    def _begin(self) -> None:
        self._images, self._started = 0, time.perf_counter()

    def _say(self, bar: Any, description: str, batch: Any) -> None:
        self._images += len(batch.image)
        if self.progress is not None and self.is_enabled and bar is not None:
            rate = self._images * self.trainer.world_size / (time.perf_counter() - self._started)
            self.progress.update(bar, description=f"{description} {rate:.0f} images/s")
