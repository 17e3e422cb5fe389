"""A round's figures: in every log where the round begins, each once, wherever the training is killed."""

from __future__ import annotations

import csv
import shutil

import pytest
import pytorch_lightning as pl

from dien_lightning.training import Checkpoints, MetricsFile, find_checkpoint
from library.training.test_self_training import build, fit, pair


class Killed(pl.Callback):
    """Keeps a run's folder as a kill would leave it where this step begins."""

    def __init__(self, step, folder, left):
        self.step, self.folder, self.left = step, folder, left

    def on_train_batch_start(self, trainer, pl_module, batch, batch_idx):
        if trainer.global_step == self.step:
            shutil.copytree(self.folder, self.left)


# Rounds begin at steps 0 and 3: last.ckpt is of an epoch's end, or of the first step of a round.
@pytest.mark.parametrize(("every", "step", "written"), [(None, 4, 3), (1, 5, 4)])
def test_a_kill_loses_no_rounds_figures(every, step, written, drawn_pair, tmp_path):
    whole, left = tmp_path / "whole", tmp_path / "left"

    def run(folder, *callbacks):
        log, checkpoint = MetricsFile(folder / "metrics.csv"), find_checkpoint(folder)
        options = {"logger": log, "log_every_n_steps": 1, "max_epochs": 2, "enable_checkpointing": True}
        callbacks = [*callbacks, Checkpoints(folder, every)]
        return fit(build(), pair(drawn_pair), checkpoint, callbacks=callbacks, **options)

    run(whole, Killed(step, whole, left))
    with (left / "metrics.csv").open(newline="") as file:
        assert [int(row["step"]) for row in csv.DictReader(file)] == list(range(written))
    run(left)
    assert (left / "metrics.csv").read_text() == (whole / "metrics.csv").read_text()
    with (whole / "metrics.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["clusters/number"]]
    assert [(row["step"], row["epoch"], bool(row["clusters/agreement"])) for row in rows] == [
        ("0", "0", False),
        ("3", "1", True),
    ]


def test_every_logger_gets_them_at_a_step_that_is_not_logged(drawn_pair, tmp_path):
    logs = [MetricsFile(tmp_path / name) for name in ("a.csv", "b.csv")]
    fit(build(), pair(drawn_pair), logger=logs, log_every_n_steps=2)
    for log in logs:
        first, second = csv.DictReader(log.path.read_text().splitlines())
        assert (first["step"], first["epoch"], first["train/loss_total"]) == ("0", "0", "")
        assert float(first["clusters/number"]) >= 2
        assert (second["step"], second["clusters/number"]) == ("1", "")
