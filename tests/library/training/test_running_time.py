"""Seconds and memory of a run, over all its processes."""

from __future__ import annotations

import resource
import sys
from types import SimpleNamespace

import psutil
import pytest

from dien_lightning.training import RunningTime
from dien_lightning.training.running_time import peak_memory


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
