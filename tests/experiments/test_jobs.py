"""Several trainings at once: in one folder, as joblib's jobs, as jobs of a sweep."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
import yaml

from dien_lightning.experiments.run_folder import held
from experiments.test_train import TINY


def test_two_processes_do_not_train_in_one_folder(drawn_pair, tmp_path, dien):
    run_dir = tmp_path / "run"
    hold = f"""
import sys, time
from pathlib import Path
from dien_lightning.experiments import run_folder
with run_folder.held(Path({str(run_dir)!r})):
    print("held", flush=True)
    time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", hold], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        finished = dien("train", *TINY, f"data_root={drawn_pair}", f"run_dir={run_dir}")
        other.kill()
    assert finished.code == 1
    assert f"error: run_dir={run_dir} is being trained in by another process; wait for its end" in finished.stderr
    with held(run_dir):  # a killed process holds nothing
        pass


def test_jobs_of_joblib_train_with_loader_processes(drawn_pair, tmp_path, dien):
    arguments = (*TINY, f"data_root={drawn_pair}", f"run_dir={tmp_path / 'sweep'}", "data.num_workers=1")
    dien("train", "-m", *arguments, "hydra/launcher=joblib", "hydra.launcher.n_jobs=2").done()
    (results,) = (tmp_path / "sweep").rglob("results.json")
    assert 0 <= json.loads(results.read_text())["target"]["mAP"] <= 1
    config = yaml.safe_load((results.parent / "config.yaml").read_text())
    assert (config["group"], config["run_name"]) == ("sweep", results.parent.name)  # W&B's, of the folders' names


def test_a_sweep_whose_jobs_take_several_processes_is_refused(drawn_pair, tmp_path, dien):
    # Where one process leaves out a job alone, it would train the next one with another that trains this one.
    several = ("trainer=ddp_cpu", "trainer.precision=32-true", "seed=0,1", f"run_dir={tmp_path / 'sweep'}")
    finished = dien("train", "-m", *TINY, f"data_root={drawn_pair}", *several)
    assert finished.code == 1
    assert finished.stderr.count("trains in one process, and 2 were asked for") == 2
    assert not [*(tmp_path / "sweep").rglob("config.yaml")]


@pytest.mark.parametrize("launcher", ["basic", "joblib"])
def test_jobs_of_a_sweep_that_fail_say_why_each(launcher, drawn_pair, tmp_path, dien):
    arguments = (*TINY, f"data_root={drawn_pair}", f"run_dir={tmp_path / 'sweep'}", "network.attention_loops=-1,-2")
    alone = ("hydra.launcher.n_jobs=1",) if launcher == "joblib" else ()
    finished = dien("train", "-m", *arguments, f"hydra/launcher={launcher}", *alone)
    assert finished.code == 1
    errors = [line for line in finished.stderr.splitlines() if line.startswith("error: ")]
    assert ["attention_loops=-1" in errors[0], "attention_loops=-2" in errors[1]] == [True, True]
    assert errors[2:] == ["error: at least one job failed, see above."]
    assert "JobFailed" not in finished.stderr  # no traceback of ours
    # Many overrides make no folder's name too long.
    assert all(len(path.name) <= 120 for path in (tmp_path / "sweep").iterdir())
