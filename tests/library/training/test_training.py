"""The callbacks inside a real Lightning run: interrupted and resumed, it writes what it would have written."""

from __future__ import annotations

import warnings

import pytest
import torch
from pytorch_lightning import LightningModule, Trainer
from pytorch_lightning.callbacks import ModelCheckpoint

from dien_lightning.training import HealthMonitor, MetricsFile, SeedEachStep


class Collapsed(LightningModule):
    """Logs random numbers, as dropout would make them, and an embedding spread of zero."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))

    def training_step(self, batch, batch_idx):
        self.log_dict({"train/noise": torch.rand(()), "train/embedding_spread": torch.zeros(())})
        return self.weight.sum()

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)


class Batches:
    """Three batches; a list of tensors would be three loaders."""

    def __iter__(self):
        return iter(torch.zeros(3, 2))

    def __len__(self):
        return 3


def fit(folder, max_epochs, resume=False):
    trainer = Trainer(
        default_root_dir=folder,
        logger=MetricsFile(folder / "metrics.csv"),
        callbacks=[
            SeedEachStep(3),
            ModelCheckpoint(
                folder / "checkpoints", filename="last", save_on_train_epoch_end=True, enable_version_counter=False
            ),
        ],
        max_epochs=max_epochs,
        accelerator="cpu",
        log_every_n_steps=1,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Checkpoint directory .* exists and is not empty")
        trainer.fit(Collapsed(), Batches(), ckpt_path=folder / "checkpoints" / "last.ckpt" if resume else None)
    return (folder / "metrics.csv").read_text()


def test_resumed_it_writes_the_same_bytes(tmp_path):
    for name in ("whole", "parts"):
        (tmp_path / name).mkdir()
    whole = fit(tmp_path / "whole", 3)
    fit(tmp_path / "parts", 1)
    assert fit(tmp_path / "parts", 3, resume=True) == whole
    rows = whole.splitlines()
    assert rows[0].split(",")[0] == "step"
    assert len(rows) == 1 + 9
    assert len(set(rows)) == len(rows)


def test_the_monitor_reads_what_lightning_logged():
    trainer = Trainer(
        logger=False,
        callbacks=[HealthMonitor(window=3)],
        max_epochs=1,
        accelerator="cpu",
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    with pytest.warns(UserWarning, match=r"step 3: the embedding spread is 0\.0000"):
        trainer.fit(Collapsed(), Batches())
