#!/usr/bin/env bash
# SIGUSR1 to a job under SLURM: each loader's process writes a checkpoint, too, and requeues the job once more.
#
# With:   pytorch-lightning 2.6.6, torch 2.14.1, on Linux, with SLURM's variables and a `scontrol` that notes its calls
# Does:   Lightning handles SIGUSR1 (`#SBATCH --signal=SIGUSR1@90`, which SLURM sends to the processes of a job's steps)
#         by a checkpoint and `scontrol requeue`. Loaders are forked from the main process and inherit it; torch
#         replaces that of SIGTERM in them, not this one. All write the same file at the same time.
# Guess:  one checkpoint, one call of scontrol.
# Seen:   two loaders: 3 checkpoints are written, scontrol is called 3 times for the one job.
# Beside: loaders started by multiprocessing_context="spawn", and none (num_workers=0): one of each.
# Use:    a worker_init_fn that ignores SIGUSR1, or SLURMEnvironment(auto_requeue=False) and a requeue of your own.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pytorch-lightning==2.6.6 torch==2.14.1 torchvision==0.29.1 numpy==2.4.6
cd "$folder"
mkdir bin
printf '#!/bin/sh\necho "$*" >> %s/calls\n' "$folder" > bin/scontrol
chmod +x bin/scontrol
cat > job.py <<'PYTHON'
import multiprocessing
import os
import subprocess
import sys
import time

import pytorch_lightning as pl
import torch
from torch.utils.data import DataLoader, TensorDataset

OFF = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False, "enable_model_summary": False}


class Module(pl.LightningModule):
    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))

    def training_step(self, batch, index):
        if index == 2:
            job = [os.getpid(), *(loader.pid for loader in multiprocessing.active_children())]
            subprocess.run(["kill", "-USR1", *map(str, job)], check=True)
            time.sleep(5)
        return (self.weight * batch[0]).mean()

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)

    def on_save_checkpoint(self, checkpoint):
        with open("written", "a") as file:
            print(os.getpid(), file=file)


if __name__ == "__main__":
    number, context = int(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else None
    loader = DataLoader(TensorDataset(torch.ones(64)), 2, num_workers=number, multiprocessing_context=context)
    pl.Trainer(max_epochs=1, accelerator="cpu", devices=1, **OFF).fit(Module(), loader)
PYTHON
run() {
    rm -f calls written
    env PATH="$folder/bin:$PATH" OMP_NUM_THREADS=1 SLURM_NTASKS=1 SLURM_PROCID=0 SLURM_LOCALID=0 SLURM_NODEID=0 \
        SLURM_JOB_ID=7 SLURM_JOB_NAME=train SLURM_NODELIST=node \
        "$folder/venv/bin/python" -W ignore job.py "$@" > log 2>&1
    echo "$(sort -u written | wc -l) $(grep -c 'requeue 7' calls)"
}
seen="two loaders: $(run 2) | spawned: $(run 2 spawn) | none: $(run 0)"
echo "$seen"
[ "$seen" = "two loaders: 3 3 | spawned: 1 1 | none: 1 1" ] || { echo changed; exit 1; }
