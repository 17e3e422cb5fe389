#!/usr/bin/env bash
# SIGTERM to a job (main process and loaders) breaks a process's first fit off in mid-step; the second ends cleanly.
#
# With:   pytorch-lightning 2.6.6, torch 2.14.1, on Linux
# Does:   torch has a handler of SIGCHLD that raises as soon as a loader's process has died, set once in a process.
#         Lightning puts every handler back at the end of `fit` as it found it before, and this one was not there before.
#         torch takes it for set and does not set it again: from the second `fit` on nobody watches the loaders.
# Guess:  both fits finish the step and end by SIGTERMException, which Lightning has for that.
# Seen:   first fit: RuntimeError (DataLoader worker is killed by signal: Terminated) after 2 of 3 steps; second:
#         SIGTERMException after 3.
# Beside: SIGKILL of a loader alone, as the kernel does where memory is short: the first fit says "is killed by signal:
#         Killed" at once, the second "exited unexpectedly" after five seconds, and not why.
# Use:    a worker_init_fn whose process outlasts SIGTERM, so that Lightning can finish the step; after the first fit
#         look for the reason of a loader's death in the kernel's log.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pytorch-lightning==2.6.6 torch==2.14.1 torchvision==0.29.1 numpy==2.4.6
cd "$folder"
cat > fits.py <<'PYTHON'
import logging
import multiprocessing
import os
import subprocess
import sys
import time

import pytorch_lightning as pl
import torch
from torch.utils.data import DataLoader, TensorDataset

logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
OFF = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False, "enable_model_summary": False}


class Module(pl.LightningModule):
    def __init__(self, signal):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))
        self.signal = signal

    def training_step(self, batch, index):
        if self.signal and index == 2:
            struck = [loader.pid for loader in multiprocessing.active_children()]
            if self.signal == "TERM":
                struck.append(os.getpid())
            subprocess.run(["kill", f"-{self.signal}", *map(str, struck)], check=True)
            time.sleep(1)
        return (self.weight * batch[0]).mean()

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)


def fit(signal=None):
    loader = DataLoader(TensorDataset(torch.ones(64)), batch_size=2, num_workers=1)
    trainer = pl.Trainer(max_epochs=1, accelerator="cpu", **OFF)
    try:
        trainer.fit(Module(signal), loader)
    except BaseException as error:
        words = next((words for words in ("Terminated", "Killed", "exited unexpectedly") if words in str(error)), "")
        return f"{type(error).__name__} {words} step {trainer.global_step}".replace("  ", " ")
    return "whole"


which, signal = sys.argv[1:]
if which == "second":
    fit()
print(fit(signal))
PYTHON
run() { OMP_NUM_THREADS=1 "$folder/venv/bin/python" -W ignore fits.py "$@" 2> "$folder/errors"; }
seen="$(run first TERM) | $(run second TERM) | $(run first KILL) | $(run second KILL)"
echo "$seen"
expected="RuntimeError Terminated step 2 | SIGTERMException step 3"
expected="$expected | RuntimeError Killed step 2 | RuntimeError exited unexpectedly step"
case "$seen" in "$expected"*) ;; *) echo "changed; before: $expected"; exit 1 ;; esac
