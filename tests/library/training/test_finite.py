"""What is not finite stops the run, is named with its files, and reaches no parameter and no checkpoint."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import pytorch_lightning as pl
import torch

from dien_lightning.training import Checkpoints, NonFiniteError, StopAtNonFinite, find_checkpoint
from experiments.test_train import TINY
from library.training import test_self_training as self_training
from library.training.modules import build, trainer


class Break(pl.Callback):
    """Breaks one parameter before a step, as a rate too high would have."""

    def __init__(self, step, breaking):
        self.step, self.breaking = step, breaking

    def on_train_batch_start(self, trainer, module, batch, batch_idx):
        if trainer.global_step == self.step:
            self.breaking(module)


def fit(data, folder, *callbacks):
    data._steps_per_epoch = 4
    checkpoints = Checkpoints(folder / "checkpoints", every_n_train_steps=1)
    run = trainer(callbacks=[checkpoints, *callbacks], enable_checkpointing=True, limit_val_batches=0)
    run.fit(build(), data)


def break_the_identity_term(module):
    torch.nn.init.constant_(module.objective.identity.classifier.weight, torch.nan)


def break_a_gradient(module):
    module.objective.domain.classifier[0].weight.register_hook(lambda gradient: gradient * torch.inf)


@pytest.fixture
def stopped(data, tmp_path):
    """The folder of a run whose identity term was broken before its third step, and what was said."""
    breaking = Break(2, break_the_identity_term)
    with pytest.raises(NonFiniteError) as error:
        fit(data, tmp_path, breaking, StopAtNonFinite(tmp_path))
    return tmp_path, str(error.value)


def test_a_loss_is_named_with_its_step_its_term_and_its_files(stopped):
    folder, said = stopped
    assert said.startswith(f"step 2: train/loss_identity is nan; {folder / 'broken_step.json'} lists")
    assert "The last checkpoint is from before." in said
    assert "if one is at fault, replace it and go on with resume=true; else start anew in another run_dir" in said
    broken = json.loads((folder / "broken_step.json").read_text())
    assert (broken["step"], broken["epoch"], broken["broken"]) == (2, 0, {"train/loss_identity": "nan"})
    assert {"train/loss_triplet", "train/loss_domain", "train/loss_total"} <= set(broken["terms"])
    assert [len(broken["files"][domain]) for domain in ("source", "target")] == [6, 6]
    for domain, name in (("source", "day"), ("target", "night")):
        assert all(Path(path).is_file() and name in path for path in broken["files"][domain])


def test_the_last_checkpoint_is_whole_and_from_before(stopped):
    folder, _ = stopped
    checkpoint = torch.load(find_checkpoint(folder / "checkpoints"), weights_only=True)
    assert checkpoint["global_step"] in (1, 2)
    assert all(value.isfinite().all() for value in checkpoint["state_dict"].values())


def test_a_gradient_is_named_before_it_reaches_a_parameter(data, tmp_path):
    kept = {}

    class Keep(pl.Callback):
        def on_exception(self, trainer, module, exception):
            kept.update(module.state_dict())

    with pytest.raises(NonFiniteError, match=r"^step 1: the gradient of objective\.domain\.classifier\.0\.weight is "):
        fit(data, tmp_path, Break(1, break_a_gradient), StopAtNonFinite(tmp_path), Keep())
    assert kept
    assert all(value.isfinite().all() for value in kept.values())


def test_self_training_without_a_source_is_stopped_as_any(drawn_pair, tmp_path):
    def break_the_embedding(module):
        torch.nn.init.constant_(module.network.embedding[0].weight, torch.nan)

    with pytest.raises(NonFiniteError, match="step 1: train/loss_cluster is nan"):
        self_training.fit(
            self_training.build(),
            self_training.pair(drawn_pair, source=None),
            callbacks=[Break(1, break_the_embedding), StopAtNonFinite(tmp_path)],
        )
    files = json.loads((tmp_path / "broken_step.json").read_text())["files"]
    assert list(files) == ["target"]
    assert len(files["target"]) == 6


def test_a_run_that_cannot_write_what_broke_says_it_all_the_same(data, tmp_path):
    with pytest.raises(NonFiniteError, match="step 0: train/loss_identity is nan"):
        fit(data, tmp_path, Break(0, break_the_identity_term), StopAtNonFinite(tmp_path / "no" / "folder"))


def test_the_command_ends_with_one_sentence(drawn_pair, tmp_path, dien):
    rates = ",".join(f"{name}:1e38" for name in ("backbone", "embedding", "attention", "identity", "domain"))
    arguments = (f"optim.learning_rates={{{rates}}}", f"data_root={drawn_pair}", f"run_dir={tmp_path / 'run'}")
    finished = dien("train", *TINY, "trainer.max_epochs=1", *arguments)
    sentence = finished.refusal()
    assert sentence.startswith("error: step ")
    assert sentence.endswith("with lower optim.learning_rates or trainer.gradient_clip_val (null clips nothing).")
    assert (tmp_path / "run" / "broken_step.json").is_file()
