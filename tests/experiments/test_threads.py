"""What a command takes of the machine: threads, as many as asked for, else the free cores; and float32 or bfloat16."""

from __future__ import annotations

import os

import psutil
import pytest
import torch

from dien_lightning.experiments import settings, threads, train
from dien_lightning.experiments.config import compose_config


@pytest.fixture
def machine(monkeypatch):
    """Eight cores, of which the first four are ours and busy to some percent; torch would take all four."""
    taken = [4]
    monkeypatch.delenv("OMP_NUM_THREADS")
    monkeypatch.setattr(threads.os, "sched_getaffinity", lambda pid: set(range(4)), raising=False)
    monkeypatch.setattr(torch, "get_num_threads", lambda: taken[-1])
    monkeypatch.setattr(torch, "set_num_threads", taken.append)
    return lambda *percent: monkeypatch.setattr(psutil, "cpu_percent", lambda _, percpu: [*percent, *4 * [100.0]])


@pytest.mark.parametrize(
    ("busy", "share", "expected"),
    [
        ((2.0, 9.0, 5.0, 2.0), 1, 4),
        ((100.0, 3.0, 2.0, 4.0), 1, 3),
        ((30.0, 30.0, 2.0, 4.0), 1, 3),
        ((100.0, 90.0, 98.0, 99.0), 1, 1),
        ((2.0, 2.0, 2.0, 2.0), 2, 2),
        ((99.0, 2.0, 2.0, 2.0), 2, 1),
    ],
)
def test_the_free_cores_are_shared(machine, busy, share, expected):
    machine(*busy)
    assert threads.use_threads(None, share) == expected
    assert os.environ.get("OMP_NUM_THREADS") == (None if share == 1 else str(expected))  # Lightning leaves that alone


def test_what_is_asked_for_and_what_the_environment_says_decide(machine, monkeypatch):
    machine(98.0, 98.0, 98.0, 98.0)
    assert threads.use_threads(3) == 3
    assert os.environ["OMP_NUM_THREADS"] == "3"  # on GPUs, too, where Lightning would deal all cores out
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert threads.use_threads(None) == 3
    with pytest.raises(ValueError, match="threads=0 must be a whole number of at least 1"):
        threads.use_threads(0)


def test_a_gpu_that_a_training_leaves_alone_does_not_choose_its_precision(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **_: True)
    monkeypatch.setattr(torch.cpu, "get_capabilities", dict)
    config = compose_config(["trainer=ddp_cpu"])
    assert settings.precision_of(config) == "32-true"
    config.trainer.accelerator = "gpu"
    assert settings.precision_of(config) == "bf16-mixed"


@pytest.mark.parametrize(
    ("wanted", "has", "is_said"),
    [("auto", "32-true", True), ("auto", "bf16-mixed", False), ("32-true", "32-true", False)],
)
def test_a_machine_without_bfloat16_is_told_what_it_costs(wanted, has, is_said, tmp_path, caplog, monkeypatch):
    monkeypatch.setattr(settings, "resolve_precision", lambda *_: has)
    config = compose_config([f"trainer.precision={wanted}", "trainer.accelerator=cpu", f"run_dir={tmp_path}"])
    assert train.build_trainer(config, tmp_path, train.RunningTime()).precision == has
    assert ("Computing in float32" in caplog.text) == is_said
