"""Self-training that is stopped and taken up: it ends as one that was left alone."""

from __future__ import annotations

import pytest
import pytorch_lightning as pl
import torch

from library.training.test_self_training import FINE, build, fit, pair


class StopAfter(pl.Callback):
    def __init__(self, step, path, epoch_end=False):
        self.step, self.path, self.epoch_end = step, path, epoch_end

    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx):
        self._stop(trainer, not self.epoch_end)

    def on_train_epoch_end(self, trainer, pl_module):
        self._stop(trainer, self.epoch_end)

    def _stop(self, trainer, is_here):
        if is_here and trainer.global_step == self.step:
            trainer.save_checkpoint(self.path)
            raise KeyboardInterrupt


RESUMED = {
    "clusters": {},
    "spcl": {"source_term": "spcl", "rounds": {**FINE, "reliable": True, "epochs": 2}},
    "separate": {"source_term": "separate", "rounds": {**FINE, "epochs": 2}},
    "pul": {"num_clusters": 4, "rounds": {"method": "pul", "num_clusters": 4, "similarity": 0.3, "epochs": 2}},
}


@pytest.mark.parametrize("step", [2, 4])
@pytest.mark.parametrize("kind", RESUMED)
def test_a_training_that_is_taken_up_ends_as_one_that_was_left_alone(kind, step, drawn_pair, tmp_path):
    whole = build(**RESUMED[kind])
    fit(whole, pair(drawn_pair), max_epochs=3)
    with pytest.raises(SystemExit):
        fit(build(**RESUMED[kind]), pair(drawn_pair), max_epochs=3, callbacks=[StopAfter(step, tmp_path / "run.ckpt")])
    module = build(**RESUMED[kind])
    fit(module, pair(drawn_pair), tmp_path / "run.ckpt", max_epochs=3)
    expected = whole.state_dict()
    assert [name for name, value in module.state_dict().items() if not torch.equal(value, expected[name])] == []
    assert torch.equal(module.labels, whole.labels)
    for name, memory in whole.objective.memories.items():
        assert torch.equal(module.objective.memories[name].entries, memory.entries)
