"""How many threads a command takes: what is asked for, else the cores that are free."""

from __future__ import annotations

import psutil
import pytest
import torch

from dien_lightning.experiments import threads


@pytest.fixture
def machine(monkeypatch):
    """Four cores, of which a share is busy; torch would take all four."""
    taken = [4]
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(threads.os, "sched_getaffinity", lambda pid: set(range(4)), raising=False)
    monkeypatch.setattr(torch, "get_num_threads", lambda: taken[-1])
    monkeypatch.setattr(torch, "set_num_threads", taken.append)
    return lambda percent: monkeypatch.setattr(psutil, "cpu_percent", lambda interval: percent)


@pytest.mark.parametrize(
    ("percent", "share", "expected"), [(2.0, 1, 4), (27.0, 1, 3), (98.0, 1, 1), (2.0, 2, 2), (60.0, 2, 1)]
)
def test_the_free_cores_are_shared(machine, percent, share, expected):
    machine(percent)
    assert threads.use_threads(None, share) == expected


def test_what_is_asked_for_and_what_the_environment_says_decide(machine, monkeypatch):
    machine(98.0)
    assert threads.use_threads(3) == 3
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert threads.use_threads(None) == 3
    with pytest.raises(ValueError, match="threads=0 must be a whole number of at least 1"):
        threads.use_threads(0)
