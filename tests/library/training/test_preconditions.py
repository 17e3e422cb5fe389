"""What a resumed training has to share with its checkpoint."""

from __future__ import annotations

import copy
import math
from dataclasses import asdict
from types import SimpleNamespace

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, IterableDataset

from dien_lightning import Recipe
from dien_lightning.data.fingerprint import fingerprint
from dien_lightning.data.records import Record
from dien_lightning.training.preconditions import (
    CHECKPOINT_DATA,
    check_can_resume,
    check_can_train,
    check_same_data,
    total_steps,
)
from library.training.modules import build, trainer

MILESTONES, ONE_CYCLE = {"milestones": [1, 4]}, {"schedule": "one_cycle"}


def training(epochs=2, steps_per_epoch=3, width=1, at_step=0, **recipe):
    """A checkpoint of a training after some steps; its schedule."""
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], 0.1, momentum=0.9)
    lengths = {"total_steps": epochs * steps_per_epoch, "steps_per_epoch": steps_per_epoch}
    scheduler = Recipe(**recipe).scheduler(optimizer, **lengths)
    for _ in range(at_step):
        optimizer.step()
        scheduler.step()
    saved = {"state_dict": {"weight": torch.zeros(width)}, "lr_schedulers": [scheduler.state_dict()]}
    return copy.deepcopy(saved | {"optim": {"supervise": "fused", **asdict(Recipe(**recipe))}}), scheduler


def resume(before, now, says_its_recipe=True):
    checkpoint, _ = training(at_step=3, **before)
    this, scheduler = training(**now)
    if not says_its_recipe:
        del checkpoint["optim"]
    check_can_resume(checkpoint, this["state_dict"], this["optim"], scheduler)


@pytest.mark.parametrize("says_its_recipe", [True, False])
@pytest.mark.parametrize(
    ("before", "now"), [(MILESTONES, MILESTONES), (ONE_CYCLE, ONE_CYCLE), (MILESTONES, MILESTONES | {"epochs": 9})]
)
def test_the_same_settings_or_more_epochs_by_milestones_go_on(before, now, says_its_recipe):
    resume(before, now, says_its_recipe)


@pytest.mark.parametrize(
    ("before", "now", "words"),
    [
        (
            ONE_CYCLE,
            ONE_CYCLE | {"epochs": 9},
            "end after 6 steps, and this run's after 27: one_cycle is laid out once",
        ),
        (
            MILESTONES,
            MILESTONES | {"steps_per_epoch": 4},
            r"fall after steps \[3, 12\], and this run's after \[4, 16\]",
        ),
        (MILESTONES, MILESTONES | {"gamma": 0.5}, r"trained with gamma=0\.1 \(not 0\.5\); resume with the same recipe"),
        (MILESTONES, ONE_CYCLE, r"schedule=milestones \(not one_cycle\), milestones=\[1, 4\] \(not \[40\]\)"),
        ({}, {"width": 2}, r"does not fit: weight is \(1,\) in it and \(2,\) here; resume with the same network"),
    ],
)
def test_what_does_not_go_on_is_told(before, now, words):
    with pytest.raises(ValueError, match=words):
        resume(before, now)


def test_a_checkpoint_that_does_not_say_its_recipe_is_known_by_its_schedule():
    with pytest.raises(ValueError, match="end after 6 steps, and this run's after None"):
        resume(ONE_CYCLE, MILESTONES, says_its_recipe=False)


def test_a_ramp_is_laid_out_once_however_the_learning_rates_fall():
    checkpoint, scheduler = training(at_step=3)
    longer = dict(checkpoint["optim"])
    checkpoint["optim"] |= {"reversal_steps": 6}
    check_can_resume(checkpoint, checkpoint["state_dict"], longer | {"reversal_steps": 6}, scheduler)
    with pytest.raises(ValueError, match="reversal rises over 6 steps, and this run's over 12: reversal_schedule"):
        check_can_resume(checkpoint, checkpoint["state_dict"], longer | {"reversal_steps": 12}, scheduler)
    del checkpoint["optim"]["reversal_steps"]  # one that does not say it
    check_can_resume(checkpoint, checkpoint["state_dict"], longer | {"reversal_steps": 12}, scheduler)


@pytest.mark.filterwarnings("ignore:You defined a `validation_step` but have no `val_dataloader`")
@pytest.mark.parametrize("schedule", ["constant", "dann"])
def test_a_loader_without_an_end_is_a_training_without_one_even_where_max_epochs_is_set(schedule):
    run = trainer(max_epochs=2)
    module = build({"reversal_schedule": schedule}, recipe=Recipe(schedule="one_cycle"))
    batches = DataLoader(Endless(), batch_size=None)
    words = {"constant": "schedule='one_cycle' needs to know its end", "dann": "reversal_schedule='dann' needs to know"}
    with pytest.raises(ValueError, match=words[schedule]):
        run.fit(module, batches)
    assert math.isinf(total_steps(run))


class Endless(IterableDataset):
    def __iter__(self):
        yield from ()


# ---- the people that it began with ----


def data(source: str, target: str) -> SimpleNamespace:
    """A data module: one letter an image, each source image of a person of its own."""
    listed = {"source": [Record(name, pid, 0) for pid, name in enumerate(source)]}
    listed["target"] = [Record(name, -1, 0) for name in target]
    return SimpleNamespace(fingerprints={role: fingerprint(records) for role, records in listed.items()})


def test_another_source_is_refused_and_another_target_is_said(caplog):
    checkpoint = {CHECKPOINT_DATA: data("abc", "xy").fingerprints}
    check_same_data(checkpoint, data("abc", "xy"))
    check_same_data({}, data("bac", "xyz"))  # an older checkpoint
    check_same_data(checkpoint, object())  # a data module of other origin
    assert caplog.text == ""
    check_same_data(checkpoint, data("abc", "xyz"))
    assert (
        "The target differs from the one that this training began with: 2 images, 0 identities then; 3" in caplog.text
    )
    with pytest.raises(ValueError, match=r"the source differs .*: identity 0 was that of a and is that of b\. Put"):
        check_same_data(checkpoint, data("bac", "xy"))


def test_what_another_librarys_data_module_calls_its_image_size_is_its_own():
    module = build({}, attention_loops=0)
    run = trainer()
    run.datamodule = SimpleNamespace(image_size=224)  # as timm has it: one number
    check_can_train(run, module.network, module.objective)


def test_one_image_of_a_person_suits_exemplars(data):
    exemplars = build({"triplet": "exemplar"}, attention_loops=0)
    crossed = build({}, attention_loops=0)
    run = trainer()
    run.datamodule = data
    data.num_instances = 1
    check_can_train(run, exemplars.network, exemplars.objective)
    with pytest.raises(ValueError, match=r"num_instances=1 .* gives the triplet loss no second image"):
        check_can_train(run, crossed.network, crossed.objective)
