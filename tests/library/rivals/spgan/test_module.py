"""SPGAN's training: what each optimiser moves, that it learns, and that a resumed training is the same one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import pytorch_lightning as pl
import torch

from dien_lightning import DomainPairDataModule
from dien_lightning.rivals.spgan.losses import Pair
from dien_lightning.rivals.spgan.module import SPGANModule, frozen
from dien_lightning.training import (
    Checkpoints,
    MetricsFile,
    NonFiniteError,
    SeedEachStep,
    StopAtNonFinite,
    find_checkpoint,
)
from library.data.folders import make
from library.training.modules import trainer

SMALL = {"image_size": (64, 32), "width": 4, "num_blocks": 1, "pool_size": 4}


def data(root: Path, **given: Any) -> DomainPairDataModule:
    batch = {"num_ids": 3, "num_instances": 1, "target_batch_size": 2, "steps_per_epoch": 3}
    pair = {"source": "pedestrians_day", "target": "pedestrians_night", "augmentation": {"crop": "none"}}
    module = make(root, image_size=(64, 32), **{**pair, **batch, **given})
    module.setup("fit")
    return module


def train(
    root: Path,
    folder: Path,
    epochs: int = 2,
    *,
    seed: int = 1,
    resume: bool = False,
    callbacks: Sequence[pl.Callback] = (),
    **given: Any,
) -> SPGANModule:
    pl.seed_everything(seed, verbose=False)
    pair = data(root)
    module = SPGANModule(**SMALL, **given, seed=seed, fingerprints=pair.fingerprints)
    callbacks = [Checkpoints(folder / "checkpoints"), SeedEachStep(seed), StopAtNonFinite(folder), *callbacks]
    written = {"logger": MetricsFile(folder / "metrics.csv"), "log_every_n_steps": 1, "enable_checkpointing": True}
    run = trainer(max_epochs=epochs, callbacks=callbacks, default_root_dir=folder, **written)
    checkpoint = find_checkpoint(folder / "checkpoints") if resume else None
    run.fit(module, pair.train_dataloader(), ckpt_path=checkpoint, weights_only=True)
    assert run.global_step == 3 * epochs
    return module


def test_images_are_translated_where_the_networks_are():
    assert SPGANModule(**SMALL).to("meta").translate(torch.zeros(1, 3, 64, 32)).is_meta


def test_a_resumed_training_is_the_one_that_was_not_killed(drawn_pair, tmp_path):
    whole = train(drawn_pair, tmp_path / "whole")
    train(drawn_pair, tmp_path / "parts", epochs=1)
    parts = train(drawn_pair, tmp_path / "parts", resume=True)
    for name, value in whole.state_dict().items():
        assert torch.equal(value, parts.state_dict()[name]), name
    rows = [(tmp_path / name / "metrics.csv").read_text() for name in ("whole", "parts")]
    assert rows[0] == rows[1]
    header = rows[0].splitlines()[0].split(",")
    assert {f"train/loss_{name}" for name in ("gan", "cycle", "identity", "similarity", "total")} <= set(header)
    assert {"train/loss_discriminator", "train/loss_siamese"} <= set(header)


def test_another_seed_learns_otherwise(drawn_pair, tmp_path):
    one, other = (train(drawn_pair, tmp_path / f"{seed}", epochs=1, seed=seed) for seed in (1, 2))
    assert not torch.equal(one.to_target.layers[0].weight, other.to_target.layers[0].weight)


def test_without_its_siamese_network_it_is_cyclegan(drawn_pair, tmp_path):
    module = train(drawn_pair, tmp_path, epochs=1, similarity_weight=0, identity_weight=0)
    assert module.siamese is None
    header = (tmp_path / "metrics.csv").read_text().splitlines()[0]
    assert "siamese" not in header
    assert "identity" not in header


class Break(pl.Callback):
    """Breaks a gradient of one network, and keeps what was learned until the run stopped."""

    def __init__(self, name: str) -> None:
        self.name, self.kept = name, {}

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        next(getattr(pl_module, self.name).parameters()).register_hook(lambda gradient: gradient * torch.inf)

    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        self.kept = pl_module.state_dict()


@pytest.mark.parametrize("name", ["to_source", "of_target", "siamese"])
def test_no_gradient_that_is_not_finite_reaches_any_network(name, drawn_pair, tmp_path):
    breaking = Break(name)
    with pytest.raises(NonFiniteError, match=rf"the gradient of {name}\."):
        train(drawn_pair, tmp_path, callbacks=[breaking])
    assert breaking.kept
    assert all(value.isfinite().all() for value in breaking.kept.values())


def moved_by(step: Callable[[SPGANModule], Any]) -> set[str]:
    torch.manual_seed(0)
    module = SPGANModule(**SMALL)
    for weight in module.parameters():
        weight.grad = None
    step(module)
    return {name.split(".")[0] for name, weight in module.named_parameters() if weight.grad is not None}


def test_each_loss_reaches_its_networks_alone():
    images = Pair(*(torch.rand(2, 3, 64, 32) * 2 - 1 for _ in range(2)))

    def generators(module: SPGANModule) -> None:
        with frozen(module.of_source, module.of_target, module.siamese):
            module._generators_loss(images)[0].total.backward()

    def others(module: SPGANModule) -> None:
        module._discriminators_loss(images, images).backward()

    def siamese(module: SPGANModule) -> None:
        assert module.siamese is not None
        module._siamese_loss(module.siamese, images, images).backward()

    assert moved_by(generators) == {"to_target", "to_source"}
    assert moved_by(others) == {"of_target", "of_source"}
    assert moved_by(siamese) == {"siamese"}


def test_bright_images_learn_to_be_dark():
    torch.manual_seed(0)
    module = SPGANModule(image_size=(32, 16), width=8, num_blocks=1, similarity_weight=0.5, learning_rate=1e-3)
    optimizers = module.configure_optimizers()
    draw = torch.Generator().manual_seed(0)

    def batch() -> Pair:
        noise = [0.2 * torch.randn(4, 3, 32, 16, generator=draw) for _ in range(2)]
        return Pair((noise[0] + 0.5).clamp(-1, 1), (noise[1] - 0.5).clamp(-1, 1))

    def descend(number: int, loss: torch.Tensor) -> None:
        optimizers[number].zero_grad()
        loss.backward()
        optimizers[number].step()

    for _ in range(60):
        images = batch()
        with frozen(module.of_source, module.of_target, module.siamese):
            output, translated = module._generators_loss(images)
            descend(0, output.total)
        descend(1, module._discriminators_loss(images, translated))
        descend(2, module._siamese_loss(module.siamese, images, translated))
    images = batch()
    assert images.source.mean() > 0.4
    assert module.translate(images.source).mean() < 0


@pytest.mark.parametrize(
    ("source", "precision", "words"),
    [
        ("night", "32-true", "the source differs from the one that this training began with"),
        ("day", "bf16-mixed", "was trained in 32-true, and this training computes in bf16-mixed"),
    ],
)
def test_another_source_or_precision_is_not_gone_on_with(source, precision, words, drawn_pair, tmp_path):
    train(drawn_pair, tmp_path, epochs=1)
    checkpoint = find_checkpoint(tmp_path / "checkpoints")
    target = {"day": "night", "night": "day"}[source]
    other = data(drawn_pair, source=f"pedestrians_{source}", target=f"pedestrians_{target}")
    module = SPGANModule(**SMALL, fingerprints=other.fingerprints)
    run = trainer(max_epochs=2, precision=precision)
    with pytest.raises(ValueError, match=words):
        run.fit(module, other.train_dataloader(), ckpt_path=checkpoint, weights_only=True)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"image_size": (130, 64)}, "image_size=130 x 64 must be multiples of 4"),
        ({"learning_rate": 0}, "learning_rate=0 is out of range"),
        ({"seed": -1}, "seed=-1 must be a whole number of at least 0; what is drawn from the pools follows from it"),
    ],
)
def test_arguments_out_of_range_are_refused(given, words):
    with pytest.raises(ValueError, match=words):
        SPGANModule(**given)


@pytest.mark.parametrize(
    ("trainer", "words"),
    [
        ({"world_size": 2, "precision": "32-true"}, "SPGAN trains in one process, and 2 do: set devices=1"),
        (
            {"world_size": 1, "precision": "16-mixed"},
            r"precision=16-mixed \(trainer.precision\) has too few",
        ),
        ({"world_size": 1, "precision": "bf16-true"}, "choose bf16-mixed or 32-true"),
        ({"world_size": 1, "precision": "64-true"}, "choose bf16-mixed or 32-true"),
    ],
)
def test_trainers_that_would_train_it_wrongly_are_refused(trainer, words):
    module = SPGANModule(**SMALL)
    module._trainer = SimpleNamespace(**trainer)
    with pytest.raises(ValueError, match=words):
        module.on_fit_start()
