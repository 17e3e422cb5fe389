"""A resumed training is the one that its checkpoint began: the same network, losses and batches, a ramp as long."""

from __future__ import annotations

import pytest
import torch

from dien_lightning import DIEN, DIENModule, DIENObjective
from library.training.modules import trainer


def training(network=(), objective=()):
    torch.manual_seed(0)
    shape = {"weights": None, "embedding_dim": 8, "attention_loops": 1, "image_size": (64, 32)}
    made = DIEN("resnet18", **(shape | dict(network)))
    return DIENModule(made, DIENObjective(6, 8, **({"reversal_schedule": "dann"} | dict(objective))))


def resume(data, path, module, epochs=1):
    trainer(max_epochs=epochs, limit_val_batches=0).fit(module, data, ckpt_path=path, weights_only=True)


@pytest.fixture
def path(data, tmp_path):
    """A checkpoint at the end of an epoch of one step."""
    data._steps_per_epoch = 1
    run = trainer(limit_val_batches=0)
    run.fit(training(), data)
    run.save_checkpoint(tmp_path / "run.ckpt")
    return tmp_path / "run.ckpt"


def test_what_no_shape_tells_is_compared(data, path):
    resume(data, path, training())
    for network, objective, batches, words in (
        ({"attention_update": "accumulate"}, {}, {}, r"network\.attention_update=refocus \(not accumulate\)"),
        ({"batch_norm_size": 4}, {}, {}, r"network\.batch_norm_size=None \(not 4\)"),
        ({}, {"margin": 0.9}, {}, r"objective\.triplet\.margin=0\.3 \(not 0\.9\)"),
        ({}, {"triplet": "exemplar"}, {}, r"objective\.triplet=CrossDomainTripletLoss \(not ExemplarTripletLoss\)"),
        ({}, {"triplet_weight": 0}, {}, r"objective\.triplet_weight=1\.0 \(not 0\.0\)"),
        ({}, {"identity_dropout": 0.0}, {}, r"objective\.identity\.dropout\.p=0\.5 \(not 0\.0\)"),
        ({}, {}, {"seed": 9}, r"data\.seed=0 \(not 9\)"),
        ({}, {}, {"num_ids": 2, "num_instances": 3}, r"data\.num_ids=3 \(not 2\), data\.num_instances=2 \(not 3\)"),
    ):
        before = {name: getattr(data, name) for name in batches}
        vars(data).update(batches)
        with pytest.raises(ValueError, match=rf"trained with {words}; resume with the same .*, network, objective and"):
            resume(data, path, training(network, objective))
        vars(data).update(before)


def test_a_training_in_another_precision_is_another(data, path):
    other = trainer(limit_val_batches=0, precision="bf16-mixed")
    with pytest.raises(ValueError, match=r"trained with trainer\.precision=32-true \(not bf16-mixed\); resume with"):
        other.fit(training(), data, ckpt_path=path, weights_only=True)


def test_a_ramp_is_laid_out_once(data, path):
    with pytest.raises(ValueError, match="reversal rises over 1 steps, and this run's over 2: reversal_schedule"):
        resume(data, path, training(), epochs=2)


def test_a_checkpoint_of_before_says_less_and_goes_on(data, path):
    checkpoint = torch.load(path, weights_only=True)
    recipe = checkpoint["optim"]
    checkpoint["optim"] = {name: value for name, value in recipe.items() if "." not in name and name != "objective"}
    del checkpoint["optim"]["reversal_steps"]
    torch.save(checkpoint, path)
    resume(data, path, training(objective={"margin": 0.9}), epochs=2)
    with pytest.raises(ValueError, match=r"network\.attention_update=refocus \(not accumulate\)"):
        resume(data, path, training({"attention_update": "accumulate"}))
