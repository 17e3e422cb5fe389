"""Random numbers of a step as a function of (seed, step), so that a resumed run draws what it would have drawn."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from pytorch_lightning import Callback, LightningModule, Trainer


class SeedEachStep(Callback):
    """Seeds torch before every training step: dropout masks follow from the seed and the step alone.

    All processes draw the same masks, since the losses of all see the same joined batch.

    Args:
        seed: of the run, 0 or more.

    Raises:
        ValueError: a negative seed.
    """

    def __init__(self, seed: int = 0) -> None:
        if seed < 0:
            raise ValueError(f"seed={seed} must be 0 or more.")
        self.seed = seed

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        torch.manual_seed(int(np.random.SeedSequence([self.seed, trainer.global_step]).generate_state(1)[0]))
