"""Each parameter in exactly one group, and the learning rates' course step by step."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import nn

from dien_lightning import Recipe
from dien_lightning.training.recipe import LEARNING_RATES, parameter_groups
from library.network.networks import small
from library.training.modules import ROWS, build


@pytest.fixture(scope="module")
def both():
    module = build()
    return module.network, module.objective


def course(steps, rate=1.0, total_steps=None, **options):
    """The learning rate of each step, and the optimiser."""
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], rate, momentum=0.9)
    epoch = options.pop("steps_per_epoch", steps)
    scheduler = Recipe(**options).scheduler(optimizer, total_steps=total_steps or steps, steps_per_epoch=epoch)
    rates = []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if len(rates) < steps:
            scheduler.step()
    return rates, optimizer


# ---- groups ----


@pytest.mark.parametrize("row", ROWS)
def test_each_parameter_is_in_exactly_one_group(row):
    changes, loops = ROWS[row]
    module = build(changes, loops)
    parts = module.network, module.objective
    groups = Recipe().optimizer(*parts).param_groups
    grouped = [id(parameter) for group in groups for parameter in group["params"]]
    assert sorted(grouped) == sorted(id(parameter) for part in parts for parameter in part.parameters())
    expected = ["backbone", "embedding", "identity"]
    expected += ["attention"] * (loops > 0) + ["domain"] * (changes.get("domain_weight", 1) not in (0, None))
    assert sorted(group["name"] for group in groups) == sorted(expected)
    assert [group["lr"] for group in groups] == [LEARNING_RATES[group["name"]] for group in groups]


def test_the_groups_hold_what_their_names_say(both):
    groups = {group["name"]: {id(p) for p in group["params"]} for group in parameter_groups(*both, LEARNING_RATES)}
    network, objective = both
    assert groups["embedding"] == {id(p) for p in network.embedding.parameters()}
    assert len(groups["embedding"]) == 5  # linear 2, batch norm 2, PReLU 1
    assert id(network.fusion.weight) in groups["attention"]
    assert groups["domain"] == {id(p) for p in objective.domain.parameters()}
    other = small(0, pooling="generalized_mean", final_norm=True)
    groups = {group["name"]: group["params"] for group in parameter_groups(other, objective, LEARNING_RATES)}
    assert len(groups["embedding"]) == 5 + 3  # the power, and the final batch norm's two


def test_rates_can_be_given_in_part(both):
    groups = Recipe(learning_rates={"backbone": 0.05, "domain": 1}).optimizer(*both).param_groups
    assert {group["name"]: group["lr"] for group in groups} == LEARNING_RATES | {"backbone": 0.05, "domain": 1}


def test_adam_has_the_same_groups_rates_and_decay(both):
    optimizer = Recipe(algorithm="adam", momentum=0, weight_decay=1e-3).optimizer(*both)  # Adam has no momentum
    assert isinstance(optimizer, torch.optim.Adam)
    assert {group["name"]: group["lr"] for group in optimizer.param_groups} == LEARNING_RATES
    assert {group["weight_decay"] for group in optimizer.param_groups} == {1e-3}


def test_each_group_moves_at_its_rate(both):
    optimizer = Recipe(momentum=0, nesterov=False, weight_decay=0).optimizer(*both)
    parameters = {group["name"]: group["params"][0] for group in optimizer.param_groups}
    before = {name: parameter.detach().clone() for name, parameter in parameters.items()}
    for parameter in parameters.values():
        parameter.grad = torch.ones_like(parameter)
    optimizer.step()
    for name, parameter in parameters.items():
        torch.testing.assert_close(parameter.detach(), before[name] - LEARNING_RATES[name])
        parameter.grad = None


def test_hhls_momentum_and_decay(both):
    optimizer = Recipe().optimizer(*both)
    for group in optimizer.param_groups:
        assert (group["momentum"], group["nesterov"], group["weight_decay"]) == (0.9, True, 5e-4)


@pytest.mark.parametrize("shares", [False, True])
def test_a_parameter_in_no_group_or_in_two_is_refused(shares):
    module = build()
    if shares:
        module.objective.identity = module.objective.domain
    else:
        module.network.temperature = nn.Parameter(torch.ones(1))
    with pytest.raises(ValueError, match="each parameter must be in exactly one group; a new part of the net"):
        Recipe().optimizer(module.network, module.objective)


# ---- what a recipe holds ----


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            {"learning_rates": {"heads": 0.1, "fc": 0.1}},
            r"learning_rates names fc, heads; the groups are backbone, embedding, attention, identity, domain\.",
        ),
        ({"learning_rates": 0.1}, r"learning_rates=0\.1 must name groups, such as \{'backbone': 1e-4\}"),
        *(
            ({"learning_rates": {"domain": rate}}, r"learning_rates\.domain=.* choose a number in \(0, inf\)\.")
            for rate in (0, -0.1, math.nan, math.inf, "fast", None)
        ),
        ({"momentum": "high"}, r"momentum='high' is out of range; choose a number in \[0, 1\)\."),
        ({"momentum": 1}, r"momentum=1 is out of range"),
        ({"momentum": 0}, r"nesterov=True needs a momentum above 0; set nesterov=False"),
        ({"nesterov": "no"}, r"nesterov='no' must be true or false"),
        ({"weight_decay": None}, r"weight_decay=None is out of range; choose a number in \[0, inf\)\."),
        ({"schedule": "cosine"}, r"schedule='cosine' is not allowed; choose one of milestones, one_cycle\."),
        ({"milestones": 40}, r"milestones=40 must be a list of epochs, such as \[40\]"),
        ({"milestones": [0]}, r"milestones=0 must be a whole number of at least 1"),
        ({"gamma": 0}, r"gamma=0 is out of range; choose a number in \(0, inf\)\."),
    ],
)
def test_what_no_recipe_can_be(arguments, words):
    with pytest.raises(ValueError, match=words):
        Recipe(**arguments)


def test_a_recipe_holds_plain_numbers_that_a_checkpoint_can_hold():
    numbers = {"momentum": np.float32(0.5), "gamma": np.float64(0.5), "milestones": (np.int64(1),)}
    recipe = Recipe(learning_rates={"backbone": np.float64(1e-3)}, **numbers)
    assert [type(recipe.learning_rates["backbone"]), type(recipe.milestones[0])] == [float, int]
    assert recipe == Recipe(learning_rates={"backbone": 1e-3}, momentum=0.5, gamma=0.5, milestones=[1])


# ---- the course ----


def test_milestones_by_hand():
    rates, _ = course(12, steps_per_epoch=3, milestones=[1, 3], gamma=0.5)
    assert rates == [1] * 3 + [0.5] * 6 + [0.25] * 3
    hhls, _ = course(120, 0.1, steps_per_epoch=2)
    assert hhls == pytest.approx([0.1] * 80 + [0.01] * 40)


def test_one_cycle_by_hand():
    def cosine(start, end, share):
        return end + (start - end) * (1 + math.cos(math.pi * share)) / 2

    rates, optimizer = course(10, schedule="one_cycle")
    first, last = 1 / 25, 1 / 25e4
    warming = [cosine(first, 1, step / 2) for step in range(3)]
    cooling = [cosine(1, last, step / 7) for step in range(1, 8)]
    assert rates == pytest.approx(warming + cooling)
    assert optimizer.param_groups[0]["momentum"] == 0.9


@pytest.mark.parametrize("steps", [1, 2, 10])
def test_one_cycle_of_any_length(steps):
    rates, _ = course(steps, schedule="one_cycle")
    assert all(0 < rate <= 1 for rate in rates)


def test_one_cycle_keeps_the_groups_apart(both):
    recipe = Recipe(schedule="one_cycle")
    optimizer = recipe.optimizer(*both)
    recipe.scheduler(optimizer, total_steps=10, steps_per_epoch=5)
    assert {group["name"]: group["max_lr"] for group in optimizer.param_groups} == LEARNING_RATES


def test_one_cycle_has_to_know_its_end():
    with pytest.raises(ValueError, match="'one_cycle' needs to know its end: set max_epochs or max_steps"):
        course(2, schedule="one_cycle", total_steps=math.inf)
