"""Ctrl-C and SIGTERM: the step ends, a checkpoint is written, and the run can be taken up at the next batch."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator

import pytest
import torch
from pytorch_lightning import Callback
from pytorch_lightning.utilities.exceptions import SIGTERMException

from dien_lightning.training import find_checkpoint
from dien_lightning.training.interrupt import Interrupt
from library.training.learning import STEPS, Learner, fit


class Alone:
    """What an Interrupt asks of a Trainer of one process."""

    world_size = 1
    received_sigterm = False


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """A process in the background ignores Ctrl-C; here it is as on a terminal, and put back afterwards."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_remembered_until_somebody_asks(capfd):
    interrupt = Interrupt()
    interrupt.watch()
    assert not interrupt.came(Alone())
    signal.raise_signal(signal.SIGINT)
    assert interrupt.came(Alone())
    assert "Ctrl-C: a checkpoint follows when this step or validation ends" in capfd.readouterr().err
    interrupt.release()


def test_the_second_time_ends_at_once(capfd):
    interrupt = Interrupt()
    interrupt.watch()
    signal.raise_signal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_released_it_is_as_it_was_before():
    interrupt = Interrupt()
    interrupt.release()  # which was not watching
    interrupt.watch()
    interrupt.watch()
    interrupt.release()
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


def test_outside_the_main_thread_nothing_changes():
    def watch_and_release() -> None:
        interrupt = Interrupt()
        interrupt.watch()
        interrupt.release()

    thread = threading.Thread(target=watch_and_release)
    thread.start()
    thread.join()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


class Interrupted(Learner):
    """Gets a signal in the middle of a step."""

    def __init__(self, number: int, step: int) -> None:
        super().__init__()
        self.number, self.step = number, step

    def training_step(self, batch, batch_idx):
        if self.trainer.global_step == self.step:
            os.kill(os.getpid(), self.number)
        return super().training_step(batch, batch_idx)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("step", [0, 5, STEPS - 1, 3 * STEPS - 1])
def test_a_run_ends_after_the_step_with_a_checkpoint(tmp_path, number, step):
    (tmp_path / "whole").mkdir()
    whole = fit(tmp_path / "whole")
    with pytest.raises(SystemExit):  # how Lightning ends at a KeyboardInterrupt
        fit(tmp_path, module=Interrupted(number, step))
    assert torch.load(find_checkpoint(tmp_path), weights_only=True)["global_step"] == step + 1
    assert len((tmp_path / "metrics.csv").read_text().splitlines()) == 1 + step + 1
    resumed = fit(tmp_path, resume=True)
    assert resumed.seen == whole.seen[step + 1 :]
    assert (tmp_path / "metrics.csv").read_bytes() == (tmp_path / "whole" / "metrics.csv").read_bytes()
    assert torch.equal(resumed.weight, whole.weight)


def test_the_checkpoint_is_kept_where_lightning_stops_all_processes_at_the_next_step(tmp_path):
    """With several processes Lightning raises this itself, before anybody is told of the next batch."""

    class StopsAll(Callback):
        def on_train_batch_start(self, trainer, pl_module, batch, batch_idx):
            if trainer.received_sigterm:
                raise SIGTERMException

    with pytest.raises(SystemExit):
        fit(tmp_path, module=Interrupted(signal.SIGTERM, 5), callbacks=[StopsAll()])
    assert torch.load(find_checkpoint(tmp_path), weights_only=True)["global_step"] == 6
