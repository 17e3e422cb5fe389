"""Several machines and a cluster's queue, as far as one machine can show: ranks are taken from SLURM, jobs compose."""

from __future__ import annotations

import signal
import sys

import pytest
from hydra.utils import instantiate
from omegaconf import OmegaConf
from pytorch_lightning.utilities import rank_zero_only

from dien_lightning.experiments.command import run
from dien_lightning.experiments.config import compose_config
from dien_lightning.experiments.train import build_trainer
from dien_lightning.processes import is_first_process
from dien_lightning.training import RunningTime
from dien_lightning.training.interrupt import Interrupt
from experiments.test_conf import composed


@pytest.fixture
def slurm(monkeypatch):
    """The variables of the second task of a job on two machines with one task each."""
    variables = {
        "SLURM_JOB_ID": "7",
        "SLURM_JOB_NAME": "train",  # an interactive job, "bash", is left alone by Lightning
        "SLURM_NTASKS": "2",
        "SLURM_NTASKS_PER_NODE": "1",
        "SLURM_NNODES": "2",
        "SLURM_NODEID": "1",
        "SLURM_PROCID": "1",
        "SLURM_LOCALID": "0",
        "SLURM_NODELIST": "node[1-2]",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(rank_zero_only, "rank", rank_zero_only.rank)  # Lightning notes it for the whole process


def build(*overrides):
    config = composed("trainer=ddp_cpu", *overrides)
    return instantiate(config.trainer, precision="32-true", logger=False, _convert_="all")


def test_slurm_tells_each_process_its_rank(slurm, tmp_path):
    trainer = build("trainer.num_nodes=2", "trainer.devices=1", f"run_dir={tmp_path}")
    assert (trainer.world_size, trainer.num_nodes, trainer.global_rank, trainer.local_rank) == (2, 2, 1, 0)
    assert type(trainer.strategy.cluster_environment).__name__ == "SLURMEnvironment"
    assert not trainer.is_global_zero
    assert not is_first_process()  # so it writes no file


def test_lightning_requeues_no_job_of_ours(slurm, tmp_path):
    config = composed("trainer=ddp_cpu", "trainer.num_nodes=2", "trainer.devices=1", f"run_dir={tmp_path}")
    trainer = build_trainer(config, tmp_path, RunningTime())
    assert trainer.strategy.cluster_environment.auto_requeue is False
    assert (trainer.world_size, trainer.global_rank) == (2, 1)


def test_a_task_that_would_train_the_whole_run_beside_another_is_refused(slurm, tmp_path):
    with pytest.raises(ValueError, match="each would train the whole run in one folder: join them by trainer=ddp"):
        build_trainer(composed("trainer.accelerator=cpu", f"run_dir={tmp_path}"), tmp_path, RunningTime())


def test_time_that_is_short_after_a_training_ends_the_command_as_ctrl_c_does(slurm, monkeypatch, capfd):
    def train():
        interrupt = Interrupt()
        interrupt.watch()
        interrupt.release()  # the training has ended, and an evaluation follows
        signal.raise_signal(signal.SIGUSR1)

    before = signal.signal(signal.SIGUSR1, lambda *_: pytest.fail("nobody has handled the signal"))
    monkeypatch.setattr(sys, "argv", ["train"])
    try:
        with pytest.raises(SystemExit) as ended:
            run(train)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert ended.value.code == 130
    assert capfd.readouterr().err == "interrupted; what was written stays, resume=true goes on.\n"


def test_time_that_is_short_lets_the_step_end_under_torchrun_too(slurm, monkeypatch, capfd):
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "7")  # Lightning takes the ranks from torchrun then, not from SLURM
    before = signal.signal(signal.SIGUSR1, lambda *_: pytest.fail("nobody has handled the signal"))
    interrupt = Interrupt()
    interrupt.watch()
    try:
        signal.raise_signal(signal.SIGUSR1)
    finally:
        interrupt.release()
        signal.signal(signal.SIGUSR1, before)
    assert "SIGUSR1: a checkpoint follows when this step or validation ends." in capfd.readouterr().err


def test_every_gpu_of_every_machine_is_one_key_away(tmp_path):
    config = composed("trainer=ddp", "trainer.num_nodes=4", f"run_dir={tmp_path}")
    assert (config.trainer.accelerator, config.trainer.devices, config.trainer.num_nodes) == ("gpu", -1, 4)
    assert config.trainer.strategy == "ddp"


def test_a_sweep_on_a_cluster_composes():
    pytest.importorskip("hydra_plugins.hydra_submitit_launcher", reason="pip install hydra-submitit-launcher")
    overrides = [
        "experiment=demo",
        "sweep=T",
        "hydra/launcher=submitit_slurm",
        "hydra.launcher.partition=gpu",
        "hydra.launcher.gpus_per_node=1",
        "hydra.launcher.timeout_min=600",
    ]
    config = compose_config(overrides, with_hydra=True)
    launcher = OmegaConf.to_container(config.hydra.launcher, resolve=False)
    assert launcher["_target_"] == "hydra_plugins.hydra_submitit_launcher.submitit_launcher.SlurmLauncher"
    assert (launcher["partition"], launcher["gpus_per_node"], launcher["timeout_min"]) == ("gpu", 1, 600)
    assert config.hydra.sweeper.params
