"""A run that max_steps or a clock ends within an epoch is taken up at its next batch."""

from __future__ import annotations

import pytest
import torch
from pytorch_lightning import Callback

from dien_lightning.training import find_checkpoint
from library.training.learning import EPOCHS, STEPS, Learner, fit


class EndAt(Callback):
    """Ends a run at a step, as `Trainer(max_steps=...)` or, where `stops`, a Timer does."""

    def __init__(self, step, stops):
        self.step, self.stops = step, stops

    def on_train_start(self, trainer, pl_module):
        if not self.stops:
            trainer.fit_loop.epoch_loop.max_steps = self.step

    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx):
        if self.stops and trainer.global_step == self.step:
            trainer.should_stop = True


@pytest.mark.parametrize("stops", [False, True])
@pytest.mark.parametrize("step", [STEPS, STEPS + 2])
def test_the_rest_of_the_epoch_is_trained_on(tmp_path, step, stops):
    whole = fit(tmp_path / "whole")
    part = fit(tmp_path / "part", callbacks=[EndAt(step, stops)])
    assert part.seen == whole.seen[:step]
    assert torch.load(find_checkpoint(tmp_path / "part"), weights_only=True)["global_step"] == step
    rest = fit(tmp_path / "part", resume=True, module=Learner())
    assert rest.seen == whole.seen[step:]
    assert len(whole.seen) == EPOCHS * STEPS
    assert torch.equal(rest.weight, whole.weight)
    assert (tmp_path / "part" / "metrics.csv").read_bytes() == (tmp_path / "whole" / "metrics.csv").read_bytes()
