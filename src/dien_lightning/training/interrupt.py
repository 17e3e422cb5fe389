"""Ctrl-C, and what a cluster sends, that let the step end."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import torch
from pytorch_lightning import Trainer
from pytorch_lightning.plugins.environments import SLURMEnvironment, TorchElasticEnvironment


def cluster() -> SLURMEnvironment | None:
    """SLURM as Lightning finds it, for a `Trainer`'s plugins, but without its requeueing; None where there is none.

    Lightning would write a checkpoint of its own at SIGUSR1, wherever it happens to be, have the job requeued, and take
    that checkpoint before any other when it resumes.
    """
    if SLURMEnvironment.detect() and not TorchElasticEnvironment.detect():  # torchrun goes first, as in Lightning
        return SLURMEnvironment(auto_requeue=False)
    return None


def under_slurm() -> bool:
    """Whether this process is a job's: SIGUSR1 may come, whatever the job's numbers say to Lightning."""
    return "SLURM_JOB_ID" in os.environ


@contextmanager
def interrupts_passed_on(trainer: Trainer) -> Iterator[None]:
    """Lightning ends the process at Ctrl-C with exit code 1; we want to say what happened."""
    try:
        yield
    except SystemExit:
        if trainer.interrupted:
            raise KeyboardInterrupt from None
        raise


class Interrupt:
    """Remembers Ctrl-C until somebody asks for it; a second Ctrl-C does what it did before.

    Python raises `KeyboardInterrupt` wherever it happens to be, which may be half-way through the optimiser's step.
    Under SLURM, SIGUSR1 ("time is short", by `#SBATCH --signal`) is remembered in the same way.
    """

    def __init__(self) -> None:
        self._came = False
        self._before: dict[int, Any] = {}

    def watch(self) -> None:
        """From now on; outside the main thread, where Python allows no handlers, nothing changes."""
        if not self._before and threading.current_thread() is threading.main_thread():
            self._came = False
            self._before[signal.SIGINT] = signal.signal(signal.SIGINT, self._remember)
            if under_slurm():
                self._before[signal.SIGUSR1] = signal.signal(signal.SIGUSR1, self._remember)

    def release(self) -> None:
        """Put back what these signals did before."""
        if threading.current_thread() is threading.main_thread():
            for number, before in self._before.items():
                signal.signal(number, before)
            self._before = {}

    def came(self, trainer: Trainer) -> bool:
        """Whether one of them (or SIGTERM, which Lightning remembers) came to any process; all have to ask."""
        came = self._came or trainer.received_sigterm
        if trainer.world_size == 1:
            return came
        heard = torch.tensor(float(came), device=trainer.strategy.root_device)
        return bool(trainer.strategy.reduce(heard, reduce_op="sum") > 0)

    def _remember(self, number: int, frame: FrameType | None) -> None:
        if self._came and number == signal.SIGINT:
            self.release()
            raise KeyboardInterrupt
        self._came = True
        name, again = signal.Signals(number).name, ""
        if number == signal.SIGINT:
            name, again = "Ctrl-C", "; again: end at once"
        # print() may be interrupted by this very handler, and refuses to start again.
        os.write(2, f"\n{name}: a checkpoint follows when this step or validation ends{again}.\n".encode())
