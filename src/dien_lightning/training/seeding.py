"""Random numbers as a function of (seed, step, part of it), so that a resumed run draws what it would have drawn."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from pytorch_lightning import Callback, LightningModule, Trainer

from dien_lightning.checks import check_int


class SeedEachStep(Callback):
    """Seeds torch before every training batch: dropout masks follow from the seed and the step alone.

    Where several batches make a step (accumulate_grad_batches), each draws its own. All processes draw the same masks,
    since the losses of all see the same joined batch.

    Args:
        seed: of the run, 0 or more.

    Raises:
        ValueError: a negative seed.
    """

    def __init__(self, seed: int = 0) -> None:
        check_int("seed", seed, 0, "all that a step draws follows from it")
        self.seed = seed

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        part = batch_idx % trainer.accumulate_grad_batches
        torch.manual_seed(int(np.random.SeedSequence([self.seed, trainer.global_step, part]).generate_state(1)[0]))
