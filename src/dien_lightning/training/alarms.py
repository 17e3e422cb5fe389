"""Plain warnings about trainings that have stopped learning."""

from __future__ import annotations

import math
from collections import Counter, deque
from typing import Any

import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from pytorch_lightning.utilities import rank_zero_warn
from torch import Tensor

from dien_lightning.checks import check_int, check_range

_TRIPLET, _DOMAIN, _ACCURACY = "train/loss_triplet", "train/loss_domain", "train/domain_accuracy"
_SPREADS = {"train/embedding_spread": "embedding spread", "train/target_spread": "target's embedding spread"}
_NEAR = 0.02  # how near its margin a triplet loss is at it, and how little it falls there
_LEARNED = 0.01  # how far below that of chance a domain loss shows that its classifier has learned: a run that learns
# on the drawn pair stays 0.02 below (results/README.md), means of 50 steps deviate by 0.003
_CERTAIN = 0.1  # domain loss of a classifier that tells every image


class HealthMonitor(Callback):
    """Looks at the means of logged figures over windows of steps and warns, once for each trouble.

    - A triplet loss that stays at its margin: hardest positives are as far as hardest negatives, nothing is told apart.
    - An embedding spread near 0: all images of source or target get one embedding.
    - A domain loss that has never been below that of chance, ln 2 where a batch holds as many images of either domain:
      the classifier has learned nothing, and what it sends back means nothing. A loss that returns there after it was
      better is what adaptation is for.
    - A domain loss that stays near 0: the classifier tells every image, and the domains stay apart.

    Args:
        window: steps that a mean is taken over; a step's own figure is mostly noise.
        windows: how many in a row make "stays" and "never".
        margin: of the triplet loss.
        collapsed: embedding spread, in [0, 1], below which embeddings count as collapsed.

    Raises:
        ValueError: a number of steps or windows below 1, another argument out of its range.
    """

    def __init__(self, window: int = 50, windows: int = 6, margin: float = 0.3, collapsed: float = 0.02) -> None:
        check_int("window", window, 1, "it is a number of steps")
        check_int("windows", windows, 1, "it is a number of windows")
        check_range("margin", margin, 0, include_low=False)
        check_range("collapsed", collapsed, 0, 1, include_high=True)
        self.window = window
        self.windows = windows
        self.margin = margin
        self.collapsed = collapsed
        self._sums: dict[str, Tensor] = {}
        self._counts: Counter[str] = Counter()
        self._step, self._steps = 0, 0  # the trainer's, and those of this window
        self._triplets: deque[float] = deque(maxlen=windows)
        self._in_a_row: dict[str, int] = {}
        self._has_learned = False
        self._loss_before: float | None = None
        self._told: set[str] = set()

    def state_dict(self) -> dict[str, Any]:
        return {"has_learned": self._has_learned}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self._has_learned = state_dict["has_learned"]

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        for name in (_TRIPLET, _DOMAIN, _ACCURACY, *_SPREADS):
            value = trainer.callback_metrics.get(name)
            if value is not None:
                self._sums[name] = self._sums.get(name, torch.zeros_like(value)) + value
                self._counts[name] += 1
        if trainer.global_step != self._step:  # else more batches make the step (accumulate_grad_batches)
            self._step, self._steps = trainer.global_step, self._steps + 1
        if self._steps == self.window:
            means = {name: float(total) / self._counts[name] for name, total in self._sums.items()}
            self._sums, self._steps = {}, 0
            self._counts.clear()
            self._judge(means, trainer.global_step, _loss_of_chance(batch))

    def _judge(self, means: dict[str, float], step: int, chance: float) -> None:
        steps = self.window * self.windows
        if self._is_at_its_margin(means.get(_TRIPLET, math.inf)):
            triplet = sum(self._triplets) / self.windows
            self._warn(
                "margin",
                f"step {step}: the triplet loss has been {triplet:.3f}, its margin, for {steps} steps: hardest "
                f"positives are as far as hardest negatives. Lower the embedding's learning rate.",
            )
        for name, words in _SPREADS.items():
            spread = means.get(name, 1.0)
            if spread < self.collapsed:
                self._warn(
                    name,
                    f"step {step}: the {words} is {spread:.4f} (0 means that all images get one embedding). Lower the "
                    f"learning rates or objective.domain_weight; in self-training also network.batch_norm_size, else "
                    f"objective.center_weight.",
                )
        if _DOMAIN not in means:
            return
        loss, accuracy = means[_DOMAIN], means.get(_ACCURACY, math.nan)
        two = loss if self._loss_before is None else (loss + self._loss_before) / 2  # one window may be luck
        self._has_learned, self._loss_before = self._has_learned or two < chance - _LEARNED, loss
        if self._stays("chance", not self._has_learned):
            self._warn(
                "chance",
                f"step {step}: the domain classifier has been no better than chance for {steps} steps, and never "
                f"before: its loss is {loss:.3f} (chance: {chance:.3f}), its accuracy {accuracy:.0%}. What it sends "
                f"back means nothing, so adaptation is off. Raise optim.learning_rates.domain or "
                f"objective.domain_weight, or lower objective.reversal.",
            )
        if self._stays("certain", loss < _CERTAIN):
            self._warn(
                "certain",
                f"step {step}: the domain classifier has been right in {accuracy:.0%} of all cases for {steps} steps "
                f"(its loss is {loss:.3f}), so the domains stay apart. Raise objective.domain_weight or "
                f"objective.reversal.",
            )

    def _is_at_its_margin(self, triplet: float) -> bool:
        """Whether it has been there for all windows without falling; one mean alone may just pass."""
        self._triplets.append(triplet)
        half = max(1, self.windows // 2)
        before, after = (sum(part) / half for part in ([*self._triplets][:half], [*self._triplets][-half:]))
        is_near = abs(sum(self._triplets) / self.windows - self.margin) < _NEAR
        return len(self._triplets) == self.windows and is_near and abs(before - after) < _NEAR

    def _stays(self, trouble: str, is_there: bool) -> bool:
        self._in_a_row[trouble] = self._in_a_row.get(trouble, 0) + 1 if is_there else 0
        return self._in_a_row[trouble] >= self.windows

    def _warn(self, trouble: str, message: str) -> None:
        if trouble not in self._told:
            self._told.add(trouble)
            rank_zero_warn(message)


def _loss_of_chance(batch: Any) -> float:
    """The domain loss of who knows nothing but how many images of a batch are the target's."""
    sizes = [len(sample.image) for sample in batch.values()] if isinstance(batch, dict) else [1, 1]
    shares = [size / sum(sizes) for size in sizes]
    return -sum(share * math.log(share) for share in shares)
