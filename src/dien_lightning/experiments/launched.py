"""Whether the processes that were started, or are to be, train one run together."""

from __future__ import annotations

import pytorch_lightning as pl
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode

from dien_lightning.processes import is_first_process


def check_launched(trainer: pl.Trainer) -> None:
    """Refuse processes of which each would train the whole run, or that would train different jobs as one.

    Lightning starts the other processes of a run by the command line of the first. That of a sweep begins with the
    first job again, while the first process may be at a later one.

    Args:
        trainer: about to fit.

    Raises:
        ValueError: several processes were started for a training of one, or a sweep's job is to take several.
    """
    number = trainer.num_devices * trainer.num_nodes
    if number == 1 and not is_first_process():
        raise ValueError(
            "several processes were started (srun, torchrun or the environment gave this one a rank), and each would "
            "train the whole run in one folder: join them by trainer=ddp and trainer.num_nodes=N, or start one alone."
        )
    is_sweep = HydraConfig.initialized() and HydraConfig.get().mode == RunMode.MULTIRUN
    if number > 1 and is_sweep and HydraConfig.get().runtime.choices["hydra/launcher"] != "submitit_slurm":
        raise ValueError(
            f"a job of a sweep (dien table is one, too) trains in one process, and {number} were asked for "
            "(trainer.devices, trainer.num_nodes): give each run a command of its own, without -m."
        )
