"""checkpoints/last.ckpt: written so that a kill at any moment leaves a whole one, and found again."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from pytorch_lightning import LightningModule, Trainer
from pytorch_lightning.callbacks import Checkpoint
from pytorch_lightning.plugins.io import TorchCheckpointIO
from pytorch_lightning.utilities import rank_zero_warn
from pytorch_lightning.utilities.exceptions import SIGTERMException

from dien_lightning.checks import check_int
from dien_lightning.network.files import CHECKPOINT_HYPERPARAMETERS, has_wrong_checksum
from dien_lightning.training.interrupt import Interrupt
from dien_lightning.training.metrics_file import MetricsFile

LAST, PREVIOUS = "last.ckpt", "previous.ckpt"
_NEEDED = {"state_dict", "loops", "optimizer_states", "lr_schedulers", CHECKPOINT_HYPERPARAMETERS}


class Checkpoints(Checkpoint):
    """Writes last.ckpt at each epoch's end, every N steps if asked, and where a run ends; keeps the one before it.

    A run that max_steps, max_time or Ctrl-C ends within an epoch, after a step, is taken up at the batch that is next.

    A checkpoint is drafted under another name and renamed when it is whole and metrics.csv holds every row up to it:
    wherever a run is killed, its folder holds a checkpoint and all rows that the checkpoint's run had written.

    Args:
        folder: where to write; made if need be.
        every_n_train_steps: None writes at the epochs' ends alone.

    Raises:
        ValueError: every_n_train_steps below 1.
        FileExistsError: a training from its start would overwrite another one's checkpoint, or its rows in a
            `MetricsFile`.
        OSError: a checkpoint cannot be written, on a full disk for instance. The run stops: whatever it learned from
            here on would be lost. The checkpoints that are there stay.
        KeyboardInterrupt: after Ctrl-C, when the step or validation has ended and the checkpoint is written.
    """

    def __init__(self, folder: str | os.PathLike[str], every_n_train_steps: int | None = None) -> None:
        if every_n_train_steps is not None:
            check_int("every_n_train_steps", every_n_train_steps, 1, "null writes at the epochs' ends alone")
        self.folder = Path(folder)
        self.every_n_train_steps = every_n_train_steps
        self._interrupt = Interrupt()
        self._ending = False
        self._drafted = False
        self._last_is_whole = False
        self._has_begun = False
        self._step = 0

    # ---- when ----

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._ending = self._drafted = False
        if not trainer.ckpt_path and not self._has_begun:
            if self._last.exists():
                raise FileExistsError(
                    f"{self._last} is another training's: go on with it (ckpt_path={str(self._last)!r}), or name "
                    f"another folder."
                )
            for log in _metrics_files(trainer):
                if log.is_of_another_run:
                    raise FileExistsError(
                        f"{log.path} holds another training's rows: go on from its checkpoint (ckpt_path=...), or name "
                        f"another file."
                    )
        self._has_begun = True
        resumed = trainer.ckpt_path and Path(trainer.ckpt_path).absolute()
        self._last_is_whole = resumed == self._last.absolute()
        self._interrupt.watch()

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._step = trainer.global_step
        for log in _metrics_files(trainer):
            log.cut(self._step)

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        if self._drafted:  # only now has the row of the step before been logged
            self._finish(trainer)

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        has_stepped, self._step = trainer.global_step != self._step, trainer.global_step
        self._ending = self._ending or self._interrupt.came(trainer)
        is_due = self.every_n_train_steps is not None and self._step % self.every_n_train_steps == 0
        # After the last batch comes a validation that a resumed run would leave out: the epoch's end is near enough.
        is_last = self._ending or _is_over(trainer)
        if has_stepped and (is_due or is_last) and batch_idx + 1 < trainer.num_training_batches:
            self._draft(trainer)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._ending = self._ending or self._interrupt.came(trainer)
        if not (self._drafted and _is_over(trainer)):  # else the epoch's other batches are still to come
            self._draft(trainer)
        self._finish(trainer)

    def on_fit_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._interrupt.release()

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        self._interrupt.release()
        if self._drafted and isinstance(exception, SIGTERMException):  # Lightning's own, where there are processes
            self._ending = False
            self._finish(trainer)
        if trainer.is_global_zero and self._has_begun:  # else it may be another training's
            with suppress(OSError):
                self._part.unlink(missing_ok=True)

    # ---- how ----

    @property
    def _last(self) -> Path:
        return self.folder / LAST

    @property
    def _part(self) -> Path:
        return self.folder / f"{LAST}.part"

    @contextmanager
    def _said_where(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise OSError(
                f"no checkpoint can be written to {self.folder} ({error.strerror or error}); what was written before "
                f"is whole. Make room or give write access, then go on with resume=true."
            ) from error

    def _draft(self, trainer: Trainer) -> None:
        with self._said_where(), _written_in_place(trainer):
            trainer.save_checkpoint(self._part, weights_only=False)  # on every process; the first one writes
        self._drafted = True

    def _finish(self, trainer: Trainer) -> None:
        for log in _metrics_files(trainer):
            log.write()
        if trainer.is_global_zero:
            with self._said_where():
                if self._last_is_whole:  # else it is missing or damaged, and must not take the place of a whole one
                    os.replace(self._last, self.folder / PREVIOUS)
                os.replace(self._part, self._last)
        self._drafted, self._last_is_whole = False, True
        if self._ending:
            raise KeyboardInterrupt


class _InPlace(TorchCheckpointIO):
    """Writes a checkpoint where it belongs.

    Lightning's own goes by way of the system's temporary folder, which may be smaller than a checkpoint, and where
    a kill leaves what has been written.
    """

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        content = io.BytesIO()
        torch.save(checkpoint, content)  # straight into a file, a full disk would be a RuntimeError without a reason
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        with open(path, "wb") as file:
            file.write(content.getbuffer())
            file.flush()
            os.fsync(file.fileno())


@contextmanager
def _written_in_place(trainer: Trainer) -> Iterator[None]:
    before = trainer.strategy.checkpoint_io
    trainer.strategy.checkpoint_io = _InPlace()
    try:
        yield
    finally:
        trainer.strategy.checkpoint_io = before


def _is_over(trainer: Trainer) -> bool:
    """Whether the run ends here, be it within an epoch."""
    return trainer.should_stop or trainer.global_step == trainer.max_steps


def _metrics_files(trainer: Trainer) -> list[MetricsFile]:
    return [logger for logger in trainer.loggers if isinstance(logger, MetricsFile)]


def find_checkpoint(folder: str | os.PathLike[str]) -> Path | None:
    """The checkpoint to go on from: last.ckpt, or the one before it where last.ckpt is missing, torn or foreign.

    No code from a file is run.

    Args:
        folder: that `Checkpoints` wrote to.

    Returns:
        None where there is none yet.

    Raises:
        ValueError: there are some, and none can be used.
        PermissionError: one may not be read, which says nothing of what it holds.
    """
    found = [path for name in (LAST, PREVIOUS) if (path := Path(folder) / name).exists()]
    faults: list[str] = []
    for path in found:
        fault = _fault(path)
        if fault is None:
            if faults:
                rank_zero_warn(f"{'; '.join(faults)}: the run goes on from the one before it, {path.name}.")
            return path
        faults.append(f"{path} {fault}")
    if faults:
        raise ValueError(f"{'; '.join(faults)}; move it away to start afresh, or put a whole checkpoint there.")
    return None


def _fault(path: Path) -> str | None:
    """What is wrong with a checkpoint, as the end of a sentence; None if nothing is."""
    try:
        is_torn = has_wrong_checksum(path)
        checkpoint = torch.load(path, map_location="cpu", mmap=True, weights_only=True)
    except UnpicklingError:
        return "holds more than tensors and plain values, which might run code, and is not loaded"
    except PermissionError as error:
        raise PermissionError(
            f"{path} may not be read ({error.strerror}); give read access to it, then go on with resume=true."
        ) from error
    except (OSError, RuntimeError, EOFError, KeyError, zipfile.BadZipFile):
        return "is torn or no checkpoint"
    if is_torn:
        return "is torn (a checksum is wrong)"
    if not isinstance(checkpoint, dict) or not set(checkpoint) >= _NEEDED:
        return "is a checkpoint of something else"
    return None
