"""Seconds and memory of a run, over all its processes."""

from __future__ import annotations

import resource
import sys
from types import SimpleNamespace

import psutil
import pytest
import torch

from dien_lightning.training import MetricsFile, RunningTime, running_time
from dien_lightning.training.running_time import peak_memory
from library.data.folders import make
from library.training.modules import build, trainer


def test_the_peak_is_no_less_than_what_is_held_now():
    held = psutil.Process().memory_info().rss
    assert RunningTime().peak_memory > 0.9 * held  # the two are counted at different moments


@pytest.mark.parametrize(("platform", "peak"), [("linux", 5 * 1024), ("darwin", 5)])
def test_it_is_in_bytes_whatever_the_system_counts_in(platform, peak, monkeypatch):
    monkeypatch.setattr(resource, "getrusage", lambda who: SimpleNamespace(ru_maxrss=5))
    monkeypatch.setattr(sys, "platform", platform)
    assert peak_memory() == peak


def test_a_system_that_does_not_tell_has_none(monkeypatch):
    monkeypatch.setitem(sys.modules, "resource", None)
    assert peak_memory() is RunningTime().peak_memory is None


def test_a_resumed_run_goes_on_from_the_checkpoints_cost():
    resumed = RunningTime()
    resumed.load_state_dict({"seconds": 100.0, "peak_memory": 2**50})
    assert 100 < resumed.seconds < 200
    assert resumed.peak_memory == 2**50
    assert resumed.state_dict()["peak_memory"] == 2**50


def test_checkpoints_from_before_memory_was_counted_load():
    resumed = RunningTime()
    resumed.load_state_dict({"seconds": 1.0})
    assert resumed.peak_memory > 0


def test_speed_counts_from_one_batch_to_the_next_and_leaves_validation_out(monkeypatch):
    clock, logged = iter([0.0, 10.0, 12.0, 100.0, 104.0]), []
    monkeypatch.setattr(running_time.time, "perf_counter", lambda: next(clock))
    callback, module = RunningTime(), SimpleNamespace(log=lambda name, value, **_: logged.append((name, value)))
    trainer = SimpleNamespace(world_size=2)
    batch = {name: SimpleNamespace(image=torch.zeros(3, 1)) for name in ("source", "target")}
    callback.on_train_epoch_start(trainer, module)
    for number in range(4):
        callback.on_train_batch_end(trainer, module, None, batch, number)
        if number == 1:
            callback.on_validation_end(trainer, module)
    assert logged == [("train/images_per_second", 2 * 6 / 2), ("train/images_per_second", 2 * 6 / 4)]


class Names(MetricsFile):
    """A logger that keeps what it is told of."""

    def __init__(self, path):
        super().__init__(path)
        self.names = set()

    def log_metrics(self, metrics, step=None):
        self.names |= set(metrics)


def test_a_training_tells_its_speed_to_other_loggers_than_its_file(drawn_pair, tmp_path):
    pair = {"source": "pedestrians_day", "target": "pedestrians_night"}
    data = make(drawn_pair, **pair, num_ids=3, steps_per_epoch=2, image_size=(64, 32))
    ours, other = MetricsFile(tmp_path / "metrics.csv"), Names(tmp_path / "other.csv")
    trainer(callbacks=[RunningTime()], logger=[ours, other], log_every_n_steps=1).fit(build(), data)
    speeds = {"train/images_per_second", "val/images_per_second"}
    assert speeds < other.names
    assert not any(name in (tmp_path / "metrics.csv").read_text() for name in speeds)
