"""Where the training loaders stand, kept in every checkpoint of whichever callback writes it."""

from __future__ import annotations

from typing import Any

from pytorch_lightning import Callback, LightningModule, Trainer
from pytorch_lightning.trainer.states import TrainerFn


class LoaderPositions(Callback):
    """Lets a resumed run go on at the batch that came next, in the middle of an epoch, too.

    Lightning stores the positions as well, but forgets to load them where a module has asked it for the number of steps
    before, as a schedule does: the loaders are there already when it reads the checkpoint. `DIENModule` brings this
    callback along.
    """

    def __init__(self) -> None:
        self._positions: dict[str, Any] = {}

    def on_save_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        checkpoint["loaders"] = {name: loader.state_dict() for name, loader in _resumable_loaders(trainer)}

    def on_load_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        # A checkpoint that is evaluated is read, too, and the training after it is another one.
        self._positions = checkpoint.get("loaders", {}) if trainer.state.fn == TrainerFn.FITTING else {}

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        for name, loader in _resumable_loaders(trainer):
            if name in self._positions:
                loader.load_state_dict(self._positions[name])
        self._positions = {}


def missing_positions(trainer: Any) -> list[Callback]:
    """For `configure_callbacks` of a module: what the trainer lacks to take a training up in an epoch's middle."""
    is_there = any(isinstance(callback, LoaderPositions) for callback in trainer.callbacks)
    return [] if is_there else [LoaderPositions()]


def _resumable_loaders(trainer: Trainer) -> list[tuple[str, Any]]:
    """The training loaders that know their position, by name."""
    loaders = trainer.train_dataloader
    named = loaders.items() if isinstance(loaders, dict) else [("train", loaders)]
    return [(name, loader) for name, loader in named if hasattr(loader, "load_state_dict")]
