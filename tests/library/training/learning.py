"""A run that takes no time, with loaders and checkpoints as a real one has them."""

from __future__ import annotations

from pathlib import Path

import torch
from pytorch_lightning import Callback, LightningModule
from pytorch_lightning.utilities import CombinedLoader

from dien_lightning.data.loaders import ResumableLoader
from dien_lightning.data.samplers import EpochSampler
from dien_lightning.network.files import CHECKPOINT_HYPERPARAMETERS
from dien_lightning.training import Checkpoints, LoaderPositions, MetricsFile, find_checkpoint
from library.training.modules import trainer

EPOCHS, STEPS, BATCH = 3, 4, 2


class Learner(LightningModule):
    """Remembers its batches, and asks how long the run will be, as a schedule does."""

    def __init__(self, asks: bool = True) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))
        self.asks = asks
        self.seen: list[list[int]] = []

    def training_step(self, batch, batch_idx):
        self.seen.append(batch["images"].tolist())
        self.log("train/images", batch["images"].double().sum())
        return (self.weight * batch["images"].float().mean() - 1).square().sum()

    def configure_optimizers(self):
        if self.asks:
            assert self.trainer.estimated_stepping_batches == EPOCHS * STEPS
        return torch.optim.SGD(self.parameters(), lr=1e-3, momentum=0.9)

    def on_save_checkpoint(self, checkpoint):
        checkpoint[CHECKPOINT_HYPERPARAMETERS] = {}


def fit(folder: Path, *, resume: bool = False, module: Learner | None = None, workers: int = 0, **arguments) -> Learner:
    """A run of EPOCHS x STEPS batches that writes metrics.csv and checkpoints to a folder."""
    others: list[Callback] = arguments.pop("callbacks", [])
    module = module or Learner()
    sampler = EpochSampler(num_images=11, batch_size=BATCH, steps_per_epoch=STEPS)
    loader = ResumableLoader(range(11), sampler, workers)
    callbacks = [*others, LoaderPositions(), Checkpoints(folder, **arguments)]
    written = {"logger": MetricsFile(folder / "metrics.csv"), "log_every_n_steps": 1, "enable_checkpointing": True}
    run = trainer(max_epochs=EPOCHS, callbacks=callbacks, **written)
    checkpoint = find_checkpoint(folder) if resume else None
    run.fit(module, CombinedLoader({"images": loader}, mode="min_size"), ckpt_path=checkpoint, weights_only=True)
    return module


class Stop(Exception):
    """What stops a run in these tests."""


class Stopping(Learner):
    def __init__(self, step: int, asks: bool = True) -> None:
        super().__init__(asks)
        self.step = step

    def training_step(self, batch, batch_idx):
        if self.trainer.global_step == self.step:
            raise Stop
        return super().training_step(batch, batch_idx)
