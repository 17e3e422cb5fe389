"""Ctrl-C that lets the step end."""

from __future__ import annotations

import os
import signal
import threading
from types import FrameType
from typing import Any

import torch
from pytorch_lightning import Trainer


class Interrupt:
    """Remembers Ctrl-C until somebody asks for it; a second Ctrl-C does what it did before.

    Python raises `KeyboardInterrupt` wherever it happens to be, which may be half-way through the optimiser's step.
    """

    def __init__(self) -> None:
        self._came = False
        self._before: Any = None

    def watch(self) -> None:
        """From now on; outside the main thread, where Python allows no handlers, nothing changes."""
        if self._before is None and threading.current_thread() is threading.main_thread():
            self._came = False
            self._before = signal.signal(signal.SIGINT, self._remember)

    def release(self) -> None:
        """Put back what Ctrl-C did before."""
        if self._before is not None and threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, self._before)
            self._before = None

    def came(self, trainer: Trainer) -> bool:
        """Whether Ctrl-C (or SIGTERM, which Lightning remembers) came to any process; all of them have to ask."""
        came = self._came or trainer.received_sigterm
        if trainer.world_size == 1:
            return came
        heard = torch.tensor(float(came), device=trainer.strategy.root_device)
        return bool(trainer.strategy.reduce(heard, reduce_op="sum") > 0)

    def _remember(self, number: int, frame: FrameType | None) -> None:
        if self._came:
            self.release()
            raise KeyboardInterrupt
        self._came = True
        # print() may be interrupted by this very handler, and refuses to start again.
        os.write(2, b"\nCtrl-C: a checkpoint follows when this step or validation ends; again: end at once.\n")
