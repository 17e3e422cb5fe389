"""What a terminal, a cluster or `kill` sends: the step ends, a checkpoint is written, no process is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch

from browser import wait
from proofs.tiny import TINY


@pytest.fixture
def slurm(tmp_path) -> dict[str, str]:
    """The variables of a job of one task, and a `scontrol` that leaves a file where somebody calls it."""
    scontrol = tmp_path / "bin" / "scontrol"
    scontrol.parent.mkdir()
    scontrol.write_text(f"#!/bin/sh\necho $* >> {tmp_path / 'asked of scontrol'}\n")
    scontrol.chmod(0o755)
    numbers = {"NTASKS": "1", "PROCID": "0", "LOCALID": "0", "NODEID": "0", "JOB_ID": "7", "JOB_NAME": "train"}
    of_job = {f"SLURM_{name}": value for name, value in {**numbers, "NODELIST": "node"}.items()}
    return {**of_job, "PATH": f"{scontrol.parent}:{os.environ['PATH']}"}


def interrupted(send: Callable[[int], None], metrics: Path, *words: object, **environment: str) -> str:
    """What `dien WORDS` says that is sent something after the first epoch, whose metrics are there."""
    log = metrics.parents[1] / "log"
    command = [sys.executable, "-m", "dien_lightning", *words, "trainer.max_epochs=50", "data.num_workers=2"]
    log.parent.mkdir(exist_ok=True)
    with log.open("w") as said:
        options: Any = {"stdout": said, "stderr": said, "start_new_session": True, "env": {**os.environ, **environment}}
        running = subprocess.Popen(command, **options)
        while not metrics.exists():  # written at the end of an epoch
            assert running.poll() is None, log.read_text()
            time.sleep(0.05)
        send(running.pid)
        assert running.wait(timeout=90) == 130, log.read_text()
    assert "Traceback" not in log.read_text()
    steps = torch.load(metrics.parent / "checkpoints" / "last.ckpt", weights_only=True)["global_step"]
    assert steps == len(metrics.read_text().splitlines()) - 1
    return log.read_text()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGUSR1])
def test_what_reaches_the_loaders_too_ends_as_cleanly(slurm, drawn_pair, tmp_path, number):
    """A terminal sends Ctrl-C to a command's loaders, too, a cluster the others to all processes of a job."""
    run_dir, environment = tmp_path / "run", slurm if number == signal.SIGUSR1 else {}
    words = ("train", *TINY, f"data_root={drawn_pair}", f"run_dir={run_dir}")
    said = interrupted(lambda pid: os.killpg(pid, number), run_dir / "metrics.csv", *words, **environment)
    assert "interrupted; what was written stays, resume=true goes on." in said
    assert list(run_dir.glob("*.ckpt")) == []  # as Lightning leaves one of its own
    assert not (tmp_path / "asked of scontrol").exists()


@pytest.mark.parametrize(
    ("send", "number"), [(os.killpg, signal.SIGINT), (os.kill, signal.SIGTERM), (os.kill, signal.SIGUSR1)]
)
def test_a_command_waits_for_the_checkpoint_of_its_training(slurm, drawn_pair, tmp_path, send, number):
    """Ctrl-C reaches the demo and its training, `kill` the demo alone; neither leaves a training behind."""
    words = ("demo", *(word for word in TINY if not word.startswith("experiment=")), f"data_root={drawn_pair}")
    words, environment = (*words, "data.target_num_instances=2"), slurm if number == signal.SIGUSR1 else {}
    metrics = tmp_path / "demo" / "base" / "metrics.csv"
    said = interrupted(lambda pid: send(pid, number), metrics, *words, f"output={tmp_path / 'demo'}", **environment)
    assert said.strip().endswith("interrupted; what was written stays, the same command goes on.")
    assert len(metrics.read_text().splitlines()) > 4  # the step that ran meanwhile
    wait(lambda: not any(str(tmp_path) in str(process.info["cmdline"]) for process in psutil.process_iter(["cmdline"])))
