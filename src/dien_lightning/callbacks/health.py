"""Plain warnings about trainings that have stopped learning."""

from __future__ import annotations

from typing import Any

import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from pytorch_lightning.utilities import rank_zero_warn
from torch import Tensor


class HealthMonitor(Callback):
    """Looks at the means of logged figures over a window of steps and warns, once for each trouble.

    A triplet loss at its margin means that the hardest positives are as far as the hardest negatives: nothing is told
    apart. An embedding spread near 0 means that all images get one embedding.

    Args:
        window: steps.
        margin: of the triplet loss.
        tolerance: how near the margin counts as at the margin.
        collapsed: embedding spread, in [0, 1], below which embeddings count as collapsed.
    """

    def __init__(self, window: int = 50, margin: float = 0.3, tolerance: float = 0.01, collapsed: float = 0.02) -> None:
        if window < 1:
            raise ValueError(f"window={window} must be at least 1 step.")
        self.window = window
        self.margin = margin
        self.tolerance = tolerance
        self.collapsed = collapsed
        self._sums: dict[str, Tensor] = {}
        self._steps = 0
        self._told: set[str] = set()

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        for name in ("train/loss_triplet", "train/embedding_spread"):
            value = trainer.callback_metrics.get(name)
            if value is not None:
                self._sums[name] = self._sums.get(name, torch.zeros_like(value)) + value
        self._steps += 1
        if self._steps == self.window:
            means = {name: float(total) / self.window for name, total in self._sums.items()}
            self._sums, self._steps = {}, 0
            self._judge(means, trainer.global_step)

    def _judge(self, means: dict[str, float], step: int) -> None:
        triplet, spread = means.get("train/loss_triplet"), means.get("train/embedding_spread")
        if triplet is not None and abs(triplet - self.margin) < self.tolerance:
            self._warn(
                "margin",
                f"step {step}: the triplet loss has been {triplet:.3f}, its margin, for {self.window} steps: hardest "
                f"positives are as far as hardest negatives. Lower the embedding's learning rate.",
            )
        if spread is not None and spread < self.collapsed:
            self._warn(
                "collapse",
                f"step {step}: the embedding spread is {spread:.4f} (0 means that all images get one embedding). Lower "
                f"the learning rates, objective.center_weight or objective.domain_weight.",
            )

    def _warn(self, trouble: str, message: str) -> None:
        if trouble not in self._told:
            self._told.add(trouble)
            rank_zero_warn(message)
