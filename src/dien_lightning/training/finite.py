"""A loss or gradient that is not finite stops the run before it reaches a parameter."""

from __future__ import annotations

import json
import math
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from torch import Tensor
from torch.optim import Optimizer

from dien_lightning.atomic import atomic_write
from dien_lightning.data import DomainPairDataModule


class NonFiniteError(ValueError):
    """A loss or gradient was infinite or no number."""


class StopAtNonFinite(Callback):
    """Stops before the backward pass of a loss, or the optimiser's step of a gradient, that is not finite.

    The last checkpoint is from before: nothing that is not finite has reached a parameter. What broke and the files of
    the batch go into broken_step.json.

    Args:
        folder: for broken_step.json.

    Raises:
        NonFiniteError: names the step, the term or parameter, the file and the remedies.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder)
        self._batch: Any = None

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        self._batch = batch

    def on_before_backward(self, trainer: Trainer, pl_module: LightningModule, loss: Tensor) -> None:
        if not loss.isfinite():
            terms = {name: float(value) for name, value in trainer.callback_metrics.items() if "/loss_" in name}
            broken = {name: value for name, value in terms.items() if not math.isfinite(value)}
            parts = {name: value for name, value in broken.items() if not name.endswith("_total")}
            self._stop(trainer, parts or broken or {"the loss": float(loss)}, terms)

    def on_before_optimizer_step(self, trainer: Trainer, pl_module: LightningModule, optimizer: Optimizer) -> None:
        if getattr(trainer.precision_plugin, "scaler", None) is not None:
            return  # float16: the scaler leaves such a step out, and lowers its scale
        gradients = {n: p.grad for n, p in pl_module.named_parameters() if p.grad is not None}
        if gradients and not torch.nn.utils.get_total_norm(gradients.values()).isfinite():
            broken = {
                f"the gradient of {name}": float(gradient.abs().max())
                for name, gradient in gradients.items()
                if not gradient.isfinite().all()
            }
            self._stop(trainer, broken or {"the gradients' norm": math.inf}, {})

    def _stop(self, trainer: Trainer, broken: dict[str, float], terms: dict[str, float]) -> None:
        path = self.folder / f"broken_step{f'_rank{trainer.global_rank}' if trainer.global_rank else ''}.json"
        content = {
            "step": trainer.global_step,
            "epoch": trainer.current_epoch,
            "broken": {name: str(value) for name, value in broken.items()},
            "terms": {name: str(value) for name, value in terms.items()},
            "files": _files(trainer, self._batch),
        }
        with suppress(OSError), atomic_write(path) as draft:  # a full disk must not hide what broke
            draft.write_text(json.dumps(content, indent=2) + "\n")
        name, value = next(iter(broken.items()))
        more = f" (and {len(broken) - 1} more)" if len(broken) > 1 else ""
        raise NonFiniteError(
            f"step {trainer.global_step}: {name} is {value}{more}; {path} lists what broke and the files of the batch. "
            f"The last checkpoint is from before. Look at the files: if one is at fault, replace it and go on with "
            f"resume=true; else start anew in another run_dir, with lower optim.learning_rates or "
            f"trainer.gradient_clip_val (null clips nothing)."
        )


def _files(trainer: Trainer, batch: Any) -> dict[str, list[str]]:
    """The files of a batch of a data module that knows them, by domain."""
    data: Any = getattr(trainer, "datamodule", None)
    if not isinstance(batch, dict) or not isinstance(data, DomainPairDataModule):
        return {}
    return {
        domain: [getattr(data, domain).train[index].path for index in sample.index.tolist()]
        for domain, sample in batch.items()
    }
