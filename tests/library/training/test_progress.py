"""The progress bar says how fast an evaluation goes."""

from __future__ import annotations

import io
import re

import pytest
import pytorch_lightning as pl
import torch
from torch.utils.data import DataLoader

from dien_lightning.training.progress import ProgressBar
from dien_lightning.types import Sample


class Evaluated(pl.LightningModule):
    """Does nothing with two sets of six images."""

    def validation_step(self, batch, batch_idx, dataloader_idx=0):
        pass

    test_step = validation_step

    def loaders(self):
        samples = [Sample(torch.zeros(3, 4, 4), 1, 0, i, False) for i in range(6)]
        return [DataLoader(samples, batch_size=4), DataLoader(samples, batch_size=4)]


@pytest.mark.filterwarnings("ignore:.*does not have many workers:UserWarning")
@pytest.mark.parametrize(("stage", "word"), [("validate", "Validation"), ("test", "Testing")])
def test_images_per_second_stand_beside_the_bar(stage, word):
    bar = ProgressBar(console_kwargs={"file": io.StringIO(), "force_terminal": True, "width": 200})
    trainer = pl.Trainer(accelerator="cpu", logger=False, enable_checkpointing=False, callbacks=[bar])
    module = Evaluated()
    getattr(trainer, stage)(module, module.loaders(), verbose=False)
    descriptions = [task.description for task in bar.progress.tasks]
    assert len(descriptions) == 2
    assert all(re.fullmatch(rf"{word}.* \d+ images/s", description) for description in descriptions)
    assert bar._images == 12  # of both sets: the rate is the evaluation's
