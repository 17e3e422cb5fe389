from __future__ import annotations

import subprocess
import sys

import pytest

from dien_lightning.pedestrians.jobs import draw_in_processes, split_job
from dien_lightning.pedestrians.worker import Job


def test_a_failing_worker_is_reported():
    job = Job("/nowhere", "dusk", [1], [2], 2, 2, 64, 32, 0)
    with pytest.raises(RuntimeError, match=r"a drawing process failed(.|\n)*ValueError"):
        list(draw_in_processes(job, 2))


def test_what_a_worker_cannot_write_is_the_systems_error():
    job = Job("/dev/null", "day", [1], [2], 2, 2, 64, 32, 0)
    with pytest.raises(NotADirectoryError):
        list(draw_in_processes(job, 2))


def test_split_job_deals_out_everyone_once():
    parts = split_job(Job("", "day", [1, 2, 3], [4, 5], 2, 2, 64, 32, 0), 2)
    assert [(part.train_pids, part.test_pids) for part in parts] == [([1, 3], [4]), ([2], [5])]


def test_a_worker_does_not_wait_for_torch():
    code = "import sys, dien_lightning.pedestrians.worker; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
