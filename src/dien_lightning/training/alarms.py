"""Plain warnings about trainings that have stopped learning."""

from __future__ import annotations

from typing import Any

import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from pytorch_lightning.utilities import rank_zero_warn
from torch import Tensor

from dien_lightning.checks import check_int, check_range

_TRIPLET, _DOMAIN = "train/loss_triplet", "train/domain_accuracy"
_SPREADS = {"train/embedding_spread": "embedding spread", "train/target_spread": "target's embedding spread"}


class HealthMonitor(Callback):
    """Looks at the means of logged figures over a window of steps and warns, once for each trouble.

    A triplet loss at its margin means that the hardest positives are as far as the hardest negatives: nothing is told
    apart. An embedding spread near 0 means that all images of source or target get one embedding. A domain classifier
    that is right in half of the cases, or in all, window after window, teaches the network nothing: it has never
    learned, or always wins.

    Args:
        window: steps.
        margin: of the triplet loss.
        tolerance: how near the margin, or a domain accuracy of 0.5 or 1, counts as there.
        collapsed: embedding spread, in [0, 1], below which embeddings count as collapsed.
        domain_windows: windows in a row after which a domain accuracy of 0.5 or 1 is told.

    Raises:
        ValueError: a number of steps or windows below 1, another argument out of its range.
    """

    def __init__(
        self,
        window: int = 50,
        margin: float = 0.3,
        tolerance: float = 0.01,
        collapsed: float = 0.02,
        domain_windows: int = 4,
    ) -> None:
        check_int("window", window, 1, "it is a number of steps")
        check_int("domain_windows", domain_windows, 1, "it is a number of windows")
        check_range("margin", margin, 0, include_low=False)
        check_range("tolerance", tolerance, 0)
        check_range("collapsed", collapsed, 0, 1, include_high=True)
        self.window = window
        self.margin = margin
        self.tolerance = tolerance
        self.collapsed = collapsed
        self.domain_windows = domain_windows
        self._sums: dict[str, Tensor] = {}
        self._steps = 0
        self._in_a_row = {0.5: 0, 1.0: 0}
        self._told: set[str] = set()

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        for name in (_TRIPLET, _DOMAIN, *_SPREADS):
            value = trainer.callback_metrics.get(name)
            if value is not None:
                self._sums[name] = self._sums.get(name, torch.zeros_like(value)) + value
        self._steps += 1
        if self._steps == self.window:
            means = {name: float(total) / self.window for name, total in self._sums.items()}
            self._sums, self._steps = {}, 0
            self._judge(means, trainer.global_step)

    def _judge(self, means: dict[str, float], step: int) -> None:
        triplet, accuracy = means.get(_TRIPLET), means.get(_DOMAIN)
        if triplet is not None and abs(triplet - self.margin) < self.tolerance:
            self._warn(
                "margin",
                f"step {step}: the triplet loss has been {triplet:.3f}, its margin, for {self.window} steps: hardest "
                f"positives are as far as hardest negatives. Lower the embedding's learning rate.",
            )
        for name, words in _SPREADS.items():
            spread = means.get(name)
            if spread is not None and spread < self.collapsed:
                self._warn(
                    name,
                    f"step {step}: the {words} is {spread:.4f} (0 means that all images get one embedding). Lower the "
                    f"learning rates, objective.center_weight or objective.domain_weight.",
                )
        if accuracy is not None:
            self._judge_domain(accuracy, step)

    def _judge_domain(self, accuracy: float, step: int) -> None:
        meaning = {
            0.5: "as if by chance. Where it has never been better, it does not learn: raise "
            "optim.learning_rates.domain or lower objective.reversal.",
            1.0: "so the domains stay apart. Raise objective.domain_weight or objective.reversal.",
        }
        for level, words in meaning.items():
            self._in_a_row[level] = self._in_a_row[level] + 1 if abs(accuracy - level) < self.tolerance else 0
            if self._in_a_row[level] == self.domain_windows:
                self._warn(
                    f"domain {level}",
                    f"step {step}: the domain classifier has been right in {accuracy:.0%} of all cases for "
                    f"{self.window * self.domain_windows} steps, {words}",
                )

    def _warn(self, trouble: str, message: str) -> None:
        if trouble not in self._told:
            self._told.add(trouble)
            rank_zero_warn(message)
