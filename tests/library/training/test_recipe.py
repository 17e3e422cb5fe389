"""Each parameter in exactly one group, and the learning rates' course step by step."""

from __future__ import annotations

import copy
import math

import pytest
import torch
from torch import nn

from dien_lightning.losses import DIENObjective
from dien_lightning.network import DIEN
from dien_lightning.training.recipe import (
    LEARNING_RATES,
    check_goes_on,
    parameter_groups,
    schedule,
    sgd,
    use_new_settings,
)

ROWS = {  # Table I's configurations: objective, T
    "r01_base": ({"triplet_weight": 0, "domain_weight": 0}, 0),
    "r02_exemplar": ({"triplet": "exemplar", "domain_weight": 0}, 0),
    "r03_cccdtl": ({"domain_weight": 0}, 0),
    "r04_dc": ({"triplet_weight": 0}, 0),
    "r05_cccdtl_dc": ({}, 0),
    "r06_full_t1": ({}, 1),
    "r08_full_t3": ({}, 3),
    "base_t2": ({"triplet_weight": None, "domain_weight": None}, 2),
}


def network(attention_loops=0, **changes):
    arguments = {"backbone": "resnet18", "weights": None, "embedding_dim": 16, "image_size": (64, 32)} | changes
    return DIEN(attention_loops=attention_loops, **arguments)


def objective(**changes):
    return DIENObjective(num_classes=3, embedding_dim=16, **changes)


@pytest.fixture(scope="module")
def both():
    return network(1), objective()


def one_parameter(rate=1.0):
    return sgd([{"params": [nn.Parameter(torch.zeros(1))], "lr": rate}])


def course(optimizer, scheduler, steps):
    rates = []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


# ---- groups ----


@pytest.mark.parametrize("row", ROWS)
def test_each_parameter_is_in_exactly_one_group(row):
    changes, loops = ROWS[row]
    parts = network(loops), objective(**changes)
    groups = parameter_groups(*parts)
    grouped = [id(parameter) for group in groups for parameter in group["params"]]
    assert sorted(grouped) == sorted(id(parameter) for part in parts for parameter in part.parameters())
    expected = ["backbone", "embedding", "identity"]
    expected += ["attention"] * (loops > 0) + ["domain"] * (changes.get("domain_weight", 1) not in (0, None))
    assert sorted(group["name"] for group in groups) == sorted(expected)
    assert [group["lr"] for group in groups] == [LEARNING_RATES[group["name"]] for group in groups]


def test_other_backbones_too():
    parts = network(1, backbone="mobilenet_v2"), objective()
    grouped = [parameter for group in parameter_groups(*parts) for parameter in group["params"]]
    assert len(grouped) == sum(len(list(part.parameters())) for part in parts)


def test_the_groups_hold_what_their_names_say(both):
    groups = {group["name"]: {id(p) for p in group["params"]} for group in parameter_groups(*both)}
    network, objective = both
    assert groups["embedding"] == {id(p) for p in network.embedding.parameters()}
    assert len(groups["embedding"]) == 5  # linear 2, batch norm 2, PReLU 1
    assert id(network.fusion.weight) in groups["attention"]
    assert groups["domain"] == {id(p) for p in objective.domain.parameters()}


def test_the_papers_rates():
    assert LEARNING_RATES == {"backbone": 1e-4, "embedding": 0.1, "attention": 0.01, "identity": 0.1, "domain": 0.1}


def test_rates_can_be_given_in_part(both):
    rates = {group["name"]: group["lr"] for group in parameter_groups(*both, {"backbone": 0.05, "domain": 1})}
    assert rates == LEARNING_RATES | {"backbone": 0.05, "domain": 1}


def test_each_group_moves_at_its_rate(both):
    optimizer = sgd(parameter_groups(*both), momentum=0, nesterov=False, weight_decay=0)
    parameters = {group["name"]: group["params"][0] for group in optimizer.param_groups}
    before = {name: parameter.detach().clone() for name, parameter in parameters.items()}
    for parameter in parameters.values():
        parameter.grad = torch.ones_like(parameter)
    optimizer.step()
    for name, parameter in parameters.items():
        torch.testing.assert_close(parameter.detach(), before[name] - LEARNING_RATES[name])
        parameter.grad = None


def test_hhls_momentum_and_decay(both):
    optimizer = sgd(parameter_groups(*both))
    for group in optimizer.param_groups:
        assert (group["momentum"], group["nesterov"], group["weight_decay"]) == (0.9, True, 5e-4)


# ---- errors ----


def test_an_unknown_group_lists_the_known_ones(both):
    words = r"learning_rates names fc, heads; the groups are backbone, embedding, attention, identity, domain\."
    with pytest.raises(ValueError, match=words):
        parameter_groups(*both, {"heads": 0.1, "fc": 0.1})


@pytest.mark.parametrize("rate", [0, -0.1, math.nan, math.inf, "fast", None])
def test_a_rate_must_be_above_0(both, rate):
    with pytest.raises(ValueError, match=r"learning_rates\.domain=.* is out of range; choose a number in \(0, inf\)\."):
        parameter_groups(*both, {"domain": rate})


def test_a_parameter_in_no_group_is_refused():
    grown = network()
    grown.temperature = nn.Parameter(torch.ones(1))
    with pytest.raises(ValueError, match="each parameter must be in exactly one group; a new part of the net"):
        parameter_groups(grown, objective())


def test_a_parameter_in_two_groups_is_refused():
    shared = objective()
    shared.identity = shared.domain
    with pytest.raises(ValueError, match="each parameter must be in exactly one group"):
        parameter_groups(network(), shared)


# ---- the course ----


def test_milestones_by_hand():
    optimizer = one_parameter()
    scheduler = schedule(optimizer, "milestones", total_steps=12, steps_per_epoch=3, milestones=[1, 3], gamma=0.5)
    assert course(optimizer, scheduler, 12) == [1] * 3 + [0.5] * 6 + [0.25] * 3


def test_hhls_milestone():
    optimizer = one_parameter(0.1)
    scheduler = schedule(optimizer, "milestones", total_steps=120, steps_per_epoch=2)
    assert course(optimizer, scheduler, 120) == pytest.approx([0.1] * 80 + [0.01] * 40)


def test_one_cycle_by_hand():
    optimizer = one_parameter()
    scheduler = schedule(optimizer, "one_cycle", total_steps=10, steps_per_epoch=5, warmup=0.3)
    first, last = 1 / 25, 1 / 25e4

    def cosine(start, end, share):
        return end + (start - end) * (1 + math.cos(math.pi * share)) / 2

    warming = [cosine(first, 1, step / 2) for step in range(3)]
    cooling = [cosine(1, last, step / 7) for step in range(1, 8)]
    rates = [optimizer.param_groups[0]["lr"]]
    for _ in range(9):
        optimizer.step()
        scheduler.step()
        rates.append(optimizer.param_groups[0]["lr"])
    assert rates == pytest.approx(warming + cooling)
    assert optimizer.param_groups[0]["momentum"] == 0.9


@pytest.mark.parametrize("warmup", [0, 0.1, 0.5, 1])
@pytest.mark.parametrize("steps", [1, 2, 10])
def test_one_cycle_of_any_length(steps, warmup):
    optimizer = one_parameter()
    scheduler = schedule(optimizer, "one_cycle", total_steps=steps, steps_per_epoch=steps, warmup=warmup)
    rates = [optimizer.param_groups[0]["lr"]]
    for _ in range(steps - 1):
        optimizer.step()
        scheduler.step()
        rates.append(optimizer.param_groups[0]["lr"])
    assert all(0 < rate <= 1 for rate in rates)
    if warmup * steps == 1 and steps > 1:
        assert rates[0] == pytest.approx(1)


def test_one_cycle_keeps_the_groups_apart(both):
    optimizer = sgd(parameter_groups(*both))
    schedule(optimizer, "one_cycle", total_steps=10, steps_per_epoch=5)
    assert {group["name"]: group["max_lr"] for group in optimizer.param_groups} == LEARNING_RATES


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"kind": "cosine"}, r"schedule='cosine' is not allowed; choose one of milestones, one_cycle\."),
        ({"kind": "one_cycle", "warmup": 1.5}, r"warmup=1\.5 is out of range; choose a number in \[0, 1\]\."),
        ({"kind": "one_cycle", "total_steps": math.inf}, r"'one_cycle' needs to know its end: set max_epochs"),
        ({"kind": "milestones", "gamma": 0}, r"gamma=0 is out of range; choose a number in \(0, inf\)\."),
    ],
)
def test_errors_of_the_schedule(arguments, words):
    with pytest.raises(ValueError, match=words):
        schedule(one_parameter(), **({"total_steps": 10, "steps_per_epoch": 5} | arguments))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"momentum": "high"}, r"momentum='high' is out of range; choose a number in \[0, 1\)\."),
        ({"weight_decay": None}, r"weight_decay=None is out of range; choose a number in \[0, inf\)\."),
        ({"momentum": 0}, r"nesterov=True needs a momentum above 0; set nesterov=False"),
    ],
)
def test_errors_of_the_optimiser(arguments, words):
    with pytest.raises(ValueError, match=words):
        sgd([{"params": [nn.Parameter(torch.zeros(1))], "lr": 1.0}], **arguments)


# ---- a checkpoint that goes on with other settings ----


def saved(optimizer, scheduler):
    """What a checkpoint holds of both, through a file as it were."""
    return copy.deepcopy({"optimizer_states": [optimizer.state_dict()], "lr_schedulers": [scheduler.state_dict()]})


def restored(checkpoint, rate, arguments):
    optimizer = one_parameter(rate)
    scheduler = schedule(optimizer, **arguments)
    optimizer.load_state_dict(checkpoint["optimizer_states"][0])
    scheduler.load_state_dict(checkpoint["lr_schedulers"][0])
    return optimizer, scheduler


ONE_CYCLE = {"kind": "one_cycle", "total_steps": 10, "steps_per_epoch": 5}
MILESTONES = {"kind": "milestones", "total_steps": 10, "steps_per_epoch": 2, "milestones": [1, 4]}


@pytest.mark.parametrize("arguments", [ONE_CYCLE, MILESTONES])
@pytest.mark.parametrize("rate", [0.3, 0.1])
def test_a_checkpoint_goes_on_at_the_new_rates(arguments, rate):
    first = one_parameter(0.3)
    scheduler = schedule(first, **arguments)
    course(first, scheduler, 4)
    checkpoint = saved(first, scheduler)
    use_new_settings(checkpoint, [{"lr": rate}], momentum=0.5, nesterov=False, weight_decay=0.0)
    whole = one_parameter(rate)
    expected = course(whole, schedule(whole, **arguments), 9)[4:]
    resumed, scheduler = restored(checkpoint, rate, arguments)
    found = course(resumed, scheduler, 5)
    assert found == (expected if rate == 0.3 else pytest.approx(expected))
    assert [resumed.param_groups[0][name] for name in ("momentum", "nesterov", "weight_decay")] == [0.5, False, 0.0]


def test_a_checkpoint_goes_on_with_new_milestones():
    first = one_parameter(1.0)
    scheduler = schedule(first, **MILESTONES)
    course(first, scheduler, 4)  # 1, 1, 0.1, 0.1
    checkpoint = saved(first, scheduler)
    use_new_settings(checkpoint, [{"lr": 1.0}])
    resumed, scheduler = restored(checkpoint, 1.0, MILESTONES | {"milestones": [1, 3], "gamma": 0.5})
    assert course(resumed, scheduler, 4) == pytest.approx([0.1, 0.1, 0.05, 0.05])


def at_step(step, arguments):
    optimizer = one_parameter()
    scheduler = schedule(optimizer, **arguments)
    course(optimizer, scheduler, step)
    return scheduler.state_dict()


@pytest.mark.parametrize(
    ("step", "arguments", "planned"),
    [
        (4, ONE_CYCLE, ONE_CYCLE),
        (4, MILESTONES, MILESTONES),
        (4, MILESTONES, MILESTONES | {"milestones": [1, 3]}),  # the first has passed, the second has not
        (1, MILESTONES, MILESTONES | {"milestones": [3]}),
    ],
)
def test_what_a_schedule_can_go_on_with(step, arguments, planned):
    check_goes_on(at_step(step, arguments), schedule(one_parameter(), **planned))


@pytest.mark.parametrize(
    ("step", "arguments", "planned", "words"),
    [
        (4, ONE_CYCLE, MILESTONES, r"made with another schedule than milestones \(optim\.schedule\)"),
        (4, MILESTONES, ONE_CYCLE, r"made with another schedule than one_cycle"),
        (4, ONE_CYCLE, ONE_CYCLE | {"total_steps": 12}, r"laid out for 10 steps, and this run has 12"),
        (4, MILESTONES, MILESTONES | {"milestones": [3]}, r"up to its step 4 .* after steps \[2\], .* after \[\]"),
        (4, MILESTONES, MILESTONES | {"milestones": [1, 2]}, r"fell after steps \[2\], .* fall after \[2, 4\]"),
        (4, MILESTONES, MILESTONES | {"steps_per_epoch": 3}, r"fell after steps \[2\], .* fall after \[3\]"),
    ],
)
def test_what_a_schedule_cannot_go_on_with(step, arguments, planned, words):
    with pytest.raises(ValueError, match=words):
        check_goes_on(at_step(step, arguments), schedule(one_parameter(), **planned))


def test_a_checkpoint_with_other_parts_is_refused():
    groups = [{"name": name, "params": [torch.nn.Parameter(torch.zeros(1))], "lr": 0.1} for name in ("a", "b")]
    optimizer = torch.optim.SGD(groups, lr=0.1)
    checkpoint = {"optimizer_states": [optimizer.state_dict()], "lr_schedulers": []}
    with pytest.raises(ValueError, match="was trained with the parts a, b, and this run has a; resume with the same"):
        use_new_settings(checkpoint, [{"name": "a", "lr": 0.1}])
